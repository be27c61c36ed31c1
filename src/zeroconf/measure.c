/* The mesh's part of the metrics. */
#include "http/metrics.h"
#include "zeroconf/inside.h"

struct figure {
	const char *word;
	uint64_t value;
};

static void tell(struct wr_metrics *metrics, const char *name, const char *help, const char *label,
		 const struct figure *figures, size_t count)
{
	wr_metrics_family(metrics, name, "counter", help);
	for (size_t i = 0; i < count; i++)
		wr_metrics_labelled(metrics, name, label, figures[i].word,
				    (double)figures[i].value);
}

static void measure_knocks(const struct wr_zeroconf *zc, struct wr_metrics *metrics)
{
	struct wr_discovery_figures knocks = { 0 };

	if (zc->discovery)
		wr_discovery_look(zc->discovery, &knocks);
	tell(metrics, "warren_mesh_knocks_total", "Knocks heard, by what became of them.", "result",
	     (const struct figure[]){ { "good", knocks.good },
				      { "foreign", knocks.foreign },
				      { "malformed", knocks.malformed },
				      { "forged", knocks.forged },
				      { "replayed", knocks.replayed },
				      { "limited", knocks.limited } },
	     6);
}

static void measure_items(const struct wr_zeroconf *zc, struct wr_metrics *metrics)
{
	struct wr_admission_figures items;

	wr_admission_look(zc->admission, &items);
	tell(metrics, "warren_mesh_items_refused_total", "Signed items refused, by why.", "reason",
	     (const struct figure[]){ { "forged", items.forged },
				      { "foreign", items.foreign },
				      { "malformed", items.malformed },
				      { "other_founder", items.other_founders },
				      { "full", items.full } },
	     5);
}

static void measure_gossip(const struct wr_gossip_figures *gossip, struct wr_metrics *metrics)
{
	wr_metrics_single(metrics, "warren_mesh_members", "gauge", "Members known, dead ones too.",
			  (double)gossip->members);
	wr_metrics_single(metrics, "warren_mesh_alive", "gauge", "Members that are alive.",
			  (double)gossip->alive);
	wr_metrics_single(metrics, "warren_mesh_health", "gauge",
			  "Doubt in this member's own network (Lifeguard); 0 is none.",
			  gossip->health);
	tell(metrics, "warren_mesh_gossip_bytes_total", "Bytes of gossip's frames.", "direction",
	     (const struct figure[]){ { "in", gossip->bytes_in }, { "out", gossip->bytes_out } },
	     2);
	tell(metrics, "warren_mesh_gossip_events_total", "What gossip saw.", "event",
	     (const struct figure[]){ { "probe", gossip->probes },
				      { "probe_lost", gossip->lost },
				      { "suspected", gossip->suspected },
				      { "died", gossip->died },
				      { "refuted", gossip->refuted },
				      { "synced", gossip->syncs },
				      { "malformed", gossip->malformed },
				      { "unadmitted", gossip->unadmitted },
				      { "refused", gossip->refused } },
	     9);
}

void zc_measure(void *context, struct wr_metrics *metrics)
{
	const struct wr_zeroconf *zc = context;
	struct wr_gossip_figures gossip;

	wr_gossip_look(zc->gossip, &gossip);
	measure_gossip(&gossip, metrics);
	measure_knocks(zc, metrics);
	measure_items(zc, metrics);
}
