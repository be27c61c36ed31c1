/* HTTP/1.1 and 1.0 of one connection (RFC 9112): one request at a time; those that were sent
 * ahead wait in connection->in. http1.c reads requests, http1_answer.c writes answers.
 *
 * Floor 7.  On the thread of its loop. */
#pragma once

#include <http_parser.h>

#include "http/serving.h"

struct wr_http1_state {
	struct wr_http_connection *connection;
	http_parser parser;
	struct wr_buffer target, name, value; /* as they come in, in pieces */
	bool is_value_next;                   /* of the field that is coming: its value has begun */
	struct wr_http_request *coming;       /* its head or body is not whole */
	struct wr_http_request *current;      /* with its handler, or being answered */
	bool is_kept_alive;                   /* the connection, after the current one */
	bool is_chunked;                      /* the current answer */
	bool has_sent_end;                    /* of a chunked answer */
	struct wr_buffer head;                /* of the current answer, not sent yet */
};

/* As struct wr_http_protocol has them. */
void wr_http1_answer(struct wr_http_request *request);
void wr_http1_resume(struct wr_http_request *request);
void wr_http1_write(struct wr_http_connection *connection);
