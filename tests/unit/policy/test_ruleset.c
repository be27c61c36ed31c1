#include "policy/ruleset.h"

#include "network.h"

enum {
	ALICE,
	BOB,
	WEB,
	EDGE,
	DB,
	APP,
	MONITOR,
	ROUTER,
	MACHINES
};

static const struct machine machines[MACHINES] = {
	{ "alice-laptop", NULL, "10.0.0.1", "fd00::1" },
	{ "bob-laptop", NULL, "10.0.0.2", NULL },
	{ "web-1", "web", "10.0.0.3", "fd00::3" },
	{ "edge-1", "edge", "10.0.0.4", "fd00::4" },
	{ "db-1", "db", "10.0.0.5", "fd00::5" },
	{ "app-1", "app web", "10.0.0.6", "fd00::6" },
	{ "mon", "monitor", "10.0.0.7", "fd00::7" },
	{ "router", NULL, "10.0.0.8", "fd00::8" },
};

static const char policy_text[] = "group ops     = alice-laptop bob-laptop\n"
				  "group web     = tag:web tag:edge\n"
				  "group office  = 192.168.50.0/24\n"
				  "group all-of  = ops web\n"
				  "allow ops          -> *\n"
				  "allow tag:monitor  -> *            tcp 9100,9586\n"
				  "deny  tag:app      -> tag:db\n"
				  "allow web          -> tag:db       tcp 5432\n"
				  "allow ops web      -> office       tcp 22,80-90  icmp\n"
				  "deny  office       -> all-of\n"
				  "allow 192.168.0.0/16 -> tag:web    udp\n"
				  "allow 192.168.60.0/24 10.0.0.5 -> edge-1\n"
				  "default deny\n";

static struct network network;

static struct wr_ip v4_of(uint32_t slot)
{
	return network.members[slot].v4;
}

static unsigned why(const struct wr_ruleset *ruleset, uint32_t src_slot, struct wr_ip src,
		    uint32_t dst_slot, struct wr_ip dst, uint8_t protocol, uint16_t port,
		    bool *ret_is_allowed)
{
	struct wr_opening opening = {
		.src = src, .dst = dst, .protocol = protocol, .src_port = 5432, .dst_port = port
	};
	unsigned line = 99;

	*ret_is_allowed = wr_ruleset_why(ruleset, src_slot, dst_slot, &opening, &line);
	assert_int_equal(*ret_is_allowed, wr_ruleset_allows(ruleset, src_slot, dst_slot, &opening));
	return line;
}

static void test_ruleset_why_names_the_line_that_decides(void **state)
{
	static const struct {
		uint32_t src, dst;
		uint8_t protocol;
		uint16_t port;
		bool is_allowed;
		unsigned line;
	} cases[] = {
		{ ALICE, DB, WR_PROTO_TCP, 22, true, 5 },
		{ BOB, ROUTER, 47, 0, true, 5 },
		{ DB, ALICE, WR_PROTO_TCP, 22, false, 13 },
		{ MONITOR, DB, WR_PROTO_TCP, 9100, true, 6 },
		{ MONITOR, DB, WR_PROTO_TCP, 9586, true, 6 },
		{ MONITOR, DB, WR_PROTO_TCP, 9101, false, 13 },
		{ MONITOR, DB, WR_PROTO_UDP, 9100, false, 13 },
		{ MONITOR, DB, WR_PROTO_ICMP, 0, false, 13 },
		{ WEB, DB, WR_PROTO_TCP, 5432, true, 8 },
		{ EDGE, DB, WR_PROTO_TCP, 5432, true, 8 },
		{ APP, DB, WR_PROTO_TCP, 5432, false, 7 },
		{ APP, WEB, WR_PROTO_TCP, 5432, false, 13 },
		{ DB, EDGE, WR_PROTO_UDP, 1, true, 12 },
	};
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	ruleset = ruleset_from(&network, policy_text);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		assert_int_equal(why(ruleset, cases[i].src, v4_of(cases[i].src), cases[i].dst,
				     v4_of(cases[i].dst), cases[i].protocol, cases[i].port,
				     &is_allowed),
				 cases[i].line);
		assert_int_equal(is_allowed, cases[i].is_allowed);
	}
	wr_ruleset_free(ruleset);
}

