#include <stdio.h>
#include <stdlib.h>

#include "base/verdict.h"
#include "server/api_numbers.h"
#include "server/metrics.h"

/* --- The hub. --- */

static void write_drops(struct wr_metrics *metrics, const struct wr_counters *counters)
{
	wr_metrics_family(metrics, "warren_hub_drops_total", "counter",
			  "Packets and datagrams that were not wanted, by reason.");
	for (unsigned i = WR_TAKEN + 1; i < WR_VERDICTS; i++)
		wr_metrics_labelled(metrics, "warren_hub_drops_total", "reason",
				    wr_verdict_name((enum wr_verdict)i),
				    (double)counters->verdicts[i]);
}

static void write_hub(struct wr_metrics *metrics, const struct wr_hub_numbers *hub)
{
	wr_metrics_single(metrics, "warren_hub_organisations", "gauge",
			  "Organisations that the hub carries.", (double)hub->orgs);
	wr_metrics_single(metrics, "warren_hub_machines", "gauge", "Machines that the hub knows.",
			  (double)hub->machines);
	wr_metrics_single(metrics, "warren_hub_gateways", "gauge", "Gateways that are open.",
			  (double)hub->gateways);
	wr_metrics_single(metrics, "warren_hub_repairs_total", "counter",
			  "Things that were found to be not as they should, and mended.",
			  (double)hub->repairs);
	wr_metrics_single(metrics, "warren_hub_policy_faults_total", "counter",
			  "Policies that could not be put in force.", (double)hub->policy_faults);
	wr_metrics_single(metrics, "warren_hub_handshakes_total", "counter", "Sessions made.",
			  (double)hub->engine.handshakes);
	wr_metrics_single(metrics, "warren_hub_cookies_sent_total", "counter",
			  "Strangers that were asked for a cookie.",
			  (double)hub->engine.sent_cookies);
	wr_metrics_single(metrics, "warren_hub_relayed_packets_total", "counter",
			  "Datagrams that were passed on between machines, unopened.",
			  (double)hub->engine.relayed_packets);
	wr_metrics_single(metrics, "warren_hub_relayed_bytes_total", "counter", "Bytes of these.",
			  (double)hub->engine.relayed_bytes);
	wr_metrics_single(metrics, "warren_hub_relay_refused_total", "counter",
			  "Handshake messages between machines that were not passed on.",
			  (double)hub->engine.relay_refused);
	wr_metrics_single(metrics, "warren_hub_stun_answers_total", "counter",
			  "Questions by STUN that were answered.", (double)hub->stun_answers);
	wr_metrics_family(metrics, "warren_hub_packets_total", "counter",
			  "Transport messages, keepalives too.");
	wr_metrics_labelled(metrics, "warren_hub_packets_total", "direction", "received",
			    (double)hub->engine.rx_packets);
	wr_metrics_labelled(metrics, "warren_hub_packets_total", "direction", "sent",
			    (double)hub->engine.tx_packets);
	write_drops(metrics, &hub->engine);
}

/* --- Organisations: a family at a time, as the format wants. --- */

struct org_family {
	const char *name, *type, *help;
	double (*value)(const struct wr_hub_org_numbers *numbers);
};

static double machines(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->machines;
}

static double online(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->online;
}

static double flows(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->flows;
}

static double forwarded_packets(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->forwarded_packets;
}

static double forwarded_bytes(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->forwarded_bytes;
}

static double denied_packets(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->denied_packets;
}

static double lost_packets(const struct wr_hub_org_numbers *numbers)
{
	return (double)numbers->lost_packets;
}

static double has_gateway(const struct wr_hub_org_numbers *numbers)
{
	return numbers->has_gateway;
}

static const struct org_family org_families[] = {
	{ "warren_org_machines", "gauge", "Machines of the organisation.", machines },
	{ "warren_org_machines_online", "gauge",
	  "Machines that sent an authentic packet within three minutes.", online },
	{ "warren_org_flows", "gauge", "Flows that the policy allowed and that go on.", flows },
	{ "warren_org_forwarded_packets_total", "counter", "Packets between machines.",
	  forwarded_packets },
	{ "warren_org_forwarded_bytes_total", "counter", "Bytes between machines.",
	  forwarded_bytes },
	{ "warren_org_denied_packets_total", "counter", "Packets that the policy denied.",
	  denied_packets },
	{ "warren_org_lost_packets_total", "counter", "Packets to nobody of the organisation.",
	  lost_packets },
	{ "warren_org_gateway", "gauge", "1 where the gateway is open.", has_gateway },
};

