/* Fields of the objects that we keep in files: read with their limits checked, and written.
 *
 * Floor 7.  Pure; any thread. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

/* False where it is missing, or longer than the room for it. */
bool wr_field_text(const json_t *object, const char *name, char *ret_text, size_t size)
	WR_MUST_CHECK;
/* Bytes in hexadecimal, exactly so many. */
bool wr_field_bytes(const json_t *object, const char *name, uint8_t *ret_bytes, size_t len)
	WR_MUST_CHECK;
/* One that is missing is all zero. */
bool wr_field_key(const json_t *object, const char *name, struct wr_key *ret_key) WR_MUST_CHECK;
/* One that is missing is 0. */
bool wr_field_number(const json_t *object, const char *name, uint64_t max, uint64_t *ret_number)
	WR_MUST_CHECK;
bool wr_field_port(const json_t *object, const char *name, uint16_t *ret_port) WR_MUST_CHECK;
bool wr_field_prefixes(const json_t *object, const char *name, size_t max,
		       struct wr_prefix *ret_prefixes, size_t *ret_count) WR_MUST_CHECK;
bool wr_field_is(const json_t *object, const char *name);

void wr_field_set_bytes(json_t *object, const char *name, const uint8_t *bytes, size_t len);
/* One of zero is left out. */
void wr_field_set_key(json_t *object, const char *name, const struct wr_key *key);
void wr_field_set_number(json_t *object, const char *name, uint64_t number);
void wr_field_set_text(json_t *object, const char *name, const char *text);
void wr_field_set_flag(json_t *object, const char *name, bool is_set);
void wr_field_set_prefixes(json_t *object, const char *name, const struct wr_prefix *prefixes,
			   size_t count);

/* Words of settings; false if it is none of them (NULL too). */
bool wr_backend_kind_parse(const char *word, enum wr_backend_kind *ret_kind) WR_MUST_CHECK;
bool wr_names_kind_parse(const char *word, enum wr_names_kind *ret_kind) WR_MUST_CHECK;
const char *wr_backend_kind_word(enum wr_backend_kind kind);
const char *wr_names_kind_word(enum wr_names_kind kind);
