/* Items: what is read has one way to be written, and only what is read is ever authentic when it
 * was written by us. With the first byte odd, the rest is kind, version and body of an item that is
 * given a head and a signature, so that the fuzzer need not find these. */
#include "fuzz.h"
#include "wire/item.h"

#define HEAD_LEN 81

static void check_raw(struct wr_bytes bytes)
{
	struct wr_item_head head;
	struct wr_item item;

	if (!wr_item_read(bytes, &item))
		return;
	FUZZ_CHECK(wr_item_peek(bytes, &head));
	FUZZ_CHECK(head.kind == item.kind && head.version == item.version);
	FUZZ_CHECK(memcmp(head.signer, &item.signer, sizeof(item.signer)) == 0);
	FUZZ_CHECK(memcmp(head.subject, &item.subject, sizeof(item.subject)) == 0);
}

/* The subject that fits the kind, as far as one can know: a policy's piece has its number there. */
static void make_head(uint8_t *bytes, const uint8_t *data, const struct wr_key *signer)
{
	bytes[0] = data[0];
	memset(bytes + 1, 7, WR_MESH_TAG_LEN);
	memcpy(bytes + 9, signer, WR_KEY_LEN);
	if (data[0] == WR_ITEM_POLICY)
		bytes[72] = data[9];
	else
		memcpy(bytes + 41, signer, WR_KEY_LEN);
	memcpy(bytes + 73, data + 1, 8);
}

static void check_body(const uint8_t *data, size_t size)
{
	struct wr_key seed = { .bytes = { 1 } }, signer = wr_sign_public(&seed);
	uint8_t bytes[WR_ITEM_MAX_LEN + 1] = { 0 }, again[WR_ITEM_MAX_LEN];
	size_t len = size - 9 + HEAD_LEN;
	struct wr_item item;

	if (len + WR_SIGNATURE_LEN > sizeof(bytes))
		return;
	make_head(bytes, data, &signer);
	memcpy(bytes + HEAD_LEN, data + 9, size - 9);
	if (!wr_item_read((struct wr_bytes){ bytes, len + WR_SIGNATURE_LEN }, &item))
		return;
	FUZZ_CHECK(wr_item_write(&item, &seed, again) == len + WR_SIGNATURE_LEN);
	FUZZ_CHECK(memcmp(again, bytes, len) == 0);
	FUZZ_CHECK(wr_item_check((struct wr_bytes){ again, len + WR_SIGNATURE_LEN }));
	again[data[1] % len] ^= 1;
	FUZZ_CHECK(!wr_item_check((struct wr_bytes){ again, len + WR_SIGNATURE_LEN }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (!(data[0] & 1))
		check_raw((struct wr_bytes){ data + 1, size - 1 });
	else if (size >= 11)
		check_body(data + 1, size - 1);
	return 0;
}
