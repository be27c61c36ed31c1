#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "engine/control.h"
#include "linux/clock.h"

/* --- Sockets. --- */

static void free_socket_set(struct wr_retired *retired)
{
	struct wr_socket_set *set = WR_CONTAINER_OF(retired, struct wr_socket_set, retired);

	wr_udp_close(&set->sockets);
	free(set);
}

static struct wr_socket_set *socket_set_new(struct wr_engine *engine)
{
	struct wr_socket_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	for (unsigned i = 0; i < WR_UDP_MAX_WORKERS; i++)
		set->sockets.v4[i] = set->sockets.v6[i] = -1;
	set->generation = ++engine->generation;
	return set;
}

static struct wr_socket_set *socket_set_of(const struct wr_engine *engine)
{
	return atomic_load_explicit(&engine->shared.sockets, memory_order_relaxed);
}

/* The workers take `set` up; the old one is closed when none uses it any more. */
static void publish_sockets(struct wr_engine *engine, struct wr_socket_set *set)
{
	struct wr_socket_set *old = socket_set_of(engine);

	atomic_store_explicit(&engine->shared.sockets, set, memory_order_release);
	engine->outbox.v4 = set->sockets.v4[0];
	engine->outbox.v6 = set->sockets.v6[0];
	for (unsigned i = 0; engine->has_started && i < engine->shared.worker_count; i++)
		wr_worker_wake(&engine->workers[i]);
	if (!old)
		return;
	wr_retire(&engine->retired, &old->retired, free_socket_set);
	wr_control_reclaim(engine);
}

static bool publish_no_sockets(struct wr_engine *engine)
{
	struct wr_socket_set *set = socket_set_new(engine);

	if (set)
		publish_sockets(engine, set);
	return set;
}

int wr_engine_listen(struct wr_engine *engine, uint16_t port, uint32_t mark)
{
	const struct wr_socket_set *old = socket_set_of(engine);
	struct wr_socket_set *set;
	int error;

	/* The port is free for us only when we have let it go. */
	if (port && port == old->sockets.port)
		return wr_udp_set_mark(&old->sockets, mark);
	set = socket_set_new(engine);
	if (!set)
		return -ENOMEM;
	error = wr_udp_open(port, mark, engine->shared.worker_count, &set->sockets);
	if (error) {
		free(set);
		return error;
	}
	publish_sockets(engine, set);
	return 0;
}

void wr_engine_unlisten(struct wr_engine *engine)
{
	if (wr_engine_listen_port(engine) && !publish_no_sockets(engine))
		abort(); /* control-plane memory: docs/architecture.md, "Threads and memory" */
}

uint16_t wr_engine_listen_port(const struct wr_engine *engine)
{
	return socket_set_of(engine)->sockets.port;
}

bool wr_engine_is_listening(const struct wr_engine *engine)
{
	return wr_udp_is_open(&socket_set_of(engine)->sockets);
}

int wr_engine_set_mark(struct wr_engine *engine, uint32_t mark)
{
	return wr_udp_set_mark(&socket_set_of(engine)->sockets, mark);
}

/* --- Life. --- */

static int init_workers(struct wr_engine *engine, unsigned count)
{
	engine->workers = aligned_alloc(WR_CACHE_LINE, count * sizeof(*engine->workers));
	if (!engine->workers)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		int error = wr_worker_init(&engine->workers[i], &engine->shared, i);

		engine->shared.worker_count = i + 1;
		if (error)
			return error;
	}
	return 0;
}

static int open_relay(struct wr_engine *engine)
{
	uint64_t secret;

	wr_random(&secret, sizeof(secret));
	return wr_relay_open(engine->shared.port, secret);
}

