#include "policy/policy.h"

#include "network.h"

static struct wr_policy *parse(const char *text, struct wr_policy_faults *ret_faults)
{
	return wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) },
			       ret_faults);
}

static const char example[] =
	"# acme.policy\n"
	"group ops     = alice-laptop bob-laptop\n"
	"group web     = tag:web tag:edge\n"
	"group office  = 192.168.50.0/24            # a prefix behind a subnet router\n"
	"\n"
	"allow ops          -> *\n"
	"allow tag:monitor  -> *            tcp 9100,9586\n"
	"allow web          -> tag:db       tcp 5432\n"
	"deny  tag:app      -> tag:db\n"
	"allow ops web      -> office       tcp 22,80-90  icmp\n"
	"default deny\n"
	"\n"
	"topology mesh\n"
	"direct web tag:db                          # only where topology is star\n"
	"\n"
	"test ops      -> tag:db   tcp 22      allow\n"
	"test tag:app  -> tag:db   tcp 5432    deny\n"
	"test tag:web  -> tag:db   tcp 5432    allow\n";

static void test_policy_parse_takes_the_example(void **state)
{
	struct wr_policy *policy = policy_from(example);
	struct wr_bytes line = wr_policy_line(policy, 8);

	(void)state;
	assert_int_equal(wr_policy_rule_count(policy), 5);
	assert_int_equal(wr_policy_topology(policy), WR_TOPOLOGY_MESH);
	assert_int_equal(wr_policy_text(policy).len, sizeof(example) - 1);
	assert_int_equal(line.len, strlen("allow web          -> tag:db       tcp 5432"));
	assert_memory_equal(line.data, "allow web          -> tag:db       tcp 5432", line.len);
	assert_int_equal(wr_policy_line(policy, 1).len, strlen("# acme.policy"));
	assert_int_equal(wr_policy_line(policy, 5).len, 0);
	assert_int_equal(wr_policy_line(policy, 0).len, 0);
	assert_int_equal(wr_policy_line(policy, 100).len, 0);
	wr_policy_free(policy);
}