/* What is behind machines is named by its prefix. */
static void test_ruleset_prefixes_name_what_is_behind_machines(void **state)
{
	static const struct {
		uint32_t src_slot;
		const char *src;
		uint32_t dst_slot;
		const char *dst;
		uint8_t protocol;
		uint16_t port;
		bool is_allowed;
		unsigned line;
	} cases[] = {
		{ ALICE, "10.0.0.1", ROUTER, "192.168.50.1", WR_PROTO_TCP, 22, true, 9 },
		{ ALICE, "10.0.0.1", ROUTER, "192.168.50.1", WR_PROTO_TCP, 80, true, 9 },
		{ ALICE, "10.0.0.1", ROUTER, "192.168.50.1", WR_PROTO_TCP, 90, true, 9 },
		{ ALICE, "10.0.0.1", ROUTER, "192.168.50.1", WR_PROTO_TCP, 91, false, 13 },
		{ ALICE, "10.0.0.1", ROUTER, "192.168.50.1", WR_PROTO_ICMP, 0, true, 9 },
		{ ALICE, "10.0.0.1", ROUTER, "192.168.51.1", WR_PROTO_TCP, 22, false, 13 },
		{ ROUTER, "192.168.50.1", WEB, "10.0.0.3", WR_PROTO_UDP, 1, false, 10 },
		{ ROUTER, "192.168.51.1", WEB, "10.0.0.3", WR_PROTO_UDP, 1, true, 11 },
		{ ROUTER, "192.168.60.1", WEB, "10.0.0.3", WR_PROTO_UDP, 1, true, 11 },
		{ ROUTER, "192.168.60.1", EDGE, "10.0.0.4", WR_PROTO_UDP, 1, true, 12 },
		{ ROUTER, "192.168.61.0", EDGE, "10.0.0.4", WR_PROTO_UDP, 1, false, 13 },
		{ ROUTER, "192.167.255.255", WEB, "10.0.0.3", WR_PROTO_UDP, 1, false, 13 },
		{ ROUTER, "192.169.0.0", WEB, "10.0.0.3", WR_PROTO_UDP, 1, false, 13 },
		/* A machine's name does not stand for what is behind it, unless it is denied. */
		{ ALICE, "10.9.9.9", DB, "10.0.0.5", WR_PROTO_TCP, 22, false, 13 },
		{ APP, "10.9.9.9", DB, "10.0.0.5", WR_PROTO_TCP, 22, false, 7 },
		{ BOB, "fd00::2", DB, "fd00::5", WR_PROTO_TCP, 22, false, 13 },
		{ ALICE, "fd00::1", DB, "fd00::5", WR_PROTO_ICMPV6, 0, true, 5 },
		{ ALICE, "fd00::1", ROUTER, "fd00::9", WR_PROTO_ICMPV6, 0, false, 13 },
	};
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	ruleset = ruleset_from(&network, policy_text);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		assert_int_equal(why(ruleset, cases[i].src_slot, ip_from(cases[i].src),
				     cases[i].dst_slot, ip_from(cases[i].dst), cases[i].protocol,
				     cases[i].port, &is_allowed),
				 cases[i].line);
		assert_int_equal(is_allowed, cases[i].is_allowed);
	}
	wr_ruleset_free(ruleset);
}

/* ICMP is of the packet's own family. */
static void test_ruleset_icmp_is_that_of_the_family(void **state)
{
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	ruleset = ruleset_from(&network, "allow * -> * icmp\n");
	why(ruleset, ALICE, ip_from("10.0.0.1"), DB, ip_from("10.0.0.5"), WR_PROTO_ICMP, 0,
	    &is_allowed);
	assert_true(is_allowed);
	why(ruleset, ALICE, ip_from("10.0.0.1"), DB, ip_from("10.0.0.5"), WR_PROTO_ICMPV6, 0,
	    &is_allowed);
	assert_false(is_allowed);
	why(ruleset, ALICE, ip_from("fd00::1"), DB, ip_from("fd00::5"), WR_PROTO_ICMP, 0,
	    &is_allowed);
	assert_false(is_allowed);
	wr_ruleset_free(ruleset);
}

