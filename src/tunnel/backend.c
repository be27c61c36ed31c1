#include "tunnel/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "linux/wgnl.h"
#include "tunnel/backend_ops.h"
#include "tunnel/handle.h"

/* --- Turns of the loop. --- */

static void on_soon(uv_idle_t *idle)
{
	struct wr_backend *backend = idle->data;

	uv_idle_stop(idle);
	if (backend->ops->run)
		backend->ops->run(backend);
	wr_backend_deliver(backend);
}

void wr_backend_soon(struct wr_backend *backend)
{
	if (!uv_is_closing((uv_handle_t *)&backend->soon))
		uv_idle_start(&backend->soon, on_soon);
}

/* --- The link. --- */

static int read_link(struct wr_backend *backend)
{
	struct wr_link_state state;
	int status = wr_link_watch_read(backend->link, &state);

	if (status < 0)
		return status;
	if (!state.exists) {
		/* Or moved to another namespace, where it does not serve this one. */
		uv_poll_stop(&backend->link_poll);
		wr_backend_tell_gone(backend);
	} else if (backend->ops->link_changed) {
		backend->ops->link_changed(backend, &state);
	}
	return 0;
}

/* A socket that ran over has an error, at which libuv stops watching it. */
static void on_link(uv_poll_t *poll, int status, int events)
{
	struct wr_backend *backend = poll->data;
	bool is_stopped = status < 0;

	(void)events;
	status = read_link(backend);
	if (status == 0 && is_stopped && !backend->news.is_gone)
		status = uv_poll_start(poll, UV_READABLE, on_link);
	if (status < 0)
		wr_log_error("netlink: error=%s", strerror(-status));
}

int wr_backend_watch(struct wr_backend *backend, uint32_t index)
{
	int status = wr_link_watch_open(index, &backend->link);

	backend->index = index;
	if (status < 0)
		return status;
	status = uv_poll_init(backend->loop, &backend->link_poll, wr_link_watch_fd(backend->link));
	if (status < 0)
		return status;
	backend->link_poll.data = backend;
	return uv_poll_start(&backend->link_poll, UV_READABLE, on_link);
}

/* --- Life. --- */

void wr_backend_init(struct wr_backend *backend, const struct wr_backend_ops *ops, uv_loop_t *loop,
		     const struct wr_backend_config *config)
{
	backend->ops = ops;
	backend->loop = loop;
	backend->heard = config->heard;
	backend->shook = config->shook;
	backend->wanted = config->wanted;
	backend->knocked = config->knocked;
	backend->may_relay = config->may_relay;
	backend->gone = config->gone;
	backend->context = config->context;
	uv_idle_init(loop, &backend->soon);
	backend->soon.data = backend;
}

int wr_backend_fail(int status, char ret_why[WR_BACKEND_WHY_LEN], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_why, WR_BACKEND_WHY_LEN, format, arguments);
	va_end(arguments);
	return status;
}

int wr_backend_claim(const char *name, struct wr_link_sight *ret_sight,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = wr_link_find(name, ret_sight);

	if (status == -ENODEV)
		return 0;
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot look for interface %s: %s", name,
				       strerror(-status));
	if (strcmp(ret_sight->kind, "wireguard") == 0 &&
	    strcmp(ret_sight->alias, WR_BACKEND_ALIAS) == 0)
		return 1;
	return wr_backend_fail(-EEXIST, ret_why,
			       "interface %s is there and not ours; choose another name, or remove "
			       "it: ip link delete %s",
			       name, name);
}

int wr_backend_open(uv_loop_t *loop, const struct wr_backend_config *config,
		    struct wr_backend **ret_backend, char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = -EOPNOTSUPP;

	ret_why[0] = '\0';
	if (!config->name[0] || strlen(config->name) >= IF_NAMESIZE ||
	    strpbrk(config->name, "/%: \t\n"))
		return wr_backend_fail(-EINVAL, ret_why, "'%.32s' is no name for an interface",
				       config->name);
	if (config->kind != WR_BACKEND_ENGINE)
		status = wr_backend_kernel.open(loop, config, ret_backend, ret_why);
	if (config->kind == WR_BACKEND_ENGINE ||
	    (config->kind == WR_BACKEND_AUTO && status == -EOPNOTSUPP))
		status = wr_backend_engine.open(loop, config, ret_backend, ret_why);
	if (status == 0)
		ret_why[0] = '\0';
	return status;
}

struct wr_backend *wr_backend_free(struct wr_backend *backend)
{
	if (!backend)
		return NULL;
	backend->ops->close(backend);
	wr_handle_close((uv_handle_t *)&backend->link_poll);
	wr_handle_close((uv_handle_t *)&backend->soon);
	/* All of these close within one turn. */
	uv_run(backend->loop, UV_RUN_NOWAIT);
	backend->link = wr_link_watch_free(backend->link);
	wr_backend_drop_news(backend);
	backend->ops->free(backend);
	return NULL;
}

