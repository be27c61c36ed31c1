/* The answer to a call: status, headers, body.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "server/call.h"

/* Answers what the call says (a problem, if there is one), counts it, and frees the call. */
void wr_answer(struct wr_call *call);
/* The same without an answer: somebody else has the request. */
void wr_answer_not(struct wr_call *call);
