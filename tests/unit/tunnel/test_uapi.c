#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/namespace.h"
#include "tunnel/uapi_server.h"

/* Alice's are a pair, made with `wg genkey` and `wg pubkey`. */
#define ALICE_PRIVATE "70d95625f18400b1d9606745a04906b89dc8d0749ed96c9405e8ef7f2fbee259"
#define ALICE_PUBLIC "8e7f4ba9b3be4ac019b56ae9e3a63770b29ff1e7abfdfa49bb035585f9683237"
#define BOB_PUBLIC "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define KEY_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define PSK "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52"
#define KEY_0 "0000000000000000000000000000000000000000000000000000000000000000"

/* What a get shows of a peer that nothing was said about. */
#define PEER(key) \
	"public_key=" key "\npreshared_key=" KEY_0 "\nprotocol_version=1\n" STATE \
	"persistent_keepalive_interval=0\n"
#define STATE "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n"

#define OK "errno=0\n\n"

static struct wr_engine *engine;
static struct wr_interface interface;
static struct wr_text answer;

/* An engine whose threads do not run: nothing here is about packets. */
static int begin(void **state)
{
	struct wr_engine_config config = {
		.workers = 2,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
	};

	(void)state;
	namespace_enter();
	assert_int_equal(wr_engine_new(&config, &engine), 0);
	interface = (struct wr_interface){
		.engine = engine,
		.device = wr_device_new(wr_engine_port(engine)),
	};
	assert_non_null(interface.device);
	return 0;
}

static int end(void **state)
{
	(void)state;
	wr_text_done(&answer);
	engine = wr_engine_free(engine);
	return 0;
}

/* The answer, valid until the next call. */
static const char *ask(const char *request)
{
	struct wr_bytes bytes = { (const uint8_t *)request, strlen(request) };

	wr_text_done(&answer);
	assert_int_not_equal(wr_uapi_answer_request(&interface, bytes, &answer),
			     WR_UAPI_ASKS_NONSENSE);
	return answer.data;
}

static void assert_get(const char *want)
{
	char whole[4096];

	snprintf(whole, sizeof(whole), "%s" OK, want);
	assert_string_equal(ask("get=1\n\n"), whole);
}

static void test_uapi_get_of_a_fresh_interface_is_empty(void **state)
{
	(void)state;
	assert_get("");
	assert_string_equal(ask("set=1\n\n"), OK);
	assert_get("");
}

static void test_uapi_get_shows_what_was_set(void **state)
{
	(void)state;
	assert_string_equal(
		ask("set=1\nprivate_key=" ALICE_PRIVATE "\nlisten_port=4000\n"
		    "fwmark=4294967295\nreplace_peers=true\n"
		    "public_key=" BOB_PUBLIC "\npreshared_key=" PSK "\n"
		    "endpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=65535\n"
		    "replace_allowed_ips=true\nallowed_ip=10.1.2.3/8\n"
		    "allowed_ip=fd00::1/128\nallowed_ip=0.0.0.0/0\n"
		    "public_key=" KEY_C "\nendpoint=192.0.2.1:1\n\n"),
		OK);
	assert_get("private_key=" ALICE_PRIVATE "\nlisten_port=4000\nfwmark=4294967295\n"
		   "public_key=" BOB_PUBLIC "\npreshared_key=" PSK "\nprotocol_version=1\n"
		   "endpoint=[2001:db8::1]:51820\n" STATE "persistent_keepalive_interval=65535\n"
		   "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::1/128\nallowed_ip=0.0.0.0/0\n"
		   "public_key=" KEY_C "\npreshared_key=" KEY_0 "\nprotocol_version=1\n"
		   "endpoint=192.0.2.1:1\n" STATE "persistent_keepalive_interval=0\n");
}