static void write_orgs(struct wr_metrics *metrics, const struct wr_metrics_view *view)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(org_families) && view->org_count; i++) {
		const struct org_family *family = &org_families[i];

		wr_metrics_family(metrics, family->name, family->type, family->help);
		for (size_t j = 0; j < view->org_count; j++) {
			const struct wr_metrics_org *org = &view->orgs[j];

			wr_metrics_sample(metrics, family->name,
					  (const struct wr_metrics_label[]){ { "org", org->label },
									     { "uid", org->uid } },
					  2, family->value(&org->numbers));
		}
	}
}

/* --- Database and events. --- */

static void write_ledger(struct wr_metrics *metrics, const struct wr_ledger_numbers *ledger)
{
	wr_metrics_single(metrics, "warren_ledger_entries_total", "counter", "Entries worked off.",
			  (double)ledger->entries);
	wr_metrics_single(metrics, "warren_ledger_entries_failed_total", "counter",
			  "Entries of which nothing was kept.", (double)ledger->failed);
	wr_metrics_single(metrics, "warren_ledger_commits_total", "counter",
			  "Transactions that were brought to the disk.", (double)ledger->commits);
	wr_metrics_single(metrics, "warren_ledger_busy_seconds_total", "counter", "Time at work.",
			  (double)ledger->busy_ns / 1e9);
	wr_metrics_single(metrics, "warren_ledger_commit_seconds_total", "counter",
			  "Of it, time in commits.", (double)ledger->commit_ns / 1e9);
	wr_metrics_single(metrics, "warren_ledger_waiting", "gauge", "Entries that wait.",
			  (double)ledger->waiting);
}

static void write_events(struct wr_metrics *metrics, const struct wr_events_numbers *events)
{
	wr_metrics_single(metrics, "warren_event_streams", "gauge",
			  "Streams of events that are open.", (double)events->readers);
	wr_metrics_single(metrics, "warren_events_total", "counter", "Events published.",
			  (double)events->published);
	wr_metrics_single(metrics, "warren_event_streams_slow_total", "counter",
			  "Streams that were ended because they were not read.",
			  (double)events->ended_slow);
}

/* --- Agents. --- */

static void write_agents(struct wr_metrics *metrics, const struct wr_agents_numbers *agents)
{
	static const char *const paths[] = { "none", "relayed", "direct", "hub" };

	wr_metrics_single(metrics, "warren_agents", "gauge", "Agents that are connected.",
			  (double)agents->connected);
	wr_metrics_single(metrics, "warren_agent_maps_total", "counter",
			  "Whole maps that were sent.", (double)agents->maps);
	wr_metrics_single(metrics, "warren_agent_deltas_total", "counter",
			  "Changes of maps that were sent.", (double)agents->deltas);
	wr_metrics_single(metrics, "warren_agent_sent_bytes_total", "counter",
			  "Bytes sent to agents.", (double)agents->bytes);
	wr_metrics_single(metrics, "warren_agents_refused_total", "counter",
			  "Channels that were ended with a reason.", (double)agents->refused);
	wr_metrics_family(metrics, "warren_agent_paths", "gauge",
			  "Pairs of machines by the path that one of them reported.");
	for (size_t i = 0; i < WR_ARRAY_LEN(paths); i++)
		wr_metrics_labelled(metrics, "warren_agent_paths", "path", paths[i],
				    (double)agents->paths[i]);
}

char *wr_metrics_document(const struct wr_metrics_view *view, size_t *ret_len)
{
	struct wr_metrics metrics = { 0 };

	wr_metrics_process(&metrics, view->version, view->started);
	if (view->hub)
		write_hub(&metrics, view->hub);
	write_orgs(&metrics, view);
	if (view->ledger)
		write_ledger(&metrics, view->ledger);
	if (view->api)
		wr_api_numbers_write(view->api, &metrics);
	if (view->events)
		write_events(&metrics, view->events);
	if (view->agents)
		write_agents(&metrics, view->agents);
	if (view->database_bytes)
		wr_metrics_single(&metrics, "warren_database_bytes", "gauge",
				  "The database and its write-ahead log.",
				  (double)view->database_bytes);
	if (metrics.is_short_of_memory) {
		wr_metrics_done(&metrics);
		return NULL;
	}
	*ret_len = metrics.len;
	return metrics.text;
}
