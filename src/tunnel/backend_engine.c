#include "tunnel/backend_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"

/* --- What the engine tells. --- */

static void on_heard(void *context, const struct wr_peer *peer, const struct wr_endpoint *from)
{
	struct wr_engine_backend *backend = context;

	wr_backend_tell_heard(&backend->base, &peer->public_key, from);
}

static void on_shook(void *context, const struct wr_peer *peer)
{
	struct wr_engine_backend *backend = context;

	wr_backend_tell_shook(&backend->base, &peer->public_key);
}

static void on_wanted(void *context, const struct wr_peer *peer)
{
	struct wr_engine_backend *backend = context;

	wr_backend_tell_wanted(&backend->base, &peer->public_key);
}

static void on_knocked(void *context, struct wr_bytes datagram, const struct wr_endpoint *from)
{
	struct wr_engine_backend *backend = context;

	wr_backend_tell_knocked(&backend->base, datagram, from);
}

static bool may_relay(void *context, const struct wr_peer *from, const struct wr_peer *to)
{
	const struct wr_engine_backend *backend = context;

	return backend->base.may_relay(backend->base.context, &from->public_key, &to->public_key);
}

static void run(struct wr_backend *base)
{
	wr_driver_run(&wr_engine_backend_of(base)->driver);
}

/* --- The interface. --- */

static uint16_t port_of(const struct wr_backend *base)
{
	const struct wr_engine_backend *backend =
		(const struct wr_engine_backend *)(const void *)base;

	return backend->interface.listen_port;
}

static int set_key(struct wr_backend *base, const struct wr_key *private_key)
{
	int status = wr_device_set_private_key(wr_engine_backend_of(base)->interface.device,
					       private_key);

	wr_backend_soon(base);
	return status;
}

static int set_up(struct wr_backend *base, bool is_up)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);
	int status = wr_link_set_up(base->index, is_up);

	if (status == 0)
		status = wr_interface_set_up(&backend->interface, is_up);
	wr_backend_soon(base);
	return status;
}

/* By whomever. */
static void link_changed(struct wr_backend *base, const struct wr_link_state *state)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);
	int status = wr_interface_set_up(&backend->interface, state->is_up);

	if (status < 0)
		wr_log_error("cannot listen: port=%u error=%s", backend->interface.listen_port,
			     strerror(-status));
	if (state->mtu != backend->mtu)
		wr_engine_set_mtu(backend->engine, backend->interface.device, state->mtu);
	backend->mtu = state->mtu;
	wr_backend_soon(base);
}

static int send_knock(struct wr_backend *base, struct wr_bytes datagram,
		      const struct wr_endpoint *to)
{
	if (datagram.len == 0 || datagram.len > WR_ENGINE_KNOCK_MAX_LEN)
		return -EMSGSIZE;
	return wr_engine_send(wr_engine_backend_of(base)->engine, datagram, to);
}

static void review_relay(struct wr_backend *base)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);

	if (!base->may_relay)
		return;
	wr_engine_review_relay(backend->engine, backend->interface.device);
	wr_backend_soon(base);
}

static void count(const struct wr_backend *base, struct wr_counters *ret_counters)
{
	const struct wr_engine_backend *backend =
		(const struct wr_engine_backend *)(const void *)base;

	wr_engine_counters(backend->engine, ret_counters);
}

static int set_guard(struct wr_backend *base, struct wr_guard *guard)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);

	wr_engine_set_guard(backend->engine, backend->interface.device, guard);
	return 0;
}

static struct wr_retire_list *retired(struct wr_backend *base)
{
	return wr_engine_retired(wr_engine_backend_of(base)->engine);
}

/* --- Opening. --- */

/* What was left behind is the kernel's, with the same name: it makes room. */
static int make_room(const char *name, char ret_why[WR_BACKEND_WHY_LEN])
{
	struct wr_link_sight sight;
	int status = wr_backend_claim(name, &sight, ret_why);

	if (status == 1)
		status = wr_link_delete(sight.index);
	return status;
}

static int open_tun(struct wr_engine_backend *backend, const struct wr_backend_config *config,
		    char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = wr_tun_open(config->name, config->workers, &backend->tun);

	if (status == -EPERM)
		return wr_backend_fail(status, ret_why,
				       "making an interface takes CAP_NET_ADMIN: run it as root");
	if (status == -ENOENT)
		return wr_backend_fail(status, ret_why,
				       "there is no /dev/net/tun: load the kernel's module tun");
	if (status == -EBUSY || status == -EEXIST)
		return wr_backend_fail(-EEXIST, ret_why, "interface %s is another program's",
				       config->name);
	if (status == 0)
		status = wr_tun_set_mtu(backend->tun, backend->mtu);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot make interface %s: %s",
				       config->name, strerror(-status));
	return 0;
}