static void test_ruleset_without_a_default_denies(void **state)
{
	static const struct {
		const char *text;
		bool is_allowed;
		unsigned line;
	} cases[] = { { "", false, 0 },
		      { "default allow\n", true, 1 },
		      { "\ndefault deny", false, 2 } };

	(void)state;
	network_init(&network, machines, MACHINES);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_ruleset *ruleset = ruleset_from(&network, cases[i].text);
		bool is_allowed;

		assert_int_equal(why(ruleset, ALICE, v4_of(ALICE), BOB, v4_of(BOB), 6, 1,
				     &is_allowed),
				 cases[i].line);
		assert_int_equal(is_allowed, cases[i].is_allowed);
		assert_int_equal(wr_ruleset_version(ruleset), 1);
		wr_ruleset_free(ruleset);
	}
}

static void test_ruleset_machines_share_classes(void **state)
{
	static const struct {
		const char *text;
		size_t classes;
	} cases[] = {
		{ "default allow\n", 1 },
		{ "allow * -> *\n", 1 },
		{ "allow tag:db -> tag:web\n", 3 },
		{ "allow tag:db -> alice-laptop\n", 3 },
		{ "allow tag:nobody -> 10.0.0.0/8\n", 1 },
	};

	(void)state;
	network_init(&network, machines, MACHINES);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_ruleset *ruleset = ruleset_from(&network, cases[i].text);

		assert_int_equal(wr_ruleset_class_count(ruleset), cases[i].classes);
		wr_ruleset_free(ruleset);
	}
}

/* --- Faults. --- */

static struct wr_ruleset *compile(const char *text, struct wr_policy_faults *ret_faults)
{
	struct wr_policy *policy = policy_from(text);
	struct wr_ruleset *ruleset = wr_ruleset_compile(policy, network.members, network.count,
							NETWORK_MACHINES_MAX, 1, ret_faults);

	wr_policy_free(policy);
	return ruleset;
}

static void test_ruleset_compile_refuses(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} cases[] = {
		{ "\nallow alice -> *\n", 2, "there is no machine 'alice'" },
		{ "allow db-1 -> *\ndeny x -> *\nallow x -> *\n", 2, "no machine 'x'" },
		{ "group g = x\n", 1, "no machine 'x'" },
		{ "test x -> * deny\n", 1, "no machine 'x'" },
		{ "direct x\n", 1, "no machine 'x'" },
		{ "allow db-1 -> *\ngroup db-1 = web-1\n", 2, "is a group and also a machine" },
		{ "test * -> * tcp 22 allow\n", 1, "tcp 22 is denied by default" },
		{ "default allow\ntest * -> * tcp 22 deny\n", 2, "tcp 22 is allowed by line 1" },
		{ "allow * -> * tcp 22\ntest web-1 -> db-1 tcp 22-23 allow\n", 2,
		  "web-1 -> db-1 tcp 23 is denied by default" },
		{ "allow web-1 -> db-1 tcp 22\ntest web-1 -> db-1 tcp deny\n", 2,
		  "tcp 22 is allowed by line 1" },
		{ "allow tag:web -> db-1 icmp\ntest app-1 -> * deny\n", 2,
		  "app-1 -> db-1 icmp is allowed by line 1" },
		{ "allow web-1 -> db-1\ndeny tag:web -> db-1\ntest tag:web -> db-1 allow\n", 3,
		  "app-1 -> db-1 tcp 0 is denied by line 2" },
		{ "allow tag:web -> 192.168.0.0/16\ndeny * -> 192.168.5.0/24\n"
		  "test web-1 -> 192.168.5.0/24 deny\n",
		  3, "web-1 -> 192.168.5.0/24 tcp 0 is allowed by line 1" },
		{ "allow 192.168.5.0/24 -> db-1\ntest 192.168.0.0/16 -> db-1 deny\n", 2,
		  "192.168.5.0/24 -> db-1 tcp 0 is allowed by line 1" },
		{ "allow 10.0.0.0/29 -> db-1\ntest web-1 -> db-1 udp 7 deny\n", 2,
		  "web-1 -> db-1 udp 7 is allowed by line 1" },
		{ "group a = web-1\ngroup b = a\nallow a -> db-1\ntest b -> db-1 deny\n", 4,
		  "web-1 -> db-1 tcp 0 is allowed by line 3" },
	};

	(void)state;
	network_init(&network, machines, MACHINES);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_policy_faults faults;

		assert_null(compile(cases[i].text, &faults));
		print_message("%s%u: %s\n", cases[i].text, faults.faults[0].line,
			      faults.faults[0].text);
		assert_int_equal(faults.count, 1);
		assert_int_equal(faults.faults[0].line, cases[i].line);
		assert_non_null(strstr(faults.faults[0].text, cases[i].says));
	}
}

