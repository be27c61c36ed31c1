/* The tables of a filter, and how they grow: new ones are published, in which what is not
 * found is looked for in the old ones; when no thread writes the old ones any more,
 * what they know is moved; when no thread reads them any more, they are freed.
 *
 * Floor 3.  Any thread reads under a grace period; the owner makes and moves. */
#pragma once

#include <stdatomic.h>

#include "base/retire.h"
#include "policy/filter.h"
#include "policy/flows.h"

struct wr_filter_tables {
	struct wr_flow_table flows, fragments;
	/* NULL: nothing is being moved. */
	_Atomic(struct wr_filter_tables *) old;

	struct wr_retired retired;
	struct wr_filter *filter; /* of old tables: whose they were; NULL when it has gone */
	void *memory;
};

struct wr_filter {
	_Atomic(struct wr_ruleset *) ruleset;
	_Atomic(struct wr_filter_tables *) tables;
	struct wr_flow_secret secret;

	/* The owner's. Tables whose flows wait for being moved; tables that wait for
	 * being retired. */
	struct wr_filter_tables *moving, *moved;
};

/* For so many machines; NULL where memory is short. */
struct wr_filter_tables *wr_tables_new(size_t machines);
struct wr_filter_tables *wr_tables_free(struct wr_filter_tables *tables);
/* Hands over to `retire` what nobody will look at after a grace period. */
void wr_tables_hand_over(struct wr_filter *filter, struct wr_retire_list *retire);
