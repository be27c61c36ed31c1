/* Machines that join by a key, without HTTP: for the tests of what agents do. */
#pragma once

#include "calls.h"

/* Makes a key in "acme" of this body, and returns its secret's text (28 bytes). */
const char *joining_key(struct calls *calls, const char *body, char ret_secret[28]);
/* Joins; `number` makes the public key. */
void joining_try(struct calls *calls, const char *secret, const char *name, unsigned number,
		 struct answer *answer);
/* Must be let in, by a key of its own with this body. Returns its label (64 bytes). */
const char *joining_do(struct calls *calls, const char *body, const char *name, unsigned number,
		       char ret_label[64]);
