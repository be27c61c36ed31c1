/* Being in a mesh without a server. */
#include "cli/up.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/membership.h"
#include "cli/service.h"
#include "cli/verbs.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "linux/files.h"

static const struct wr_option options[] = {
	WR_OPTION_HELP,
	WR_OPTION_STATE,
	{ 'i', "interface", "the interface; else warren0 or the next that is free", "IFACE" },
	{ 'f', "foreground", "stay in the foreground" },
	{ 'n', "name", "this machine's name there; else the host's", "NAME" },
	{ 0, "join", "an invitation; - asks for it", "STRING" },
	{ 0, "secret-file", "the mesh's secret, if it has one", "FILE" },
	{ 0, "founder", "begin a closed mesh, whose members you admit" },
	{ 0, "listen", "ADDR:PORT, :PORT, PORT; else 51820 or a free one", "ADDRESS" },
	{ 0, "network", "the mesh's IPv4 range, the same on all members", "CIDR" },
	{ 0, "backend", "what carries the packets; else the engine", "auto|kernel|engine" },
	{ 0, "names", "where names of members are put", "auto|resolved|hosts|off" },
	{ 0, "no-lan", "look for nobody on the LAN" },
	{ 0, "no-relay", "pass nothing on for others" },
	{ 0, "l2", "a VXLAN over the mesh, too" },
	{ 0, "metrics", "Prometheus figures at this address", "ADDR:PORT" },
	{ 0, "advertise", "be the router for this range; may be given again", "CIDR" },
	{ 0, "accept-routes", "use the ranges behind other members" },
	{ 0, "masquerade", "as a router, with our own address towards the range" },
	{ 0, "reset", "forget how it was wanted before" },
};

/* --- The founder. --- */

/* Its key is in the folder before the daemon looks there. */
static int make_founder(struct wr_up *up)
{
	WR_AUTO(wr_founder_done) struct wr_founder founder = { .invitations = NULL };
	int status;

	if (!up->is_new || !wr_is_given(up->arguments, "founder"))
		return WR_EXIT_DONE;
	wr_random(&founder.seed, sizeof(founder.seed));
	status = wr_founder_save(up->state.folder, &founder);
	if (status < 0)
		return wr_complain(up->arguments, "cannot write %s: %s", up->state.folder,
				   strerror(-status));
	up->state.has_founder = true;
	up->state.founder = wr_sign_public(&founder.seed);
	return WR_EXIT_DONE;
}

static int make_folder(struct wr_up *up)
{
	int status = wr_folder_make(up->state.folder);

	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(up->arguments, "cannot make %s: %s%s", up->state.folder,
			   strerror(-status), status == -EACCES ? " (run it as root)" : "");
}

/* --- Starting. --- */

static int run_here(void *context, struct wr_daemon *daemon)
{
	struct wr_up *up = context;

	return wr_mesh_run(up->arguments, &up->state, up->is_new, daemon);
}

/* The service reads its state from the disk; what was there before comes back if it does not
 * start. */
static int start_service(struct wr_up *up, const char *unit)
{
	struct wr_mesh_state before = { .folder = NULL };
	bool has_before = wr_mesh_state_load(up->state.folder, &before) == 0;
	int status = wr_mesh_state_save(&up->state);

	if (status < 0)
		status = wr_complain(up->arguments, "cannot write %s: %s", up->state.folder,
				     strerror(-status));
	else
		status = wr_service_start(up->arguments, unit, "mesh");
	if (status == WR_EXIT_DONE)
		wr_up_tell(&up->state);
	else if (!has_before)
		(void)wr_mesh_state_forget(up->state.folder);
	else if (wr_mesh_state_save(&before) < 0)
		wr_complain(up->arguments, "cannot put back %s/mesh.json", before.folder);
	wr_mesh_state_done(&before);
	return status;
}

/* As the first process of a container there is nothing to go into the background of. */
static bool stays(const struct wr_arguments *arguments)
{
	return wr_is_given(arguments, "foreground") || getpid() == 1;
}

static int start(struct wr_up *up)
{
	WR_AUTO(wr_text_freep) char *unit = wr_text_new("warren-mesh@%s.service", up->mesh);
	struct wr_daemon daemon = { .is_child = false };
	int status = make_folder(up);

	if (status == WR_EXIT_DONE)
		status = make_founder(up);
	if (status != WR_EXIT_DONE)
		return status;
	if (stays(up->arguments))
		return run_here(up, &daemon);
	if (!wr_membership_base(up->arguments) && wr_service_is_there(unit))
		return start_service(up, unit);
	return wr_service_fork(up->arguments, run_here, up);
}

/* The daemon keeps its state once all is open: without one it never was. */
static void drop_unused(const char *folder)
{
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/" WR_FOLDER_MESH_FILE, folder);

	if (access(file, F_OK) != 0)
		(void)wr_mesh_state_forget(folder);
}

static int bring_up(struct wr_up *up)
{
	WR_AUTO(wr_text_freep) char *folder = NULL;
	int status = wr_up_find_mesh(up);

	if (status == WR_EXIT_DONE)
		status = wr_up_read_wishes(up);
	if (status == WR_EXIT_DONE)
		status = wr_up_check(up);
	if (status != WR_EXIT_DONE)
		return status;
	folder = wr_text_new("%s", up->state.folder);
	status = start(up);
	if (status != WR_EXIT_DONE && up->is_new)
		drop_unused(folder);
	return status;
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_up_done) struct wr_up up = { .arguments = arguments };

	if (wr_crypto_start() < 0)
		return wr_complain(arguments, "the cryptographic libraries do not work");
	if (wr_is_given(arguments, "founder") && wr_is_given(arguments, "join"))
		return wr_misuse(arguments, "who comes by an invitation is no founder");
	return bring_up(&up);
}

const struct wr_verb wr_verb_up = {
	.name = "up",
	.summary = "be in a mesh without a server: warren up home, on each machine",
	.about = "Members of one name find each other on the LAN; from elsewhere one comes in by\n"
		 "an invitation (warren invite). Whoever knows an open mesh's name is in;\n"
		 "MESH_SECRET or --secret-file shuts others out, --founder lets in who is\n"
		 "admitted. The next time the name is enough: options that are given again change\n"
		 "how it is wanted. MESH_NAME and LISTEN_ADDR in the environment do the same.\n",
	.operand = "[MESH]",
	.max_operands = 1,
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
