/* One reading of an organisation: its machines, policy and records as they stood in the database
 * at one time, made ready for maps.
 *
 * Machines that nothing in a map can tell apart share a *group*; who learns of whom, and how, is
 * kept between groups. So a change of one machine finds those who hear of it without looking at
 * the others, however many there are.
 *
 * Floor 8.  Read on the ledger's thread, built on any one, then the loop's (server/world.h).
 * Source: docs/agents.md, "The map". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "policy/policy.h"
#include "policy/view.h"
#include "server/call.h"
#include "server/names.h"
#include "server/world_sum.h"
#include "store/db.h"

struct wr_face;
struct wr_listener;
struct wr_server;

/* Why a machine is in no map. */
enum wr_reading_off {
	WR_READING_ON,
	WR_READING_DISABLED,
	WR_READING_EXPIRED,
	WR_READING_PENDING
};

#define WR_READING_NOBODY UINT32_MAX

struct wr_prefixes {
	struct wr_prefix *items;
	size_t count;
};

struct wr_reading_machine {
	int64_t id;
	char uid[WR_UID_LEN + 1];
	char name[WR_LABEL_LEN + 1];
	struct wr_key public_key;
	struct wr_ip v4, v6;
	struct wr_prefixes routes;   /* it is the router that is in force */
	struct wr_prefixes approved; /* that it offers and may be the router of */
	const char *candidates;      /* as it reported them last; NULL: none */
	int64_t last_seen;           /* by its row */
	bool was_online;             /* when the server ended, as far as rows tell */
	bool is_agent;
	enum wr_reading_off off;
	uint32_t group; /* WR_READING_NOBODY if it is off */
	struct wr_face *face;
};

/* A name of the network; `machine` is the place of who has the address, or nobody's. */
struct wr_reading_record {
	const char *name; /* in full */
	struct wr_ip ip;
	uint32_t machine;
	struct wr_world_sum sum;
};

/* How one group's members see another's: JSON members `way` and `marks`. */
struct wr_way_kind {
	bool is_direct;
	char *text;
	size_t len;
	struct wr_world_sum sum;
};

struct wr_group_link {
	uint32_t group, kind;
};

struct wr_policy_part {
	const char *text; /* as the view has it; told apart by its address */
	char *json;
	struct wr_world_sum sum;
};

struct wr_group {
	uint32_t *members; /* places in `machines` */
	size_t member_count;
	bool is_agent;
	uint32_t class; /* the view's */
	uint32_t policy;
	struct wr_group_link *links; /* whom it sees, by group; of agents' groups only */
	size_t link_count, link_room;
	struct wr_group_link *audience; /* who sees it, and how */
	size_t audience_count, audience_room;

	/* The world's (server/world.c). */
	struct wr_listener **listeners;
	size_t listener_count, listener_room;
	struct wr_world_sum sum; /* of all that it sees */
	bool has_sum;
};

struct wr_reading {
	unsigned refs;   /* the loop's */
	uint64_t number; /* the world's: of those that it took */
	uint64_t left;   /* changes of faces by when another came in its place */
	int64_t org;
	uint64_t generation;
	char epoch[WR_UID_LEN + 1];
	bool is_disabled;
	char label[WR_LABEL_LEN + 1];
	char suffix[WR_LABEL_LEN + 16];
	struct wr_prefix range4, range6;
	struct wr_ip hub_v4, hub_v6;
	struct wr_key hub_key;

	struct wr_reading_machine *machines; /* by row */
	size_t count, room;
	struct wr_member *members; /* for the view: of the same place */
	struct wr_reading_record *records;
	size_t record_count, record_room;
	struct wr_policy *policy; /* until it is built */
	struct wr_reading_block *blocks;

	/* Built. */
	struct wr_view *view; /* while that goes on */
	struct wr_group *groups;
	size_t group_count;
	struct wr_way_kind *kinds;
	size_t kind_count, kind_room;
	struct wr_policy_part *policies;
	size_t policy_count, policy_room;
};

/* All of it, on the ledger's thread. 0, -ENOENT where there is no such organisation, or another
 * negative errno. */
int wr_reading_read(const struct wr_server *server, struct wr_db *db, int64_t org,
		    struct wr_reading **ret_reading) WR_MUST_CHECK;
/* One machine of it again: 1, 0 where it is gone, or a negative errno. What the pointers hold
 * is the reading's, which is otherwise empty. */
int wr_reading_read_machine(struct wr_db *db, int64_t org, int64_t machine,
			    struct wr_reading **ret_reading) WR_MUST_CHECK;
/* Groups, ways and texts. Any thread. 0 or -ENOMEM. */
int wr_reading_build(struct wr_reading *reading) WR_MUST_CHECK;
/* One owner less; the last one frees. NULL is fine; returns NULL. */
struct wr_reading *wr_reading_unref(struct wr_reading *reading);

/* NULL if there is none. */
struct wr_reading_machine *wr_reading_find(const struct wr_reading *reading, int64_t machine);
/* How `from` sees `to`; NULL: not at all. */
const struct wr_way_kind *wr_reading_way(const struct wr_reading *reading, uint32_t from,
					 uint32_t to);

/* --- For those who read, and for tests. --- */
/* NULL where memory is short. */
struct wr_reading *wr_reading_new(int64_t org) WR_MUST_CHECK;
/* Memory that lasts as long as the reading; NULL where it is short. */
void *wr_reading_keep(struct wr_reading *reading, const void *data, size_t len);
/* Adds one, in the order of rows; NULL where memory is short. */
struct wr_reading_machine *wr_reading_add(struct wr_reading *reading) WR_MUST_CHECK;
struct wr_reading_record *wr_reading_add_record(struct wr_reading *reading) WR_MUST_CHECK;
/* Room for one more of `size` bytes. */
bool wr_reading_room(void **items, size_t *room, size_t count, size_t size) WR_MUST_CHECK;
