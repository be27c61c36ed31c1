/* Some gossip cores in virtual time, with real signatures, and a network between them that loses,
 * delays and is cut as a test says. */
#pragma once

#include "gossip/blob.h"
#include "gossip/gossip.h"
#include "unit.h"

#define CROWD_MAX 256

struct crowd_member {
	struct wr_gossip *gossip; /* NULL: not running */
	struct wr_key seed, identity;
	uint64_t version;
	unsigned side;      /* frames only go within a side */
	bool is_deaf;       /* nothing reaches it, and it says nothing */
	uint64_t runs_each; /* ns: it gets to run for a moment once in such a time; 0: always */
	uint64_t wakes_at;
	uint64_t due;        /* after its last poll */
	bool is_unadmitted;  /* by the others */
	uint64_t sent, came; /* bytes */
	unsigned renewals, events, items, forgotten;
	bool hears_items;
};

struct crowd_frame {
	uint64_t at, order;
	unsigned from, to;
	struct crowd_frame *next;
	size_t len;
	uint8_t bytes[];
};

struct crowd {
	unsigned count;
	uint64_t now, order;
	unsigned loss_percent;
	uint64_t delay_ms;
	struct unit_random random;
	struct wr_gossip_timing timing;
	struct crowd_frame *frames;
	struct crowd_member members[CROWD_MAX];
	struct wr_key founder;
	/* Looks at each frame that is sent, if set. */
	void (*tap)(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame);
};

struct crowd *crowd_new(unsigned count);
void crowd_free(struct crowd *crowd);
/* Begins, with a record of its own; knows nobody. */
void crowd_start(struct crowd *crowd, unsigned i);
/* Ends without a word. */
void crowd_kill(struct crowd *crowd, unsigned i);
/* A tunnel came up: both greet. */
void crowd_meet(struct crowd *crowd, unsigned a, unsigned b);
/* All begin, and meet the first. */
void crowd_gather(struct crowd *crowd);
void crowd_run(struct crowd *crowd, uint64_t ms);
/* Until all that run agree, and see `alive` of them; false after so long. */
bool crowd_settles(struct crowd *crowd, unsigned alive, uint64_t ms);
enum wr_gossip_status crowd_status(struct crowd *crowd, unsigned seer, unsigned seen);
struct wr_gossip_figures crowd_look(struct crowd *crowd, unsigned i);
/* A record of the member; puts it. */
void crowd_put(struct crowd *crowd, unsigned i, uint64_t version, uint32_t flags);
size_t crowd_record(struct crowd *crowd, unsigned i, uint64_t version, uint32_t flags,
		    uint8_t ret_bytes[WR_ITEM_MAX_LEN]);
/* A frame to one, as if its tunnel to `from` had brought it. */
void crowd_inject(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame);
struct wr_instant crowd_now(const struct crowd *crowd);
