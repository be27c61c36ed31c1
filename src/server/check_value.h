/* Checks one value against its field.
 *
 * Floor 8.  Pure. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/operation.h"
#include "server/pointer.h"
#include "server/problem.h"

/* Adds a fault where the value is not what the field holds. */
void wr_check_value(const struct wr_field *field, json_t *value, const char *pointer,
		    struct wr_problem *problem);
/* The value that a query's text stands for, checked; NULL and a fault if it is none. Tags
 * and prefixes are separated by commas. */
json_t *wr_check_from_text(const struct wr_field *field, const char *text, const char *pointer,
			   struct wr_problem *problem);

/* Limits that hold where the field names none. */
int64_t wr_check_max(const struct wr_field *field);