/* The whole of a request is checked before any of it is done. */
static void test_uapi_set_refuses_and_changes_nothing(void **state)
{
	static const char good[] = "listen_port=1\nreplace_peers=true\npublic_key=" KEY_C
				   "\nallowed_ip=10.0.0.0/8\n";
	static const struct {
		const char *bad;
		int want;
	} cases[] = {
		{ "nonsense\n", -EPROTO },
		{ "nonsense=1\n", -EINVAL },
		{ "private_key=" ALICE_PRIVATE "\n", -EINVAL },
		{ "public_key=" KEY_C "0\n", -EINVAL },
		{ "endpoint=localhost:1\n", -EINVAL },
		{ "endpoint=[fe80::1%nothere]:1\n", -EINVAL },
		{ "endpoint=[fe80::1%lo:1\n", -EINVAL },
		{ "endpoint=[fe80::1%]:1\n", -EINVAL },
		{ "persistent_keepalive_interval=65536\n", -EINVAL },
		{ "allowed_ip=10.0.0.0/33\n", -EINVAL },
		{ "replace_allowed_ips=false\n", -EINVAL },
	};
	char before[2048], request[2048], want[32];

	(void)state;
	ask("set=1\nlisten_port=7\npublic_key=" BOB_PUBLIC "\nallowed_ip=10.0.0.0/8\n\n");
	snprintf(before, sizeof(before), "%s", ask("get=1\n\n"));
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s", cases[i].bad);
		snprintf(request, sizeof(request), "set=1\n%s%s\n", good, cases[i].bad);
		snprintf(want, sizeof(want), "errno=%d\n\n", cases[i].want);
		assert_string_equal(ask(request), want);
		assert_string_equal(ask("get=1\n\n"), before);
	}
}

static void test_uapi_set_update_only_makes_no_peer(void **state)
{
	(void)state;
	assert_string_equal(ask("set=1\npublic_key=" BOB_PUBLIC "\nupdate_only=true\n"
				"allowed_ip=10.0.0.0/8\npersistent_keepalive_interval=9\n\n"),
			    OK);
	assert_get("");
	ask("set=1\npublic_key=" BOB_PUBLIC "\n\n");
	assert_string_equal(ask("set=1\npublic_key=" BOB_PUBLIC "\nupdate_only=true\n"
				"allowed_ip=10.0.0.0/8\n\n"),
			    OK);
	assert_get(PEER(BOB_PUBLIC) "allowed_ip=10.0.0.0/8\n");
}

static void test_uapi_set_remove_takes_the_peer_away(void **state)
{
	(void)state;
	ask("set=1\npublic_key=" BOB_PUBLIC "\nallowed_ip=10.0.0.0/8\npublic_key=" KEY_C "\n\n");
	assert_string_equal(ask("set=1\npublic_key=" BOB_PUBLIC "\nremove=true\n"
				"public_key=" ALICE_PUBLIC "\nremove=true\n"
				"allowed_ip=10.0.0.0/8\n\n"),
			    OK);
	assert_get(PEER(KEY_C));
	/* It comes back without anything of before. */
	ask("set=1\npublic_key=" BOB_PUBLIC "\n\n");
	assert_get(PEER(KEY_C) PEER(BOB_PUBLIC));
	ask("set=1\npublic_key=" KEY_C "\nremove=true\npublic_key=" KEY_C "\n\n");
	assert_get(PEER(BOB_PUBLIC) PEER(KEY_C));
}

static void test_uapi_set_replace_peers_keeps_only_the_new(void **state)
{
	(void)state;
	ask("set=1\npublic_key=" BOB_PUBLIC "\nallowed_ip=10.0.0.0/8\npublic_key=" KEY_C "\n\n");
	assert_string_equal(ask("set=1\nreplace_peers=true\npublic_key=" BOB_PUBLIC "\n\n"), OK);
	assert_get(PEER(BOB_PUBLIC));
	assert_string_equal(ask("set=1\nreplace_peers=true\n\n"), OK);
	assert_get("");
}

/* An interface is not its own peer, whichever is known first. */
static void test_uapi_set_ignores_itself_as_a_peer(void **state)
{
	(void)state;
	assert_string_equal(ask("set=1\nprivate_key=" ALICE_PRIVATE "\npublic_key=" ALICE_PUBLIC
				"\nallowed_ip=10.0.0.0/8\npublic_key=" KEY_C "\n\n"),
			    OK);
	assert_get("private_key=" ALICE_PRIVATE "\n" PEER(KEY_C));
	ask("set=1\nprivate_key=" KEY_0 "\npublic_key=" ALICE_PUBLIC "\n\n");
	assert_get(PEER(KEY_C) PEER(ALICE_PUBLIC));
	assert_string_equal(ask("set=1\nprivate_key=" ALICE_PRIVATE "\n\n"), OK);
	assert_get("private_key=" ALICE_PRIVATE "\n" PEER(KEY_C));
}

