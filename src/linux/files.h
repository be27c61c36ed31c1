/* Whole files, small ones.
 *
 * Floor 4.  Any thread; waits for the disk. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"

/* The file's text, NUL-terminated, of at most `max` bytes, as a new string; "-" is standard
 * input. 0 or a negative errno: -EFBIG where it is larger, -EILSEQ where it holds a NUL. */
int wr_file_read(const char *path, size_t max, char **ret_text) WR_MUST_CHECK;
/* The bytes that follow in an open file, of at most `max`, as a new block. 0 or a negative errno:
 * -EFBIG where there are more. */
int wr_file_read_bytes(int fd, size_t max, uint8_t **ret_bytes, size_t *ret_len) WR_MUST_CHECK;
/* Writes all of it. 0 or a negative errno. */
int wr_file_write(int fd, const char *text, size_t len) WR_MUST_CHECK;
/* Puts the text into the file at `path`, mode 0600, in one step: the old or the new is there, also
 * after a power cut. 0 or a negative errno; then it is the old. */
int wr_file_replace(const char *path, const char *text, size_t len) WR_MUST_CHECK;
/* Copies to a new file, mode 0600, to the disk. 0 or a negative errno (-EEXIST). */
int wr_file_copy(const char *from, const char *to) WR_MUST_CHECK;

/* For WR_AUTO. */
static inline void wr_fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
static inline void wr_text_freep(char **text)
{
	free(*text);
}

/* printf(3) into a new string; aborts where memory is short: for command lines and what starts. */
char *wr_text_new(const char *format, ...) WR_PRINTF(1, 2) WR_MUST_CHECK;
