/* The URL of a server, as a client reads it.
 *
 * Floor 7.  Any thread. */
#pragma once

#include "base/base.h"

struct wr_url {
	bool is_tls;
	char name[256]; /* without brackets */
	char port[6];
	char host[300];   /* for the Host header: "example.com:8443" */
	char prefix[256]; /* path, without '/' at its end */
};

/* "https://host:port/prefix" or http; false if it is no such text. */
bool wr_url_parse(const char *text, struct wr_url *ret_url) WR_MUST_CHECK;
