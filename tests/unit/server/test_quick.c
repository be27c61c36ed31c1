#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "server/quick.h"
#include "unit.h"

/* Keys of RFC 7748 section 6.1. */
static const char alice_private[] =
	"77076d0a7318a57d3c16c17251b26645c6df4c9f5f5e1e9a5e4e0f0b0a0b0c0d";
static const char bob_public[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";

static struct wr_key key_of(const char *hex)
{
	struct wr_key key;

	assert_true(wr_key_from_hex(hex, strlen(hex), &key));
	return key;
}

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix;
	const char *slash = strchr(text, '/');

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	assert_true(wr_ip_parse(text, (size_t)(slash - text), &prefix.ip));
	return prefix;
}

struct example {
	struct wr_key private_key, public_key, preshared_key;
	struct wr_prefix allowed[4];
	struct wr_quick quick;
};

static void example_init(struct example *example)
{
	*example = (struct example){
		.private_key = key_of(alice_private),
		.allowed = { prefix_of("10.100.0.0/16") },
	};
	example->public_key = wr_x25519_public(&example->private_key);
	example->quick = (struct wr_quick){
		.machine = "branch-mumbai",
		.org = "acme-networks",
		.private_key = &example->private_key,
		.public_key = &example->public_key,
		.address4 = prefix_of("10.100.0.2/16"),
		.hub_key = key_of(bob_public),
		.endpoint = "vpn.example.com:51820",
		.allowed = example->allowed,
		.allowed_count = 1,
	};
}

static void check_text(const struct example *example, const char *wanted)
{
	char *text = wr_quick_text(&example->quick);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	wr_quick_free(text);
}

static void test_quick_writes_the_file(void **state)
{
	struct example example;

	(void)state;
	example_init(&example);
	check_text(&example, "# WireGuard config for machine \"branch-mumbai\"\n"
			     "[Interface]\n"
			     "PrivateKey          = dwdtCnMYpX08FsFyUbJmRcbfTJ9fXh6aXk4PCwoLDA0=\n"
			     "Address             = 10.100.0.2/16\n"
			     "MTU                 = 1420\n"
			     "\n"
			     "[Peer]\n"
			     "# Warren hub for \"acme-networks\"\n"
			     "PublicKey           = 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
			     "Endpoint            = vpn.example.com:51820\n"
			     "AllowedIPs          = 10.100.0.0/16\n"
			     "PersistentKeepalive = 25\n");
}

static void test_quick_writes_both_families_routes_and_a_preshared_key(void **state)
{
	struct example example;

	(void)state;
	example_init(&example);
	example.preshared_key = key_of(bob_public);
	example.quick.preshared_key = &example.preshared_key;
	example.quick.address6 = prefix_of("fd00:1::2/64");
	example.allowed[1] = prefix_of("fd00:1::/64");
	example.allowed[3] = prefix_of("192.168.50.0/24");
	example.quick.allowed_count = 4;
	check_text(&example, "# WireGuard config for machine \"branch-mumbai\"\n"
			     "[Interface]\n"
			     "PrivateKey          = dwdtCnMYpX08FsFyUbJmRcbfTJ9fXh6aXk4PCwoLDA0=\n"
			     "Address             = 10.100.0.2/16, fd00:1::2/64\n"
			     "MTU                 = 1420\n"
			     "\n"
			     "[Peer]\n"
			     "# Warren hub for \"acme-networks\"\n"
			     "PublicKey           = 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
			     "PresharedKey        = 3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n"
			     "Endpoint            = vpn.example.com:51820\n"
			     "AllowedIPs          = 10.100.0.0/16, fd00:1::/64, 192.168.50.0/24\n"
			     "PersistentKeepalive = 25\n");
}

static void test_quick_leaves_room_for_the_machines_own_key(void **state)
{
	struct example example;
	char *text, base64[WR_KEY_BASE64_LEN + 1];

	(void)state;
	example_init(&example);
	example.quick.private_key = NULL;
	text = wr_quick_text(&example.quick);
	assert_non_null(text);
	assert_null(strstr(text, "\nPrivateKey"));
	assert_non_null(strstr(text, "\n# PrivateKey        =\n"));
	wr_key_to_base64(&example.public_key, base64);
	assert_non_null(strstr(text, base64));
	wr_quick_free(text);
}

static void test_quick_makes_pairs_that_belong_together(void **state)
{
	struct wr_key private_key, public_key, other, same;

	(void)state;
	wr_quick_keys(&private_key, &public_key);
	same = wr_x25519_public(&private_key);
	assert_true(wr_key_equal(&public_key, &same));
	assert_int_equal(private_key.bytes[0] & 7, 0);
	assert_int_equal(private_key.bytes[31] & 0xc0, 0x40);
	wr_quick_keys(&private_key, &other);
	assert_false(wr_key_equal(&public_key, &other));
}

static void test_quick_reads_what_it_writes(void **state)
{
	struct wr_key private_key, public_key, again;
	char base64[WR_KEY_BASE64_LEN + 1];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		wr_quick_keys(&private_key, &public_key);
		wr_key_to_base64(&public_key, base64);
		assert_true(wr_quick_parse_key(base64, &again));
		assert_true(wr_key_equal(&public_key, &again));
	}
}

static const struct {
	const char *title, *text;
} bad_keys[] = {
	{ "nothing", "" },
	{ "too short", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0=" },
	{ "too long", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08==" },
	{ "no equals sign", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK088" },
	{ "two of them", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK0==" },
	{ "bits left over", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK09=" },
	{ "another alphabet", "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08=" },
	{ "a space", "3p7bfXt9wbTTW2HC7OQ1Nz DQ8hbeGdNrfx+FG+IK08=" },
	{ "zero", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ "one, of low order", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ "a point of order eight", "4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=" },
};

static void test_quick_refuses_what_is_no_key(void **state)
{
	struct wr_key key;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(bad_keys); i++) {
		if (wr_quick_parse_key(bad_keys[i].text, &key))
			fail_msg("%s was taken", bad_keys[i].title);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quick_writes_the_file),
		cmocka_unit_test(test_quick_writes_both_families_routes_and_a_preshared_key),
		cmocka_unit_test(test_quick_leaves_room_for_the_machines_own_key),
		cmocka_unit_test(test_quick_makes_pairs_that_belong_together),
		cmocka_unit_test(test_quick_reads_what_it_writes),
		cmocka_unit_test(test_quick_refuses_what_is_no_key),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
