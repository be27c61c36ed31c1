/* The life of a mesh daemon's process. */
#include <stdio.h>

#include "cli/life.h"
#include "cli/up.h"
#include "cli/wg.h"
#include "linux/files.h"
#include "zeroconf/zeroconf.h"

struct run {
	const struct wr_arguments *arguments;
	struct wr_mesh_state *state;
	struct wr_mesh_state told; /* as it was handed over */
	struct wr_life life;
	struct wr_zeroconf *zeroconf;
	bool was_open;
};

static int open_mesh(void *context, uv_loop_t *loop)
{
	struct run *run = context;
	const struct wr_zeroconf_config config = {
		.workers = wr_wg_default_workers(),
		.aead = wr_life_aead(run->arguments),
		.hosts_file = "/etc/hosts",
		.version = WR_VERSION,
		.ended = wr_life_ended,
		.context = &run->life,
	};
	char why[200] = "";

	if (wr_zeroconf_open(loop, &config, run->state, &run->zeroconf, why) < 0)
		return wr_complain(run->arguments, "%s", why);
	run->was_open = true;
	return WR_EXIT_DONE;
}

static void tell(void *context)
{
	const struct run *run = context;

	wr_up_tell(&run->told);
}

static bool wants_turn(void *context)
{
	const struct run *run = context;

	return wr_zeroconf_wants_turn(run->zeroconf);
}

static int turn(void *context)
{
	struct run *run = context;

	return wr_zeroconf_turn(run->zeroconf);
}

static void close_mesh(void *context)
{
	struct run *run = context;

	run->zeroconf = wr_zeroconf_free(run->zeroconf);
}

static const char *interface(void *context)
{
	const struct run *run = context;

	return run->told.interface;
}

int wr_mesh_run(const struct wr_arguments *arguments, struct wr_mesh_state *state,
		bool has_new_folder, struct wr_daemon *daemon)
{
	struct run run = { .arguments = arguments, .state = state, .told = *state };
	WR_AUTO(wr_text_freep) char *folder = wr_text_new("%s", state->folder);
	const struct wr_life_work work = {
		.what = "mesh",
		.open = open_mesh,
		.wants_turn = wants_turn,
		.turn = turn,
		.close = close_mesh,
		.interface = interface,
		.opened = tell,
		.context = &run,
	};
	int status;

	run.told.folder = folder;
	status = wr_life_run(&run.life, arguments, &work, daemon);
	if (!run.was_open && has_new_folder)
		(void)wr_mesh_state_forget(folder);
	wr_wipe(&run.told, sizeof(run.told));
	return status;
}
