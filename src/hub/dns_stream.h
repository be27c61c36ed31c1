/* One client of a gateway that asks over TCP: queries after one another, each with its
 * length before it.
 *
 * Floor 7.  On the thread of its loop; frees itself after `closed`, which may come from
 * within wr_dns_stream_accept() only later.  Source: RFC 1035 section 4.2.2, RFC 7766. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

/* A query of the longest name with options is below 400 bytes. */
#define WR_DNS_STREAM_QUERY 1024

struct wr_dns_stream;

/* Whom it serves. */
struct wr_dns_stream_owner {
	/* Writes the answer (of at most WR_RESOLVER_ANSWER_LEN); 0: hang up. */
	size_t (*answer)(void *context, const struct wr_ip *source, struct wr_bytes query,
			 uint8_t *ret_answer);
	void (*closed)(void *context, struct wr_dns_stream *stream);
	void *context;
};

/* Accepts the connection that waits; the owner is borrowed. NULL, and the connection is
 * closed, if it cannot be served. */
struct wr_dns_stream *wr_dns_stream_accept(uv_stream_t *listener,
					   const struct wr_dns_stream_owner *owner);
const struct wr_ip *wr_dns_stream_source(const struct wr_dns_stream *stream);
/* Hangs up; once is enough. */
void wr_dns_stream_close(struct wr_dns_stream *stream);
