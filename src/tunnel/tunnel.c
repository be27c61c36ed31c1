#include "tunnel/tunnel.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/link.h"
#include "linux/tun.h"
#include "tunnel/driver.h"
#include "tunnel/handle.h"
#include "tunnel/interface.h"
#include "tunnel/journal.h"
#include "tunnel/uapi_server.h"
#include "tunnel/uapi_socket.h"

/* 1500 less 40 of IPv6, 8 of UDP and 32 of WireGuard; as wireguard-go and wg-quick. */
#define DEFAULT_MTU 1420

/* How often an interface is looked at that was moved to another network namespace,
 * where netlink does not tell of it. wireguard-go looks once a second. */
#define LOOK_EVERY_MS 500

/* After the last change of the configuration memory that it freed is given back: by
 * then the engine has let go of it too. */
#define TRIM_AFTER_MS 1000

struct wr_tunnel {
	uv_loop_t *loop;
	struct wr_tun *tun;
	struct wr_engine *engine;
	struct wr_interface interface;
	uint32_t mtu;
	struct wr_link_watch *link;
	struct wr_uapi_socket socket;
	struct wr_driver driver;
	struct wr_uapi_server server;
	struct wr_journal journal;
	uv_poll_t link_poll;
	uv_poll_t socket_poll; /* on the watch for removal of the file */
	uv_timer_t look_timer; /* runs if the interface was moved away */
	uv_timer_t trim_timer;
	bool is_ended;
	void (*ended)(void *context);
	void *context;
};

static void end(struct wr_tunnel *tunnel, const char *why)
{
	if (tunnel->is_ended)
		return;
	tunnel->is_ended = true;
	wr_log_verbose("ending: %s", why);
	tunnel->ended(tunnel->context);
}

/* The engine ran: see what is worth telling. */
static void on_ran(void *context)
{
	struct wr_tunnel *tunnel = context;

	wr_journal_update(&tunnel->journal, tunnel->interface.device);
}

/* Thousands of peers that are gone leave whole pages free, which malloc(3) keeps. */
static void on_quiet(uv_timer_t *timer)
{
	(void)timer;
	malloc_trim(0);
}

static void on_changed(void *context)
{
	struct wr_tunnel *tunnel = context;

	wr_driver_run(&tunnel->driver);
	uv_timer_start(&tunnel->trim_timer, on_quiet, TRIM_AFTER_MS, 0);
}

static void set_up(struct wr_tunnel *tunnel, bool is_up)
{
	struct wr_interface *interface = &tunnel->interface;
	int status;

	if (is_up == interface->is_up)
		return;
	status = wr_interface_set_up(interface, is_up);
	if (status < 0)
		wr_log_error("cannot listen on port %u: %s; set another one with: wg set %s "
			     "listen-port PORT",
			     interface->listen_port, strerror(-status), tunnel->tun->name);
	else
		wr_log_verbose("interface %s: listen_port=%u", is_up ? "up" : "down",
			       interface->listen_port);
	wr_driver_run(&tunnel->driver);
}

static void set_mtu(struct wr_tunnel *tunnel, uint32_t mtu)
{
	if (mtu == tunnel->mtu)
		return;
	tunnel->mtu = mtu;
	wr_engine_set_mtu(tunnel->engine, tunnel->interface.device, mtu);
	wr_log_verbose("interface changed: mtu=%u", mtu);
}

/* The interface is in another network namespace. */
static void on_look(uv_timer_t *timer)
{
	struct wr_tunnel *tunnel = timer->data;
	bool is_up;

	if (wr_tun_is_up(tunnel->tun, &is_up) == -ENODEV)
		end(tunnel, "the interface was deleted");
	else
		set_up(tunnel, is_up);
}

/* Deleted, or moved: then the sockets stay here, and that is what many do it for. */
static void on_link_gone(struct wr_tunnel *tunnel)
{
	uv_poll_stop(&tunnel->link_poll);
	uv_timer_start(&tunnel->look_timer, on_look, 0, LOOK_EVERY_MS);
}

