#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/verdict.h"
#include "server/api_numbers.h"
#include "server/metrics.h"

static void single(struct wr_metrics *metrics, const char *name, const char *type, const char *help,
		   double value)
{
	wr_metrics_family(metrics, name, type, help);
	wr_metrics_sample(metrics, name, NULL, 0, value);
}

static void labelled(struct wr_metrics *metrics, const char *name, const char *label,
		     const char *value, double number)
{
	wr_metrics_sample(metrics, name, &(struct wr_metrics_label){ label, value }, 1, number);
}

/* --- The process. --- */

static double resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double seconds_of(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void write_process(struct wr_metrics *metrics, const struct wr_metrics_view *view)
{
	struct rusage usage;

	if (view->version) {
		wr_metrics_family(metrics, "warren_build_info", "gauge", "The version that runs.");
		labelled(metrics, "warren_build_info", "version", view->version, 1);
	}
	if (view->started.ns)
		single(metrics, "process_start_time_seconds", "gauge",
		       "When the server started, in seconds since 1970.",
		       (double)view->started.ns / 1e9);
	single(metrics, "process_resident_memory_bytes", "gauge", "Resident memory.",
	       resident_bytes());
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		single(metrics, "process_cpu_seconds_total", "counter",
		       "Time of the processor, in user and kernel mode.",
		       seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime));
}

/* --- The hub. --- */

static void write_drops(struct wr_metrics *metrics, const struct wr_counters *counters)
{
	wr_metrics_family(metrics, "warren_hub_drops_total", "counter",
			  "Packets and datagrams that were not wanted, by reason.");
	for (unsigned i = WR_TAKEN + 1; i < WR_VERDICTS; i++)
		labelled(metrics, "warren_hub_drops_total", "reason",
			 wr_verdict_name((enum wr_verdict)i), (double)counters->verdicts[i]);
}

static void write_hub(struct wr_metrics *metrics, const struct wr_hub_numbers *hub)
{
	single(metrics, "warren_hub_organisations", "gauge", "Organisations that the hub carries.",
	       (double)hub->orgs);
	single(metrics, "warren_hub_machines", "gauge", "Machines that the hub knows.",
	       (double)hub->machines);
	single(metrics, "warren_hub_gateways", "gauge", "Gateways that are open.",
	       (double)hub->gateways);
	single(metrics, "warren_hub_repairs_total", "counter",
	       "Things that were found to be not as they should, and mended.",
	       (double)hub->repairs);
	single(metrics, "warren_hub_policy_faults_total", "counter",
	       "Policies that could not be put in force.", (double)hub->policy_faults);
	single(metrics, "warren_hub_handshakes_total", "counter", "Sessions made.",
	       (double)hub->engine.handshakes);
	single(metrics, "warren_hub_cookies_sent_total", "counter",
	       "Strangers that were asked for a cookie.", (double)hub->engine.sent_cookies);
	single(metrics, "warren_hub_relayed_packets_total", "counter",
	       "Datagrams that were passed on between machines, unopened.",
	       (double)hub->engine.relayed_packets);
	single(metrics, "warren_hub_relayed_bytes_total", "counter", "Bytes of these.",
	       (double)hub->engine.relayed_bytes);
	single(metrics, "warren_hub_relay_refused_total", "counter",
	       "Handshake messages between machines that were not passed on.",
	       (double)hub->engine.relay_refused);
	single(metrics, "warren_hub_stun_answers_total", "counter",
	       "Questions by STUN that were answered.", (double)hub->stun_answers);
	wr_metrics_family(metrics, "warren_hub_packets_total", "counter",
			  "Transport messages, keepalives too.");
	labelled(metrics, "warren_hub_packets_total", "direction", "received",
		 (double)hub->engine.rx_packets);
	labelled(metrics, "warren_hub_packets_total", "direction", "sent",
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
	single(metrics, "warren_ledger_entries_total", "counter", "Entries worked off.",
	       (double)ledger->entries);
	single(metrics, "warren_ledger_entries_failed_total", "counter",
	       "Entries of which nothing was kept.", (double)ledger->failed);
	single(metrics, "warren_ledger_commits_total", "counter",
	       "Transactions that were brought to the disk.", (double)ledger->commits);
	single(metrics, "warren_ledger_busy_seconds_total", "counter", "Time at work.",
	       (double)ledger->busy_ns / 1e9);
	single(metrics, "warren_ledger_commit_seconds_total", "counter", "Of it, time in commits.",
	       (double)ledger->commit_ns / 1e9);
	single(metrics, "warren_ledger_waiting", "gauge", "Entries that wait.",
	       (double)ledger->waiting);
}

static void write_events(struct wr_metrics *metrics, const struct wr_events_numbers *events)
{
	single(metrics, "warren_event_streams", "gauge", "Streams of events that are open.",
	       (double)events->readers);
	single(metrics, "warren_events_total", "counter", "Events published.",
	       (double)events->published);
	single(metrics, "warren_event_streams_slow_total", "counter",
	       "Streams that were ended because they were not read.", (double)events->ended_slow);
}

/* --- Agents. --- */

static void write_agents(struct wr_metrics *metrics, const struct wr_agents_numbers *agents)
{
	static const char *const paths[] = { "none", "relayed", "direct", "hub" };

	single(metrics, "warren_agents", "gauge", "Agents that are connected.",
	       (double)agents->connected);
	single(metrics, "warren_agent_maps_total", "counter", "Whole maps that were sent.",
	       (double)agents->maps);
	single(metrics, "warren_agent_deltas_total", "counter", "Changes of maps that were sent.",
	       (double)agents->deltas);
	single(metrics, "warren_agent_sent_bytes_total", "counter", "Bytes sent to agents.",
	       (double)agents->bytes);
	single(metrics, "warren_agents_refused_total", "counter",
	       "Channels that were ended with a reason.", (double)agents->refused);
	wr_metrics_family(metrics, "warren_agent_paths", "gauge",
			  "Pairs of machines by the path that one of them reported.");
	for (size_t i = 0; i < WR_ARRAY_LEN(paths); i++)
		labelled(metrics, "warren_agent_paths", "path", paths[i], (double)agents->paths[i]);
}

char *wr_metrics_document(const struct wr_metrics_view *view, size_t *ret_len)
{
	struct wr_metrics metrics = { 0 };

	write_process(&metrics, view);
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
		single(&metrics, "warren_database_bytes", "gauge",
		       "The database and its write-ahead log.", (double)view->database_bytes);
	if (metrics.is_short_of_memory) {
		wr_metrics_done(&metrics);
		return NULL;
	}
	*ret_len = metrics.len;
	return metrics.text;
}
