/* A member gone bad, from inside: what it has, how it speaks (liar_wire.c), what it says
 * (liar_lies.c). */
#pragma once

#include <netinet/in.h>

#include "base/base.h"
#include "base/key.h"
#include "wire/frame.h"
#include "wire/item.h"
#include "wire/mesh_key.h"

#define VICTIMS_MAX 8

struct liar {
	const char *what, *path;
	int fd;
	struct sockaddr_in6 own, victims[VICTIMS_MAX];
	unsigned victim_count;
	struct wr_key about, seed;
	struct wr_mesh_keys keys;
	double rate, seconds;
	uint8_t record[WR_ITEM_MAX_LEN];
	size_t record_len;
	struct wr_frame_writer frame;
	uint64_t made, sent, refused;
};

/* 0 or a negative errno. */
int liar_open(struct liar *liar) WR_MUST_CHECK;
/* The frame, as it is. */
void liar_send(struct liar *liar, const struct sockaddr_in6 *to);
/* The record of `about`, from the first victim. False: there is no answer. */
bool liar_fetch(struct liar *liar) WR_MUST_CHECK;
static inline struct wr_bytes liar_record(const struct liar *liar)
{
	return (struct wr_bytes){ liar->record, liar->record_len };
}

struct lie {
	const char *what;
	bool needs_record;
	/* Into the frame, which was begun. */
	void (*make)(struct liar *liar);
};
/* NULL: there is none. */
const struct lie *liar_find(const char *what);