static void test_uapi_set_moves_allowed_ips(void **state)
{
	(void)state;
	ask("set=1\npublic_key=" BOB_PUBLIC "\nallowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\n"
	    "public_key=" KEY_C "\nallowed_ip=10.0.0.0/8\n\n");
	assert_get(
		PEER(BOB_PUBLIC) "allowed_ip=10.1.0.0/16\n" PEER(KEY_C) "allowed_ip=10.0.0.0/8\n");
	ask("set=1\npublic_key=" KEY_C "\nallowed_ip=-10.1.0.0/16\nallowed_ip=-10.0.0.0/8\n"
	    "allowed_ip=fd00::/8\n\n");
	assert_get(PEER(BOB_PUBLIC) "allowed_ip=10.1.0.0/16\n" PEER(KEY_C) "allowed_ip=fd00::/8\n");
	ask("set=1\npublic_key=" KEY_C "\nreplace_allowed_ips=true\nallowed_ip=::/0\n\n");
	assert_get(PEER(BOB_PUBLIC) "allowed_ip=10.1.0.0/16\n" PEER(KEY_C) "allowed_ip=::/0\n");
}

static void test_uapi_set_knows_interfaces_by_name(void **state)
{
	(void)state;
	assert_string_equal(ask("set=1\npublic_key=" BOB_PUBLIC "\nendpoint=[fe80::1%lo]:5\n"
				"public_key=" KEY_C "\nendpoint=[fe80::2%1]:6\n\n"),
			    OK);
	ask("get=1\n\n");
	assert_non_null(strstr(answer.data, "endpoint=[fe80::1%1]:5\n"));
	assert_non_null(strstr(answer.data, "endpoint=[fe80::2%1]:6\n"));
}

/* A NUL is no end of the text. */
static void test_uapi_set_refuses_a_nul(void **state)
{
	static const char request[] = "set=1\npublic_key=" BOB_PUBLIC
				      "\nendpoint=[fe80::1%lo]:5\n\0nonsense\n\n";

	(void)state;
	assert_int_equal(wr_uapi_answer_request(&interface,
						(struct wr_bytes){ (const uint8_t *)request,
								   sizeof(request) - 1 },
						&answer),
			 WR_UAPI_ASKS_TO_SET);
	assert_string_equal(answer.data, "errno=-71\n\n");
	assert_get("");
}

static int occupy(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

static void test_uapi_set_port_holds_when_the_link_comes_up(void **state)
{
	(void)state;
	assert_string_equal(ask("set=1\nlisten_port=4000\n\n"), OK);
	assert_int_equal(wr_engine_listen_port(engine), 0);
	assert_int_equal(wr_interface_set_up(&interface, true), 0);
	assert_int_equal(wr_engine_listen_port(engine), 4000);
	assert_true(interface.device->is_up);
	assert_string_equal(ask("set=1\nlisten_port=4001\n\n"), OK);
	assert_int_equal(wr_engine_listen_port(engine), 4001);
	assert_get("listen_port=4001\n");
	assert_int_equal(wr_interface_set_up(&interface, false), 0);
	assert_int_equal(wr_engine_listen_port(engine), 0);
	assert_false(interface.device->is_up);
	assert_get("listen_port=4001\n");
}

/* As the kernel does: the port that was found is kept. */
static void test_uapi_set_port_0_is_any(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(wr_interface_set_up(&interface, true), 0);
	port = wr_engine_listen_port(engine);
	assert_int_not_equal(port, 0);
	assert_int_equal(interface.listen_port, port);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(wr_interface_set_up(&interface, false), 0);
		assert_int_equal(wr_interface_set_up(&interface, true), 0);
		assert_int_equal(wr_engine_listen_port(engine), port);
	}
	assert_string_equal(ask("set=1\nlisten_port=0\n\n"), OK);
	assert_int_not_equal(wr_engine_listen_port(engine), 0);
}

