/* What a server has to measure (http/metrics.h).
 *
 * Floor 8.  wr_api_numbers: on the thread of the loop. The rest: any thread, no state. */
#pragma once

#include "base/base.h"
#include "http/metrics.h"
#include "hub/hub.h"
#include "server/agents.h"
#include "server/events.h"
#include "store/ledger.h"

/* --- What the API counts. --- */
struct wr_api_numbers;

/* NULL where memory is short. */
struct wr_api_numbers *wr_api_numbers_new(void);
/* NULL is fine; returns NULL. */
struct wr_api_numbers *wr_api_numbers_free(struct wr_api_numbers *numbers);
/* A request was answered. `operation` is an operation's id, which lives as long as the
 * program, or NULL for none (404, /metrics). At most 512 pairs of operation and status are
 * told apart; the rest is "other". */
void wr_api_numbers_add(struct wr_api_numbers *numbers, const char *operation, unsigned status,
			struct wr_span duration);
/* Answered requests in all. */
uint64_t wr_api_numbers_total(const struct wr_api_numbers *numbers);

/* --- The whole document. Whatever is NULL is left out. --- */
struct wr_metrics_org {
	const char *label, *uid;
	struct wr_hub_org_numbers numbers;
};
struct wr_metrics_view {
	const char *version;
	struct wr_wall started; /* 0: left out */
	const struct wr_hub_numbers *hub;
	const struct wr_metrics_org *orgs;
	size_t org_count;
	const struct wr_ledger_numbers *ledger;
	const struct wr_api_numbers *api;
	const struct wr_events_numbers *events;
	const struct wr_agents_numbers *agents;
	uint64_t database_bytes; /* file and WAL; 0: left out */
};
/* A new NUL-terminated text, or NULL where memory is short. */
char *wr_metrics_document(const struct wr_metrics_view *view, size_t *ret_len);