static int read_link(struct wr_tunnel *tunnel)
{
	struct wr_link_state state;
	int status = wr_link_watch_read(tunnel->link, &state);

	if (status < 0)
		return status;
	if (!state.exists) {
		on_link_gone(tunnel);
		return 0;
	}
	set_mtu(tunnel, state.mtu);
	set_up(tunnel, state.is_up);
	return 0;
}

/* A socket that ran over has an error, at which libuv stops watching it: what was missed
 * is asked for, and it is watched again. */
static void on_link(uv_poll_t *poll, int status, int events)
{
	struct wr_tunnel *tunnel = poll->data;
	bool is_stopped = status < 0;

	(void)events;
	status = read_link(tunnel);
	if (status == 0 && is_stopped && !uv_is_active((uv_handle_t *)&tunnel->look_timer))
		status = uv_poll_start(poll, UV_READABLE, on_link);
	if (status < 0)
		wr_log_error("netlink: error=%s", strerror(-status));
}

static void on_socket_watch(uv_poll_t *poll, int status, int events)
{
	struct wr_tunnel *tunnel = poll->data;

	(void)status;
	(void)events;
	if (wr_uapi_socket_is_gone(&tunnel->socket))
		end(tunnel, "the file of the configuration socket was removed");
}

static int open_device(struct wr_tunnel *tunnel, const struct wr_tunnel_config *config)
{
	int status;

	if (config->tun_fd >= 0)
		status = wr_tun_adopt(config->tun_fd, &tunnel->tun);
	else
		status = wr_tun_open(config->name, config->engine.workers, &tunnel->tun);
	return status < 0 ? status : wr_tun_set_mtu(tunnel->tun, DEFAULT_MTU);
}

static int open_engine(struct wr_tunnel *tunnel, const struct wr_tunnel_config *config)
{
	struct wr_device *device;
	int status = wr_engine_new(&config->engine, &tunnel->engine);

	if (status < 0)
		return status;
	device = wr_device_new(wr_engine_port(tunnel->engine));
	if (!device)
		return -ENOMEM;
	tunnel->interface = (struct wr_interface){ .engine = tunnel->engine, .device = device };
	return wr_engine_attach(tunnel->engine, device, tunnel->tun);
}

static int watch_fd(struct wr_tunnel *tunnel, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
	int status = uv_poll_init(tunnel->loop, poll, fd);

	if (status < 0)
		return status;
	poll->data = tunnel;
	return uv_poll_start(poll, UV_READABLE, callback);
}

static int open_watch(struct wr_tunnel *tunnel, const struct wr_tunnel_config *config)
{
	int status = wr_link_watch_open(tunnel->tun->index, &tunnel->link);

	(void)config;
	uv_timer_init(tunnel->loop, &tunnel->look_timer);
	tunnel->look_timer.data = tunnel;
	uv_timer_init(tunnel->loop, &tunnel->trim_timer);
	if (status == 0)
		status = watch_fd(tunnel, &tunnel->link_poll, wr_link_watch_fd(tunnel->link),
				  on_link);
	if (status == 0)
		status = wr_driver_start(&tunnel->driver, tunnel->loop, tunnel->engine, on_ran,
					 tunnel);
	return status;
}

static int start_threads(struct wr_tunnel *tunnel)
{
	int status;

	wr_engine_set_mtu(tunnel->engine, tunnel->interface.device, tunnel->mtu);
	status = wr_engine_start(tunnel->engine);
	if (status < 0)
		return status;
	wr_driver_run(&tunnel->driver);
	return read_link(tunnel);
}

/* One that was handed over is there already, and its file may be in a place that
 * takes more rights to reach than are kept. */
static int adopt_socket(struct wr_tunnel *tunnel, const struct wr_tunnel_config *config)
{
	return config->uapi_fd < 0 ? 0 : wr_uapi_socket_adopt(config->uapi_fd, &tunnel->socket);
}

