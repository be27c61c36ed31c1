/* An answer of a server as signing in needs it: status, cookie and body, out of bytes as they
 * come.
 *
 * Floor 10.  Bounded, whatever comes; http_parser reads the protocol. */
#pragma once

#include <http_parser.h>

#include "base/base.h"

/* Far more than what is answered to a sign-in; more is refused. */
#define WR_ANSWER_BODY_MAX 65536

struct wr_answer {
	http_parser parser;
	unsigned status;
	bool is_whole;
	bool is_cookie; /* the header that comes is one */
	char name[16];  /* of the header that comes; longer ones do not matter */
	size_t name_len, cookie_len, body_len;
	char cookie[256];                  /* "name=value"; "" for none */
	char body[WR_ANSWER_BODY_MAX + 1]; /* with a NUL behind it */
};

void wr_answer_init(struct wr_answer *answer);
/* Takes more bytes; none means that the connection has ended. False if they are no HTTP, or too
 * many. Done when answer->is_whole. */
bool wr_answer_feed(struct wr_answer *answer, const char *bytes, size_t len) WR_MUST_CHECK;
