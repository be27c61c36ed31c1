#include "cli/serve.h"

#include <stdlib.h>

#include "cli/verbs.h"

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_settings_done) struct wr_settings settings = { 0 };
	WR_AUTO(wr_secret_done) struct wr_secret secret = { 0 };
	int status = wr_settings_read(arguments, getenv, &settings);

	if (status == WR_EXIT_DONE)
		status = wr_secret_find(arguments, &settings, &secret);
	return status == WR_EXIT_DONE ? wr_serve_run(arguments, &settings, &secret) : status;
}

static const struct wr_option options[] = { WR_OPTION_HELP, WR_SETTING_OPTIONS };

const struct wr_verb wr_verb_serve = {
	.name = "serve",
	.summary = "the server: API, hub, and all that they keep",
	.about =
		"It needs the unlock secret, which seals all keys on the disk: WARREN_UNLOCK,\n"
		"--unlock-file, or systemd's credential warren-unlock. It ends on SIGTERM, and\n"
		"reads the certificate again on SIGHUP.\n"
		"\n"
		"Settings are flags, environment (WARREN_DATA, WARREN_API_LISTEN, WARREN_HUB_PORT\n"
		"and so on) or lines of /etc/warren/warren.conf; warren config shows them.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
