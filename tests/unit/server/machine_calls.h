/* Calls operations as the dispatcher does, on a real database in a folder of its own with
 * one organisation, "acme"; without HTTP, and without a hub. */
#pragma once

#include "server/call.h"
#include "server/state.h"
#include "unit.h"

struct calls {
	struct wr_server server;
	struct wr_db *db;
	char folder[64], path[80];
	int64_t org;
	struct wr_key hub_key;
};

void calls_open(struct calls *calls);
void calls_close(struct calls *calls);
/* Another organisation, with the same ranges. Returns its row. */
int64_t calls_add_org(struct calls *calls, const char *name);

/* What a call came to; calls_done() it. */
struct answer {
	unsigned status;
	json_t *result;
	char etag[64];
	char *problem; /* NULL where it went well: "type: detail", or "pointer reason; ..." */
};
/* `machine`: what stands in the path behind the organisation, or NULL. `json` is the body, or
 * the query of a GET; NULL for none. */
struct answer calls_run(struct calls *calls, const char *id, const char *machine, const char *json);
void calls_done(struct answer *answer);

/* Runs it, wants this status, and returns the result (to be json_decref()ed; may be NULL). */
json_t *calls_want(struct calls *calls, unsigned status, const char *id, const char *machine,
		   const char *json);
/* The same; the problem must say `words` somewhere. */
void calls_refuse(struct calls *calls, unsigned status, const char *words, const char *id,
		  const char *machine, const char *json);
/* A member of a result that is a text; "" if it is null or not there. */
const char *calls_text(const json_t *result, const char *name);
/* The one number that a statement gives. */
int64_t calls_number(struct calls *calls, const char *sql);
