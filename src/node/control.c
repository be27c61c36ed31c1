/* The control socket: HTTP over a Unix socket in the state folder, for `warren status`, `ping`,
 * `netcheck`, and what the source adds. Only root, and whoever the node runs as, may open it (mode
 * 0600). */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/key.h"
#include "linux/files.h"
#include "node/inside.h"

/* Of a thousand peers: what it took is whole pages, which malloc(3) would keep. */
#define LARGE_ANSWER (128 * 1024)
/* A ping that was not answered by then is lost. */
#define PING_TIMEOUT WR_SPAN_S(3)

#define NOBODY "no such machine among those that this one may reach (warren peers)"

/* --- Answers. --- */

void wr_node_answer(struct wr_http_request *request, unsigned status, json_t *object)
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
	if (response.body.len > LARGE_ANSWER)
		(void)malloc_trim(0);
}

void wr_node_refuse(struct wr_http_request *request, unsigned status, const char *detail)
{
	wr_node_answer(request, status,
		       json_pack("{s:i, s:s}", "status", (int)status, "detail", detail));
}

static void done(struct wr_http_request *request)
{
	wr_node_answer(request, 200, json_object());
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

const struct wr_netmap_peer *wr_node_find_peer(const struct wr_node *node, const char *word)
{
	for (size_t i = 0; node->map && i < node->map->peer_count; i++)
		if (is_called(node->map, node->map->peers[i], word))
			return node->map->peers[i];
	return NULL;
}

/* --- What can be asked. --- */

static void get_status(struct wr_node *node, struct wr_http_request *request)
{
	wr_node_answer(request, 200, wr_node_status(node));
}

struct ping {
	struct wr_node *node;
	struct wr_http_request *request;
	char uid[WR_NETMAP_UID_LEN + 1];
};

static void on_ponged(void *context, int error, uint32_t latency_us)
{
	struct ping *ping = context;
	const struct wr_netmap_peer *peer = ping->node->map
						    ? wr_netmap_find(ping->node->map, ping->uid)
						    : NULL;
	json_t *object = peer ? wr_node_peer_status(ping->node, peer) : json_object();

	json_object_set_new(object, "has_answered", json_boolean(error == 0));
	json_object_set_new(object, "ping_us", json_integer(error == 0 ? latency_us : 0));
	json_object_set_new(object, "trouble",
			    json_string(error == 0              ? ""
					: error == -ENETUNREACH ? "no session with it came about"
					: error == -ETIMEDOUT   ? "no answer in time"
								: strerror(-error)));
	wr_node_answer(ping->request, 200, object);
	free(ping);
}

static void get_ping(struct wr_node *node, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *word = wr_http_query_value(wr_http_query(request), "peer");
	const struct wr_netmap_peer *peer = word ? wr_node_find_peer(node, word) : NULL;
	struct ping *ping;

	if (!peer) {
		wr_node_refuse(request, 404, NOBODY);
		return;
	}
	if (peer->way == WR_WAY_HUB) {
		wr_node_answer(request, 200, wr_node_peer_status(node, peer));
		return;
	}
	ping = calloc(1, sizeof(*ping));
	if (!ping) {
		wr_node_refuse(request, 503, "memory is short");
		return;
	}
	ping->node = node;
	ping->request = request;
	snprintf(ping->uid, sizeof(ping->uid), "%s", peer->uid);
	wr_paths_ping(node->paths, peer->uid, PING_TIMEOUT, on_ponged, ping);
}

static void get_peer(struct wr_node *node, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *word = wr_http_query_value(wr_http_query(request), "peer");
	const struct wr_netmap_peer *peer = word ? wr_node_find_peer(node, word) : NULL;

	if (peer)
		wr_node_answer(request, 200, wr_node_peer_status(node, peer));
	else
		wr_node_refuse(request, 404, NOBODY);
}

static void post_refresh(struct wr_node *node, struct wr_http_request *request)
{
	wr_reconciler_run(node->reconciler);
	done(request);
}

static void post_end(struct wr_node *node, struct wr_http_request *request)
{
	done(request);
	wr_node_quit(node, 0);
}

static bool is_call(const struct wr_http_request *request, enum wr_http_method method,
		    const char *path)
{
	return wr_http_method(request) == method && strcmp(wr_http_path(request), path) == 0;
}

/* The source's own go first. */
static bool source_takes(struct wr_node *node, struct wr_http_request *request)
{
	for (size_t i = 0; i < node->config.call_count; i++) {
		const struct wr_node_call *call = &node->config.calls[i];

		if (is_call(request, call->method, call->path)) {
			call->take(node->config.context, request);
			return true;
		}
	}
	return false;
}

static void handle(void *context, struct wr_http_request *request)
{
	static const struct {
		enum wr_http_method method;
		const char *path;
		void (*take)(struct wr_node *node, struct wr_http_request *request);
	} table[] = {
		{ WR_HTTP_GET, "/status", get_status },
		{ WR_HTTP_GET, "/ping", get_ping },
		{ WR_HTTP_GET, "/peer", get_peer },
		{ WR_HTTP_POST, "/refresh", post_refresh },
		{ WR_HTTP_POST, "/end", post_end },
		{ WR_HTTP_GET, "/netcheck", wr_node_get_netcheck },
		{ WR_HTTP_GET, "/metrics", wr_node_get_metrics },
	};
	struct wr_node *node = context;
	char why[80];

	if (source_takes(node, request))
		return;
	for (size_t i = 0; i < WR_ARRAY_LEN(table); i++)
		if (is_call(request, table[i].method, table[i].path)) {
			table[i].take(node, request);
			return;
		}
	snprintf(why, sizeof(why), "the %s has no such call", node->config.what);
	wr_node_refuse(request, 404, why);
}

int wr_node_open_control(struct wr_node *node, char ret_why[200])
{
	const struct wr_http_config config = {
		.unix_path = node->config.socket_path,
		.limits = { .body_bytes = 65536,
			    .connections = 64,
			    .per_address = 64,
			    .idle_seconds = 30 },
		.handle = handle,
		.context = node,
	};
	int status = wr_http_server_open(node->loop, &config, &node->control);

	if (status < 0)
		snprintf(ret_why, 200, "cannot open %s: %s", node->config.socket_path,
			 strerror(-status));
	return status;
}
