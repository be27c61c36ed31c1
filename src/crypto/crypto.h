/* Starts the crypto libraries; call once, before any other function of this
 * folder and before threads.
 *
 * Floor 1. */
#pragma once

#include "base/base.h"

/* 0, or -ENOSYS where a library refuses to start (its self test failed). */
int wr_crypto_start(void) WR_MUST_CHECK;

/* Fills memory with cryptographically strong random bytes.  The one source of
 * randomness of the program: floors 1 to 3 get what they need as arguments. */
void wr_random(void *memory, size_t len);
/* The same with one system call whatever the length: a seed, made longer with
 * ChaCha20 and forgotten. */
void wr_random_many(void *memory, size_t len);
