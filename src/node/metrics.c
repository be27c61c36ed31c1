/* What there is to measure of a node, for Prometheus: on the control socket, and where that is
 * asked for over TCP. Names of peers are told only to who asks for each (`/metrics?peers=1`). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/verdict.h"
#include "linux/files.h"
#include "linux/link_change.h"
#include "node/inside.h"

/* --- This node. --- */

static void measure_self(const struct wr_node *node, struct wr_metrics *metrics)
{
	const struct wr_netmap *map = node->map;
	const struct wr_metrics_label labels[] = {
		{ "kind", node->config.what },
		{ "interface", node->config.interface },
		{ "network", map ? map->network : "" },
		{ "name", map ? map->name : "" },
		{ "backend", node->backend ? wr_backend_name(node->backend) : "none" },
	};

	wr_metrics_family(metrics, "warren_node_info", "gauge", "This member of a network.");
	wr_metrics_sample(metrics, "warren_node_info", labels, WR_ARRAY_LEN(labels), 1);
	wr_metrics_single(metrics, "warren_node_interface_up", "gauge",
			  "1 where the interface is there, 0 while it is made again.",
			  node->backend != NULL);
	wr_metrics_single(metrics, "warren_node_candidates", "gauge",
			  "Addresses at which others may reach this one.", (double)node->own.count);
	wr_metrics_single(metrics, "warren_node_handshakes_total", "counter",
			  "Handshakes that were through.", (double)node->handshakes);
}

static void measure_both(struct wr_metrics *metrics, const char *name, const char *help,
			 uint64_t received, uint64_t sent)
{
	wr_metrics_family(metrics, name, "counter", help);
	wr_metrics_labelled(metrics, name, "direction", "received", (double)received);
	wr_metrics_labelled(metrics, name, "direction", "sent", (double)sent);
}

static void measure_traffic(const struct wr_node *node, struct wr_metrics *metrics)
{
	struct wr_link_traffic traffic;

	if (!node->backend || wr_link_count(wr_backend_index(node->backend), &traffic) < 0)
		return;
	measure_both(metrics, "warren_node_bytes_total",
		     "Bytes of IP packets that came out of the tunnel, and went into it.",
		     traffic.rx_bytes, traffic.tx_bytes);
	measure_both(metrics, "warren_node_packets_total",
		     "IP packets that came out of the tunnel, and went into it.",
		     traffic.rx_packets, traffic.tx_packets);
}

static void measure_drift(const struct wr_node *node, struct wr_metrics *metrics)
{
	struct wr_reconciler_sight sight;

	if (!node->reconciler)
		return;
	wr_reconciler_look(node->reconciler, &sight);
	wr_metrics_single(metrics, "warren_node_looks_total", "counter",
			  "Times that the host was compared with the map.", (double)sight.runs);
	wr_metrics_single(metrics, "warren_node_mended_total", "counter",
			  "Things of the host that somebody had changed, and that were mended.",
			  (double)sight.mended);
	wr_metrics_single(metrics, "warren_node_trouble", "gauge",
			  "1 where something of the host could not be made as it should be.",
			  sight.trouble[0] != '\0');
}

/* --- The engine. --- */

static void measure_drops(struct wr_metrics *metrics, const struct wr_counters *counters)
{
	wr_metrics_family(metrics, "warren_engine_drops_total", "counter",
			  "Packets and datagrams that were not wanted, by reason.");
	for (unsigned i = WR_TAKEN + 1; i < WR_VERDICTS; i++)
		wr_metrics_labelled(metrics, "warren_engine_drops_total", "reason",
				    wr_verdict_name((enum wr_verdict)i),
				    (double)counters->verdicts[i]);
}

static void measure_engine(const struct wr_node *node, struct wr_metrics *metrics)
{
	struct wr_counters counters;

	if (!node->backend || wr_backend_count(node->backend, &counters) < 0)
		return;
	measure_both(metrics, "warren_engine_messages_total", "Transport messages, keepalives too.",
		     counters.rx_packets, counters.tx_packets);
	wr_metrics_single(metrics, "warren_engine_cookies_sent_total", "counter",
			  "Strangers that were asked for a cookie.", (double)counters.sent_cookies);
	wr_metrics_single(metrics, "warren_engine_relayed_packets_total", "counter",
			  "Datagrams that were passed on between members, unopened.",
			  (double)counters.relayed_packets);
	wr_metrics_single(metrics, "warren_engine_relayed_bytes_total", "counter",
			  "Bytes of these.", (double)counters.relayed_bytes);
	wr_metrics_single(metrics, "warren_engine_relay_refused_total", "counter",
			  "Handshake messages between members that were not passed on.",
			  (double)counters.relay_refused);
	wr_metrics_single(metrics, "warren_engine_stun_answers_total", "counter",
			  "Questions by STUN that were answered.", (double)counters.stun_answers);
	wr_metrics_single(metrics, "warren_engine_knocks_total", "counter",
			  "Knocks that were looked at.", (double)counters.knocks);
	measure_drops(metrics, &counters);
}

/* --- The answer. --- */

static void respond(struct wr_http_request *request, unsigned status, const char *type,
		    const char *text, size_t len)
{
	const struct wr_http_response response = {
		.status = status,
		.content_type = type,
		.body = { (const uint8_t *)text, len },
	};

	wr_http_respond(request, &response);
}

static void respond_line(struct wr_http_request *request, unsigned status, const char *line)
{
	respond(request, status, "text/plain; charset=utf-8", line, strlen(line));
}

void wr_node_get_metrics(struct wr_node *node, struct wr_http_request *request)
{
	WR_AUTO(wr_text_freep) char *peers = wr_http_query_value(wr_http_query(request), "peers");
	struct wr_metrics metrics = { 0 };

	wr_metrics_process(&metrics, node->config.version, node->started);
	measure_self(node, &metrics);
	measure_traffic(node, &metrics);
	wr_node_measure_peers(node, &metrics, peers && strcmp(peers, "1") == 0);
	measure_drift(node, &metrics);
	measure_engine(node, &metrics);
	if (node->config.measure)
		node->config.measure(node->config.context, &metrics);
	if (metrics.is_short_of_memory)
		respond_line(request, 503, "memory is short\n");
	else
		respond(request, 200, WR_METRICS_TYPE, metrics.text, metrics.len);
	wr_metrics_done(&metrics);
}

/* --- Over TCP: nothing else is there. --- */

static void handle(void *context, struct wr_http_request *request)
{
	enum wr_http_method method = wr_http_method(request);

	if (strcmp(wr_http_path(request), "/metrics") != 0)
		respond_line(request, 404, "there is /metrics only\n");
	else if (method != WR_HTTP_GET && method != WR_HTTP_HEAD)
		respond_line(request, 405, "it can be read only\n");
	else
		wr_node_get_metrics(context, request);
}

int wr_node_open_metrics(struct wr_node *node, char ret_why[200])
{
	const struct wr_http_config config = {
		.listen = node->config.metrics_listen,
		.limits = { .body_bytes = 1024,
			    .connections = 16,
			    .per_address = 8,
			    .idle_seconds = 120,
			    .websockets = 1 },
		.handle = handle,
		.context = node,
	};
	int status;

	if (!config.listen)
		return 0;
	status = wr_http_server_open(node->loop, &config, &node->metrics);
	if (status < 0)
		snprintf(ret_why, 200, "cannot serve metrics on %.100s: %s", config.listen,
			 strerror(-status));
	return status;
}
