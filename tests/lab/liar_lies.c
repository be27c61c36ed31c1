/* What it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "gossip/blob.h"
#include "liar.h"
#include "wire/door.h"

/* What it says is dead is asked for again after so many frames: it objects. */
#define LOOK_EACH 10

static void add_item(struct liar *liar, bool is_gone, struct wr_bytes item)
{
	if (!wr_frame_add_item(&liar->frame, is_gone, is_gone ? 1 : 0, item))
		abort();
}

static void add_signed(struct liar *liar, struct wr_item *item)
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;

	memcpy(item->mesh, liar->keys.tag, sizeof(item->mesh));
	len = wr_item_write(item, &liar->seed, bytes);
	if (!len)
		abort();
	add_item(liar, false, (struct wr_bytes){ bytes, len });
}

/* In the liar's own name, or in that of the other, who did not sign it. */
static void forge(struct liar *liar)
{
	struct wr_item item;
	struct wr_item_head head;
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;

	if (!wr_item_read(liar_record(liar), &item))
		abort();
	item.version += 1 + liar->made;
	snprintf(item.record.name, sizeof(item.record.name), "forged");
	item.subject = wr_sign_public(&liar->seed);
	len = wr_item_write(&item, &liar->seed, bytes);
	if (!len || !wr_item_peek((struct wr_bytes){ bytes, len }, &head))
		abort();
	memcpy(bytes + (head.subject->bytes - bytes), &liar->about, sizeof(liar->about));
	if (liar->made % 2)
		memcpy(bytes + (head.signer->bytes - bytes), &liar->about, sizeof(liar->about));
	add_item(liar, false, (struct wr_bytes){ bytes, len });
}

static void replay(struct liar *liar)
{
	add_item(liar, liar->made % 2, liar_record(liar));
}

/* All that a member may say of another that is dead. */
static void call_dead(struct liar *liar)
{
	struct wr_gossip_blob *blob;
	struct wr_frame_mark mark;

	if (liar->made % LOOK_EACH == 0 && !liar_fetch(liar))
		abort();
	blob = wr_gossip_blob_new(liar_record(liar));
	if (!blob)
		abort();
	mark = (struct wr_frame_mark){ blob->key,
				       (uint32_t)(blob->digest >> 32) | WR_FRAME_PRINT_DEAD };
	wr_gossip_blob_unref(blob);
	wr_frame_begin(&liar->frame);
	if (!wr_frame_add_mark(&liar->frame, WR_FRAME_SUSPECT, mark) ||
	    !wr_frame_add_mark(&liar->frame, WR_FRAME_CALLED, mark) ||
	    !wr_frame_add_mark(&liar->frame, WR_FRAME_HAVE, mark) ||
	    !wr_frame_add_death(&liar->frame, (struct wr_frame_death){ mark, 1 }))
		abort();
	add_item(liar, true, liar_record(liar));
}

static void found(struct liar *liar)
{
	static const char policy[] = "default deny\n";
	struct wr_key founder = wr_sign_public(&liar->seed);
	struct wr_item item = { .kind = WR_ITEM_CHARTER, .version = 1 + liar->made };

	switch (liar->made % 4) {
	case 0:
		item.subject = founder;
		item.charter.is_closed = true;
		break;
	case 1:
		item.kind = WR_ITEM_CERTIFICATE;
		item.subject = liar->about;
		break;
	case 2:
		item.kind = WR_ITEM_REVOCATION;
		item.subject = liar->about;
		break;
	default:
		item.kind = WR_ITEM_POLICY;
		item.policy.count = 1;
		item.policy.text = (struct wr_bytes){ (const uint8_t *)policy, strlen(policy) };
		break;
	}
	add_signed(liar, &item);
}

static void tell_of_another_mesh(struct liar *liar)
{
	struct wr_item item = { .kind = WR_ITEM_RECORD, .version = 1 };

	item.subject = wr_sign_public(&liar->seed);
	add_signed(liar, &item);
}

static void promise(struct liar *liar)
{
	struct wr_frame_mark mark;

	do {
		wr_random(&mark, sizeof(mark));
	} while (wr_frame_add_mark(&liar->frame, WR_FRAME_HAVE, mark));
}

static void refuse(struct liar *liar)
{
	const struct wr_door door = { .type = WR_DOOR_REFUSAL,
				      .guest = liar->about,
				      .reason = WR_DOOR_REVOKED };

	/* No frame, but it goes the same way. */
	liar->frame.len = wr_door_write(&door, liar->frame.bytes);
}

static const struct lie lies[] = {
	{ "forge", true, forge },
	{ "replay", false, replay },
	{ "dead", true, call_dead },
	{ "found", false, found },
	{ "foreign", false, tell_of_another_mesh },
	{ "promise", false, promise },
	{ "refuse", false, refuse },
};

const struct lie *liar_find(const char *what)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(lies); i++)
		if (strcmp(lies[i].what, what) == 0)
			return &lies[i];
	return NULL;
}
