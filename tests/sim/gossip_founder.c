/* What the founder of a closed mesh signs; any member that is up spreads it. */
#include "crypto/noise.h"
#include "gossip_world.h"

static struct wr_item begin(struct world *world, enum wr_item_kind kind)
{
	struct wr_item item = { .kind = kind, .signer = world->founder };

	memcpy(item.mesh, world->mesh, sizeof(world->mesh));
	item.version = ++world->serial;
	return item;
}

/* At somebody who is up; kept for those who start later, as an invitation would bring it. */
static void publish(struct world *world, const struct wr_item *item, struct member *at)
{
	struct wr_bytes bytes = items_sign(world, item, &world->founder_seed);

	node_put(world, at, bytes, true);
	node_settle(world, at);
}

/* From now on who starts knows the founder. */
void founder_close(struct world *world)
{
	for (size_t i = 0; i < WR_KEY_LEN; i++)
		world->founder_seed.bytes[i] = (uint8_t)draw(world);
	world->founder = wr_sign_public(&world->founder_seed);
	world->has_founder = true;
}

/* What a door would grant: charter and certificate. */
void founder_admit(struct world *world, struct member *member)
{
	struct wr_item charter = begin(world, WR_ITEM_CHARTER);
	struct wr_item certificate = begin(world, WR_ITEM_CERTIFICATE);

	charter.subject = world->founder;
	charter.version = 1;
	charter.charter.is_closed = true;
	certificate.subject = member->identity;
	if (chance(world, 30))
		memcpy(certificate.certificate.name, member->item.record.name,
		       sizeof(certificate.certificate.name));
	publish(world, &charter, member);
	publish(world, &certificate, member);
}

void founder_revoke(struct world *world, struct member *member)
{
	struct member *at = world_any_up(world, member);
	struct wr_item revocation = begin(world, WR_ITEM_REVOCATION);

	if (!at)
		return;
	trace(world, "%u is revoked", member->number);
	revocation.subject = member->identity;
	member->is_revoked = true;
	publish(world, &revocation, at);
}

/* In two pieces, at two members. */
void founder_set_policy(struct world *world)
{
	static const char text[] = "allow tag:a -> tag:b tcp 22\nallow tag:b -> tag:a tcp 443\n";
	static const size_t half = (sizeof(text) - 1) / 2;
	struct wr_bytes whole = { (const uint8_t *)text, sizeof(text) - 1 };
	struct wr_hash digest = wr_hash2(whole, (struct wr_bytes){ 0 });
	struct wr_item piece = begin(world, WR_ITEM_POLICY);
	struct member *at;

	piece.policy.count = 2;
	memcpy(piece.policy.digest, &digest, sizeof(piece.policy.digest));
	for (uint8_t i = 0; i < 2; i++) {
		piece.policy.number = i;
		piece.policy.text = (struct wr_bytes){ whole.data + i * half,
						       i ? whole.len - half : half };
		piece.subject.bytes[WR_KEY_LEN - 1] = i;
		at = world_any_up(world, NULL);
		if (at)
			publish(world, &piece, at);
	}
}
