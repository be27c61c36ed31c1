#include "engine/staging.h"

#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

/* What peer->owner points to; exists while it is not empty. */
struct wr_staged_queue {
	struct wr_staged_queue *next, *prev;
	struct wr_peer *peer;
	struct wr_staged *first;
	struct wr_staged **last; /* where the next goes */
	unsigned count;
};

static size_t cost(uint32_t len)
{
	return sizeof(struct wr_staged) + len + WR_DATA_PADDING;
}

static struct wr_staged_queue *queue_new(struct wr_staging *staging, struct wr_peer *peer)
{
	struct wr_staged_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->peer = peer;
	queue->last = &queue->first;
	queue->next = staging->first;
	if (queue->next)
		queue->next->prev = queue;
	staging->first = queue;
	peer->owner = queue;
	return queue;
}

static void queue_free(struct wr_staging *staging, struct wr_staged_queue *queue)
{
	if (queue->prev)
		queue->prev->next = queue->next;
	else
		staging->first = queue->next;
	if (queue->next)
		queue->next->prev = queue->prev;
	queue->peer->owner = NULL;
	free(queue);
}

struct wr_staged *wr_staging_take(struct wr_staging *staging, struct wr_peer *peer)
{
	struct wr_staged_queue *queue = peer->owner;

	if (!queue)
		return NULL;
	struct wr_staged *oldest = queue->first;

	queue->first = oldest->next;
	queue->count--;
	staging->bytes -= cost(oldest->len);
	if (!queue->first)
		queue_free(staging, queue);
	return oldest;
}

void wr_staging_free(struct wr_staged *staged)
{
	if (staged)
		wr_wipe(staged->data, staged->len);
	free(staged);
}

/* Drops the oldest until there is room for one more of `len` bytes. */
static unsigned make_room(struct wr_staging *staging, struct wr_peer *peer, uint32_t len)
{
	unsigned dropped = 0;

	for (struct wr_staged_queue *queue = peer->owner;
	     queue &&
	     (queue->count >= WR_STAGED_PER_PEER || staging->bytes + cost(len) > WR_STAGED_BYTES);
	     queue = peer->owner) {
		wr_staging_free(wr_staging_take(staging, peer));
		dropped++;
	}
	return dropped;
}

unsigned wr_staging_add(struct wr_staging *staging, struct wr_peer *peer, struct wr_bytes packet)
{
	uint32_t len = (uint32_t)packet.len;
	unsigned dropped = make_room(staging, peer, len);

	if (staging->bytes + cost(len) > WR_STAGED_BYTES)
		return dropped + 1;
	struct wr_staged *staged = malloc(cost(len));
	struct wr_staged_queue *queue = peer->owner;

	if (staged && !queue)
		queue = queue_new(staging, peer);
	if (!staged || !queue) {
		free(staged);
		return dropped + 1;
	}
	staged->next = NULL;
	staged->len = len;
	memcpy(staged->data, packet.data, len);
	*queue->last = staged;
	queue->last = &staged->next;
	queue->count++;
	staging->bytes += cost(len);
	return dropped;
}

unsigned wr_staging_drop(struct wr_staging *staging, struct wr_peer *peer)
{
	unsigned dropped = 0;

	for (; peer->owner; dropped++)
		wr_staging_free(wr_staging_take(staging, peer));
	return dropped;
}

unsigned wr_staging_drop_removed(struct wr_staging *staging)
{
	struct wr_staged_queue *next;
	unsigned dropped = 0;

	for (struct wr_staged_queue *queue = staging->first; queue; queue = next) {
		next = queue->next;
		if (queue->peer->is_removed)
			dropped += wr_staging_drop(staging, queue->peer);
	}
	return dropped;
}

void wr_staging_done(struct wr_staging *staging)
{
	while (staging->first)
		wr_staging_drop(staging, staging->first->peer);
}
