/* What the server is made of: one struct, from which all state hangs.
 *
 * Floor 8.  On the loop's thread, but for what says otherwise: `run` of an operation
 * (server/call.h) is on the ledger's thread. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "crypto/unlock.h"
#include "http/server.h"
#include "hub/hub.h"
#include "server/server.h"
#include "server/sights.h"
#include "store/ledger.h"

struct wr_agents;
struct wr_api_numbers;
struct wr_events;
struct wr_intents;
struct wr_lockout;
struct wr_ratelimit;
struct wr_router;

/* How far the end has come: each part is ended when those that need it are. */
enum wr_server_stage {
	WR_SERVER_RUNS,
	WR_SERVER_ENDS_STREAMS,
	WR_SERVER_ENDS_AGENTS,
	WR_SERVER_ENDS_REQUESTS,
	WR_SERVER_ENDS_CALLS,
	WR_SERVER_SAVES,
	WR_SERVER_ENDS_LEDGER,
	WR_SERVER_ENDS_HUB,
	WR_SERVER_ENDS_TIMER
};

struct wr_server {
	uv_loop_t *loop;
	/* Constant from wr_server_open() on, so any thread may read it. Texts are the server's own;
	 * `unlock` is empty; `hub_endpoint` and `network` are never NULL. */
	struct wr_server_config config;
	struct wr_vault vault; /* constant: any thread */
	int64_t started;       /* seconds since 1970; constant */
	char *socket_path;
	char pin[45]; /* base64 of SHA-256 of the certificate's public key; "" in the clear */
	int lock_fd;  /* nobody else has the data folder */

	struct wr_router *router;       /* constant */
	struct wr_lockout *lockout;     /* the ledger's thread's: server/lockout.h */
	struct wr_ratelimit *strangers; /* by address */
	struct wr_ratelimit *callers;   /* by what is shown: a token, a session */
	struct wr_events *events;
	struct wr_agents *agents;   /* their channels; NULL before it is open */
	struct wr_sights *sights;   /* locks itself: any thread */
	struct wr_intents *intents; /* what the hub is told: server/intents.h */
	struct wr_api_numbers *numbers;
	char *openapi; /* the document; constant */

	struct wr_db *db; /* until the ledger has it, while the server opens */
	struct wr_ledger *ledger;
	struct wr_hub *hub; /* NULL until it is open, and after the end: `apply` checks */
	struct wr_http_server *http;
	int database_error; /* of the last commit: 0 or a negative errno */

	uv_timer_t tick; /* sights, and what else is done by the clock */
	uint64_t ticks;  /* since the start */
	size_t calls;    /* under way; and what else the end waits for */
	enum wr_server_stage stage;
	bool is_closing;    /* no more calls are taken */
	bool is_upkeeping;  /* server/upkeep.h: one entry at a time */
	int64_t upkeep_org; /* where its next entry goes on; the ledger's thread */
	void (*closed)(void *context);
	void *closed_context;
};

/* A call has ended: the last one that is waited for lets the closing go on. */
void wr_server_call_ended(struct wr_server *server);
/* DATA/name, a new text; NULL where memory is short. Any thread. */
char *wr_server_path(const struct wr_server *server, const char *name);

/* Names in the data folder. */
#define WR_DATABASE "warren.db"
#define WR_BACKUPS "backups"

/* What names of all networks end with: "web-1.acme.warren". */
#define WR_DNS_SUFFIX "warren"
