#include "wire/mesh_key.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "crypto/noise.h"

/* RFC 9106 section 4, the second recommended option (t = 3, 64 MiB), which a small router can pay,
 * too. Fixed for ever: another cost is another mesh. */
#define COST_OPS 3
#define COST_BYTES (64 * 1024 * 1024)

static struct wr_hash hash_with(const char *word, struct wr_bytes bytes)
{
	/* Words are no beginnings of each other: the zero byte ends them. */
	return wr_hash2((struct wr_bytes){ (const uint8_t *)word, strlen(word) + 1 }, bytes);
}

int wr_mesh_root(const char *name, struct wr_bytes secret, struct wr_key *ret_root)
{
	struct wr_hash salt = hash_with("warren mesh",
					(struct wr_bytes){ (const uint8_t *)name, strlen(name) });

	static_assert(sizeof(salt) >= crypto_pwhash_SALTBYTES, "a salt's length");
	if (secret.len == 0) {
		struct wr_hash root = hash_with("warren open mesh",
						(struct wr_bytes){ salt.bytes, sizeof(salt) });

		memcpy(ret_root->bytes, root.bytes, WR_KEY_LEN);
		return 0;
	}
	/* It fails only where there is no memory. */
	if (crypto_pwhash(ret_root->bytes, WR_KEY_LEN, (const char *)secret.data, secret.len,
			  salt.bytes, COST_OPS, COST_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	return 0;
}

static void derive(const struct wr_key *root, const char *word, void *ret, size_t len)
{
	struct wr_hash hash = hash_with(word, (struct wr_bytes){ root->bytes, WR_KEY_LEN });

	memcpy(ret, hash.bytes, len);
	wr_wipe(&hash, sizeof(hash));
}

/* 10.128 to 10.243: what lies lower is what networks have already (10.0 and 10.1 at home, 10.42 and
 * 10.96 in Kubernetes, 10.88 in Podman), and so is 10.244. */
static uint8_t second_byte(uint8_t hash)
{
	return (uint8_t)(128 + hash % 116);
}

void wr_mesh_keys(const struct wr_key *root, struct wr_mesh_keys *ret_keys)
{
	struct wr_mesh_keys keys = {
		.root = *root,
		.range6 = { .ip = { .family = WR_IPV6, .bytes = { 0xfd } }, .length = 48 },
		.range4 = { .ip = { .family = WR_IPV4, .bytes = { 10 } }, .length = 16 },
	};
	uint8_t *v4 = keys.range4.ip.bytes;

	derive(root, "warren preshared key", keys.psk.bytes, WR_KEY_LEN);
	derive(root, "warren knock", keys.mac.bytes, WR_KEY_LEN);
	derive(root, "warren tag", keys.tag, sizeof(keys.tag));
	derive(root, "warren ipv6", keys.range6.ip.bytes + 1, 5);
	derive(root, "warren ipv4", v4 + 1, 1);
	v4[1] = second_byte(v4[1]);
	*ret_keys = keys;
	wr_wipe(&keys, sizeof(keys));
}

/* --- Of a member. --- */

#define MEMBER_LEN 10 /* 80 bits */

static struct wr_hash member_hash(const struct wr_key *identity)
{
	return hash_with("warren member",
			 (struct wr_bytes){ identity->bytes, sizeof(identity->bytes) });
}

struct wr_ip wr_mesh_v6(const struct wr_prefix *range6, const struct wr_key *identity)
{
	struct wr_hash hash = member_hash(identity);
	struct wr_ip ip = range6->ip;

	assert(range6->length == 48);
	memcpy(ip.bytes + 6, hash.bytes, MEMBER_LEN);
	return ip;
}

static uint32_t be32(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

struct wr_ip wr_mesh_v4(const struct wr_prefix *range4, const struct wr_key *identity,
			uint32_t attempt)
{
	struct wr_hash hash = member_hash(identity);
	uint8_t counter[4] = { (uint8_t)(attempt >> 24), (uint8_t)(attempt >> 16),
			       (uint8_t)(attempt >> 8), (uint8_t)attempt };
	struct wr_ip ip = { .family = WR_IPV4 };
	uint64_t hosts;
	uint32_t number;

	assert(range4->ip.family == WR_IPV4 && range4->length <= WR_MESH_RANGE4_MAX);
	hash = wr_hash2((struct wr_bytes){ hash.bytes, sizeof(hash.bytes) },
			(struct wr_bytes){ counter, sizeof(counter) });
	/* Not the first, the network's, nor the last, its broadcast. */
	hosts = (UINT64_C(1) << (32 - range4->length)) - 2;
	number = be32(range4->ip.bytes) + 1 + (uint32_t)(be32(hash.bytes) % hosts);
	for (unsigned i = 0; i < 4; i++)
		ip.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
	return ip;
}

void wr_mesh_uid(const struct wr_key *identity, char ret_uid[21])
{
	struct wr_hash hash = member_hash(identity);

	sodium_bin2hex(ret_uid, 2 * MEMBER_LEN + 1, hash.bytes, MEMBER_LEN);
}
