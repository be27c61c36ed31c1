/* The life of an agent's process. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <uv.h>

#include "agent/agent.h"
#include "base/log.h"
#include "cli/agent.h"
#include "cli/memory.h"
#include "cli/notify.h"
#include "cli/wg.h"
#include "crypto/crypto.h"
#include "linux/privileges.h"
#include "tunnel/handle.h"

#define SIGNALS 3
/* By then a start is over; after that, what changes of maps and new channels took. */
#define FIRST_GIVE_BACK_MS 10000
#define GIVE_BACK_MS 300000

/* SIGHUP: the terminal of one in the foreground is gone. */
static const int signals[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

struct run {
	const struct wr_arguments *arguments;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	uv_timer_t give_back;
	struct wr_agent *agent;
	int error;     /* of its end */
	bool is_ended; /* by a signal, or by itself */
	char log_prefix[32];
};

static void end(struct run *run)
{
	run->is_ended = true;
	uv_stop(&run->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	end(handle->data);
}

static void on_ended(void *context, int error)
{
	struct run *run = context;

	run->error = error;
	end(run);
}

static void start_signals(struct run *run)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&run->loop, &run->signals[i]);
		run->signals[i].data = run;
		uv_signal_start(&run->signals[i], on_signal, signals[i]);
	}
}

static void stop_signals(struct run *run)
{
	for (size_t i = 0; i < SIGNALS; i++)
		wr_handle_close((uv_handle_t *)&run->signals[i]);
	wr_handle_close((uv_handle_t *)&run->give_back);
	uv_run(&run->loop, UV_RUN_NOWAIT);
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

static void start_giving_back(struct run *run)
{
	uv_timer_init(&run->loop, &run->give_back);
	uv_timer_start(&run->give_back, on_give_back, FIRST_GIVE_BACK_MS, GIVE_BACK_MS);
}

static int explain_state(const struct wr_arguments *arguments, const char *folder, int error)
{
	if (error == -ENOENT)
		return wr_complain(arguments, "nothing was joined in %s (warren join KEY)", folder);
	if (error == -EPERM)
		return wr_complain(arguments, "others may read %s/state.json: chmod 600 it",
				   folder);
	if (error == -EBADMSG)
		return wr_complain(arguments,
				   "%s/state.json is damaged: put back a copy of it, or leave by "
				   "removing the folder, and join again",
				   folder);
	return wr_complain(arguments, "cannot read %s/state.json: %s", folder, strerror(-error));
}

/* NULL: the engine takes the fastest. Where the kernel carries the packets nobody tries which. */
static const struct wr_aead *chosen_aead(const struct wr_arguments *arguments)
{
	const char *name = getenv("WARREN_AEAD");

	return arguments->aead || !name ? arguments->aead : wr_aead_pick(name);
}

static int open_agent(struct run *run, const char *folder)
{
	const struct wr_agent_config config = {
		.workers = wr_wg_default_workers(),
		.aead = chosen_aead(run->arguments),
		.hosts_file = "/etc/hosts",
		.version = WR_VERSION,
		.ended = on_ended,
		.context = run,
	};
	struct wr_state state;
	char why[200];
	int status = wr_state_load(folder, &state);

	if (status < 0)
		return explain_state(run->arguments, folder, status);
	status = wr_agent_open(&run->loop, &config, &state, &run->agent, why);
	if (status < 0)
		return wr_complain(run->arguments, "%s", why);
	return WR_EXIT_DONE;
}

static void live(struct run *run, struct wr_daemon *daemon)
{
	snprintf(run->log_prefix, sizeof(run->log_prefix), "(%s) ", wr_agent_interface(run->agent));
	wr_log_start(wr_log_level_parse(getenv("LOG_LEVEL")), run->log_prefix);
	printf("warren: agent of %s runs\n", wr_agent_interface(run->agent));
	fflush(stdout);
	wr_daemon_ready(daemon);
	wr_notify("READY=1");
	while (!run->is_ended) {
		uv_run(&run->loop, UV_RUN_DEFAULT);
		if (!run->is_ended && wr_agent_wants_turn(run->agent)) {
			run->error = wr_agent_turn(run->agent);
			run->is_ended |= run->error < 0;
		}
	}
	wr_notify("STOPPING=1");
}

int wr_agent_run(const struct wr_arguments *arguments, const char *folder, struct wr_daemon *daemon)
{
	struct run run = { .arguments = arguments };
	int status;

	keep_memory_small();
	status = wr_crypto_start();
	if (status < 0)
		return wr_complain(arguments, "the cryptographic libraries do not work: %s",
				   strerror(-status));
	status = uv_loop_init(&run.loop);
	if (status < 0)
		return wr_complain(arguments, "cannot make an event loop: %s", strerror(-status));
	status = confine(arguments);
	if (status == WR_EXIT_DONE) {
		start_signals(&run);
		start_giving_back(&run);
		status = open_agent(&run, folder);
		if (status == WR_EXIT_DONE)
			live(&run, daemon);
		run.agent = wr_agent_free(run.agent);
		stop_signals(&run);
	}
	uv_loop_close(&run.loop);
	return status == WR_EXIT_DONE && run.error < 0 ? WR_EXIT_FAILED : status;
}
