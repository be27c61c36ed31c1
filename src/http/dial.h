/* A client's connection: to a Unix socket or an HTTP URL, in the clear or with TLS, with a
 * time by when everything must be done.
 *
 * Floor 7.  Blocks; one thread. */
#pragma once

#include "base/base.h"
#include "http/certificate.h"
#include "http/client.h"
#include "http/tls.h"
#include "http/trust.h"
#include "http/url.h"

struct wr_dial {
	int fd;             /* -1: none */
	struct wr_tls *tls; /* NULL: in the clear */
	uint64_t deadline;  /* CLOCK_MONOTONIC, in milliseconds */
	struct wr_url url;  /* over a Unix socket: host and prefix only */
	char pin[WR_PIN_LEN + 1];
	char *why; /* WR_WHY_LEN */
};

/* Connects, shakes hands, and looks whether it is who it should be. 0, or a negative errno with
 * what went wrong in `why` (-EKEYREJECTED: not to be trusted). */
int wr_dial_open(struct wr_dial *dial, const struct wr_http_target *target, unsigned seconds,
		 char why[WR_WHY_LEN]) WR_MUST_CHECK;
void wr_dial_close(struct wr_dial *dial);
/* From now on. */
void wr_dial_allow(struct wr_dial *dial, unsigned seconds);
/* All of it. 0 or a negative errno. */
int wr_dial_send(struct wr_dial *dial, const void *data, size_t len) WR_MUST_CHECK;
/* What comes next: its length, 0 at the end, or a negative errno. */
ssize_t wr_dial_receive(struct wr_dial *dial, uint8_t *data, size_t room) WR_MUST_CHECK;
/* Says what went wrong; returns `error`. */
int wr_dial_fail(struct wr_dial *dial, int error, const char *format, ...) WR_PRINTF(3, 4);
