/* The past: who was a member when we ended last. Each is visited until gossip knows it, since whom
 * else we meet may be a newcomer that knows nobody. */
#include <stdlib.h>
#include <string.h>

#include "linux/clock.h"
#include "zeroconf/inside.h"

/* So many at a time. */
#define VISITS 4
#define VISIT_EACH WR_SPAN_S(2)
#define VISIT_AGAIN WR_SPAN_S(60)
/* Who was not met while we met others for so many rounds is gone for good. */
#define ROUNDS_MAX 60

static void remember(void *context, struct wr_bytes item)
{
	struct wr_zeroconf *zc = context;
	struct wr_item_head head;
	struct wr_bytes *past;
	uint8_t *copy;

	if (!zc_check(zc, item) || !wr_item_peek(item, &head))
		return;
	if (head.kind != WR_ITEM_RECORD) {
		(void)wr_gossip_put(zc->gossip, item, false, wr_clock_now());
		(void)wr_admission_take(zc->admission, item);
		return;
	}
	past = reallocarray(zc->past, zc->past_count + 1, sizeof(*past));
	copy = past ? malloc(item.len) : NULL;
	if (past)
		zc->past = past;
	if (!copy)
		return;
	memcpy(copy, item.data, item.len);
	zc->past[zc->past_count++] = (struct wr_bytes){ copy, item.len };
}

int zc_load_past(struct wr_zeroconf *zc)
{
	return wr_mesh_items_load(zc->state.folder, remember, zc);
}

bool zc_find_past(const struct wr_zeroconf *zc, const struct wr_key *identity,
		  struct wr_bytes *ret_record)
{
	for (size_t i = 0; i < zc->past_count; i++) {
		struct wr_item_head head;

		if (wr_item_peek(zc->past[i], &head) && wr_key_equal(head.subject, identity)) {
			*ret_record = zc->past[i];
			return true;
		}
	}
	return false;
}

void zc_forget_past(struct wr_zeroconf *zc)
{
	for (size_t i = 0; i < zc->past_count; i++)
		free((void *)(uintptr_t)zc->past[i].data);
	free(zc->past);
	zc->past = NULL;
	zc->past_count = zc->past_at = 0;
}

/* --- Visits. --- */

/* What gossip has of them is newer. */
static void drop_known(struct wr_zeroconf *zc)
{
	size_t kept = 0, at = zc->past_at;

	for (size_t i = 0; i < zc->past_count; i++) {
		struct wr_item_head head;
		struct wr_gossip_sight sight;

		if (wr_item_peek(zc->past[i], &head) &&
		    !wr_gossip_find(zc->gossip, head.subject, &sight)) {
			zc->past[kept++] = zc->past[i];
			continue;
		}
		free((void *)(uintptr_t)zc->past[i].data);
		zc->past_at -= i < at;
	}
	zc->past_count = kept;
}

/* It may know us no more, and would not shake hands without a knock. */
static void visit(struct wr_zeroconf *zc, struct wr_bytes record)
{
	struct wr_item item;
	struct contact *contact;

	if (!wr_item_read(record, &item))
		return;
	contact = zc_invite_guest(zc, &item.subject, NULL);
	if (!contact)
		return;
	zc_knock_at_record(zc, &item.record);
	zc_wake_soon(zc, contact);
}

static void end_round(struct wr_zeroconf *zc)
{
	zc->past_at = 0;
	zc->past_rounds = zc_is_alone(zc) ? 0 : zc->past_rounds + 1;
	if (zc->past_rounds == ROUNDS_MAX)
		zc_forget_past(zc);
}

void zc_visit_past(struct wr_zeroconf *zc)
{
	struct wr_instant now = wr_clock_now();

	if (!zc->past_count || !wr_is_past(zc->past_due, now))
		return;
	drop_known(zc);
	for (int i = 0; i < VISITS && zc->past_at < zc->past_count; i++)
		visit(zc, zc->past[zc->past_at++]);
	zc->past_due = wr_after(now, zc->past_at < zc->past_count ? VISIT_EACH : VISIT_AGAIN);
	if (zc->past_at == zc->past_count)
		end_round(zc);
	if (!zc->past_count)
		zc_forget_past(zc);
}