static void test_ruleset_compile_names_faults_in_the_order_of_lines(void **state)
{
	struct wr_policy_faults faults;

	(void)state;
	network_init(&network, machines, MACHINES);
	assert_null(compile("allow x1 -> x2\ngroup g = x3 x1\nallow x4 db-1 -> g\ndeny x5 -> *\n"
			    "allow x3 -> x6\n",
			    &faults));
	assert_int_equal(faults.count, 6);
	for (unsigned i = 0; i < 6; i++) {
		static const unsigned lines[] = { 1, 1, 2, 3, 4, 5 };
		char name[] = { '\'', 'x', (char)('1' + i), '\'', '\0' };

		assert_int_equal(faults.faults[i].line, lines[i]);
		assert_non_null(strstr(faults.faults[i].text, name));
	}
}

static void test_ruleset_compile_takes_tests_that_hold(void **state)
{
	static const char *const texts[] = {
		"allow ops -> tag:db tcp 22\ngroup ops = alice-laptop bob-laptop\n"
		"test ops -> tag:db tcp 22 allow\ntest ops -> tag:db tcp 21,23-65535 udp icmp deny\n"
		"test tag:db -> ops deny\n",
		/* Nobody has the tag. */
		"test tag:nobody -> * allow\ntest * -> tag:nobody allow\n",
		/* Nobody speaks to itself, but two with one tag do to each other. */
		"default allow\ndeny web-1 -> web-1\ntest web-1 -> web-1 allow\n",
		"allow tag:web -> tag:web\ntest tag:web -> tag:web allow\n",
		/* IPv6 is another matter. */
		"allow 10.0.0.0/8 -> db-1\ntest bob-laptop -> db-1 allow\n",
		"allow 10.0.0.0/8 fd00::/8 -> *\ntest * -> * allow\n",
		"allow * -> 192.168.0.0/16\ntest * -> 192.168.0.0/16 192.168.7.0/24 allow\n",
	};

	(void)state;
	network_init(&network, machines, MACHINES);
	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++) {
		struct wr_policy_faults faults;
		struct wr_ruleset *ruleset;
		char text[400] = "";

		print_message("%s\n", texts[i]);
		/* The default closes a text. */
		if (strncmp(texts[i], "default allow\n", 14) == 0)
			snprintf(text, sizeof(text), "%sdefault allow\n", texts[i] + 14);
		else
			snprintf(text, sizeof(text), "%s", texts[i]);
		ruleset = compile(text, &faults);
		if (!ruleset)
			print_message("%s\n", faults.faults[0].text);
		assert_non_null(ruleset);
		wr_ruleset_free(ruleset);
	}
}

static void test_ruleset_compile_refuses_tests_that_are_too_much(void **state)
{
	struct wr_policy_faults faults;
	size_t room = 1 << 20, len;
	char *text = malloc(room);
	struct wr_ruleset *ruleset;

	(void)state;
	assert_non_null(text);
	network_init(&network, machines, MACHINES);
	len = (size_t)snprintf(text, room, "deny * -> tag:nobody\n");
	for (size_t i = 0; i < MACHINES; i++)
		len += (size_t)snprintf(text + len, room - len, "deny %s -> tag:nobody\n",
					machines[i].name);
	for (unsigned i = 1; i < 60000; i += 2)
		len += (size_t)snprintf(text + len, room - len, "%s%u",
					i > 1 ? "," : "allow * -> * tcp ", i);
	for (unsigned i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, room - len,
					"\ntest web-1 -> * tcp 60000-65535 deny");
	len += (size_t)snprintf(text + len, room - len, "\ntest * -> * udp deny\n");
	ruleset = compile(text, &faults);
	assert_non_null(ruleset);
	wr_ruleset_free(ruleset);
	snprintf(text + len, room - len, "test * -> * any deny\n");
	assert_null(compile(text, &faults));
	assert_non_null(strstr(faults.faults[0].text, "compare too much"));
	assert_int_equal(faults.faults[0].line, 52);
	free(text);
}

