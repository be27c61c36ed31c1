#include "engine/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/knock.h"
#include "linux/clock.h"
#include "wg/budget.h"

/* One IP packet with room before it for the header of virtio and after it for
 * padding. */
#define TUN_BUFFER_LEN (WR_CACHE_LINE + 65536 + WR_CACHE_LINE)
#define MAX_EVENTS 8

/* What an event of epoll is about: a TUN, by its serial over its slot; or one of
 * these, which are no serial. */
enum event_source {
	SOURCE_WAKE,
	SOURCE_V4,
	SOURCE_V6,
	SOURCES
};

static uint64_t source_of(const struct wr_binding *binding)
{
	return (uint64_t)binding->serial << 32 | binding->slot;
}

void wr_worker_wake(const struct wr_worker *worker)
{
	eventfd_write(worker->wake_fd, 1);
}

static int watch(const struct wr_worker *worker, int fd, uint64_t source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = source };

	if (fd < 0 || epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	/* A TUN that was detached and comes again. */
	if (errno == EEXIST && epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return -errno;
}

static void unwatch(const struct wr_worker *worker, int fd)
{
	if (fd >= 0)
		epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* Takes up new sockets, if the control thread has published some. The old ones
 * may be closed already, and their numbers be others', so they are not touched:
 * epoll forgets them when they are closed, if it has not yet. */
static void follow_sockets(struct wr_worker *worker)
{
	const struct wr_socket_set *set = atomic_load_explicit(&worker->shared->sockets,
							       memory_order_acquire);

	if (set->generation == worker->generation)
		return;
	worker->generation = set->generation;
	worker->outbox.v4 = set->sockets.v4[worker->number];
	worker->outbox.v6 = set->sockets.v6[worker->number];
	if (watch(worker, worker->outbox.v4, SOURCE_V4) < 0 ||
	    watch(worker, worker->outbox.v6, SOURCE_V6) < 0)
		wr_tally_drop(&worker->tally, WR_DROP_UDP);
}

static struct wr_binding *binding_in(const struct wr_shared *shared, uint32_t slot)
{
	return atomic_load_explicit(&shared->bindings.slots[slot], memory_order_acquire);
}

/* The same for TUNs: one that is gone is closed by whoever detached it. */
static void follow_tuns(struct wr_worker *worker)
{
	const struct wr_bindings *bindings = &worker->shared->bindings;
	uint32_t generation = atomic_load_explicit(&bindings->generation, memory_order_acquire);
	uint32_t high = atomic_load_explicit(&bindings->high, memory_order_acquire);

	if (generation == worker->tun_generation)
		return;
	worker->tun_generation = generation;
	for (uint32_t i = 0; i < high; i++) {
		const struct wr_binding *binding = binding_in(worker->shared, i);
		uint32_t serial = binding ? binding->serial : 0;

		if (serial == worker->watched[i])
			continue;
		worker->watched[i] = serial;
		if (binding &&
		    watch(worker, wr_worker_queue(worker, binding->tun), source_of(binding)) < 0)
			wr_tally_drop(&worker->tally, WR_DROP_TUN);
	}
}

/* What epoll says of a TUN that is gone or down for good would turn the loop
 * into a busy one: it is not watched any more. */
static bool is_dead(const struct epoll_event *event)
{
	return event->events & (EPOLLERR | EPOLLHUP);
}

static void handle_tun(struct wr_worker *worker, const struct epoll_event *event)
{
	const struct wr_binding *binding = binding_in(worker->shared, (uint32_t)event->data.u64);

	if (!binding || source_of(binding) != event->data.u64)
		return; /* detached since epoll saw it */
	if (is_dead(event))
		unwatch(worker, wr_worker_queue(worker, binding->tun));
	else
		wr_worker_outbound(worker, binding);
}

static void handle(struct wr_worker *worker, const struct epoll_event *event)
{
	uint64_t wakes;

	switch (event->data.u64) {
	case SOURCE_WAKE: eventfd_read(worker->wake_fd, &wakes); break;
	case SOURCE_V4: wr_worker_inbound(worker, worker->outbox.v4); break;
	case SOURCE_V6: wr_worker_inbound(worker, worker->outbox.v6); break;
	default: handle_tun(worker, event); break;
	}
}

static void round_of_events(struct wr_worker *worker, const struct epoll_event *events, int count)
{
	worker->now = wr_clock_now();
	worker->outbox.now = worker->now;
	for (int i = 0; i < count; i++)
		handle(worker, &events[i]);
	if (worker->wakes_control)
		eventfd_write(worker->shared->control_fd, 1);
	worker->wakes_control = false;
}

static void *run(void *context)
{
	struct wr_worker *worker = context;
	struct wr_rcu *rcu = &worker->shared->rcu;
	struct epoll_event events[MAX_EVENTS];

	wr_rcu_enter();
	follow_sockets(worker);
	follow_tuns(worker);
	while (!atomic_load_explicit(&worker->shared->is_stopping, memory_order_acquire)) {
		wr_rcu_offline(rcu);
		int count = epoll_wait(worker->epoll_fd, events, MAX_EVENTS, -1);

		wr_rcu_online();
		follow_sockets(worker);
		follow_tuns(worker);
		round_of_events(worker, events, count);
	}
	wr_rcu_leave(rcu);
	return NULL;
}

int wr_worker_init(struct wr_worker *worker, struct wr_shared *shared, unsigned number)
{
	memset(worker, 0, sizeof(*worker));
	worker->shared = shared;
	worker->number = number;
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->epoll_fd < 0 || worker->wake_fd < 0)
		return -errno;
	worker->mail = wr_ring_new(WR_MAIL_LEN);
	worker->packet_mail = wr_ring_new(WR_PACKET_MAIL_LEN);
	worker->aead_context = shared->aead->context_new();
	worker->receiver = wr_udp_receiver_new();
	worker->coalescer = malloc(sizeof(*worker->coalescer));
	worker->tun_buffer = aligned_alloc(WR_CACHE_LINE, TUN_BUFFER_LEN);
	worker->watched = calloc(WR_ENGINE_MAX_TUNS, sizeof(*worker->watched));
	if (!worker->mail || !worker->packet_mail || !worker->aead_context || !worker->receiver ||
	    !worker->coalescer || !worker->tun_buffer || !worker->watched ||
	    !wr_outbox_init(&worker->outbox, shared->aead, worker->aead_context, &worker->tally))
		return -ENOMEM;
	if (shared->stun_desks) {
		worker->stun = wr_stun_desk_new(shared->stun_desks);
		if (!worker->stun)
			return -ENOMEM;
	}
	if (shared->knock_desks) {
		worker->knocks = wr_knock_budget_new(shared->knock_desks);
		if (!worker->knocks)
			return -ENOMEM;
	}
	wr_coalescer_init(worker->coalescer, false, false);
	return 0;
}

int wr_worker_start(struct wr_worker *worker)
{
	sigset_t all, before;
	int error = watch(worker, worker->wake_fd, SOURCE_WAKE);

	if (error)
		return error;
	/* Signals belong to the control thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->is_started = !error;
	return -error;
}

void wr_worker_done(struct wr_worker *worker)
{
	if (worker->is_started) {
		wr_worker_wake(worker);
		pthread_join(worker->thread, NULL);
	}
	if (worker->epoll_fd >= 0)
		close(worker->epoll_fd);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	wr_outbox_done(&worker->outbox);
	if (worker->aead_context)
		worker->shared->aead->context_free(worker->aead_context);
	wr_udp_receiver_free(worker->receiver);
	wr_stun_desk_free(worker->stun);
	wr_budget_free(worker->knocks);
	free(worker->coalescer);
	free(worker->tun_buffer);
	free(worker->watched);
	wr_ring_free(worker->mail);
	wr_ring_free(worker->packet_mail);
}
