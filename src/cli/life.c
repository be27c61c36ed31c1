#include "cli/life.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/memory.h"
#include "cli/notify.h"
#include "crypto/crypto.h"
#include "linux/privileges.h"
#include "tunnel/handle.h"

/* By then a start is over; after that, what changes of maps and new channels took. */
#define FIRST_GIVE_BACK_MS 10000
#define GIVE_BACK_MS 60000
/* For what libuv's pool still does at the end. */
#define LAST_WORK_MS 2000

/* SIGHUP: the terminal of one in the foreground is gone. */
static const int signals[WR_LIFE_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

static void end(struct wr_life *life)
{
	life->is_ended = true;
	uv_stop(&life->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	end(handle->data);
}

void wr_life_ended(void *context, int error)
{
	struct wr_life *life = context;

	life->error = error;
	end(life);
}

static void start_signals(struct wr_life *life)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < WR_LIFE_SIGNALS; i++) {
		uv_signal_init(&life->loop, &life->signals[i]);
		life->signals[i].data = life;
		uv_signal_start(&life->signals[i], on_signal, signals[i]);
	}
}

static void stop_signals(struct wr_life *life)
{
	for (size_t i = 0; i < WR_LIFE_SIGNALS; i++)
		wr_handle_close((uv_handle_t *)&life->signals[i]);
	wr_handle_close((uv_handle_t *)&life->give_back);
	uv_run(&life->loop, UV_RUN_NOWAIT);
}

/* CAP_NET_ADMIN: the interface, routes, rules; nft and resolvectl get it too. */
static int confine(const struct wr_arguments *arguments)
{
	const struct rlimit nothing = { 0, 0 };
	int status;

	umask(0077);
	(void)setrlimit(RLIMIT_CORE, &nothing);
	status = wr_privileges_drop_for_agent(true);
	if (status < 0)
		return wr_complain(arguments, "cannot drop privileges: %s", strerror(-status));
	return WR_EXIT_DONE;
}

/* Maps are read and let go: what they took is given back to the system. */
static void keep_memory_small(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	(void)mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	(void)mallopt(M_ARENA_MAX, 1);
}

static void on_give_back(uv_timer_t *timer)
{
	(void)timer;
	wr_memory_give_back();
}

static void start_giving_back(struct wr_life *life)
{
	uv_timer_init(&life->loop, &life->give_back);
	uv_timer_start(&life->give_back, on_give_back, FIRST_GIVE_BACK_MS, GIVE_BACK_MS);
}

const struct wr_aead *wr_life_aead(const struct wr_arguments *arguments)
{
	const char *name = getenv("WARREN_AEAD");

	/* Where the kernel carries the packets nobody tries which is the fastest. */
	return arguments->aead || !name ? arguments->aead : wr_aead_pick(name);
}

static void live(struct wr_life *life, struct wr_daemon *daemon)
{
	const struct wr_life_work *work = life->work;
	const char *interface = work->interface(work->context);

	snprintf(life->log_prefix, sizeof(life->log_prefix), "(%s) ", interface);
	wr_log_start(wr_log_level_parse(getenv("LOG_LEVEL")), life->log_prefix);
	printf("warren: %s of %s runs\n", work->what, interface);
	if (work->opened)
		work->opened(work->context);
	fflush(stdout);
	wr_daemon_ready(daemon);
	wr_notify("READY=1");
	while (!life->is_ended) {
		uv_run(&life->loop, UV_RUN_DEFAULT);
		if (!life->is_ended && work->wants_turn(work->context)) {
			life->error = work->turn(work->context);
			life->is_ended |= life->error < 0;
		}
	}
	wr_notify("STOPPING=1");
}

/* With a loop. */
static int open_and_live(struct wr_life *life, struct wr_daemon *daemon)
{
	const struct wr_life_work *work = life->work;
	int status;

	start_signals(life);
	start_giving_back(life);
	status = work->open(work->context, &life->loop);
	if (status == WR_EXIT_DONE)
		live(life, daemon);
	work->close(work->context);
	stop_signals(life);
	return status;
}

static void on_late(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* What cannot be called back from libuv's pool (a name that is looked up, UPnP) tells the loop when
 * it ends: the loop must be there until then. exit(3) would wait for it, too, however long it
 * takes. */
static void close_loop(struct wr_life *life, int status)
{
	uv_timer_t late;

	uv_timer_init(&life->loop, &late);
	uv_timer_start(&late, on_late, LAST_WORK_MS, 0);
	uv_unref((uv_handle_t *)&late);
	uv_run(&life->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&late, NULL);
	uv_run(&life->loop, UV_RUN_NOWAIT);
	if (uv_loop_close(&life->loop) == 0)
		return;
	fflush(NULL);
	_exit(status);
}

int wr_life_run(struct wr_life *life, const struct wr_arguments *arguments,
		const struct wr_life_work *work, struct wr_daemon *daemon)
{
	int status;

	*life = (struct wr_life){ .work = work };
	keep_memory_small();
	status = wr_crypto_start();
	if (status < 0)
		return wr_complain(arguments, "the cryptographic libraries do not work: %s",
				   strerror(-status));
	status = uv_loop_init(&life->loop);
	if (status < 0)
		return wr_complain(arguments, "cannot make an event loop: %s", strerror(-status));
	status = confine(arguments);
	if (status == WR_EXIT_DONE)
		status = open_and_live(life, daemon);
	if (status == WR_EXIT_DONE && life->error < 0)
		status = WR_EXIT_FAILED;
	close_loop(life, status);
	return status;
}