/* Machines come and go after a policy was saved. */
static void test_ruleset_compile_saved_takes_what_has_changed_since(void **state)
{
	struct wr_policy *policy = policy_from("allow gone -> *\nallow web-1 -> db-1\n"
					       "group mon = gone\ntest gone -> * deny\n"
					       "test * -> * allow\n");
	struct wr_policy_faults faults;
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	assert_null(wr_ruleset_compile(policy, network.members, network.count, 16, 1, &faults));
	ruleset = wr_ruleset_compile_saved(policy, network.members, network.count, 16, 7, &faults);
	assert_non_null(ruleset);
	assert_int_equal(faults.count, 0);
	assert_int_equal(wr_ruleset_version(ruleset), 7);
	assert_int_equal(why(ruleset, WEB, v4_of(WEB), DB, v4_of(DB), 6, 1, &is_allowed), 2);
	assert_int_equal(why(ruleset, ALICE, v4_of(ALICE), DB, v4_of(DB), 6, 1, &is_allowed), 0);
	wr_ruleset_free(ruleset);
	wr_policy_free(policy);
}

/* --- In place. --- */

static void test_ruleset_place_puts_a_machine_where_its_class_is(void **state)
{
	static const struct {
		struct machine machine;
		size_t slot;
		bool is_placed;
		unsigned line; /* to db-1, tcp 5432 */
	} cases[] = {
		{ { "new", NULL, "10.0.1.1", NULL }, 9, true, 13 },
		{ { "new", "web", "10.0.1.1", "fd00::99" }, 9, true, 8 },
		{ { "new", "web other", "10.0.1.1", NULL }, 9, true, 8 },
		{ { "new", "web app", "10.0.1.1", NULL }, 9, true, 7 },
		{ { "new", "web", "10.0.1.2", NULL }, 9, true, 8 },
		{ { "new", "web monitor", "10.0.1.2", NULL }, 9, false, 8 },
		{ { "edge-1", "edge", "10.0.0.4", NULL }, EDGE, true, 8 },
		{ { "edge-1", "web", "10.0.0.4", NULL }, EDGE, false, 8 },
		{ { "alice-laptop", NULL, "10.0.0.1", NULL }, ALICE, true, 5 },
		{ { "unnamed", NULL, "10.0.0.1", NULL }, ALICE, true, 13 },
	};
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	ruleset = ruleset_from(&network, policy_text);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_ip ip = ip_from(cases[i].machine.v4);
		uint32_t slot = (uint32_t)cases[i].slot;

		print_message("case %zu\n", i);
		network_set(&network, slot, &cases[i].machine);
		assert_int_equal(wr_ruleset_place(ruleset, &network.members[slot]),
				 cases[i].is_placed);
		assert_int_equal(why(ruleset, slot, ip, DB, ip_from("10.0.0.5"), 6, 5432,
				     &is_allowed),
				 cases[i].line);
	}
	network_set(&network, 15, &machines[WEB]);
	network.members[15].slot = 16;
	assert_false(wr_ruleset_place(ruleset, &network.members[15]));
	wr_ruleset_free(ruleset);
}

static void test_ruleset_vacate_leaves_nobody(void **state)
{
	struct wr_ruleset *ruleset;
	bool is_allowed;

	(void)state;
	network_init(&network, machines, MACHINES);
	ruleset = ruleset_from(&network, "default allow\n");
	wr_ruleset_vacate(ruleset, WEB);
	wr_ruleset_vacate(ruleset, 1000);
	assert_int_equal(why(ruleset, WEB, v4_of(WEB), DB, v4_of(DB), 6, 1, &is_allowed), 0);
	assert_false(is_allowed);
	assert_int_equal(why(ruleset, DB, v4_of(DB), WEB, v4_of(WEB), 6, 1, &is_allowed), 0);
	assert_false(is_allowed);
	assert_false(wr_ruleset_connects(ruleset, WEB, DB));
	assert_true(wr_ruleset_place(ruleset, &network.members[WEB]));
	why(ruleset, WEB, v4_of(WEB), DB, v4_of(DB), 6, 1, &is_allowed);
	assert_true(is_allowed);
	wr_ruleset_free(ruleset);
}

