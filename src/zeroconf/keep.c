/* What is on the disk: the state when it changes, items some time after they change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "zeroconf/inside.h"

/* Changes of these are written together. */
#define GATHER_MS 15000
/* The newest this many records: more than enough to find the mesh again. */
#define RECORDS_MAX 1000

/* Each item with its length before it, as wr_mesh_items_load() reads them. */
struct pile {
	uint8_t *bytes;
	size_t len, room;
	bool is_short; /* of memory */
};

static void put(struct pile *pile, struct wr_bytes item)
{
	size_t need = pile->len + 2 + item.len;

	if (need > pile->room) {
		size_t room = need * 2;
		uint8_t *bytes = realloc(pile->bytes, room);

		if (!bytes) {
			pile->is_short = true;
			return;
		}
		pile->bytes = bytes;
		pile->room = room;
	}
	pile->bytes[pile->len++] = (uint8_t)(item.len >> 8);
	pile->bytes[pile->len++] = (uint8_t)item.len;
	memcpy(pile->bytes + pile->len, item.data, item.len);
	pile->len += item.len;
}

static bool is_known(const struct wr_zeroconf *zc, struct wr_bytes record)
{
	struct wr_gossip_sight sight;
	struct wr_item_head head;

	return !wr_item_peek(record, &head) || wr_gossip_find(zc->gossip, head.subject, &sight);
}

/* The policy in force goes first: of a newer one perhaps not all pieces are there yet. */
static void gather(const struct wr_zeroconf *zc, struct pile *pile)
{
	struct wr_gossip_sight sight;
	struct wr_bytes item;
	size_t at = 0, records = 0;

	while (wr_admission_policy_item(zc->admission, &at, &item))
		put(pile, item);
	at = 0;
	while (wr_gossip_next_item(zc->gossip, &at, &item))
		put(pile, item);
	at = 0;
	while (records < RECORDS_MAX && wr_gossip_next(zc->gossip, &at, &sight))
		if (sight.status <= WR_GOSSIP_DEAD &&
		    !wr_key_equal(&sight.identity, &zc->identity)) {
			put(pile, sight.record);
			records++;
		}
	/* Whom we have not met again yet. */
	for (size_t i = 0; i < zc->past_count; i++)
		if (records < RECORDS_MAX && !is_known(zc, zc->past[i])) {
			put(pile, zc->past[i]);
			records++;
		}
}

void zc_save_now(struct wr_zeroconf *zc)
{
	struct pile pile = { .bytes = NULL };
	int status;

	uv_timer_stop(&zc->save_timer);
	zc->is_signed = false;
	gather(zc, &pile);
	status = pile.is_short ? -ENOMEM
			       : wr_mesh_items_save(zc->state.folder,
						    (struct wr_bytes){ pile.bytes, pile.len });
	free(pile.bytes);
	if (status < 0)
		wr_log_error("state: members cannot be kept in %s: %s", zc->state.folder,
			     strerror(-status));
}

static void on_due(uv_timer_t *timer)
{
	zc_save_now(WR_CONTAINER_OF(timer, struct wr_zeroconf, save_timer));
}

void zc_save_soon(struct wr_zeroconf *zc)
{
	if (!uv_is_active((const uv_handle_t *)&zc->save_timer))
		uv_timer_start(&zc->save_timer, on_due, GATHER_MS, 0);
}

void zc_save_state(struct wr_zeroconf *zc)
{
	int status = wr_mesh_state_save(&zc->state);

	if (status < 0)
		wr_log_error("state: cannot be kept in %s: %s", zc->state.folder,
			     strerror(-status));
}