/* --- What is. --- */

enum wr_backend_kind wr_backend_kind(const struct wr_backend *backend)
{
	return backend->ops->kind;
}

const char *wr_backend_name(const struct wr_backend *backend)
{
	return backend->ops->name;
}

uint32_t wr_backend_index(const struct wr_backend *backend)
{
	return backend->index;
}

uint16_t wr_backend_port(const struct wr_backend *backend)
{
	return backend->ops->port(backend);
}

bool wr_backend_can_probe(const struct wr_backend *backend)
{
	return backend->ops->can_probe;
}

int wr_backend_look(struct wr_backend *backend,
		    void (*see)(void *context, const struct wr_backend_sight *sight), void *context)
{
	return backend->news.is_gone ? -ENODEV : backend->ops->look(backend, see, context);
}

int wr_backend_look_one(struct wr_backend *backend, const struct wr_key *public_key,
			struct wr_backend_sight *ret_sight)
{
	return backend->news.is_gone ? -ENODEV
				     : backend->ops->look_one(backend, public_key, ret_sight);
}

uint64_t wr_backend_allowed_sum(const struct wr_prefix *prefixes, size_t count)
{
	return wr_wgnl_sum(prefixes, count);
}

uint64_t wr_backend_key_sum(const struct wr_key *preshared_key)
{
	return wr_wgnl_key_sum(preshared_key);
}

/* --- What should be. --- */

static int usable(const struct wr_backend *backend)
{
	return backend->news.is_gone ? -ENODEV : 0;
}

int wr_backend_set_key(struct wr_backend *backend, const struct wr_key *private_key)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->set_key(backend, private_key);
}

int wr_backend_set_up(struct wr_backend *backend, bool is_up)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->set_up(backend, is_up);
}

int wr_backend_set_peer(struct wr_backend *backend, const struct wr_backend_peer *peer)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->set_peer(backend, peer);
}

int wr_backend_remove_peer(struct wr_backend *backend, const struct wr_key *public_key)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->remove_peer(backend, public_key);
}

int wr_backend_set_endpoint(struct wr_backend *backend, const struct wr_key *public_key,
			    const struct wr_endpoint *endpoint)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->set_endpoint(backend, public_key, endpoint);
}

int wr_backend_set_spread(struct wr_backend *backend, const struct wr_key *public_key,
			  const struct wr_endpoint *endpoints, size_t count)
{
	int status = usable(backend);

	if (status < 0)
		return status;
	return backend->ops->set_spread
		       ? backend->ops->set_spread(backend, public_key, endpoints, count)
		       : -EOPNOTSUPP;
}

int wr_backend_hasten(struct wr_backend *backend, const struct wr_key *public_key)
{
	int status = usable(backend);

	if (status < 0)
		return status;
	return backend->ops->hasten ? backend->ops->hasten(backend, public_key) : -EOPNOTSUPP;
}

int wr_backend_wake(struct wr_backend *backend, const struct wr_key *public_key)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->wake(backend, public_key);
}

int wr_backend_renew(struct wr_backend *backend, const struct wr_key *public_key)
{
	int status = usable(backend);

	return status < 0 ? status : backend->ops->renew(backend, public_key);
}

int wr_backend_probe(struct wr_backend *backend, const struct wr_key *public_key,
		     const struct wr_endpoint *to)
{
	int status = usable(backend);

	if (status < 0)
		return status;
	return backend->ops->probe ? backend->ops->probe(backend, public_key, to) : -EOPNOTSUPP;
}

int wr_backend_send(struct wr_backend *backend, struct wr_bytes datagram,
		    const struct wr_endpoint *to)
{
	int status = usable(backend);

	if (status < 0)
		return status;
	return backend->ops->send ? backend->ops->send(backend, datagram, to) : -EOPNOTSUPP;
}

int wr_backend_count(const struct wr_backend *backend, struct wr_counters *ret_counters)
{
	if (!backend->ops->count)
		return -EOPNOTSUPP;
	backend->ops->count(backend, ret_counters);
	return 0;
}

void wr_backend_review_relay(struct wr_backend *backend)
{
	if (backend->ops->review_relay)
		backend->ops->review_relay(backend);
}

int wr_backend_set_guard(struct wr_backend *backend, struct wr_guard *guard)
{
	return backend->ops->set_guard ? backend->ops->set_guard(backend, guard) : -EOPNOTSUPP;
}

struct wr_retire_list *wr_backend_retired(struct wr_backend *backend)
{
	return backend->ops->retired ? backend->ops->retired(backend) : NULL;
}
