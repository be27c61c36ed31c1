/* The cross-platform configuration protocol of WireGuard, as text: what `wg`
 * writes to and reads from /var/run/wireguard/IFACE.sock.
 *
 * Floor 2.  A set request is parsed whole into a list of operations before
 * anything is changed, so that a malformed one changes nothing.
 * Source: "Cross-platform Userspace Implementation" of WireGuard (set, get, errno). */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"

/* One line of a set request that was understood.  Peer operations belong to
 * the WR_UAPI_PEER before them. */
enum wr_uapi_op_kind {
	WR_UAPI_PRIVATE_KEY, /* key; all zero removes it */
	WR_UAPI_LISTEN_PORT, /* number */
	WR_UAPI_FWMARK,      /* number; 0 removes it */
	WR_UAPI_REPLACE_PEERS,
	WR_UAPI_PEER,                 /* key; flags say what the group asks: */
	WR_UAPI_PRESHARED_KEY,        /* key; all zero removes it */
	WR_UAPI_ENDPOINT,             /* endpoint, and scope_name */
	WR_UAPI_PERSISTENT_KEEPALIVE, /* number, seconds; 0 is off */
	WR_UAPI_REPLACE_ALLOWED_IPS,
	WR_UAPI_ALLOWED_IP, /* prefix; is_negative removes it ("-10.0.0.0/8") */
};

/* Space for an interface's name and NUL: IF_NAMESIZE of the kernel. */
#define WR_UAPI_SCOPE_NAME_LEN 16

struct wr_uapi_op {
	enum wr_uapi_op_kind kind;
	bool is_remove;      /* PEER: remove=true stands in its group */
	bool is_update_only; /* PEER: update_only=true stands in its group */
	bool is_negative;    /* ALLOWED_IP */
	uint32_t number;
	union {
		struct wr_key key;
		struct {
			struct wr_endpoint endpoint;
			/* "eth0" of "[fe80::1%eth0]:51820": what the caller, who can
			 * look interfaces up, puts into endpoint.scope; else empty. */
			char scope_name[WR_UAPI_SCOPE_NAME_LEN];
		};
		struct wr_prefix prefix;
	};
};

struct wr_uapi_request {
	struct wr_uapi_op *ops;
	size_t count;
	size_t capacity;
};

/* Parses the lines after "set=1\n" up to and without the empty line that ends
 * the request.  0; or -EINVAL (unknown key, bad value, wrong order, a value
 * out of range), -EPROTO (a line without "="), -ENOMEM; then
 * *ret_line is the number of the line at fault, from 1.  The request is to be
 * given to wr_uapi_request_done() in either case; start with { 0 }. */
int wr_uapi_parse_set(struct wr_bytes text, struct wr_uapi_request *request, size_t *ret_line)
	WR_MUST_CHECK;
/* Wipes the keys and frees. */
void wr_uapi_request_done(struct wr_uapi_request *request);

/* A growing text for answers; wiped when freed, for it holds keys. */
struct wr_text {
	char *data;
	size_t len;
	size_t capacity;
	bool is_short_of_memory; /* sticks; then `data` is incomplete */
};

void wr_text_done(struct wr_text *text);
void wr_text_append(struct wr_text *text, const char *format, ...) WR_PRINTF(2, 3);

/* Lines of a get answer; the caller writes them in the protocol's order. */
void wr_uapi_write_key(struct wr_text *text, const char *name, const struct wr_key *key);
void wr_uapi_write_number(struct wr_text *text, const char *name, uint64_t number);
void wr_uapi_write_endpoint(struct wr_text *text, const struct wr_endpoint *endpoint);
void wr_uapi_write_allowed_ip(struct wr_text *text, const struct wr_prefix *prefix);
/* "errno=N\n\n": ends every answer; `error` is 0 or negative, and is written so, as
 * wireguard-go does and `wg` expects. */
void wr_uapi_write_errno(struct wr_text *text, int error);
