/* Calls of operations without HTTP: against a real database in memory, with everything of the
 * server that `run` uses, as a caller that the test chooses. */
#pragma once

#include "server/call.h"
#include "server/state.h"
#include "unit.h"

struct calls {
	struct wr_server server;
	struct wr_db *db;
};

void calls_open(struct calls *calls);
void calls_close(struct calls *calls);

/* Who calls. */
struct wr_caller calls_local(void);
struct wr_caller calls_nobody(void);
/* A user that is there, by login, with a session's row. */
struct wr_caller calls_user(struct calls *calls, const char *login);
/* An agent, by its machine's label. */
struct wr_caller calls_machine(struct calls *calls, const char *label);
/* A user, with a role in the organisation of the path. */
struct wr_caller calls_member(struct calls *calls, const char *login, enum wr_access role);

struct answer {
	unsigned status;
	json_t *result;  /* owned; NULL for none */
	char type[32];   /* of a problem; "" for none */
	char fault[128]; /* pointer of its first fault */
	char cookie[300], etag[64];
	uint64_t retry_after;
};

/* Calls an operation. `path` is its values with '/' between ("acme/u123"), `body` a JSON text or
 * NULL, with ' for ". Forgets what the answer before held. */
void calls_run(struct calls *calls, const struct wr_caller *who, const char *id, const char *path,
	       const char *body, struct answer *answer);
/* The same with a query. */
void calls_ask(struct calls *calls, const struct wr_caller *who, const char *id, const char *path,
	       const char *query, struct answer *answer);
void answer_done(struct answer *answer);
/* A member of the result; "a.b" goes into objects. */
const char *answer_text(const struct answer *answer, const char *name);
int64_t answer_number(const struct answer *answer, const char *name);
bool answer_flag(const struct answer *answer, const char *name);
json_t *answer_items(const struct answer *answer);

/* Must be answered with this status (and this type of problem, unless NULL). */
void assert_answer(const struct answer *answer, unsigned status, const char *type);

void calls_sql(struct calls *calls, const char *sql);
int64_t calls_number(struct calls *calls, const char *sql);
/* True if the database's pages do not have it. */
bool calls_is_nowhere(struct calls *calls, const void *secret, size_t len);
