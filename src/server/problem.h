/* What a caller is told when a call is refused: problem details.
 *
 * Floor 8.  One thread at a time.  Source: RFC 9457. */
#pragma once

#include <jansson.h>
#include <stdarg.h>

#include "base/base.h"

#define WR_PROBLEM_TYPE "application/problem+json"
/* Faults beyond are not told: who has as many is no person. */
#define WR_PROBLEM_FAULTS 50

/* All zero is no problem. */
struct wr_problem {
	unsigned status; /* of HTTP; 0: none */
	char type[32];   /* the last word of its URI */
	char *detail;    /* NULL: the type says it all */
	json_t *faults;  /* list of {pointer, reason}; NULL: none */
};

void wr_problem_done(struct wr_problem *problem);
/* In place of what was there. */
void wr_problem_set(struct wr_problem *problem, unsigned status, const char *type,
		    const char *detail, va_list values) WR_PRINTF(4, 0);
void wr_problem_say(struct wr_problem *problem, unsigned status, const char *type,
		    const char *detail, ...) WR_PRINTF(4, 5);
/* Adds a fault; the problem is 422 "invalid" then, unless it is one of 400. */
void wr_problem_fault(struct wr_problem *problem, const char *pointer, const char *reason, ...)
	WR_PRINTF(3, 4);
void wr_problem_fault_list(struct wr_problem *problem, const char *pointer, const char *reason,
			   va_list values) WR_PRINTF(3, 0);
/* Adds the faults of `from`, which is empty afterwards; what is not about fields stands first. */
void wr_problem_join(struct wr_problem *problem, struct wr_problem *from);
/* The document, a new text; NULL where memory is short. */
char *wr_problem_text(const struct wr_problem *problem, const char *request_id);
/* What a status is called: "Not Found". */
const char *wr_status_phrase(unsigned status);
