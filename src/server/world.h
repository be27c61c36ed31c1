/* The world of one organisation: what its machines are, read and seen, and what each connected
 * agent was told of it. It makes maps and the deltas between them.
 *
 * What all agents are told of a machine alike (its *face*) is one text that they share. A change
 * of a face goes to those groups that see it (server/world_reading.h), and no further; what an
 * agent is not told yet is a list of faces, so that changes which follow each other fast become
 * one delta.
 *
 * Floor 8.  One thread, the loop's.  Knows no sockets.  Source: docs/agents.md, "The channel". */
#pragma once

#include "base/base.h"
#include "http/buffer.h"
#include "path/path.h"
#include "server/world_reading.h"

struct wr_world;
struct wr_listener;

/* Where the hub is, for maps. */
struct wr_world_hub {
	struct wr_endpoint endpoints[2]; /* family none: none */
	uint16_t stun_port;
};

/* NULL where memory is short. */
struct wr_world *wr_world_new(const struct wr_world_hub *hub) WR_MUST_CHECK;
/* Nobody listens any more. NULL is fine; returns NULL. */
struct wr_world *wr_world_free(struct wr_world *world);
void wr_world_set_hub(struct wr_world *world, const struct wr_world_hub *hub);

/* Takes a reading that was built, in place of the one before. `is_online` is asked for machines
 * that were not there before. 0, or -ENOMEM: then all is as before, and the reading is freed. */
int wr_world_take(struct wr_world *world, struct wr_reading *reading,
		  bool (*is_online)(void *context, const struct wr_reading_machine *machine),
		  void *context) WR_MUST_CHECK;
/* One machine as it was read alone. False if that changes more than the machine: then all has to
 * be read. */
bool wr_world_take_machine(struct wr_world *world, const struct wr_reading *one) WR_MUST_CHECK;
/* NULL before the first. */
const struct wr_reading *wr_world_reading(const struct wr_world *world);

/* --- What is seen. A machine that is not there is nothing new. --- */
void wr_world_set_online(struct wr_world *world, int64_t machine, bool is_online);
bool wr_world_is_online(const struct wr_world *world, int64_t machine);
/* As its agent reports them; the best first. */
void wr_world_set_candidates(struct wr_world *world, int64_t machine,
			     const struct wr_candidate *candidates, size_t count);
/* Where the hub hears it. */
void wr_world_set_observed(struct wr_world *world, int64_t machine,
			   const struct wr_endpoint *endpoint);

/* As they are kept in the database, and read back. NULL where memory is short. */
char *wr_candidates_text(const struct wr_candidate *candidates, size_t count);
size_t wr_candidates_read(const char *text, struct wr_candidate ret_candidates[WR_PATH_CANDIDATES]);

/* --- Who listens. --- */

/* NULL where memory is short, or the machine is not there or off. One for each machine. */
struct wr_listener *wr_world_listen(struct wr_world *world, int64_t machine, void *context)
	WR_MUST_CHECK;
void wr_world_unlisten(struct wr_world *world, struct wr_listener *listener);
void *wr_listener_context(const struct wr_listener *listener);
/* Its machine was removed or shut out: there is nothing to tell any more. */
bool wr_listener_is_gone(const struct wr_listener *listener);
/* It has a map: what comes next is a delta. */
bool wr_listener_was_told(const struct wr_listener *listener);
/* One for whom there may be something new, and no more until there is again; NULL if none. */
struct wr_listener *wr_world_next(struct wr_world *world);
bool wr_world_has_next(const struct wr_world *world);
/* Behind the others: it was not told yet. */
void wr_listener_put_back(struct wr_world *world, struct wr_listener *listener);
/* True if the two may learn of each other; by uid. The other's row in *ret_machine. */
bool wr_listener_sees(const struct wr_world *world, const struct wr_listener *listener,
		      const char *uid, int64_t *ret_machine);

/* True if it has this map already: it counts as told. */
bool wr_listener_is_at(struct wr_world *world, struct wr_listener *listener, const char *version);
/* The message `map`, added to `out`. 0 or -ENOMEM. */
int wr_listener_map(struct wr_world *world, struct wr_listener *listener, struct wr_buffer *out)
	WR_MUST_CHECK;
/* The message `delta` from what it was told last. 1, 0 where nothing is new for it, or -ENOMEM. */
int wr_listener_delta(struct wr_world *world, struct wr_listener *listener, struct wr_buffer *out)
	WR_MUST_CHECK;
