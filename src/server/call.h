/* One call of an operation: who calls, what came in, what goes out and what follows.
 *
 * Floor 8.  On the loop's thread until it is entered in the ledger; `run` has it on the
 * ledger's thread; then on the loop's again. Freed when it is answered. */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "hub/hub.h"
#include "server/operation.h"
#include "server/problem.h"
#include "store/ledger.h"

#define WR_UID_LEN 20 /* of "m" and 19 letters: unique, random, without meaning */
#define WR_PATH_VALUES 4

struct wr_route;
struct wr_server;

enum wr_caller_kind {
	WR_CALLER_NOBODY,
	WR_CALLER_USER,   /* signed in: a session */
	WR_CALLER_TOKEN,  /* a program */
	WR_CALLER_LOCAL,  /* over the Unix socket: site administrator */
	WR_CALLER_MACHINE /* an agent, by its machine's token */
};

struct wr_caller {
	enum wr_caller_kind kind;
	int64_t user;       /* row; 0 for local */
	int64_t credential; /* row of the session or token */
	int64_t machine;    /* row of the agent's machine; its organisation is the call's */
	char uid[WR_UID_LEN + 1];
	char name[256]; /* login, "token NAME", "local", or "machine LABEL" */
	bool is_site_admin;
	bool may_write;
	int64_t only_org;     /* a token's organisation; 0: any */
	enum wr_access role;  /* in the call's organisation; WR_ACCESS_SIGNED_IN if none */
	struct wr_ip address; /* family none for local */
};

struct wr_call {
	struct wr_entry entry;
	struct wr_server *server;
	struct wr_http_request *request;
	const struct wr_operation *operation;
	struct wr_caller caller;
	char request_id[WR_UID_LEN + 1];

	/* What came in, checked. */
	const char *path[WR_PATH_VALUES]; /* decoded, in the order of the path's braces */
	json_t *query;                    /* an object; absent members are absent */
	json_t *body;
	int64_t org; /* row of the organisation that the path names; 0 if it names none */
	char org_uid[WR_UID_LEN + 1];

	/* For `run`. */
	struct wr_db *db;
	unsigned step; /* 0, and one more after each wr_call_pool() */
	void *state;   /* run's own, from step to step */
	void (*state_free)(void *state);

	/* What goes out. */
	unsigned status;
	json_t *result;
	char *text; /* instead of `result`; content type `text_type` */
	const char *text_type;
	char etag[64]; /* quoted; "" for none */
	char *cookie;  /* Set-Cookie */
	char *location;

	/* The library's own (server/call.c, server/dispatch.c). */
	struct wr_call_after *after; /* the first of a list */
	struct wr_problem problem;   /* the answer, if there is one */
	struct wr_problem faults;    /* of query and body, told only to who may call */
	struct wr_route *route;      /* holds `path` */
	void (*pool_work)(struct wr_call *call);
	uv_work_t pool;
	struct wr_instant began;
	uint64_t retry_after; /* seconds; 0: no header */
	int db_error;         /* what wr_call_fail_db() was told last */
	int audit_error;      /* of the first line that could not be written */
	unsigned audit_count;
	bool is_to_be_touched; /* its session or token was not used for a while */
	bool is_streaming;     /* `serve` has it: not answered here */
};

/* --- For `run`. --- */

/* Refuses: an RFC 9457 problem. `type` is the last word of its URI ("not-found", "conflict",
 * "quota"), `detail` says what is wrong and what to do. Returns -1. */
int wr_call_fail(struct wr_call *call, unsigned status, const char *type, const char *detail, ...)
	WR_PRINTF(4, 5);
/* Adds a fault of one field to a 422 problem (the first call makes it). `pointer` is a JSON
 * pointer ("/name") or the query's name ("?limit"). Returns -1. */
int wr_call_fault(struct wr_call *call, const char *pointer, const char *reason, ...)
	WR_PRINTF(3, 4);
/* The database failed (`error` is a negative errno): 503 or 507. Returns -1. */
int wr_call_fail_db(struct wr_call *call, int error);
/* Has `work` done on the thread pool with `call` (its database is not to be used there), then
 * calls `run` again with the next step. What was written so far stays. Use as
 * `return wr_call_pool(call, work)`. */
int wr_call_pool(struct wr_call *call, void (*work)(struct wr_call *call));

/* Into the audit log, with who and where from. `before` and `after` (either may be NULL; stolen)
 * never hold a secret. One of them at least for each change. */
void wr_call_audit(struct wr_call *call, const char *target_uid, const char *target_name,
		   json_t *before, json_t *after);
/* An event for those who listen (stolen), sent when all is on the disk. */
void wr_call_event(struct wr_call *call, const char *type, json_t *data);
/* Something for the loop's thread when all is on the disk, before the answer goes: what the hub
 * is told. `free_it` is called in any case. The answer waits for wr_hub_settle(). */
void wr_call_then(struct wr_call *call, void (*apply)(struct wr_server *server, void *what),
		  void *what, void (*free_it)(void *what));

/* If-Match against `etag`: 0, or -1 (428 where it is missing and needed, 412 where it differs). */
int wr_call_match(struct wr_call *call, const char *etag);
/* A new identifier that begins with `letter`. */
void wr_uid_new(char letter, char ret_uid[WR_UID_LEN + 1]);
/* Seconds since 1970. */
int64_t wr_call_time(const struct wr_call *call);
/* RFC 3339 in UTC; null for 0. */
json_t *wr_json_time(int64_t seconds);
const char *wr_call_text(const struct wr_call *call,
			 const char *name); /* of the body; NULL if absent or null */
bool wr_call_has(const struct wr_call *call, const char *name); /* the body has it, null too */

/* Pages: for a listing by ascending row id. */
struct wr_page {
	int64_t after; /* row id; 0 from the start */
	int64_t limit; /* rows to ask for: one more than goes out */
};
struct wr_page wr_call_page(const struct wr_call *call);
/* Takes `items` (one more than the limit: there is a next page); `last` is the row id of the last
 * that goes out. Sets the result. */
void wr_call_paged(struct wr_call *call, json_t *items, int64_t last);

/* --- For the library (server/dispatch.c). --- */

/* On the loop, after a commit: events go out, and the hub is told. True if it was told of
 * something. */
bool wr_call_follow(struct wr_call *call);
/* What follows does not happen: nothing was kept. */
void wr_call_forget(struct wr_call *call);
/* All that the call owns but itself and its request. */
void wr_call_done(struct wr_call *call);
