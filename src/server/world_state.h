/* The insides of a world, for world*.c only.
 *
 * Floor 8.  One thread. */
#pragma once

#include "base/map.h"
#include "server/world.h"

/* A machine as all who see it are told of it. */
struct wr_face {
	int64_t machine;
	unsigned refs;                    /* readings that have it */
	struct wr_reading_machine *entry; /* in the newest reading; NULL: it is gone */
	struct wr_listener *listener;     /* its own agent; NULL: it has none */
	bool is_online;
	bool is_other; /* than in the reading before */
	struct wr_candidate reported[WR_PATH_CANDIDATES];
	size_t reported_count;
	struct wr_endpoint observed;    /* family none: not known */
	uint64_t changed;               /* the world's `changes` by then */
	uint64_t stamp;                 /* of the last walk that came by */
	const struct wr_way_kind *seen; /* how it was seen by then */

	/* Made of it: all members of a peer but `way` and `marks`. */
	char *head, *candidates;
	size_t head_len, candidates_len;
	struct wr_world_sum head_sum, candidates_sum;
};

struct wr_listener {
	struct wr_face *face;
	void *context;
	size_t place;   /* among the listeners of its group */
	uint32_t group; /* of the newest reading; WR_READING_NOBODY: gone */
	bool is_due;
	struct wr_listener *next, *prev; /* while it is due */

	/* Faces that changed since it was told. */
	struct wr_face **news;
	size_t news_count, news_room;

	/* What it was told. */
	struct wr_reading *told; /* NULL: nothing yet */
	uint32_t told_group;
	struct wr_world_sum version, self, shared, policy, records;
};

/* What is new from one group of a reading to one of the newest. */
struct wr_world_pair {
	struct wr_reading *from;
	uint32_t from_group, to_group;
	struct wr_face **changed;
	size_t changed_count, changed_room;
	const char **gone; /* uids */
	size_t gone_count, gone_room;
};

struct wr_world {
	struct wr_world_hub hub;
	struct wr_reading *reading;
	struct wr_map faces; /* by machine */
	struct wr_map uids;  /* faces by a hash of the uid */
	struct wr_listener *due, *due_last;
	uint64_t stamp, changes, readings; /* counted */
	char *shared_json;                 /* members `network` and `hub` */
	struct wr_world_sum shared_sum;
	struct wr_world_pair pair;
};

/* --- world_face.c --- */
/* Makes the texts anew: they have to be NULL. False where memory is short. */
bool wr_face_print(struct wr_face *face) WR_MUST_CHECK;
/* Of one who sees it in this way. */
struct wr_world_sum wr_face_sum(const struct wr_face *face, const struct wr_way_kind *kind);
/* `"self":{...}` of the machine. */
bool wr_face_print_self(const struct wr_reading_machine *machine, struct wr_buffer *out)
	WR_MUST_CHECK;
/* One peer of a message. */
bool wr_face_print_peer(const struct wr_face *face, const struct wr_way_kind *kind,
			struct wr_buffer *out) WR_MUST_CHECK;
/* `"network":{...},"hub":{...}` */
bool wr_world_print_shared(const struct wr_reading *reading, const struct wr_world_hub *hub,
			   struct wr_buffer *out) WR_MUST_CHECK;
void wr_face_free(struct wr_face *face);

/* --- world.c --- */
/* NULL if there is none. */
struct wr_face *wr_world_face(const struct wr_world *world, int64_t machine);
uint64_t wr_uid_key(const char *uid);
/* One owner less; the last one frees. NULL is fine. */
void wr_face_release(struct wr_world *world, struct wr_face *face);
void wr_world_release(struct wr_world *world, struct wr_reading *reading);
/* NULL for nobody's. */
struct wr_group *wr_world_group(const struct wr_world *world, uint32_t number);
void wr_listener_due(struct wr_world *world, struct wr_listener *listener);
void wr_listener_not_due(struct wr_world *world, struct wr_listener *listener);
/* To its group in the reading, if it has one. False where memory is short. */
bool wr_listener_join(struct wr_reading *reading, struct wr_listener *listener) WR_MUST_CHECK;

/* --- world_news.c --- */
/* Makes its texts anew, and tells those who see it; where memory is short, the old ones stay until
 * the next change. */
void wr_face_print_again(struct wr_world *world, struct wr_face *face);
/* It gets the whole map. */
void wr_listener_forget(struct wr_world *world, struct wr_listener *listener);

/* --- world_pair.c --- */
/* What is new for who was told `from`; kept until another is asked for. False where memory is
 * short. */
bool wr_world_compare(struct wr_world *world, struct wr_reading *from, uint32_t from_group,
		      uint32_t to_group) WR_MUST_CHECK;
void wr_world_pair_done(struct wr_world *world);
