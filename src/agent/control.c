/* The control socket: HTTP over a Unix socket in the state folder, for `warren status`, `ping`,
 * `netcheck`, `leave`. Only root, and whoever the agent runs as, may open it (mode 0600). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/inside.h"
#include "base/key.h"
#include "linux/files.h"

/* A ping that was not answered by then is lost. */
#define PING_TIMEOUT WR_SPAN_S(3)

#define NOBODY "no such machine among those that this one may reach (warren peers)"

/* --- Answers. --- */

void wr_control_answer(struct wr_http_request *request, unsigned status, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	const struct wr_http_response response = {
		.status = text ? status : 500,
		.content_type = "application/json",
		.body = { (const uint8_t *)text, text ? strlen(text) : 0 },
	};

	wr_http_respond(request, &response);
	free(text);
	json_decref(object);
}

void wr_control_refuse(struct wr_http_request *request, unsigned status, const char *detail)
{
	wr_control_answer(request, status,
			  json_pack("{s:i, s:s}", "status", (int)status, "detail", detail));
}

static void done(struct wr_http_request *request)
{
	wr_control_answer(request, 200, json_object());
}

/* --- Peers by whatever people call them. --- */

static bool has_address(const struct wr_netmap_peer *peer, const char *word)
{
	struct wr_ip ip;

	return wr_ip_parse(word, strlen(word), &ip) &&
	       (wr_ip_equal(&ip, &peer->v4) || wr_ip_equal(&ip, &peer->v6));
}

/* "db-1", "db-1.acme.warren", "10.100.0.9", the machine's identifier. */
static bool is_called(const struct wr_netmap *map, const struct wr_netmap_peer *peer,
		      const char *word)
{
	size_t len = strlen(peer->name);

	return strcmp(peer->uid, word) == 0 || has_address(peer, word) ||
	       (strncasecmp(word, peer->name, len) == 0 &&
		(word[len] == '\0' ||
		 (word[len] == '.' && strcasecmp(word + len + 1, map->suffix) == 0)));
}

const struct wr_netmap_peer *wr_agent_find_peer(const struct wr_agent *agent, const char *word)
{
	for (size_t i = 0; agent->map && i < agent->map->peer_count; i++)
		if (is_called(agent->map, agent->map->peers[i], word))
			return agent->map->peers[i];
	return NULL;
}

/* --- What can be asked. --- */

static void get_status(struct wr_agent *agent, struct wr_http_request *request)
{
	wr_control_answer(request, 200, wr_agent_status(agent));
}

struct ping {
	struct wr_agent *agent;
	struct wr_http_request *request;
	char uid[WR_NETMAP_UID_LEN + 1];
};

static void on_ponged(void *context, int error, uint32_t latency_us)
{
	struct ping *ping = context;
	const struct wr_netmap_peer *peer = ping->agent->map
						    ? wr_netmap_find(ping->agent->map, ping->uid)
						    : NULL;
	json_t *object = peer ? wr_agent_peer_status(ping->agent, peer) : json_object();

	json_object_set_new(object, "has_answered", json_boolean(error == 0));
	json_object_set_new(object, "ping_us", json_integer(error == 0 ? latency_us : 0));
	json_object_set_new(object, "trouble",
			    json_string(error == 0              ? ""
					: error == -ENETUNREACH ? "no session with it came about"
					: error == -ETIMEDOUT   ? "no answer in time"
								: strerror(-error)));
	wr_control_answer(ping->request, 200, object);
	free(ping);
}

static void get_ping(struct wr_agent *agent, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *word = wr_http_query_value(wr_http_query(request), "peer");
	const struct wr_netmap_peer *peer = word ? wr_agent_find_peer(agent, word) : NULL;
	struct ping *ping;

	if (!peer) {
		wr_control_refuse(request, 404, NOBODY);
		return;
	}
	if (peer->way == WR_WAY_HUB) {
		wr_control_answer(request, 200, wr_agent_peer_status(agent, peer));
		return;
	}
	ping = calloc(1, sizeof(*ping));
	if (!ping) {
		wr_control_refuse(request, 503, "memory is short");
		return;
	}
	ping->agent = agent;
	ping->request = request;
	snprintf(ping->uid, sizeof(ping->uid), "%s", peer->uid);
	wr_paths_ping(agent->paths, peer->uid, PING_TIMEOUT, on_ponged, ping);
}

