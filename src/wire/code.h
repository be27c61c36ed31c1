/* Codes: bytes that people carry from one machine to another, as one word of text:
 *
 *     PREFIX base64url( bytes | checksum, 4 )
 *
 * The checksum (the first bytes of BLAKE2s of what stands before) tells a typo from a refusal.
 *
 * Floor 2.  Pure.  Codes hold secrets: wipe what they are made of and read to. */
#pragma once

#include "base/base.h"

#define WR_CODE_SUM_LEN 4
/* Of a text with its NUL, of so many bytes with a prefix of 4 letters. */
#define WR_CODE_TEXT_LEN(bytes) (4 + (((bytes) + WR_CODE_SUM_LEN) * 4 + 2) / 3 + 1)

struct wr_code {
	const char *prefix; /* 4 letters */
	/* For what is said to people: "a join key", "join key", "`warren key create`". */
	const char *a_name, *name, *printed_by;
};

/* -EINVAL, with `why` for people. */
int wr_code_fail(char ret_why[200], const char *why);
/* 0, with the bytes before the checksum, at least one; or -EINVAL with one line in `ret_why` that
 * never holds the text. Blanks around it are fine. `ret_bytes` has `size`, the checksum in it. */
int wr_code_read(const struct wr_code *code, const char *text, uint8_t *ret_bytes, size_t size,
		 size_t *ret_len, char ret_why[200]) WR_MUST_CHECK;
/* `bytes` has room for the checksum behind its `len`; `size` is the text's. */
void wr_code_write(const struct wr_code *code, uint8_t *bytes, size_t len, char *ret_text,
		   size_t size);
