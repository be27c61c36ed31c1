/* Reads a body as JSON, within bounds.
 *
 * Floor 8.  Pure.  Source: RFC 8259. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/problem.h"

/* A new object, or NULL and a problem: 400 with a fault that says where and what; nothing
 * of the text is repeated (it may hold a password). Refused are: more than WR_CHECK_DEPTH
 * levels or WR_CHECK_VALUES values, invalid UTF-8, the same name twice
 * in an object, numbers that do not fit, anything but an object. */
json_t *wr_json_body_read(struct wr_bytes body, struct wr_problem *problem);
