#include "cli/wg.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/daemon.h"
#include "cli/verbs.h"

/* More than this many workers brings nothing on the machines that were measured:
 * docs/performance.md. */
#define DEFAULT_MAX_WORKERS 4

enum {
	OPTION_HELP,
	OPTION_FOREGROUND,
	OPTION_STATS,
	OPTION_JSON
};

static const struct wr_option options[] = {
	[OPTION_HELP] = WR_OPTION_HELP,
	[OPTION_FOREGROUND] = { 'f', "foreground", "stay in the foreground" },
	[OPTION_STATS] = { 0, "stats", "print the counters of a running interface" },
	[OPTION_JSON] = { 0, "json", "with --stats: as one JSON object" },
};

static bool is_set(const struct wr_arguments *arguments, int option)
{
	return arguments->options & (1u << option);
}

/* "wg%d": the kernel puts a number there; it takes no other '%'. */
static bool is_numbered(const char *name)
{
	const char *percent = strchr(name, '%');

	return percent > name && strcmp(percent, "%d") == 0;
}

static bool has_bad_character(const char *name)
{
	for (const char *c = name; *c; c++) {
		if (*c == '/' || *c == ':' || *c == ' ' || (*c >= '\t' && *c <= '\r'))
			return true;
	}
	return false;
}

bool wr_wg_is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IF_NAMESIZE || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	return !has_bad_character(name) && (!strchr(name, '%') || is_numbered(name));
}

/* A number of the environment in its range; what it was, if there is none. */
static bool read_number(char *(*get)(const char *name), const char *name, uint32_t min,
			uint32_t max, uint64_t *number)
{
	const char *text = get(name);
	uint64_t read;

	if (!text || !*text)
		return true;
	if (!wr_number_parse(text, strlen(text), max, &read) || read < min) {
		fprintf(stderr, "warren wg: %s=%s: must be a number from %u to %u\n", name, text,
			min, max);
		return false;
	}
	*number = read;
	return true;
}

static bool read_fd(char *(*get)(const char *name), const char *name, int *ret_fd)
{
	uint64_t number = UINT64_MAX;

	if (!read_number(get, name, 0, INT32_MAX, &number))
		return false;
	*ret_fd = number == UINT64_MAX ? -1 : (int)number;
	return true;
}

unsigned wr_wg_default_workers(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return count < DEFAULT_MAX_WORKERS ? (unsigned)count : DEFAULT_MAX_WORKERS;
}

static bool read_aead(char *(*get)(const char *name), const struct wr_aead **ret_aead)
{
	const char *wanted = get("WARREN_AEAD");

	if (!wanted || !*wanted)
		return true;
	for (const struct wr_aead *const *aead = wr_aead_all(); *aead; aead++) {
		if (strcmp((*aead)->name, wanted) == 0) {
			*ret_aead = *aead;
			return true;
		}
	}
	fprintf(stderr, "warren wg: WARREN_AEAD=%s: this machine has", wanted);
	for (const struct wr_aead *const *aead = wr_aead_all(); *aead; aead++)
		fprintf(stderr, " %s", (*aead)->name);
	fprintf(stderr, "\n");
	return false;
}

static bool read_numbers(char *(*get)(const char *name), struct wr_wg_settings *settings)
{
	uint64_t workers = wr_wg_default_workers();
	uint64_t scale = 1;

	if (!read_fd(get, "WG_TUN_FD", &settings->tun_fd) ||
	    !read_fd(get, "WG_UAPI_FD", &settings->uapi_fd) ||
	    !read_number(get, "WARREN_WORKERS", 1, WR_ENGINE_MAX_WORKERS, &workers))
		return false;
	if (WR_TEST_HOOKS && !read_number(get, "WARREN_TEST_TIME_SCALE", 1, 1000, &scale))
		return false;
	settings->workers = (unsigned)workers;
	settings->time_scale = (uint32_t)scale;
	return true;
}

bool wr_wg_read_environment(char *(*get)(const char *name), struct wr_wg_settings *ret_settings)
{
	const char *level = get("LOG_LEVEL");
	const char *foreground = get("WG_PROCESS_FOREGROUND");
	const char *low_ports = get("WARREN_LOW_PORTS");
	struct wr_wg_settings settings = { 0 };

	if (!read_numbers(get, &settings) || !read_aead(get, &settings.aead))
		return false;
	settings.in_foreground = foreground && strcmp(foreground, "1") == 0;
	settings.keeps_low_ports = low_ports && strcmp(low_ports, "1") == 0;
	settings.log_level = wr_log_level_parse(level);
	settings.keeps_output = level && *level && settings.log_level != WR_LOG_SILENT;
	*ret_settings = settings;
	return true;
}

static int start(const struct wr_wg_settings *settings)
{
	struct wr_daemon daemon = { .keeps_output = settings->keeps_output };
	int status = 0, exit_status = WR_EXIT_FAILED;

	if (!settings->in_foreground)
		status = wr_daemon_fork(&daemon, &exit_status);
	if (status < 0)
		fprintf(stderr, "warren wg: cannot go into the background: %s\n",
			strerror(-status));
	if (status != 0)
		return exit_status;
	return wr_wg_run(settings, &daemon);
}

static int run(const struct wr_arguments *arguments)
{
	const char *name = arguments->operands[0];
	struct wr_wg_settings settings;

	if (!wr_wg_is_name(name)) {
		fprintf(stderr,
			"warren wg: %s cannot be the name of an interface: 1 to 15 characters, "
			"no blank, no / and no :, and %%d only at the end\n",
			name);
		return WR_EXIT_USAGE;
	}
	if (is_set(arguments, OPTION_STATS))
		return wr_wg_stats(name, is_set(arguments, OPTION_JSON));
	if (!wr_wg_read_environment(getenv, &settings))
		return WR_EXIT_USAGE;
	settings.name = name;
	settings.in_foreground |= is_set(arguments, OPTION_FOREGROUND);
	if (arguments->aead)
		settings.aead = arguments->aead;
	return start(&settings);
}

const struct wr_verb wr_verb_wg = {
	.name = "wg",
	.summary = "userspace WireGuard interface, configured by wg and wg-quick",
	.usage = "  warren wg [-f] IFACE\n"
		 "  warren wg --stats [--json] IFACE",
	.about = "It runs in the background until the interface is deleted (ip link del IFACE) or\n"
		 "it gets SIGTERM. With wg-quick: WG_QUICK_USERSPACE_IMPLEMENTATION=warren-wg\n"
		 "\n"
		 "environment:\n"
		 "  LOG_LEVEL                verbose, error (the default) or silent\n"
		 "  WG_PROCESS_FOREGROUND=1  as -f\n"
		 "  WG_TUN_FD, WG_UAPI_FD    descriptors to use: a TUN device, a listening socket\n"
		 "  WARREN_WORKERS           threads that carry packets; 1 a CPU, at most 4\n"
		 "  WARREN_LOW_PORTS=1       keep the right to listen on ports below 1024\n"
		 "  WARREN_AEAD              cipher to use: ipsec-mb or libcrypto\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "IFACE",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
