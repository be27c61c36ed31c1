/* Asks an HTTP server: one request, one answer, or a stream of events. For programs
 * that have nothing else to do meanwhile (the command line).
 *
 * Floor 7.  Blocks; any one thread.  http-parser reads the protocol, OpenSSL does TLS. */
#pragma once

#include "base/base.h"

struct wr_http_target {
	const char *unix_path; /* or, if NULL: */
	const char *url;       /* "https://host:8443", "http://127.0.0.1:8080" */
	const char *pin;       /* base64 of SHA-256 of the certificate's public key; NULL:
				* the system's authorities decide */
};

struct wr_http_ask {
	const char *method, *path; /* path with query, percent-encoded */
	const char *authorization; /* "Bearer ..."; NULL: none */
	const char *if_match;      /* NULL: none */
	const char *content_type;  /* of the body; NULL: no body */
	struct wr_bytes body;
	unsigned timeout_seconds;
};

struct wr_http_answer {
	unsigned status;
	char *content_type, *etag; /* or NULL */
	char *body;                /* NUL-terminated */
	size_t len;
	char pin[45]; /* of the certificate that was shown; "" without TLS */
};

/* 0, or a negative errno with what went wrong in `ret_why` (200 bytes). */
int wr_http_call(const struct wr_http_target *target, const struct wr_http_ask *ask,
		 struct wr_http_answer *ret_answer, char ret_why[200]) WR_MUST_CHECK;
void wr_http_answer_done(struct wr_http_answer *answer);
/* Calls `line` with each line of the answer as it comes, until it ends or `line` returns
 * false. Same result as above; an answer that is no 200 is given as one line. */
int wr_http_follow(const struct wr_http_target *target, const struct wr_http_ask *ask,
		   bool (*line)(void *context, unsigned status, const char *text), void *context,
		   char ret_why[200]) WR_MUST_CHECK;
/* As the path of a URL: all but letters, digits and -._~ percent-encoded; a new string. */
char *wr_http_escape(const char *text);