static void get_peer(struct wr_agent *agent, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *word = wr_http_query_value(wr_http_query(request), "peer");
	const struct wr_netmap_peer *peer = word ? wr_agent_find_peer(agent, word) : NULL;

	if (peer)
		wr_control_answer(request, 200, wr_agent_peer_status(agent, peer));
	else
		wr_control_refuse(request, 404, NOBODY);
}

static void on_rotated(void *context, int error, const char *why)
{
	if (error == 0)
		done(context);
	else
		wr_control_refuse(context, 502, *why ? why : strerror(-error));
}

static void post_rotate(struct wr_agent *agent, struct wr_http_request *request)
{
	int status = wr_agent_rotate(agent, on_rotated, request);

	if (status == -EBUSY)
		wr_control_refuse(request, 409,
				  "another call to the server is under way: try again");
	else if (status < 0)
		wr_control_refuse(request, 500, strerror(-status));
}

static void post_refresh(struct wr_agent *agent, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *accept = wr_http_query_value(wr_http_query(request), "accept");

	if (accept && strcmp(accept, "1") == 0)
		wr_agent_accept_older(agent);
	else
		wr_channel_hurry(agent->channel);
	wr_reconciler_run(agent->reconciler);
	done(request);
}

static void post_routes(struct wr_agent *agent, struct wr_http_request *request)
{
	struct wr_bytes body = wr_http_body(request);
	json_t *object = json_loadb((const char *)body.data, body.len, 0, NULL);
	const json_t *routes = json_object_get(object, "routes");
	int status = -EINVAL;

	if (json_is_array(routes))
		status = wr_agent_change_routes(agent, routes);
	json_decref(object);
	if (status < 0)
		wr_control_refuse(request, 422,
				  "routes are a list of prefixes, such as 192.168.5.0/24");
	else
		done(request);
}

static void post_end(struct wr_agent *agent, struct wr_http_request *request)
{
	done(request);
	wr_agent_quit(agent, 0);
}

static void handle(void *context, struct wr_http_request *request)
{
	static const struct {
		enum wr_http_method method;
		const char *path;
		void (*take)(struct wr_agent *agent, struct wr_http_request *request);
	} table[] = {
		{ WR_HTTP_GET, "/status", get_status },
		{ WR_HTTP_GET, "/ping", get_ping },
		{ WR_HTTP_GET, "/peer", get_peer },
		{ WR_HTTP_POST, "/rotate", post_rotate },
		{ WR_HTTP_POST, "/refresh", post_refresh },
		{ WR_HTTP_POST, "/routes", post_routes },
		{ WR_HTTP_POST, "/end", post_end },
		{ WR_HTTP_GET, "/netcheck", wr_agent_get_netcheck },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(table); i++)
		if (table[i].method == wr_http_method(request) &&
		    strcmp(table[i].path, wr_http_path(request)) == 0) {
			table[i].take(context, request);
			return;
		}
	wr_control_refuse(request, 404, "an agent has no such call");
}

int wr_agent_open_control(struct wr_agent *agent, char ret_why[200])
{
	const struct wr_http_config config = {
		.unix_path = agent->socket_path,
		.limits = { .body_bytes = 65536,
			    .connections = 64,
			    .per_address = 64,
			    .idle_seconds = 30 },
		.handle = handle,
		.context = agent,
	};
	int status = wr_http_server_open(agent->loop, &config, &agent->control);

	if (status < 0)
		snprintf(ret_why, 200, "cannot open %s: %s", agent->socket_path, strerror(-status));
	return status;
}