static int open_socket(struct wr_tunnel *tunnel)
{
	int status = 0;

	if (tunnel->socket.fd < 0)
		status = wr_uapi_socket_open(tunnel->tun->name, &tunnel->socket);
	if (status == 0 && tunnel->socket.watch_fd >= 0)
		status = watch_fd(tunnel, &tunnel->socket_poll, tunnel->socket.watch_fd,
				  on_socket_watch);
	if (status == 0)
		status = wr_uapi_server_start(&tunnel->server, tunnel->loop, tunnel->socket.fd,
					      &tunnel->interface, on_changed, tunnel);
	return status;
}

typedef int open_step(struct wr_tunnel *tunnel, const struct wr_tunnel_config *config);

static open_step *const steps[] = {
	[WR_TUNNEL_DEVICE] = open_device,
	[WR_TUNNEL_ENGINE] = open_engine,
	[WR_TUNNEL_WATCH] = open_watch,
	[WR_TUNNEL_SOCKET] = adopt_socket,
};

static void wr_tunnel_freep(struct wr_tunnel **tunnel)
{
	*tunnel = wr_tunnel_free(*tunnel);
}

static struct wr_tunnel *tunnel_new(uv_loop_t *loop, const struct wr_tunnel_config *config)
{
	struct wr_tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	tunnel->loop = loop;
	tunnel->mtu = DEFAULT_MTU;
	tunnel->ended = config->ended;
	tunnel->context = config->context;
	tunnel->socket = (struct wr_uapi_socket){ .fd = -1, .watch_fd = -1 };
	return tunnel;
}

int wr_tunnel_open(uv_loop_t *loop, const struct wr_tunnel_config *config,
		   struct wr_tunnel **ret_tunnel, enum wr_tunnel_step *ret_step)
{
	WR_AUTO(wr_tunnel_freep) struct wr_tunnel *tunnel = tunnel_new(loop, config);
	int status = tunnel ? 0 : -ENOMEM;
	size_t step = 0;

	while (status == 0 && step < WR_ARRAY_LEN(steps))
		status = steps[step++](tunnel, config);
	if (status < 0) {
		*ret_step = step ? (enum wr_tunnel_step)(step - 1) : WR_TUNNEL_ENGINE;
		return status;
	}
	*ret_tunnel = WR_TAKE(tunnel);
	return 0;
}

int wr_tunnel_start(struct wr_tunnel *tunnel, enum wr_tunnel_step *ret_step)
{
	int status = start_threads(tunnel);

	if (status < 0) {
		*ret_step = WR_TUNNEL_THREADS;
		return status;
	}
	status = open_socket(tunnel);
	if (status < 0)
		*ret_step = WR_TUNNEL_SOCKET;
	return status;
}

static void close_handles(struct wr_tunnel *tunnel)
{
	wr_uapi_server_stop(&tunnel->server);
	wr_driver_stop(&tunnel->driver);
	wr_handle_close((uv_handle_t *)&tunnel->link_poll);
	wr_handle_close((uv_handle_t *)&tunnel->socket_poll);
	wr_handle_close((uv_handle_t *)&tunnel->look_timer);
	wr_handle_close((uv_handle_t *)&tunnel->trim_timer);
	/* All of these close within one turn. */
	uv_run(tunnel->loop, UV_RUN_NOWAIT);
}

struct wr_tunnel *wr_tunnel_free(struct wr_tunnel *tunnel)
{
	if (!tunnel)
		return NULL;
	close_handles(tunnel);
	wr_uapi_socket_done(&tunnel->socket);
	tunnel->link = wr_link_watch_free(tunnel->link);
	tunnel->engine = wr_engine_free(tunnel->engine);
	tunnel->tun = wr_tun_free(tunnel->tun);
	free(tunnel);
	return NULL;
}

const char *wr_tunnel_name(const struct wr_tunnel *tunnel)
{
	return tunnel->tun->name;
}