/* --- Of two machines. --- */

static void test_ruleset_connects_those_between_whom_something_may_pass(void **state)
{
	static const struct {
		const char *text;
		uint32_t a, b;
		bool is_connected;
	} cases[] = {
		{ "", WEB, DB, false },
		{ "default allow\n", WEB, DB, true },
		{ "deny web-1 -> db-1\ndefault allow\n", WEB, DB, true },
		{ "deny web-1 -> db-1\ndeny * -> web-1\ndefault allow\n", WEB, DB, false },
		{ "deny web-1 -> db-1 tcp\ndeny * -> web-1\ndefault allow\n", WEB, DB, true },
		{ "allow web-1 -> db-1 tcp 22\n", WEB, DB, true },
		{ "allow db-1 -> web-1 tcp 22\n", WEB, DB, true },
		{ "allow web-1 -> db-1 tcp 22\n", WEB, APP, false },
		{ "deny * -> *\nallow web-1 -> db-1 tcp 22\n", WEB, DB, false },
		{ "allow web-1 -> 192.168.0.0/16\n", WEB, ROUTER, true },
		{ "allow db-1 -> 192.168.0.0/16\n", WEB, ROUTER, false },
		{ "default allow\n", WEB, 12, false },
		{ "default allow\n", WEB, 1000, false },
	};

	(void)state;
	network_init(&network, machines, MACHINES);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_ruleset *ruleset = ruleset_from(&network, cases[i].text);

		print_message("case %zu\n", i);
		assert_int_equal(wr_ruleset_connects(ruleset, cases[i].a, cases[i].b),
				 cases[i].is_connected);
		assert_int_equal(wr_ruleset_connects(ruleset, cases[i].b, cases[i].a),
				 cases[i].is_connected);
		wr_ruleset_free(ruleset);
	}
}

static void test_ruleset_direct_is_for_those_named_in_a_star(void **state)
{
	struct wr_ruleset *mesh, *star;

	(void)state;
	network_init(&network, machines, MACHINES);
	mesh = ruleset_from(&network, "direct tag:web\n");
	star = ruleset_from(&network,
			    "topology star\ngroup g = tag:db\ndirect tag:web\ndirect g\n");
	assert_true(wr_ruleset_is_direct(mesh, ALICE, BOB));
	assert_false(wr_ruleset_is_direct(mesh, ALICE, 12));
	assert_false(wr_ruleset_is_direct(star, ALICE, BOB));
	assert_false(wr_ruleset_is_direct(star, WEB, BOB));
	assert_true(wr_ruleset_is_direct(star, WEB, APP));
	assert_true(wr_ruleset_is_direct(star, WEB, DB));
	wr_ruleset_free(mesh);
	wr_ruleset_free(star);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ruleset_why_names_the_line_that_decides),
		cmocka_unit_test(test_ruleset_prefixes_name_what_is_behind_machines),
		cmocka_unit_test(test_ruleset_icmp_is_that_of_the_family),
		cmocka_unit_test(test_ruleset_without_a_default_denies),
		cmocka_unit_test(test_ruleset_machines_share_classes),
		cmocka_unit_test(test_ruleset_compile_refuses),
		cmocka_unit_test(test_ruleset_compile_names_faults_in_the_order_of_lines),
		cmocka_unit_test(test_ruleset_compile_takes_tests_that_hold),
		cmocka_unit_test(test_ruleset_compile_refuses_tests_that_are_too_much),
		cmocka_unit_test(test_ruleset_compile_saved_takes_what_has_changed_since),
		cmocka_unit_test(test_ruleset_place_puts_a_machine_where_its_class_is),
		cmocka_unit_test(test_ruleset_vacate_leaves_nobody),
		cmocka_unit_test(test_ruleset_connects_those_between_whom_something_may_pass),
		cmocka_unit_test(test_ruleset_direct_is_for_those_named_in_a_star),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
