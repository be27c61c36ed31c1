/* The life of the server's process: opens, serves, ends. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <uv.h>

#include "base/key.h"
#include "base/log.h"
#include "cli/notify.h"
#include "cli/serve.h"
#include "cli/wg.h"
#include "crypto/crypto.h"
#include "linux/netns.h"
#include "linux/privileges.h"
#include "server/server.h"

#define SIGNALS 3

static const int signals[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };

struct run {
	const struct wr_arguments *arguments;
	const struct wr_settings *settings;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
	struct wr_server *server;
};

static void on_closed(void *context)
{
	struct run *run = context;

	run->server = NULL;
}

static void stop_signals(struct run *run)
{
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&run->signals[i], NULL);
}

/* From here on a second signal ends it at once. */
static void begin_end(struct run *run)
{
	wr_notify("STOPPING=1");
	stop_signals(run);
	wr_server_close(run->server, on_closed, run);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct run *run = handle->data;

	if (number != SIGHUP)
		begin_end(run);
	else if (wr_server_reload(run->server) == 0)
		wr_log_error("certificate: read again");
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

/* What the process keeps, and what it cannot do without the rest. */
static int confine(const struct wr_arguments *arguments, const struct wr_settings *settings)
{
	const struct rlimit nothing = { 0, 0 };
	const char *port = strrchr(wr_setting_text(settings, WR_SET_API), ':');
	unsigned stun_port = wr_setting_number(settings, WR_SET_STUN_PORT);
	bool has_low_port = wr_setting_number(settings, WR_SET_HUB_PORT) < 1024 ||
			    (stun_port && stun_port < 1024) ||
			    (port && strtoul(port + 1, NULL, 10) < 1024);
	int status;

	umask(0077);
	(void)setrlimit(RLIMIT_CORE, &nothing);
	status = wr_privileges_drop_for_server(has_low_port);
	if (status < 0)
		return wr_complain(arguments, "cannot drop privileges: %s", strerror(-status));
	if (wr_netns_missing())
		wr_log_error(
			"gateways: off, for lack of %s: hubs answer no ping and no DNS, all else "
			"works (run it as root, or give it both: AmbientCapabilities= of a unit, "
			"--cap-add of a container)",
			wr_netns_missing());
	return WR_EXIT_DONE;
}

/* Large blocks stay what the kernel gives: zero, and not there before they are used. Without
 * this, the C library keeps freed ones for later, and fills them with zeros. */
static void keep_memory_small(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	(void)mallopt(M_ARENA_MAX, 2);
}

/* Many files of organisations and connections; what is allowed without asking. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static const struct wr_aead *pick_aead(const struct wr_arguments *arguments)
{
	return arguments->aead ? arguments->aead : wr_aead_pick(getenv("WARREN_AEAD"));
}

static struct wr_server_config make_config(const struct run *run, const struct wr_secret *secret)
{
	const struct wr_settings *settings = run->settings;
	const char *api = wr_setting_text(settings, WR_SET_API);
	const char *sign_up = wr_setting_text(settings, WR_SET_SIGN_UP);
	unsigned workers = wr_setting_number(settings, WR_SET_WORKERS);

	return (struct wr_server_config){
		.data = wr_setting_text(settings, WR_SET_DATA),
		.api_listen = strcmp(api, "none") == 0 ? NULL : api,
		.cert_file = wr_setting_text(settings, WR_SET_CERT),
		.key_file = wr_setting_text(settings, WR_SET_KEY),
		.is_plain = wr_setting_is_on(settings, WR_SET_PLAIN),
		.is_behind_proxy = wr_setting_is_on(settings, WR_SET_BEHIND_PROXY),
		.hub_port = (uint16_t)wr_setting_number(settings, WR_SET_HUB_PORT),
		.has_no_stun = wr_setting_is_on(settings, WR_SET_NO_STUN),
		.stun_port = (uint16_t)wr_setting_number(settings, WR_SET_STUN_PORT),
		.api_endpoint = wr_setting_text(settings, WR_SET_API_ENDPOINT),
		.hub_endpoint = wr_setting_text(settings, WR_SET_ENDPOINT),
		.network = wr_setting_text(settings, WR_SET_NETWORK),
		.first_org = wr_setting_text(settings, WR_SET_ORG),
		.sign_up = strcmp(sign_up, "open") == 0     ? WR_SIGN_UP_OPEN
			   : strcmp(sign_up, "invite") == 0 ? WR_SIGN_UP_INVITE
							    : WR_SIGN_UP_CLOSED,
		.workers = workers ? workers : wr_wg_default_workers(),
		.aead = pick_aead(run->arguments),
		.unlock = { (const uint8_t *)secret->text, secret->len },
	};
}

/* Tests and people wait for this line. */
static void tell_ready(const struct run *run)
{
	const char *api = wr_setting_text(run->settings, WR_SET_API);
	const char *colon = strrchr(api, ':');

	printf("warren: serving API ");
	if (colon)
		printf("%s://%.*s:%u ",
		       wr_setting_is_on(run->settings, WR_SET_PLAIN) ? "http" : "https",
		       (int)(colon - api), api, wr_server_port(run->server));
	printf("socket %s hub udp %u\n", wr_server_socket(run->server),
	       wr_setting_number(run->settings, WR_SET_HUB_PORT));
}

/* The server has said why, unless it must not speak. */
static void explain(const struct run *run, int error)
{
	if (!wr_log_is_on(WR_LOG_ERROR))
		wr_complain(run->arguments, "cannot start: %s (LOG_LEVEL=error says more)",
			    strerror(-error));
}

static int open_server(struct run *run, struct wr_secret *secret)
{
	struct wr_server_config config = make_config(run, secret);
	struct wr_first_start first = { "", "" };
	int status = wr_server_open(&run->loop, &config, &first, &run->server);

	wr_secret_done(secret);
	if (status < 0) {
		explain(run, status);
		return WR_EXIT_FAILED;
	}
	start_signals(run);
	tell_ready(run);
	if (*first.admin_login)
		wr_serve_welcome(run->settings, run->server, &first);
	fflush(stdout);
	wr_wipe(&first, sizeof(first));
	wr_notify("READY=1");
	return WR_EXIT_DONE;
}

int wr_serve_run(const struct wr_arguments *arguments, const struct wr_settings *settings,
		 struct wr_secret *secret)
{
	struct run run = { .arguments = arguments, .settings = settings };
	int status;

	mallopt(M_ARENA_MAX, 2);
	wr_log_start(wr_log_level_parse(getenv("LOG_LEVEL")), NULL);
	keep_memory_small();
	raise_file_limit();
	if (confine(arguments, settings) != WR_EXIT_DONE)
		return WR_EXIT_FAILED;
	status = wr_crypto_start();
	if (status == 0)
		status = uv_loop_init(&run.loop);
	if (status < 0)
		return wr_complain(arguments, "cannot start: %s", strerror(-status));
	status = open_server(&run, secret);
	uv_run(&run.loop, UV_RUN_DEFAULT);
	uv_loop_close(&run.loop);
	return status;
}
