/* The API described, out of its tables: for programs as an OpenAPI document, for people as
 * a list.
 *
 * Floor 8.  Pure.  Source: OpenAPI Specification 3.1.0. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/operation.h"

/* Of tables that each end with an operation without an id; `tables` ends with NULL. A new
 * document; NULL where memory is short. */
json_t *wr_openapi_document(const struct wr_operation *const *tables, const char *version);
/* The rows of docs/api.md, Markdown, a new text: method, path, who, what, body, result. */
char *wr_openapi_list(const struct wr_operation *const *tables);
/* "anyone", "viewer", "site administrator" ... */
const char *wr_access_text(enum wr_access access);
