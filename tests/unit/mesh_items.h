/* Items of a mesh for tests: members, founders and what they sign, by number. */
#pragma once

#include "unit.h"
#include "wire/item.h"

/* The bytes of one item. */
struct mesh_item {
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;
};

static const uint8_t mesh_tag[WR_MESH_TAG_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static inline struct wr_bytes mesh_bytes(const struct mesh_item *item)
{
	return (struct wr_bytes){ item->bytes, item->len };
}

/* The number in each byte, so that vectors are easily made elsewhere. */
static inline struct wr_key mesh_seed(uint8_t number)
{
	struct wr_key seed;

	memset(&seed, number, sizeof(seed));
	return seed;
}

static inline struct wr_key mesh_identity(uint8_t number)
{
	struct wr_key seed = mesh_seed(number);

	return wr_sign_public(&seed);
}

static inline struct wr_item mesh_item_of(enum wr_item_kind kind, uint64_t version)
{
	struct wr_item item = { .kind = kind, .version = version };

	memcpy(item.mesh, mesh_tag, sizeof(item.mesh));
	return item;
}

static inline struct mesh_item mesh_sign(const struct wr_item *item, uint8_t signer)
{
	struct wr_key seed = mesh_seed(signer);
	struct mesh_item written = { .len = 0 };

	written.len = wr_item_write(item, &seed, written.bytes);
	assert_true(written.len > 0);
	return written;
}

static inline struct mesh_item mesh_record(uint8_t member, uint64_t version, const char *name)
{
	struct wr_item item = mesh_item_of(WR_ITEM_RECORD, version);

	item.subject = mesh_identity(member);
	snprintf(item.record.name, sizeof(item.record.name), "%s", name);
	return mesh_sign(&item, member);
}

static inline struct mesh_item mesh_certificate(uint8_t founder, uint8_t member, uint64_t serial,
						uint64_t not_after)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CERTIFICATE, serial);

	item.subject = mesh_identity(member);
	item.certificate.not_after = not_after;
	return mesh_sign(&item, founder);
}

static inline struct mesh_item mesh_revocation(uint8_t founder, uint8_t member, uint64_t serial,
					       uint64_t not_after)
{
	struct wr_item item = mesh_item_of(WR_ITEM_REVOCATION, serial);

	item.subject = mesh_identity(member);
	item.revocation.not_after = not_after;
	return mesh_sign(&item, founder);
}

static inline struct mesh_item mesh_charter(uint8_t founder, uint64_t serial, bool is_closed)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CHARTER, serial);

	item.subject = mesh_identity(founder);
	item.charter.is_closed = is_closed;
	return mesh_sign(&item, founder);
}

static inline struct mesh_item mesh_policy_piece(uint8_t founder, uint64_t version,
						 const struct wr_policy_piece *piece)
{
	struct wr_item item = mesh_item_of(WR_ITEM_POLICY, version);

	item.subject.bytes[WR_KEY_LEN - 1] = piece->number;
	item.policy = *piece;
	return mesh_sign(&item, founder);
}
