/* Named network namespaces, as ip-netns(8) has them (an operator can `ip netns exec`
 * ours), and what is opened in them: TUN devices and sockets belong to the namespace
 * that their thread was in, and stay there wherever they are used from.
 *
 * Floor 4.  Any thread, of a pool too: whoever enters comes back, and a thread that
 * cannot ends the process, for it would open the next socket in a stranger's network.
 * The calls wait for locks of the kernel, for milliseconds: not for an event loop.
 * Source: network_namespaces(7), setns(2), iproute2 ip/ipnetns.c. */
#pragma once

#include <sys/types.h>

#include "base/base.h"
#include "base/ip.h"
#include "linux/tun.h"

#define WR_NETNS_DIR "/run/netns"
/* Of a name, with NUL. */
#define WR_NETNS_NAME_LEN 64

struct wr_netns {
	char name[WR_NETNS_NAME_LEN];
	int fd; /* keeps the namespace alive, even without its name */
	dev_t device;
	ino_t inode;
};

/* What this process lacks for namespaces: NULL, or "CAP_SYS_ADMIN", "CAP_NET_ADMIN", or
 * both words with " and " between. */
const char *wr_netns_missing(void);

/* Makes a namespace in which lo is up, and gives it the name. 0, or a negative errno:
 * -EEXIST where the name is taken, -EINVAL for what is no name, -EPERM without the
 * capabilities, -EACCES where WR_NETNS_DIR may not be written. */
int wr_netns_create(const char *name, struct wr_netns *ret_netns) WR_MUST_CHECK;
/* Lets go of it; the name stays. */
void wr_netns_close(struct wr_netns *netns);
/* Takes the name away, whatever it names: a namespace lives as long as anything is open
 * in it. 0, or a negative errno: -ENOENT. */
int wr_netns_delete(const char *name);
/* True if the name still is this namespace's. Cheap; takes no lock. */
bool wr_netns_has_name(const struct wr_netns *netns);
/* Takes the name away if it still is. */
void wr_netns_forget_name(const struct wr_netns *netns);
/* Gives it its name again, whoever took it. 0 or a negative errno. */
int wr_netns_restore_name(const struct wr_netns *netns) WR_MUST_CHECK;
/* Calls `see` for each name that begins with `prefix`; it may delete that. 0 or a
 * negative errno; no directory is no names. */
int wr_netns_list(const char *prefix, void (*see)(void *context, const char *name), void *context);

/* Between the two, what the calling thread opens belongs to the namespace. */
struct wr_netns_visit {
	int home;
};
/* 0 or a negative errno, and then it is where it was. */
int wr_netns_enter(const struct wr_netns *netns, struct wr_netns_visit *ret_visit) WR_MUST_CHECK;
void wr_netns_leave(struct wr_netns_visit *visit);

/* wr_tun_open() in the namespace, with one queue. */
int wr_netns_open_tun(const struct wr_netns *netns, const char *name, uint32_t mtu,
		      struct wr_tun **ret_tun) WR_MUST_CHECK;
/* A socket of that type (SOCK_STREAM, SOCK_DGRAM), close-on-exec and non-blocking; to be
 * connected from anywhere. 0 or a negative errno. */
int wr_netns_socket(const struct wr_netns *netns, enum wr_family family, int type, int *ret_fd)
	WR_MUST_CHECK;
/* The same, bound; a stream socket does not listen yet. Ports below 1024 are free to
 * whoever made the namespace. */
int wr_netns_bind(const struct wr_netns *netns, int type, const struct wr_ip *ip, uint16_t port,
		  int *ret_fd) WR_MUST_CHECK;
