#include "wire/mesh_key.h"

#include "crypto/crypto.h"
#include "mesh_items.h"

/* Made with Python's hashlib and cryptography (OpenSSL's Argon2id). */
static const struct {
	const char *secret, *root, *psk, *mac, *tag, *range6, *range4;
	const char *v6, *v4[3]; /* of mesh_identity(1) */
} known[] = {
	{
		"",
		"7b0468d55975629c52969232d9f79a9b54c85e6006d5ecb7b5054401b709051e",
		"4444b69d76de48f47b666f08a59dfc9a4769475b25a1ff6d47b6306c4e6aa83a",
		"771d392a0a3bf1efd484f9ea32df3b05da4f59fbb9b33fbb8b8c85d49be08d2e",
		"71b0a53cbee3bde6",
		"fdec:d73b:34af::/48",
		"10.150.0.0/16",
		"fdec:d73b:34af:bb29:32f3:6f0d:5c82:be30",
		{ "10.150.152.31", "10.150.86.254", "10.150.103.91" },
	},
	{
		"correct horse",
		"1f2e202fdfec1f887bfa5bb00be207011fec05e1f3dfcd50392da4bc47216b3c",
		"60e089c3f2bd33ed39162e038a5c1e5c9940f11ae34fbf9e229bddf1b9b311fa",
		"5250cc9fd5d42df746a22b55292f3c82c37408a655aa7fcc3bcc0f9caadfe549",
		"2381140dd90ad6a9",
		"fd2d:7808:ad9e::/48",
		"10.141.0.0/16",
		"fd2d:7808:ad9e:bb29:32f3:6f0d:5c82:be30",
		{ "10.141.152.31", "10.141.86.254", "10.141.103.91" },
	},
};

static void assert_hex(const void *bytes, size_t len, const char *hex)
{
	uint8_t wanted[32];

	assert_int_equal(unit_hex(hex, wanted, sizeof(wanted)), len);
	assert_memory_equal(bytes, wanted, len);
}

static struct wr_key root_of(const char *name, const char *secret)
{
	struct wr_key root;

	assert_int_equal(wr_mesh_root(name,
				      (struct wr_bytes){ (const uint8_t *)secret, strlen(secret) },
				      &root),
			 0);
	return root;
}

static void assert_ip(const struct wr_ip ip, const char *wanted)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(&ip, text);
	assert_string_equal(text, wanted);
}

static void assert_prefix(const struct wr_prefix *prefix, const char *wanted)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(prefix, text);
	assert_string_equal(text, wanted);
}

static void test_mesh_key_known_answers(void **state)
{
	struct wr_key identity = mesh_identity(1);

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(known); i++) {
		struct wr_key root = root_of("home", known[i].secret);
		struct wr_mesh_keys keys;

		wr_mesh_keys(&root, &keys);
		assert_hex(&root, sizeof(root), known[i].root);
		assert_memory_equal(&keys.root, &root, sizeof(root));
		assert_hex(&keys.psk, sizeof(keys.psk), known[i].psk);
		assert_hex(&keys.mac, sizeof(keys.mac), known[i].mac);
		assert_hex(keys.tag, sizeof(keys.tag), known[i].tag);
		assert_prefix(&keys.range6, known[i].range6);
		assert_prefix(&keys.range4, known[i].range4);
		assert_ip(wr_mesh_v6(&keys.range6, &identity), known[i].v6);
		for (uint32_t n = 0; n < 3; n++)
			assert_ip(wr_mesh_v4(&keys.range4, &identity, n), known[i].v4[n]);
	}
}

static void test_mesh_key_is_of_name_and_secret(void **state)
{
	struct wr_key roots[] = { root_of("home", ""), root_of("home2", ""), root_of("home", "a"),
				  root_of("home", "b"), root_of("home2", "a") };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(roots); i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&roots[i], &roots[j], sizeof(roots[i]));
}

static void test_mesh_key_identifier_is_the_end_of_the_address(void **state)
{
	struct wr_key identity = mesh_identity(1);
	char uid[21];

	(void)state;
	wr_mesh_uid(&identity, uid);
	assert_string_equal(uid, "bb2932f36f0d5c82be30");
}

/* Neither the network's own address nor its broadcast, in any range, and the others all come. */
static void test_mesh_key_v4_stays_inside_of_its_range(void **state)
{
	static const char *const ranges[] = { "192.168.7.4/30", "192.168.7.8/29", "10.0.0.0/8",
					      "100.64.0.0/10", "0.0.0.0/0" };
	struct wr_key identity = mesh_identity(1);

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(ranges); i++) {
		struct wr_prefix range, whole;
		unsigned seen = 0;

		assert_true(wr_prefix_parse(ranges[i], strlen(ranges[i]), &range));
		for (uint32_t n = 0; n < 200; n++) {
			struct wr_ip ip = wr_mesh_v4(&range, &identity, n);
			char text[WR_ENDPOINT_TEXT_LEN];
			size_t len = wr_ip_format(&ip, text);

			len += (size_t)sprintf(text + len, "/%u", range.length);
			assert_true(wr_prefix_parse(text, len, &whole));
			assert_true(wr_ip_equal(&whole.ip, &range.ip));
			seen |= 1u << (ip.bytes[3] & 7);
		}
		if (range.length == 30)
			assert_int_equal(seen, 1u << 5 | 1u << 6);
		if (range.length == 29)
			assert_int_equal(seen, 0x7e);
	}
}

/* Each of the numbers that ranges may have, and no other. */
static void test_mesh_key_ranges_are_private(void **state)
{
	bool seen[256] = { false };

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct wr_key root = { .bytes = { (uint8_t)i, (uint8_t)(i >> 8) } };
		struct wr_mesh_keys keys;

		wr_mesh_keys(&root, &keys);
		assert_int_equal(keys.range6.ip.bytes[0], 0xfd);
		assert_int_equal(keys.range4.ip.bytes[0], 10);
		seen[keys.range4.ip.bytes[1]] = true;
	}
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(seen[i], i >= 128 && i < 244);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mesh_key_known_answers),
		cmocka_unit_test(test_mesh_key_is_of_name_and_secret),
		cmocka_unit_test(test_mesh_key_identifier_is_the_end_of_the_address),
		cmocka_unit_test(test_mesh_key_v4_stays_inside_of_its_range),
		cmocka_unit_test(test_mesh_key_ranges_are_private),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
