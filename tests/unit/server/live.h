/* A whole server in a thread, with a folder and ports of its own, asked over its Unix
 * socket as any program would. */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <uv.h>

#include "server/server.h"

#define LIVE_UNLOCK "a secret of a test"

struct live {
	char data[64], socket[96];
	uint16_t port; /* HTTP in the clear, on 127.0.0.1 */
	struct wr_first_start first;
	/* The server's thread's. */
	struct wr_server *server;
	uv_loop_t loop;
	uv_async_t stop;
	pthread_t thread;
};

/* Starts it with the organisation "Acme". */
void live_start(struct live *live);
/* Ends it; with the folder, unless it `stays`. */
void live_stop(struct live *live, bool stays);
/* Starts it again on the folder that stayed. */
void live_start_again(struct live *live);

struct live_answer {
	unsigned status;
	char head[4096];
	char *body;
	json_t *json; /* NULL if the body is none */
};
/* One request. `head` are further lines, each with its "\r\n", or NULL; `body` is JSON, or NULL. */
struct live_answer live_ask(const struct live *live, const char *method, const char *path,
			    const char *head, const char *body);
/* The same from afar: over TCP. */
struct live_answer live_ask_tcp(const struct live *live, const char *method, const char *path,
				const char *head, const char *body);
void live_answer_done(struct live_answer *answer);
/* The same, where only the status matters. */
unsigned live_status(const struct live *live, const char *method, const char *path,
		     const char *head, const char *body);
/* A machine joins "acme" by a key: the header line of its token ("authorization: ...\r\n"). */
void live_join(const struct live *live, const char *name, char ret_head[160]);
/* The text member of the answer's object, a new text; fails the test if there is none. */
char *live_text(const struct live_answer *answer, const char *name);
/* The last fault's pointer, or "". */
const char *live_pointer(const struct live_answer *answer);
