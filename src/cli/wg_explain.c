/* Why an interface could not be made, and what to do about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/wg.h"
#include "tunnel/uapi_socket.h"

struct explanation {
	enum wr_tunnel_step step;
	int error;
	const char *text;
};

static const struct explanation explanations[] = {
	{ WR_TUNNEL_DEVICE, -EPERM, "needs CAP_NET_ADMIN (run it as root)" },
	{ WR_TUNNEL_DEVICE, -EACCES, "may not open /dev/net/tun (run it as root)" },
	{ WR_TUNNEL_DEVICE, -ENOENT,
	  "there is no /dev/net/tun (try: modprobe tun; a container must be given the device)" },
	{ WR_TUNNEL_DEVICE, -ENODEV, "the kernel has no TUN driver (try: modprobe tun)" },
	{ WR_TUNNEL_DEVICE, -ENXIO, "the kernel has no TUN driver (try: modprobe tun)" },
	{ WR_TUNNEL_DEVICE, -EBUSY,
	  "it is in use by another program; end that first, or take another name" },
	{ WR_TUNNEL_DEVICE, -EEXIST,
	  "there is one of another kind; delete it (ip link del), or take another name" },
	{ WR_TUNNEL_DEVICE, -EBADF, "WG_TUN_FD is no TUN device" },
	{ WR_TUNNEL_DEVICE, -EINVAL, "the kernel takes no such name; or WG_TUN_FD is a TAP" },
	{ WR_TUNNEL_SOCKET, -EADDRINUSE,
	  "another program listens on it; is the interface running already?" },
	{ WR_TUNNEL_SOCKET, -EACCES,
	  "may not write to " WR_UAPI_DIRECTORY " (run it as root, whose folder that must be)" },
	{ WR_TUNNEL_SOCKET, -ENOTSOCK, "WG_UAPI_FD is no socket" },
	{ WR_TUNNEL_SOCKET, -EINVAL, "WG_UAPI_FD does not listen" },
};

static const char *find(enum wr_tunnel_step step, int error)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(explanations); i++) {
		if (explanations[i].step == step && explanations[i].error == error)
			return explanations[i].text;
	}
	return strerror(-error);
}

void wr_wg_explain(const struct wr_wg_settings *settings, enum wr_tunnel_step step, int error)
{
	static const char *const what[] = {
		[WR_TUNNEL_DEVICE] = "cannot make interface",
		[WR_TUNNEL_ENGINE] = "cannot make the engine of",
		[WR_TUNNEL_WATCH] = "cannot watch interface",
		[WR_TUNNEL_THREADS] = "cannot start the threads of",
		[WR_TUNNEL_SOCKET] = "cannot make the configuration socket of",
	};

	fprintf(stderr, "warren wg: %s %s: %s\n", what[step], settings->name, find(step, error));
}
