/* Folders of memberships: what this machine is in each network, on disk. One a membership, named
 * after its interface:
 *
 *     STATE/warren0/state.json   of a member of a server's network (agent/state.h)
 *     STATE/warren0/mesh.json    of a member of a zero-config mesh (zeroconf/state.h)
 *     STATE/warren0/control.sock while its program runs
 *     STATE/warren0/lock         one program at a time
 *
 * Files in it are private (mode 0600), replaced whole, and never used where others may read them.
 *
 * Floor 7.  One thread; waits for the disk. */
#pragma once

#include <jansson.h>

#include "base/base.h"

#define WR_FOLDER_BASE "/var/lib/warren-agent"
#define WR_FOLDER_AGENT_FILE "state.json"
#define WR_FOLDER_MESH_FILE "mesh.json"

enum wr_folder_kind {
	WR_FOLDER_AGENT,
	WR_FOLDER_MESH
};

/* BASE/INTERFACE, a new string. `base` NULL: WR_FOLDER_BASE. */
char *wr_folder_path(const char *base, const char *interface);
char *wr_folder_socket_path(const char *folder);
/* Makes the folders, mode 0700. 0 or a negative errno. */
int wr_folder_make(const char *folder) WR_MUST_CHECK;
/* Removes these files, the socket and the lock, and the folder. 0 or a negative errno. */
int wr_folder_forget(const char *folder, const char *const *files, size_t count);

/* One process a membership: a lock, until the descriptor is closed. 0, -EBUSY where another has
 * it, or another negative errno. */
int wr_folder_lock(const char *folder, int *ret_fd) WR_MUST_CHECK;
/* True if nobody has the lock; nothing is made. */
bool wr_folder_is_free(const char *folder);

/* Calls `see` with each folder below `base` that has a membership, by name. 0 or a negative errno;
 * no folder is none. */
int wr_folder_list(const char *base,
		   void (*see)(void *context, enum wr_folder_kind kind, const char *interface,
			       const char *folder),
		   void *context) WR_MUST_CHECK;

/* An object, of a file of at most `max` bytes. 0; -ENOENT; -EPERM where others may read it;
 * -EBADMSG where it is no object; or another negative errno. */
int wr_folder_load(const char *folder, const char *file, size_t max, json_t **ret_object)
	WR_MUST_CHECK;
/* Takes the object (NULL: -ENOMEM). The old content or the new is there. 0 or a negative errno. */
int wr_folder_save(const char *folder, const char *file, json_t *object) WR_MUST_CHECK;
/* The file's bytes, for files that are no JSON. As wr_folder_load(). */
int wr_folder_read(const char *folder, const char *file, size_t max, uint8_t **ret_bytes,
		   size_t *ret_len) WR_MUST_CHECK;
