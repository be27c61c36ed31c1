/* The peers of the WireGuard device: members and guests, found by identity, WireGuard's key, and
 * their address in the mesh. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "zeroconf/inside.h"

static uint64_t hash(const struct wr_zeroconf *zc, const uint8_t *data, size_t len)
{
	return wr_siphash(&zc->secret, (struct wr_bytes){ data, len });
}

static uint64_t hash_key(const struct wr_zeroconf *zc, const struct wr_key *key)
{
	return hash(zc, key->bytes, WR_KEY_LEN);
}

void zc_roster_start(struct wr_zeroconf *zc)
{
	wr_random(&zc->secret, sizeof(zc->secret));
}

struct contact *zc_find(const struct wr_zeroconf *zc, const struct wr_key *identity)
{
	struct contact *contact = wr_map_get(&zc->by_identity, hash_key(zc, identity));

	return contact && wr_key_equal(&contact->identity, identity) ? contact : NULL;
}

struct contact *zc_find_key(const struct wr_zeroconf *zc, const struct wr_key *public_key)
{
	struct contact *contact = wr_map_get(&zc->by_key, hash_key(zc, public_key));

	return contact && wr_key_equal(&contact->key, public_key) ? contact : NULL;
}

struct contact *zc_find_v6(const struct wr_zeroconf *zc, const struct wr_ip *v6)
{
	struct contact *contact = wr_map_get(&zc->by_v6, hash(zc, v6->bytes, sizeof(v6->bytes)));

	return contact && wr_ip_equal(&contact->v6, v6) ? contact : NULL;
}

bool zc_record_of(const struct wr_zeroconf *zc, const struct wr_key *identity,
		  struct wr_record *ret_record)
{
	struct wr_gossip_sight sight;
	struct wr_item item;

	if (!wr_gossip_find(zc->gossip, identity, &sight) || !wr_item_read(sight.record, &item))
		return false;
	*ret_record = item.record;
	return true;
}

struct contact *zc_next(const struct wr_zeroconf *zc, size_t *at)
{
	return wr_map_next(&zc->by_identity, at);
}

static void take_out(struct wr_zeroconf *zc, struct contact *contact)
{
	wr_map_take(&zc->by_identity, hash_key(zc, &contact->identity));
	wr_map_take(&zc->by_key, hash_key(zc, &contact->key));
	wr_map_take(&zc->by_v6, hash(zc, contact->v6.bytes, sizeof(contact->v6.bytes)));
	free(contact);
}

static bool put_in(struct wr_zeroconf *zc, struct contact *contact)
{
	return wr_map_put(&zc->by_identity, hash_key(zc, &contact->identity), contact) &&
	       wr_map_put(&zc->by_key, hash_key(zc, &contact->key), contact) &&
	       wr_map_put(&zc->by_v6, hash(zc, contact->v6.bytes, sizeof(contact->v6.bytes)),
			  contact);
}

struct contact *zc_meet(struct wr_zeroconf *zc, const struct wr_key *identity)
{
	struct contact *contact = zc_find(zc, identity);
	struct wr_key key;

	if (contact || wr_key_equal(identity, &zc->identity))
		return contact;
	/* A point and its negative have one key: who has both is one peer. */
	if (!wr_sign_public_x25519(identity, &key) || zc_find_key(zc, &key))
		return NULL;
	contact = calloc(1, sizeof(*contact));
	if (!contact)
		return NULL;
	contact->identity = *identity;
	contact->key = key;
	contact->v6 = wr_mesh_v6(&zc->keys.range6, identity);
	wr_mesh_uid(identity, contact->uid);
	if (!put_in(zc, contact)) {
		take_out(zc, contact);
		return NULL;
	}
	return contact;
}

void zc_part(struct wr_zeroconf *zc, struct contact *contact)
{
	if (contact->is_member || contact->until.ns)
		return;
	take_out(zc, contact);
	zc_touch_map(zc);
}

void zc_roster_done(struct wr_zeroconf *zc)
{
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at)))
		free(contact);
	wr_map_done(&zc->by_identity);
	wr_map_done(&zc->by_key);
	wr_map_done(&zc->by_v6);
}
