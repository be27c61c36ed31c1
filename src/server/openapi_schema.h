/* Fields as JSON Schema.
 *
 * Floor 8.  Pure.  Source: JSON Schema 2020-12, which OpenAPI 3.1 takes. */
#pragma once

#include <jansson.h>

#include "server/operation.h"

/* A new schema of an object with these fields, and no others where `is_input`. */
json_t *wr_schema_of_fields(const struct wr_field *fields, bool is_input);
/* A new schema of one field's value. */
json_t *wr_schema_of_field(const struct wr_field *field, bool is_input);