static void test_policy_parse_takes(void **state)
{
	static const struct {
		const char *name, *text;
		size_t rules;
	} cases[] = {
		{ "nothing", "", 0 },
		{ "a new network's", "default allow\n", 0 },
		{ "no line end", "allow a -> b", 1 },
		{ "line ends of others", "allow a -> b\r\n\r\ndefault deny\r\n", 1 },
		{ "tabs and no blanks", "\tallow\ta->b\ttcp\t22\n", 1 },
		{ "a group without blanks", "group g=a tag:b\nallow g->g\n", 1 },
		{ "a group below its use", "allow g -> *\ngroup g = a\n", 1 },
		{ "groups of groups", "group a = x\ngroup b = a y\nallow b -> a\n", 1 },
		{ "a comment at the end", "allow a -> b#c -> d\n", 1 },
		{ "comments of any script", "# \xc3\xa4\xf0\x9f\x90\xb0\ndefault deny # \xff\n",
		  0 },
		{ "all protocols", "allow a -> b any\n", 1 },
		{ "tcp without ports", "allow a -> b tcp\n", 1 },
		{ "several words of ports", "allow a -> b tcp 22 80-90,91 udp 1-65535 icmp\n", 1 },
		{ "words of the language as names",
		  "allow machine:tcp machine:allow -> machine:any\n", 1 },
		{ "names of all shapes", "allow a 0 1a xn--bcher-kva a-b tag:A_b.c-1 -> *\n", 1 },
		{ "prefixes",
		  "allow 10.0.0.0/8 fd00::/8 ::/0 0.0.0.0/0 10.1.2.3 ::1 -> 10.1.2.3/32\n", 1 },
		{ "topology star", "topology star\ndirect a *\n", 0 },
		{ "a test of all", "test * -> * deny\ntest a -> b any allow\n", 0 },
		{ "a test of several", "test a b -> c tcp 1,2 udp 3 icmp deny\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_policy *policy;

		print_message("%s\n", cases[i].name);
		policy = policy_from(cases[i].text);
		assert_int_equal(wr_policy_rule_count(policy), cases[i].rules);
		wr_policy_free(policy);
	}
}

/* Each fault names its line and says what to do. */
static void test_policy_parse_refuses(void **state)
{
	static const char names64[] =
		"allow a -> abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01\n";
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} cases[] = {
		{ "permit a -> b\n", 1, "write group, allow, deny" },
		{ "\n\nAllow a -> b\n", 3, "begins no line" },
		{ "allow a b\n", 1, "'->' is missing" },
		{ "allow\n", 1, "nobody stands before '->'" },
		{ "allow -> b\n", 1, "nobody stands before '->'" },
		{ "allow a ->\n", 1, "nobody stands behind '->'" },
		{ "allow a -> tcp 22\n", 1, "nobody stands behind '->'" },
		{ "allow a -> b -> c\n", 1, "'->' is no protocol" },
		{ "allow a -> b tcp sctp\n", 1, "'sctp' is no protocol" },
		{ "allow a -> b tcp 22 c\n", 1, "'c' is no protocol" },
		{ "allow a -> b tcp 22, 80\n", 1, "separated by commas without blanks" },
		{ "allow a -> b tcp 0\n", 1, "from 1 to 65535" },
		{ "allow a -> b tcp 65536\n", 1, "from 1 to 65535" },
		{ "allow a -> b udp 90-80\n", 1, "'90-80' are no ports" },
		{ "allow a -> b udp 1-2-3\n", 1, "'1-2-3' are no ports" },
		{ "allow a -> b udp 1-\n", 1, "'1-' are no ports" },
		{ "allow a -> b udp 1,,2\n", 1, "'1,,2' are no ports" },
		{ "allow a -> b icmp 8\n", 1, "only tcp and udp have" },
		{ "allow a -> b any 8\n", 1, "only tcp and udp have" },
		{ "allow a -> b tcp ssh\n", 1, "'ssh' is no protocol" },
		{ "allow a -> b allow\n", 1, "'allow' is no protocol" },
		{ "allow A -> b\n", 1, "'A' is no name of a machine" },
		{ "allow a_b -> b\n", 1, "'a_b' is no name of a machine" },
		{ "allow -a -> b\n", 1, "'-a' is no name of a machine" },
		{ "allow a- -> b\n", 1, "'a-' is no name of a machine" },
		{ names64, 1, "at most 63 characters" },
		{ "allow machine: -> b\n", 1, "'' is no name of a machine" },
		{ "allow tag: -> b\n", 1, "'' is no name of a tag" },
		{ "allow tag:a+b -> b\n", 1, "'a+b' is no name of a tag" },
		{ "allow 10.0.0/8 -> b\n", 1, "'10.0.0/8' is no selector" },
		{ "allow 10.0.0.0/33 -> b\n", 1, "is no selector" },
		{ "allow fd00::/129 -> b\n", 1, "is no selector" },
		{ "allow a.b.c -> b\n", 1, "is no selector" },
		{ "allow group:a -> b\n", 1, "'group:a' is no selector" },
		{ "allow 10.0.0.5/8 -> b\n", 1, "write 10.0.0.0/8" },
		{ "allow fd00::1/64 -> b\n", 1, "write fd00::/64" },
		{ "allow b\xc3\xbc"
		  "cher -> b\n",
		  1, "not plain ASCII" },
		{ "allow a -> b\v\n", 1, "not plain ASCII" },
		{ "group = a\n", 1, "no name of a group" },
		{ "group\n", 1, "write group NAME = SELECTORS" },
		{ "group g a\n", 1, "'=' is missing: write group NAME = SELECTORS" },
		{ "group g =\n", 1, "the group is empty" },
		{ "group G = a\n", 1, "'G' is no name of a group" },
		{ "group g = a -> b\n", 1, "'->' is too much" },
		{ "group g = a\ngroup g = b\n", 2, "defined on line 1 already" },
		{ "group g = g\n", 1, "groups that are defined above" },
		{ "group g = h\ngroup h = a\n", 1, "'h' is defined on line 2" },
		{ "default\n", 1, "write default allow, or default deny" },
		{ "default maybe\n", 1, "write default allow, or default deny" },
		{ "default deny now\n", 1, "'now' is too much" },
		{ "default deny\ndefault deny\n", 2, "that of line 1" },
		{ "default deny\n\nallow a -> b\n", 3, "move it above line 1" },
		{ "topology ring\n", 1, "write topology mesh, or topology star" },
		{ "topology mesh star\n", 1, "'star' is too much" },
		{ "topology mesh\ntopology star\n", 2, "that of line 1" },
		{ "direct\n", 1, "direct names nobody" },
		{ "direct a -> b\n", 1, "'->' is too much" },
		{ "direct a 10.0.0.0/8\n", 1, "take the prefix away" },
		{ "test a -> b tcp 22\n", 1, "allow or deny is missing" },
		{ "test a -> b tcp 22 maybe\n", 1, "'maybe' is no protocol" },
		{ "test a -> b allow deny\n", 1, "'deny' is too much" },
		{ "test a -> allow\n", 1, "nobody stands behind '->'" },
		{ "test a allow\n", 1, "'->' is missing" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_policy_faults faults;

		assert_null(parse(cases[i].text, &faults));
		print_message("%s%u: %s\n", cases[i].text, faults.faults[0].line,
			      faults.faults[0].text);
		assert_int_equal(faults.count, 1);
		assert_int_equal(faults.faults[0].line, cases[i].line);
		assert_non_null(strstr(faults.faults[0].text, cases[i].says));
	}
}

static void test_policy_parse_collects_the_first_faults(void **state)
{
	struct wr_policy_faults faults;
	char text[1000] = "";

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		strcat(text, i % 3 ? "allow a -> b\n" : "bad\n");
	assert_null(parse(text, &faults));
	assert_int_equal(faults.count, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(faults.faults[i].line, i * 3 + 1);
	for (unsigned i = 0; i < 30; i++)
		strcat(text, "bad\n");
	assert_null(parse(text, &faults));
	assert_int_equal(faults.count, 40);
	assert_int_equal(faults.faults[WR_POLICY_FAULTS - 1].line, 40);
}

/* A fault goes to terminals. */
static void test_policy_faults_are_plain_text(void **state)
{
	struct wr_policy_faults faults;
	char text[300];

	(void)state;
	assert_null(parse("al\x1b[31mlow a -> b\n", &faults));
	assert_non_null(strstr(faults.faults[0].text, "plain ASCII"));
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_null(parse(text, &faults));
	assert_non_null(strstr(faults.faults[0].text, "begins no line"));
	assert_true(strlen(faults.faults[0].text) < sizeof(faults.faults[0].text));
}

static void test_policy_parse_refuses_what_is_too_much(void **state)
{
	size_t room = WR_POLICY_TEXT_MAX + 1;
	char *text = malloc(room);
	struct wr_policy_faults faults;
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', room);
	assert_null(wr_policy_parse((struct wr_bytes){ (uint8_t *)text, room }, &faults));
	assert_int_equal(faults.count, 1);
	assert_int_equal(faults.faults[0].line, 0);
	assert_non_null(strstr(faults.faults[0].text, "4 MiB"));

	for (unsigned i = 0; i <= WR_POLICY_RULES_MAX; i++)
		len += (size_t)sprintf(text + len, "allow a -> b\n");
	assert_null(wr_policy_parse((struct wr_bytes){ (uint8_t *)text, len }, &faults));
	assert_int_equal(faults.faults[0].line, WR_POLICY_RULES_MAX + 1);
	assert_non_null(strstr(faults.faults[0].text, "more than 20000 rules"));
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_parse_takes_the_example),
		cmocka_unit_test(test_policy_parse_takes),
		cmocka_unit_test(test_policy_parse_refuses),
		cmocka_unit_test(test_policy_parse_collects_the_first_faults),
		cmocka_unit_test(test_policy_faults_are_plain_text),
		cmocka_unit_test(test_policy_parse_refuses_what_is_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
