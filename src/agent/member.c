/* Calls to the server as a member, on the thread pool: they wait for the network. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside.h"
#include "agent/join.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "linux/files.h"

/* One call: what it needs is copied, so that the pool's thread shares nothing. */
struct call {
	uv_work_t work;
	struct wr_agent *agent;
	struct wr_state state;
	const char *method, *path;
	char *body;
	int error;
	char why[WR_JOIN_WHY_LEN];
	void (*ended)(struct wr_agent *agent, struct call *call);
	void (*done)(void *context, int error, const char *why);
	void *context;
};

static void work(uv_work_t *request)
{
	struct call *call = WR_CONTAINER_OF(request, struct call, work);

	call->error = wr_member_call(&call->state, call->method, call->path, call->body, call->why);
}

static void after(uv_work_t *request, int status)
{
	struct call *call = WR_CONTAINER_OF(request, struct call, work);
	struct wr_agent *agent = call->agent;

	agent->is_working = false;
	if (status < 0)
		call->error = status;
	call->ended(agent, call);
	if (call->done)
		call->done(call->context, call->error, call->why);
	free(call->body);
	wr_wipe(&call->state, sizeof(call->state));
	free(call);
}

/* Takes `body`. 0, -EBUSY or -ENOMEM. */
static int begin(struct wr_agent *agent, const struct call *wanted, json_t *body)
{
	struct call *call = agent->is_working ? NULL : malloc(sizeof(*call));

	if (call) {
		*call = *wanted;
		call->agent = agent;
		call->state = agent->state;
		call->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
		agent->is_working = true;
		uv_queue_work(agent->loop, &call->work, work, after);
	}
	json_decref(body);
	return call ? 0 : agent->is_working ? -EBUSY : -ENOMEM;
}

/* --- Another key. --- */

static int keep(struct wr_agent *agent)
{
	int status = wr_state_save(&agent->state);

	if (status < 0)
		wr_log_error("state: cannot be kept in %s: %s", agent->state.folder,
			     strerror(-status));
	return status;
}

/* The server has it, so it holds, whatever the disk says. */
static void rotated(struct wr_agent *agent, struct call *call)
{
	if (call->error == 0) {
		agent->state.private_key = agent->state.next_key;
		call->error = wr_node_set_key(agent->node, &agent->state.private_key);
		wr_log_error("key: another one from now on");
	}
	wr_wipe(&agent->state.next_key, sizeof(agent->state.next_key));
	(void)keep(agent);
}

int wr_agent_rotate(struct wr_agent *agent, void (*done)(void *context, int error, const char *why),
		    void *context)
{
	const struct call call = {
		.method = "POST",
		.path = "/api/v1/agent/rotate",
		.ended = rotated,
		.done = done,
		.context = context,
	};
	char public_key[WR_KEY_BASE64_LEN + 1];
	struct wr_key own;
	int status;

	if (agent->is_working)
		return -EBUSY;
	wr_random(&agent->state.next_key, sizeof(agent->state.next_key));
	wr_x25519_clamp(&agent->state.next_key);
	own = wr_x25519_public(&agent->state.next_key);
	wr_key_to_base64(&own, public_key);
	/* On the disk before the server has it: one of the two is ours after any crash. */
	status = keep(agent);
	if (status < 0)
		return status;
	return begin(agent, &call, json_pack("{s:s}", "public_key", public_key));
}

void wr_agent_settle_key(struct wr_agent *agent, const struct wr_key *public_key)
{
	struct wr_key own = wr_x25519_public(&agent->state.next_key);

	if (wr_key_is_zero(&agent->state.next_key) || agent->is_working ||
	    !wr_key_equal(&own, public_key))
		return;
	agent->state.private_key = agent->state.next_key;
	wr_wipe(&agent->state.next_key, sizeof(agent->state.next_key));
	if (wr_node_set_key(agent->node, &agent->state.private_key) < 0)
		wr_log_error("key: the interface does not take it");
	(void)keep(agent);
}

/* --- Routes. --- */

static void offered(struct wr_agent *agent, struct call *call)
{
	(void)agent;
	if (call->error < 0)
		wr_log_error("routes: not offered: %s", call->why);
}

void wr_agent_offer_routes(struct wr_agent *agent)
{
	const struct call call = {
		.method = "PUT",
		.path = "/api/v1/agent/routes",
		.ended = offered,
	};
	json_t *routes = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < agent->state.route_count; i++) {
		wr_prefix_format(&agent->state.routes[i], text);
		json_array_append_new(routes, json_string(text));
	}
	(void)begin(agent, &call, json_pack("{s:o}", "routes", routes));
}

int wr_agent_change_routes(struct wr_agent *agent, const json_t *routes)
{
	struct wr_prefix read[WR_STATE_ROUTES];
	size_t count = json_array_size(routes);

	if (count > WR_STATE_ROUTES)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(routes, i));

		if (!text || !wr_prefix_parse(text, strlen(text), &read[i]) || !read[i].length)
			return -EINVAL;
	}
	memcpy(agent->state.routes, read, count * sizeof(*read));
	agent->state.route_count = count;
	wr_agent_offer_routes(agent);
	return keep(agent);
}
