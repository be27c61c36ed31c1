/* The kernel's WireGuard as a backend: opening and closing. */
#include "tunnel/backend_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"
#include "linux/udp.h"
#include "tunnel/handle.h"

/* --- The interface. --- */

static int set_key(struct wr_backend *base, const struct wr_key *private_key)
{
	const struct wr_wgnl_settings settings = { .private_key = private_key, .port = -1 };
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	int status = wr_wgnl_set(backend->wgnl, base->index, &settings);

	if (status == 0)
		backend->public_key = wr_x25519_public(private_key);
	return status;
}

static int set_up(struct wr_backend *base, bool is_up)
{
	return wr_link_set_up(base->index, is_up);
}

static uint16_t port_of(const struct wr_backend *base)
{
	return ((const struct wr_kernel_backend *)(const void *)base)->port;
}

/* --- Opening. --- */

static int create(struct wr_kernel_backend *backend, const struct wr_backend_config *config,
		  uint32_t mtu, char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = wr_link_create(config->name, "wireguard", WR_BACKEND_ALIAS, mtu,
				    &backend->base.index);

	if (status == -EOPNOTSUPP)
		return wr_backend_fail(status, ret_why,
				       "this kernel has no WireGuard: load its module, or use the "
				       "engine");
	if (status == -EPERM)
		return wr_backend_fail(status, ret_why,
				       "making an interface takes CAP_NET_ADMIN: run it as root");
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot make interface %s: %s",
				       config->name, strerror(-status));
	return 0;
}

/* A new one, or the one that was left behind, with its sessions. */
static int open_link(struct wr_kernel_backend *backend, const struct wr_backend_config *config,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	uint32_t mtu = config->mtu ? config->mtu : WR_BACKEND_MTU;
	struct wr_link_sight sight;
	int status = wr_backend_claim(config->name, &sight, ret_why);

	if (status == 0)
		status = create(backend, config, mtu, ret_why);
	else if (status == 1)
		backend->base.index = sight.index;
	backend->is_link_ours = status >= 0;
	if (status == 1 && sight.mtu != mtu)
		return wr_link_set_mtu(sight.index, mtu);
	return status < 0 ? status : 0;
}

/* While it is down the kernel takes any port, and tells when it goes up whether it can have it; and
 * which one it has only then. */
static int choose_port(struct wr_kernel_backend *backend, const struct wr_backend_config *config,
		       char ret_why[WR_BACKEND_WHY_LEN])
{
	struct wr_udp_sockets sockets;
	int status = wr_udp_open(config->port, 0, 1, &sockets);

	if (status == -EADDRINUSE)
		return wr_backend_fail(status, ret_why, "UDP port %u is in use: choose another",
				       config->port);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot use UDP port %u: %s", config->port,
				       strerror(-status));
	backend->port = sockets.port;
	wr_udp_close(&sockets);
	return 0;
}

static void see_nothing(void *context, const struct wr_wgnl_sight *sight)
{
	(void)context;
	(void)sight;
}

/* One that was left behind may have it. */
static int open_port(struct wr_kernel_backend *backend, const struct wr_backend_config *config,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	uint16_t port = 0;

	(void)!wr_wgnl_look(backend->wgnl, backend->base.index, &port, see_nothing, NULL);
	backend->port = port;
	if (port && (port == config->port || !config->port))
		return 0;
	return choose_port(backend, config, ret_why);
}

static int open_settings(struct wr_kernel_backend *backend, const struct wr_backend_config *config)
{
	const struct wr_wgnl_settings settings = {
		.private_key = &config->private_key,
		.port = backend->port,
		.mark = &config->mark,
	};
	int status = wr_wgnl_set(backend->wgnl, backend->base.index, &settings);

	backend->public_key = wr_x25519_public(&config->private_key);
	if (status == 0)
		status = wr_backend_watch(&backend->base, backend->base.index);
	if (status == 0)
		status = wr_kernel_backend_see(backend);
	if (status == 0)
		wr_kernel_backend_arm(backend);
	return status;
}

static int open_all(struct wr_kernel_backend *backend, const struct wr_backend_config *config,
		    char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = open_link(backend, config, ret_why);

	if (status < 0)
		return status;
	status = wr_wgnl_open(&backend->wgnl);
	if (status < 0)
		return wr_backend_fail(status, ret_why,
				       "cannot speak to the kernel's WireGuard: %s",
				       strerror(-status));
	status = open_port(backend, config, ret_why);
	if (status < 0)
		return status;
	status = open_settings(backend, config);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot set up interface %s: %s",
				       config->name, strerror(-status));
	return 0;
}

static int open_backend(uv_loop_t *loop, const struct wr_backend_config *config,
			struct wr_backend **ret_backend, char ret_why[WR_BACKEND_WHY_LEN])
{
	struct wr_kernel_backend *backend = calloc(1, sizeof(*backend));
	int status;

	if (!backend)
		return wr_backend_fail(-ENOMEM, ret_why, "out of memory");
	wr_backend_init(&backend->base, &wr_backend_kernel, loop, config);
	uv_timer_init(loop, &backend->timer);
	backend->timer.data = backend;
	status = open_all(backend, config, ret_why);
	if (status < 0)
		wr_backend_free(&backend->base);
	else
		*ret_backend = &backend->base;
	return status;
}

/* --- Closing. --- */

static void close_backend(struct wr_backend *base)
{
	wr_handle_close((uv_handle_t *)&wr_kernel_backend_of(base)->timer);
}

static void free_backend(struct wr_backend *base)
{
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);

	if (backend->is_link_ours && !base->news.is_gone)
		(void)wr_link_delete(base->index);
	wr_wgnl_free(backend->wgnl);
	wr_kernel_peers_done(&backend->peers);
	free(backend);
}

const struct wr_backend_ops wr_backend_kernel = {
	.kind = WR_BACKEND_KERNEL,
	.name = "kernel",
	.open = open_backend,
	.close = close_backend,
	.free = free_backend,
	.port = port_of,
	.set_key = set_key,
	.set_up = set_up,
	.set_peer = wr_kernel_backend_set_peer,
	.remove_peer = wr_kernel_backend_remove_peer,
	.set_endpoint = wr_kernel_backend_set_endpoint,
	.wake = wr_kernel_backend_wake,
	.renew = wr_kernel_backend_renew,
	.look = wr_kernel_backend_look,
	.look_one = wr_kernel_backend_look_one,
};
