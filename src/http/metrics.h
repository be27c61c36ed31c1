/* What there is to measure, as Prometheus reads it (text format 0.0.4).
 *
 * Floor 7.  Any thread, no state but the document's. */
#pragma once

#include "base/base.h"

#define WR_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A document, as it grows. */
struct wr_metrics {
	char *text; /* NULL at first */
	size_t len, room;
	bool is_short_of_memory; /* sticks; the text is not to be used then */
};
/* Begins a family; its samples follow. `type` is "counter", "gauge" or "histogram". */
void wr_metrics_family(struct wr_metrics *metrics, const char *name, const char *type,
		       const char *help);
struct wr_metrics_label {
	const char *name, *value; /* the value is escaped, whatever it holds */
};
/* `name` may have a suffix behind the family's ("_bucket"). */
void wr_metrics_sample(struct wr_metrics *metrics, const char *name,
		       const struct wr_metrics_label *labels, size_t label_count, double value);
/* A family of one sample without labels. */
void wr_metrics_single(struct wr_metrics *metrics, const char *name, const char *type,
		       const char *help, double value);
/* A sample with one label. */
void wr_metrics_labelled(struct wr_metrics *metrics, const char *name, const char *label,
			 const char *value, double number);
void wr_metrics_done(struct wr_metrics *metrics);

/* This process: version (NULL: left out), start (0: left out), memory and time of the processor. */
void wr_metrics_process(struct wr_metrics *metrics, const char *version, struct wr_wall started);
