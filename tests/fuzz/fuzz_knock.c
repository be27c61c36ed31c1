/* Knocks: what is taken has one way to be written. With the first byte odd, the rest is what stands
 * before the MAC, which is made right, so that the fuzzer need not find it. */
#include "crypto/noise.h"
#include "fuzz.h"
#include "wire/knock.h"

#define SIGNED_LEN 62
#define MACED_LEN (WR_KNOCK_LEN - WR_MAC_LEN)

static const struct wr_key mac_key = { .bytes = { 3 } };
static const uint8_t mesh[WR_MESH_TAG_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static void check(struct wr_bytes datagram)
{
	struct wr_key seed = { .bytes = { 1 } }, signer = wr_sign_public(&seed);
	struct wr_knock knock = { .sequence = 0 };
	uint8_t again[WR_KNOCK_LEN];

	if (wr_knock_read(datagram, mesh, &mac_key, &knock) != WR_KNOCK_GOOD) {
		FUZZ_CHECK(knock.sequence == 0);
		return;
	}
	FUZZ_CHECK(knock.port && knock.knock_port && knock.sequence);
	/* The same fields, but of another identity. */
	wr_knock_write(&knock, &seed, &mac_key, again);
	FUZZ_CHECK(memcmp(again, datagram.data, 14) == 0);
	FUZZ_CHECK(memcmp(again + 46, datagram.data + 46, SIGNED_LEN - 46) == 0);
	FUZZ_CHECK(wr_knock_read((struct wr_bytes){ again, sizeof(again) }, mesh, &mac_key,
				 &knock) == WR_KNOCK_GOOD);
	FUZZ_CHECK(memcmp(&knock.identity, &signer, sizeof(signer)) == 0);
	FUZZ_CHECK(wr_knock_check((struct wr_bytes){ again, sizeof(again) }));
	again[again[0] % SIGNED_LEN] ^= 1;
	FUZZ_CHECK(!wr_knock_check((struct wr_bytes){ again, sizeof(again) }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t datagram[WR_KNOCK_LEN] = { 0 };
	struct wr_mac mac;

	if (size == 0)
		return 0;
	if (!(data[0] & 1)) {
		check((struct wr_bytes){ data + 1, size - 1 });
		return 0;
	}
	memcpy(datagram, data + 1, size - 1 < MACED_LEN ? size - 1 : MACED_LEN);
	mac = wr_mac16((struct wr_bytes){ mac_key.bytes, sizeof(mac_key.bytes) },
		       (struct wr_bytes){ datagram, MACED_LEN });
	memcpy(datagram + MACED_LEN, &mac, sizeof(mac));
	check((struct wr_bytes){ datagram, sizeof(datagram) });
	return 0;
}
