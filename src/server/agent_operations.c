/* What agents do with their machine's token. */
#include "server/agent_run.h"
#include "server/agents.h"
#include "server/keys.h"
#include "server/machine_settings.h"

/* --- The caller's machine. --- */

/* Who uses its token has it: joining is not answered again. */
static int get_own(struct wr_call *call, struct wr_machine *machine)
{
	int error = WR_DB_RUN(call->db,
			      "UPDATE machine SET agent_seen = ? WHERE id = ?"
			      " AND agent_seen IS NULL",
			      WR_I(wr_call_time(call)), WR_I(call->caller.machine));

	return error ? wr_call_fail_db(call, error)
		     : wr_machine_run_get(call, call->caller.machine, machine);
}

int wr_agent_run_check_on(struct wr_call *call, const struct wr_machine *machine)
{
	if (wr_machine_is_on(machine, wr_call_time(call)))
		return 0;
	if (machine->is_pending)
		return wr_call_fail(call, 403, "pending",
				    "The machine waits for approval (`warren machine approve %s`).",
				    machine->label);
	return wr_call_fail(call, 403, "disabled", "The machine is shut out of the network.");
}

static int with_own(struct wr_call *call,
		    int (*work)(struct wr_call *call, const struct wr_machine *machine))
{
	struct wr_machine machine = { 0 };
	int status = get_own(call, &machine);

	if (!status)
		status = work(call, &machine);
	wr_machine_done(&machine);
	return status;
}

/* --- Another key. --- */

static int rotate(struct wr_call *call, const struct wr_machine *before)
{
	struct wr_machine after = *before;
	struct wr_machine_org org;
	struct wr_key unused;
	int error;

	if (wr_agent_run_check_on(call, before) || wr_machine_run_org(call, &org) ||
	    wr_machine_set_key(call, &org, &after, &unused))
		return -1;
	/* Asked again, after an answer that was lost. */
	if (wr_key_equal(&after.public_key, &before->public_key)) {
		wr_call_audit(call, before->uid, before->name, NULL, NULL);
		return 0;
	}
	error = WR_DB_RUN(call->db,
			  "UPDATE machine SET public_key = ?, version = version + 1 WHERE id = ?",
			  WR_B(after.public_key.bytes, WR_KEY_LEN), WR_I(before->id));
	if (error)
		return wr_machine_run_fail_write(call, error);
	return wr_machine_run_changed(call, before, "machine.rotated");
}

static int run_rotate(struct wr_call *call)
{
	int status = with_own(call, rotate);

	json_decref(WR_TAKE(call->result));
	call->etag[0] = '\0';
	return status;
}

/* --- Routes. --- */

static int run_routes(struct wr_call *call)
{
	return with_own(call, wr_agent_run_routes);
}

/* --- Leaving. --- */

/* A policy that names it goes on: the name selects nobody. */
static int leave(struct wr_call *call, const struct wr_machine *machine)
{
	return wr_machine_run_remove(call, machine, "machine.left");
}

static int run_leave(struct wr_call *call)
{
	return with_own(call, leave);
}

/* --- The table. --- */

static const char *const join_states[] = { "approved", "pending", NULL };
static const char *const offer_states[] = { "approved", "waiting", NULL };

static const struct wr_field join_body[] = {
	{ .name = "secret",
	  .kind = WR_KIND_PASSWORD,
	  .is_required = true,
	  .min = WR_JOIN_SECRET_TEXT_LEN,
	  .max = WR_JOIN_SECRET_TEXT_LEN,
	  .help = "The join key's secret, in base64url" },
	{ .name = "name",
	  .kind = WR_KIND_NAME,
	  .is_required = true,
	  .help = "What it wishes to be called; the key may say otherwise" },
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .is_required = true,
	  .help = "Its WireGuard public key" },
	{ .name = "hostname",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 253,
	  .help = "What its host calls itself" },
	{ .name = "version",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 63,
	  .help = "Version of its agent" },
	{ 0 },
};

static const struct wr_field join_result[] = {
	{ .name = "machine",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The machine's identifier" },
	{ .name = "name", .kind = WR_KIND_LABEL, .is_required = true, .help = "Its label" },
	{ .name = "token",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The machine's token; it is not shown again" },
	{ .name = "state",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = join_states,
	  .help = "Pending: it is let in when somebody approves" },
	{ .name = "network",
	  .kind = WR_KIND_LABEL,
	  .is_required = true,
	  .help = "The organisation's label" },
	{ .name = "suffix",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "What names of the network end with" },
	{ 0 },
};

static const struct wr_field rotate_body[] = {
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .is_required = true,
	  .help = "Its new WireGuard public key" },
	{ 0 },
};

static const struct wr_field routes_body[] = {
	{ .name = "routes",
	  .kind = WR_KIND_PREFIXES,
	  .is_required = true,
	  .max = WR_ROUTES_MAX,
	  .help = "All prefixes that it offers to be the router for" },
	{ 0 },
};

static const struct wr_field offer_fields[] = {
	{ .name = "prefix", .kind = WR_KIND_PREFIX, .is_required = true, .help = "The prefix" },
	{ .name = "state",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = offer_states,
	  .help = "Whether somebody approved of it" },
	{ 0 },
};

static const struct wr_field routes_result[] = {
	{ .name = "routes",
	  .kind = WR_KIND_LIST,
	  .is_required = true,
	  .fields = offer_fields,
	  .help = "What it is the router for, or waits to be" },
	{ 0 },
};

const struct wr_operation wr_operations_agent[] = {
	{ .id = "join",
	  .method = WR_HTTP_POST,
	  .path = "/join",
	  .summary = "Joins a network by a join key",
	  .about = "The secret is the authority. Asked again with the same secret and public key "
		   "before the agent was first connected, it answers with the same machine and a "
		   "new token, and counts no use.",
	  .access = WR_ACCESS_ANYONE,
	  .is_change = true,
	  .body = join_body,
	  .result = join_result,
	  .status = 201,
	  .run = wr_join_run },
	{ .id = "agent.channel",
	  .method = WR_HTTP_GET,
	  .path = "/agent",
	  .summary = "Opens the agent's channel: WebSocket, subprotocol warren.v1",
	  .access = WR_ACCESS_MACHINE,
	  .status = 200,
	  .serve = wr_agents_serve },
	{ .id = "agent.rotate",
	  .method = WR_HTTP_POST,
	  .path = "/agent/rotate",
	  .summary = "Gives the agent's machine another WireGuard key",
	  .access = WR_ACCESS_MACHINE,
	  .is_change = true,
	  .body = rotate_body,
	  .status = 204,
	  .run = run_rotate },
	{ .id = "agent.routes",
	  .method = WR_HTTP_PUT,
	  .path = "/agent/routes",
	  .summary = "Says which prefixes the agent's machine offers to be the router for",
	  .about = "Each waits until somebody approves. One that is not offered any more is "
		   "remembered, and need not be approved again.",
	  .access = WR_ACCESS_MACHINE,
	  .is_change = true,
	  .body = routes_body,
	  .result = routes_result,
	  .status = 200,
	  .run = run_routes },
	{ .id = "agent.leave",
	  .method = WR_HTTP_DELETE,
	  .path = "/agent",
	  .summary = "Takes the agent's machine out of the network",
	  .access = WR_ACCESS_MACHINE,
	  .is_change = true,
	  .status = 204,
	  .run = run_leave },
	{ 0 },
};
