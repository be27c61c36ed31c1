/* The table of operations of the API: from it come the router, the checks of what
 * comes in, the OpenAPI document, and the list in the documentation.
 *
 * Floor 8.  Constant. */
#pragma once

#include "base/base.h"
#include "http/server.h"

struct wr_call;

/* Who may call an operation. From WR_ACCESS_VIEWER on: a role in the organisation that
 * the path names, or a site administrator; to others the organisation is not there (404).
 * Roles include those before them. */
enum wr_access {
	WR_ACCESS_ANYONE,
	WR_ACCESS_SIGNED_IN,
	WR_ACCESS_VIEWER,
	WR_ACCESS_OPERATOR,
	WR_ACCESS_ADMIN,
	WR_ACCESS_OWNER,
	WR_ACCESS_SITE,   /* site administrators only */
	WR_ACCESS_MACHINE /* agents only, in their own organisation */
};

/* What a field holds. Texts are valid UTF-8 without control characters. */
enum wr_kind {
	WR_KIND_TEXT,      /* min..max code points */
	WR_KIND_PASSWORD,  /* the same; never shown, never in an example */
	WR_KIND_LONG_TEXT, /* min..max bytes, newlines and tabs allowed (a policy) */
	WR_KIND_NUMBER,    /* whole, min..max */
	WR_KIND_FLAG,
	WR_KIND_CHOICE, /* one of `choices` */
	WR_KIND_TIME,   /* RFC 3339, UTC */
	WR_KIND_SPAN,   /* "90s", "15m", "1h", "7d": as such */
	WR_KIND_NAME,  /* a display name: 1 to 63 characters of any script (docs/hub.md, "Names") */
	WR_KIND_LABEL, /* a DNS label: 1 to 63 of a-z, 0-9, '-' */
	WR_KIND_TAG,   /* 1 to 63 of a-z, 0-9, '-', '_' */
	WR_KIND_KEY,   /* a WireGuard public key in base64 */
	WR_KIND_IP,
	WR_KIND_PREFIX,
	WR_KIND_ENDPOINT, /* host:port */
	WR_KIND_TAGS,     /* list of tags, at most `max` */
	WR_KIND_PREFIXES, /* list of prefixes, at most `max` */
	WR_KIND_OBJECT,   /* `fields` */
	WR_KIND_LIST,     /* of objects with `fields`; results only */
	WR_KIND_ANY       /* results only */
};

struct wr_field {
	const char *name;
	enum wr_kind kind;
	bool is_required; /* in a result: always there */
	bool can_be_null; /* null takes a value away */
	int64_t min, max;
	const char *const *choices;    /* ends with NULL */
	const struct wr_field *fields; /* ends with a nameless one */
	const char *help;              /* a sentence without its full stop */
};

struct wr_operation {
	const char *id; /* "machine.add"; the audit log's name, OpenAPI's operationId */
	enum wr_http_method method;
	const char *path;    /* behind /api/v1: "/orgs/{org}/machines/{machine}" */
	const char *summary; /* a sentence without its full stop */
	const char *about;   /* more, or NULL */
	enum wr_access access;
	bool is_change;   /* needs a token that may write; CSRF token with a session; audited */
	bool is_paged;    /* query has limit and cursor; result is {items, next} */
	bool needs_match; /* If-Match is required (428), and checked by `run` (412) */
	const struct wr_field *query, *body, *result; /* each ends with a nameless one, or NULL */
	unsigned status;                              /* of success: 200, 201, 204 */
	unsigned cost;                                /* tokens of the rate limit; 0 is 1 */
	/* On the ledger's thread, in a savepoint of its own. 0, or a negative value after
	 * wr_call_fail(): then nothing was written. See server/call.h. */
	int (*run)(struct wr_call *call);
	/* Instead of `run`, on the loop's thread: answers as it likes (streams). */
	void (*serve)(struct wr_call *call);
};

/* Each file of operations has such a table; ends with one without an id. */
extern const struct wr_operation wr_operations_session[], wr_operations_user[],
	wr_operations_token[], wr_operations_org[], wr_operations_machine[], wr_operations_policy[],
	wr_operations_audit[], wr_operations_server[], wr_operations_key[], wr_operations_route[],
	wr_operations_record[], wr_operations_agent[];
