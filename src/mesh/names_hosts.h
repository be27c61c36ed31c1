/* A marked block in the hosts file; everything else stays as it is, byte for byte.
 *
 *     # BEGIN warren IFACE
 *     10.100.0.9	db-1.acme.warren
 *     # END warren IFACE
 *
 * Floor 7.  Any thread.  Several networks have a block each: whoever writes holds a lock on the
 * file's folder.  Source: hosts(5). */
#pragma once

#include <sys/stat.h>

#include "base/base.h"

/* Larger ones are left alone. */
#define WR_HOSTS_FILE_MAX (16 * 1024 * 1024)

/* The text with that block of the owner (NULL: without), as a new one; NULL where memory is short.
 * Pure. A text without a line end at its end gets one before the block, and loses it with it. */
char *wr_hosts_text(const char *text, size_t len, const char *owner, const char *block,
		    size_t *ret_len);

/* Makes the file so. 0 and whether it had to be changed; or a negative errno: -ENOENT, -EROFS,
 * -EACCES, -EFBIG, -EAGAIN where another one is writing it. The file is replaced in one step, or
 * written where that cannot be (it is a mount of its own: containers); mode and owner stay. */
int wr_hosts_put(const char *path, const char *owner, const char *block, bool *ret_changed)
	WR_MUST_CHECK;

/* Tells whether a file was touched. */
struct wr_hosts_stamp {
	struct stat status;
	bool is_there;
};
struct wr_hosts_stamp wr_hosts_look(const char *path);
bool wr_hosts_is_same(const struct wr_hosts_stamp *a, const struct wr_hosts_stamp *b);