static void test_uapi_set_port_in_use_keeps_the_old(void **state)
{
	int other = occupy(4000);

	(void)state;
	ask("set=1\nlisten_port=4001\n\n");
	assert_int_equal(wr_interface_set_up(&interface, true), 0);
	assert_string_equal(ask("set=1\nlisten_port=4000\npublic_key=" BOB_PUBLIC "\n\n"),
			    "errno=-98\n\n");
	assert_int_equal(wr_engine_listen_port(engine), 4001);
	assert_get("listen_port=4001\n");
	close(other);
	assert_string_equal(ask("set=1\nlisten_port=4000\n\n"), OK);
	assert_int_equal(wr_engine_listen_port(engine), 4000);
}

static void test_uapi_set_port_mends_a_link_that_came_up_in_vain(void **state)
{
	int other = occupy(4000);

	(void)state;
	ask("set=1\nlisten_port=4000\n\n");
	assert_int_equal(wr_interface_set_up(&interface, true), -EADDRINUSE);
	assert_false(interface.device->is_up);
	assert_string_equal(ask("set=1\nlisten_port=4002\n\n"), OK);
	assert_int_equal(wr_engine_listen_port(engine), 4002);
	assert_true(interface.device->is_up);
	close(other);
}

static void test_uapi_set_mark_holds_up_and_down(void **state)
{
	(void)state;
	ask("set=1\nfwmark=5\n\n");
	assert_int_equal(wr_interface_set_up(&interface, true), 0);
	ask("set=1\nfwmark=6\nlisten_port=4000\n\n");
	assert_get("listen_port=4000\nfwmark=6\n");
	namespace_run("command -v ss >/dev/null");
	namespace_run("ss -aunem | grep ':4000 ' | grep -q 'fwmark:0x6'");
	ask("set=1\nfwmark=0\n\n");
	assert_get("listen_port=4000\n");
}

static void test_uapi_answers_only_what_it_knows(void **state)
{
	static const char *const requests[] = { "\n\n", "get=2\n\n", "set=1\r\n\n", "GET=1\n\n",
						"get=1 \n\n" };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(requests); i++) {
		struct wr_bytes request = { (const uint8_t *)requests[i], strlen(requests[i]) };

		wr_text_done(&answer);
		assert_int_equal(wr_uapi_answer_request(&interface, request, &answer),
				 WR_UAPI_ASKS_NONSENSE);
		assert_string_equal(answer.data, "errno=-22\n\n");
	}
	assert_string_equal(ask("get=1\nmore=1\n\n"), "errno=-22\n\n");
	assert_string_equal(ask("stats=1\nmore=1\n\n"), "errno=-22\n\n");
}

static void test_uapi_stats_names_every_verdict(void **state)
{
	char line[64];

	(void)state;
	ask("stats=1\n\n");
	for (int i = 0; i < WR_VERDICTS; i++) {
		snprintf(line, sizeof(line), "\n%s=0\n", wr_verdict_name((enum wr_verdict)i));
		assert_non_null(strstr(answer.data, line));
	}
	assert_non_null(strstr(answer.data, "handshakes=0\n"));
	assert_non_null(strstr(answer.data, "\n" OK));
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_uapi_get_of_a_fresh_interface_is_empty),
		CASE(test_uapi_get_shows_what_was_set),
		CASE(test_uapi_set_refuses_and_changes_nothing),
		CASE(test_uapi_set_update_only_makes_no_peer),
		CASE(test_uapi_set_remove_takes_the_peer_away),
		CASE(test_uapi_set_replace_peers_keeps_only_the_new),
		CASE(test_uapi_set_ignores_itself_as_a_peer),
		CASE(test_uapi_set_moves_allowed_ips),
		CASE(test_uapi_set_knows_interfaces_by_name),
		CASE(test_uapi_set_refuses_a_nul),
		CASE(test_uapi_set_port_holds_when_the_link_comes_up),
		CASE(test_uapi_set_port_0_is_any),
		CASE(test_uapi_set_port_in_use_keeps_the_old),
		CASE(test_uapi_set_port_mends_a_link_that_came_up_in_vain),
		CASE(test_uapi_set_mark_holds_up_and_down),
		CASE(test_uapi_answers_only_what_it_knows),
		CASE(test_uapi_stats_names_every_verdict),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