static int init(struct wr_engine *engine, const struct wr_engine_config *config)
{
	struct wr_siphash_key hash_key;

	wr_random(&hash_key, sizeof(hash_key));
	engine->shared.aead = config->aead;
	engine->shared.control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (engine->shared.control_fd < 0)
		return -errno;
	engine->shared.port = wr_port_new(&config->timing, &hash_key);
	if (engine->shared.port)
		wr_port_set_least_wall(engine->shared.port, config->least_wall, wr_clock_now());
	engine->aead_context = config->aead->context_new();
	engine->reclaim_due = WR_NEVER;
	if (!engine->shared.port || !engine->aead_context ||
	    !wr_outbox_init(&engine->outbox, config->aead, engine->aead_context, &engine->tally) ||
	    !publish_no_sockets(engine))
		return -ENOMEM;
	if (config->may_relay && open_relay(engine) < 0)
		return -ENOMEM;
	return init_workers(engine, config->workers);
}

int wr_engine_new(const struct wr_engine_config *config, struct wr_engine **ret_engine)
{
	struct wr_engine *engine = malloc(sizeof(*engine));

	assert(config->workers > 0 && config->workers <= WR_ENGINE_MAX_WORKERS);
	if (!engine)
		return -ENOMEM;
	*engine = (struct wr_engine){ .shared.control_fd = -1,
				      .wants_tun = config->wants_tun,
				      .heard = config->heard,
				      .shook = config->shook,
				      .wanted = config->wanted,
				      .may_relay = config->may_relay,
				      .knocked = config->knocked,
				      .shared.stun_desks = config->has_stun ? config->workers : 0,
				      .shared.knock_desks = config->knocked ? config->workers : 0,
				      .context = config->context };
	int error = init(engine, config);

	if (error)
		wr_engine_free(engine);
	else
		*ret_engine = engine;
	return error;
}

static void stop_workers(struct wr_engine *engine)
{
	atomic_store_explicit(&engine->shared.is_stopping, true, memory_order_release);
	for (unsigned i = 0; i < engine->shared.worker_count; i++)
		wr_worker_done(&engine->workers[i]);
	engine->shared.worker_count = 0;
}

struct wr_engine *wr_engine_free(struct wr_engine *engine)
{
	if (!engine)
		return NULL;
	stop_workers(engine);
	free(engine->workers);
	wr_staging_done(&engine->staging);
	if (engine->shared.port)
		wr_attachments_free(engine);
	wr_port_free(engine->shared.port);
	if (socket_set_of(engine))
		free_socket_set(&socket_set_of(engine)->retired);
	wr_retire_free_all(&engine->retired);
	wr_outbox_done(&engine->outbox);
	if (engine->aead_context)
		engine->shared.aead->context_free(engine->aead_context);
	if (engine->shared.control_fd >= 0)
		close(engine->shared.control_fd);
	wr_wipe(engine->entropy, sizeof(engine->entropy));
	free(engine);
	return NULL;
}

int wr_engine_start(struct wr_engine *engine)
{
	int error = 0;

	engine->has_started = true;
	for (unsigned i = 0; i < engine->shared.worker_count && !error; i++)
		error = wr_worker_start(&engine->workers[i]);
	return error;
}

/* --- Configuration. --- */

struct wr_port *wr_engine_port(struct wr_engine *engine)
{
	return engine->shared.port;
}

/* --- Running. --- */

int wr_engine_fd(const struct wr_engine *engine)
{
	return engine->shared.control_fd;
}

static struct wr_instant relay_deadline(const struct wr_engine *engine)
{
	const struct wr_relay *relay = engine->shared.port->relay;

	return relay ? wr_relay_deadline(relay) : WR_NEVER;
}

struct wr_instant wr_engine_run(struct wr_engine *engine)
{
	uint64_t wakes;

	eventfd_read(engine->shared.control_fd, &wakes);
	if (!wr_control_turn(engine))
		return wr_clock_now();
	return wr_sooner(wr_sooner(wr_port_deadline(engine->shared.port), relay_deadline(engine)),
			 engine->reclaim_due);
}

void wr_engine_counters(const struct wr_engine *engine, struct wr_counters *ret_counters)
{
	*ret_counters = (struct wr_counters){ .handshakes = engine->shared.port->sessions_made };
	wr_tally_sum(&engine->tally, ret_counters);
	for (unsigned i = 0; i < engine->shared.worker_count; i++)
		wr_tally_sum(&engine->workers[i].tally, ret_counters);
}

unsigned wr_engine_workers(const struct wr_engine *engine)
{
	return engine->shared.worker_count;
}
