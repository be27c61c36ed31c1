/* The life of an agent's process. */
#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "cli/agent.h"
#include "cli/life.h"
#include "cli/wg.h"

struct run {
	const struct wr_arguments *arguments;
	const char *folder;
	struct wr_life life;
	struct wr_agent *agent;
};

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

static int open_agent(void *context, uv_loop_t *loop)
{
	struct run *run = context;
	const struct wr_agent_config config = {
		.workers = wr_wg_default_workers(),
		.aead = wr_life_aead(run->arguments),
		.hosts_file = "/etc/hosts",
		.version = WR_VERSION,
		.ended = wr_life_ended,
		.context = &run->life,
	};
	struct wr_state state;
	char why[200];
	int status = wr_state_load(run->folder, &state);

	if (status < 0)
		return explain_state(run->arguments, run->folder, status);
	status = wr_agent_open(loop, &config, &state, &run->agent, why);
	if (status < 0)
		return wr_complain(run->arguments, "%s", why);
	return WR_EXIT_DONE;
}

static bool wants_turn(void *context)
{
	const struct run *run = context;

	return wr_agent_wants_turn(run->agent);
}

static int turn(void *context)
{
	struct run *run = context;

	return wr_agent_turn(run->agent);
}

static void close_agent(void *context)
{
	struct run *run = context;

	run->agent = wr_agent_free(run->agent);
}

static const char *interface(void *context)
{
	const struct run *run = context;

	return wr_agent_interface(run->agent);
}

int wr_agent_run(const struct wr_arguments *arguments, const char *folder, struct wr_daemon *daemon)
{
	struct run run = { .arguments = arguments, .folder = folder };
	const struct wr_life_work work = {
		.what = "agent",
		.open = open_agent,
		.wants_turn = wants_turn,
		.turn = turn,
		.close = close_agent,
		.interface = interface,
		.context = &run,
	};

	return wr_life_run(&run.life, arguments, &work, daemon);
}