static int make_device(struct wr_engine_backend *backend, const struct wr_key *private_key)
{
	struct wr_device *device = wr_device_new(wr_engine_port(backend->engine));
	int status;

	if (!device)
		return -ENOMEM;
	backend->interface = (struct wr_interface){ .engine = backend->engine, .device = device };
	status = wr_engine_attach(backend->engine, device, backend->tun);
	if (status < 0)
		return status;
	wr_engine_set_mtu(backend->engine, device, backend->mtu);
	return wr_device_set_private_key(device, private_key);
}

static int open_engine(struct wr_engine_backend *backend, const struct wr_backend_config *config)
{
	struct wr_engine_config engine = {
		.workers = config->workers,
		.aead = config->aead ? config->aead : wr_aead_pick(NULL),
		.timing = wr_timing_scaled(config->time_scale ? config->time_scale : 1),
		.least_wall = config->least_wall,
		.heard = on_heard,
		.shook = on_shook,
		.wanted = on_wanted,
		.may_relay = config->may_relay ? may_relay : NULL,
		.has_stun = config->has_stun,
		.knocked = config->knocked ? on_knocked : NULL,
		.context = backend,
	};
	int status = wr_engine_new(&engine, &backend->engine);

	if (status == 0)
		status = make_device(backend, &config->private_key);
	if (status == 0)
		status = wr_engine_start(backend->engine);
	if (status == 0)
		status = wr_driver_start(&backend->driver, backend->base.loop, backend->engine,
					 NULL, NULL);
	return status;
}

/* From now on, so that it is known which port it is, and that it can be had. */
static int open_port(struct wr_engine_backend *backend, const struct wr_backend_config *config,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = wr_engine_listen(backend->engine, config->port, config->mark);

	if (status == -EADDRINUSE)
		return wr_backend_fail(status, ret_why, "UDP port %u is in use: choose another",
				       config->port);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot listen on UDP port %u: %s",
				       config->port, strerror(-status));
	backend->interface.listen_port = wr_engine_listen_port(backend->engine);
	backend->interface.fwmark = config->mark;
	return 0;
}

/* For people: it works without. */
static void open_view(struct wr_engine_backend *backend, const struct wr_backend_config *config)
{
	int status;

	if (!config->has_wg_view)
		return;
	status = wr_uapi_socket_open(config->name, &backend->socket);
	if (status == 0)
		status = wr_uapi_server_start(&backend->server, backend->base.loop,
					      backend->socket.fd, &backend->interface, NULL, NULL);
	backend->server.is_read_only = true;
	if (status < 0)
		wr_log_verbose("wg show will not find it: error=%s", strerror(-status));
}

static int open_all(struct wr_engine_backend *backend, const struct wr_backend_config *config,
		    char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = make_room(config->name, ret_why);

	if (status == 0)
		status = open_tun(backend, config, ret_why);
	if (status < 0)
		return status;
	status = open_engine(backend, config);
	if (status == 0)
		status = wr_backend_watch(&backend->base, backend->tun->index);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot start the engine: %s",
				       strerror(-status));
	status = open_port(backend, config, ret_why);
	if (status == 0)
		open_view(backend, config);
	return status;
}

static int open_backend(uv_loop_t *loop, const struct wr_backend_config *config,
			struct wr_backend **ret_backend, char ret_why[WR_BACKEND_WHY_LEN])
{
	struct wr_engine_backend *backend = calloc(1, sizeof(*backend));
	int status;

	if (!backend)
		return wr_backend_fail(-ENOMEM, ret_why, "out of memory");
	wr_backend_init(&backend->base, &wr_backend_engine, loop, config);
	backend->mtu = config->mtu ? config->mtu : WR_BACKEND_MTU;
	backend->socket = (struct wr_uapi_socket){ .fd = -1, .watch_fd = -1 };
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
	struct wr_engine_backend *backend = wr_engine_backend_of(base);

	wr_uapi_server_stop(&backend->server);
	wr_driver_stop(&backend->driver);
}

static void free_backend(struct wr_backend *base)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);

	(void)wr_uapi_socket_is_gone(&backend->socket);
	wr_uapi_socket_done(&backend->socket);
	wr_engine_free(backend->engine);
	wr_tun_free(backend->tun);
	free(backend);
}

const struct wr_backend_ops wr_backend_engine = {
	.kind = WR_BACKEND_ENGINE,
	.name = "engine",
	.can_probe = true,
	.open = open_backend,
	.close = close_backend,
	.free = free_backend,
	.run = run,
	.link_changed = link_changed,
	.port = port_of,
	.set_key = set_key,
	.set_up = set_up,
	.set_peer = wr_engine_backend_set_peer,
	.remove_peer = wr_engine_backend_remove_peer,
	.set_endpoint = wr_engine_backend_set_endpoint,
	.set_spread = wr_engine_backend_set_spread,
	.hasten = wr_engine_backend_hasten,
	.wake = wr_engine_backend_wake,
	.renew = wr_engine_backend_renew,
	.probe = wr_engine_backend_probe,
	.send = send_knock,
	.review_relay = review_relay,
	.count = count,
	.set_guard = set_guard,
	.retired = retired,
	.look = wr_engine_backend_look,
	.look_one = wr_engine_backend_look_one,
};
