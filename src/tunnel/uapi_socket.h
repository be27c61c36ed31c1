/* The socket that an interface is configured through, as a file: made with the
 * interface, gone with it; and if someone else removes the file, that ends the
 * interface.
 *
 * Floor 6.  The control thread.  Owns the socket, and its file while that exists.
 * Source: wireguard-go ipc/uapi_unix.go, ipc/uapi_linux.go. */
#pragma once

#include <sys/un.h>

#include "base/base.h"

#define WR_UAPI_DIRECTORY "/var/run/wireguard"

struct wr_uapi_socket {
	int fd;               /* listens, does not block; -1 if none */
	int watch_fd;         /* readable when wr_uapi_socket_is_gone() may be true */
	bool is_looked_after; /* `watch_fd` is a timer: the file is looked for each second */
	bool is_gone;
	struct sockaddr_un address; /* sun_path is empty if it has no file */
};

/* The path of an interface's socket. -ENAMETOOLONG, or 0. */
int wr_uapi_socket_path(const char *interface, struct sockaddr_un *ret_address) WR_MUST_CHECK;

/* Makes the directory (for its owner only) and the file. One that a dead program
 * left behind is replaced. 0, or a negative errno: -EADDRINUSE where a program
 * listens on it. */
int wr_uapi_socket_open(const char *interface, struct wr_uapi_socket *ret_socket) WR_MUST_CHECK;
/* Takes a descriptor that listens (WG_UAPI_FD). 0, or a negative errno: -ENOTSOCK,
 * -EINVAL where it does not listen; then the descriptor stays open. */
int wr_uapi_socket_adopt(int fd, struct wr_uapi_socket *ret_socket) WR_MUST_CHECK;
/* Closes it and removes the file, unless that is gone (and may be another's now). */
void wr_uapi_socket_done(struct wr_uapi_socket *socket);

/* Reads what the watch has seen: true, once and for all, if the file was removed. */
bool wr_uapi_socket_is_gone(struct wr_uapi_socket *socket);
