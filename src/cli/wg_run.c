/* The life of the process behind an interface. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "cli/daemon.h"
#include "cli/verb.h"
#include "cli/wg.h"
#include "crypto/crypto.h"
#include "linux/privileges.h"
#include "tunnel/handle.h"

#define WR_RUN_SIGNALS 3

/* SIGHUP: the terminal of one in the foreground is gone. */
static const int ending_signals[WR_RUN_SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

struct run {
	uv_loop_t loop;
	uv_signal_t signals[WR_RUN_SIGNALS];
	const struct wr_aead *aead;
	struct wr_tunnel *tunnel;
	char log_prefix[32]; /* "(wg0) " */
};

/* The data plane allocates nothing, and threads share what little else there is;
 * a large configuration is given back to the system when it has been read
 * (without the second line glibc would keep it). */
static void tune_malloc(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	uv_stop(handle->loop);
}

static void on_ended(void *context)
{
	struct run *run = context;

	uv_stop(&run->loop);
}

static void start_signals(struct run *run)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < WR_RUN_SIGNALS; i++) {
		uv_signal_init(&run->loop, &run->signals[i]);
		uv_signal_start(&run->signals[i], on_signal, ending_signals[i]);
	}
}

static void stop_signals(struct run *run)
{
	for (size_t i = 0; i < WR_RUN_SIGNALS; i++)
		wr_handle_close((uv_handle_t *)&run->signals[i]);
	uv_run(&run->loop, UV_RUN_NOWAIT);
}

static int complain(const char *what, int error)
{
	fprintf(stderr, "warren wg: %s: %s\n", what, strerror(-error));
	return WR_EXIT_FAILED;
}

static int open_tunnel(struct run *run, const struct wr_wg_settings *settings)
{
	struct wr_tunnel_config config = {
		.name = settings->name,
		.tun_fd = settings->tun_fd,
		.uapi_fd = settings->uapi_fd,
		.engine = {
			.workers = settings->workers,
			.aead = run->aead,
			.timing = wr_timing_scaled(settings->time_scale),
		},
		.ended = on_ended,
		.context = run,
	};
	enum wr_tunnel_step step;
	int status = wr_tunnel_open(&run->loop, &config, &run->tunnel, &step);

	if (status < 0) {
		wr_wg_explain(settings, step, status);
		return WR_EXIT_FAILED;
	}
	return WR_EXIT_DONE;
}

static void start_log(struct run *run, const struct wr_wg_settings *settings)
{
	snprintf(run->log_prefix, sizeof(run->log_prefix), "(%s) ", wr_tunnel_name(run->tunnel));
	wr_log_start(settings->log_level, run->log_prefix);
}

static void wr_seccomp_freep(struct wr_seccomp **filter)
{
	*filter = wr_seccomp_free(*filter);
}

static int start_tunnel(struct run *run, const struct wr_wg_settings *settings)
{
	enum wr_tunnel_step step;
	int status = wr_tunnel_start(run->tunnel, &step);

	if (status < 0) {
		wr_wg_explain(settings, step, status);
		return WR_EXIT_FAILED;
	}
	return WR_EXIT_DONE;
}

/* Capabilities go before there are threads, system calls after: see
 * linux/privileges.h. */
static int start_confined(struct run *run, const struct wr_wg_settings *settings)
{
	WR_AUTO(wr_seccomp_freep) struct wr_seccomp *filter = NULL;
	int status = wr_privileges_drop(settings->keeps_low_ports);

	if (status < 0)
		return complain("cannot drop privileges", status);
	start_signals(run);
	status = wr_seccomp_new(&filter);
	if (status < 0)
		return complain("cannot make the system call filter", status);
	if (start_tunnel(run, settings) != WR_EXIT_DONE)
		return WR_EXIT_FAILED;
	status = wr_seccomp_load(filter);
	if (status < 0)
		return complain("cannot set the system call filter", status);
	return WR_EXIT_DONE;
}

static int live(struct run *run, const struct wr_wg_settings *settings, struct wr_daemon *daemon)
{
	int status = open_tunnel(run, settings);

	if (status != WR_EXIT_DONE)
		return status;
	start_log(run, settings);
	status = start_confined(run, settings);
	if (status == WR_EXIT_DONE) {
		wr_daemon_ready(daemon);
		wr_log_verbose("started: aead=%s workers=%u", run->aead->name, settings->workers);
		uv_run(&run->loop, UV_RUN_DEFAULT);
	}
	run->tunnel = wr_tunnel_free(run->tunnel);
	stop_signals(run);
	return status;
}

int wr_wg_run(const struct wr_wg_settings *settings, struct wr_daemon *daemon)
{
	struct run run = { .tunnel = NULL };
	int status;

	tune_malloc();
	status = wr_crypto_start();
	if (status < 0)
		return complain("the cryptographic libraries do not work", status);
	run.aead = settings->aead ? settings->aead : wr_aead_pick(NULL);
	status = uv_loop_init(&run.loop);
	if (status < 0)
		return complain("cannot make an event loop", status);
	status = live(&run, settings, daemon);
	uv_loop_close(&run.loop);
	return status;
}
