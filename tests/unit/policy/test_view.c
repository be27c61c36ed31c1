/* A member's view decides as the whole policy does about all that the member opens or
 * receives, and says nothing about others: on random networks and policies. */
#include "policy/view.h"

#include <ctype.h>

#include "network.h"

#define RUNS 120
#define MACHINES 12
#define TAGS 5
#define ADDRESSES 14

static const char *const tag_names[TAGS] = { "t0", "t1", "t2", "t3", "t4" };
static const char *const names[MACHINES] = { "a0", "a1", "a2", "a3", "a4",  "a5",
					     "a6", "a7", "a8", "a9", "a10", "a11" };
/* What may be behind machines, with an address in each part that the prefixes below divide it
 * into. */
static const struct {
	const char *route;
	const char *addresses[6];
} behind[] = {
	{ "192.168.50.0/24", { "192.168.50.1", "192.168.50.7", "192.168.50.255" } },
	{ "192.168.48.0/22",
	  { "192.168.49.1", "192.168.50.1", "192.168.50.7", "192.168.50.255", "192.168.51.9" } },
	{ "172.16.0.0/16", { "172.16.0.1" } },
	{ "fd01::/32", { "fd01::1", "fd01:0:0:1::1" } },
	{ "fd02::/64", { "fd02::1" } },
};
static const char *const prefixes[] = {
	"0.0.0.0/0",       "192.168.0.0/16", "192.168.50.0/23", "192.168.50.0/24",
	"192.168.50.1/32", "172.16.0.0/12",  "10.0.0.0/30",     "10.0.0.0/29",
	"10.0.0.5/32",     "::/0",           "fd00::/16",       "fd01::/32",
	"fd01:0:0:1::/64", "fd00::4/126",    "255.0.0.0/8",     "192.168.50.255/32",
};

struct host {
	const char *tags[TAGS];
	struct wr_prefix routes[2];
	size_t route_count;
	struct wr_ip addresses[ADDRESSES]; /* own, then behind */
	size_t address_count;
};

static struct {
	struct unit_random random;
	char text[200000];
	size_t text_len;
	struct host hosts[MACHINES];
	struct wr_member members[MACHINES];
	struct wr_view_routes routes[MACHINES];
	struct wr_ruleset *whole;
	struct wr_view *view;
} it;

static size_t below(size_t limit)
{
	return unit_random_below(&it.random, limit);
}

static bool one_in(size_t n)
{
	return below(n) == 0;
}

/* --- A network. --- */

static void add_route(struct host *host)
{
	size_t which = below(WR_ARRAY_LEN(behind));
	const char *route = behind[which].route;

	assert_true(wr_prefix_parse(route, strlen(route), &host->routes[host->route_count++]));
	for (size_t i = 0; i < 6 && behind[which].addresses[i]; i++)
		host->addresses[host->address_count++] = ip_from(behind[which].addresses[i]);
}

static void make_machine(size_t number)
{
	struct wr_member *member = &it.members[number];
	struct host *host = &it.hosts[number];
	char text[40];

	*host = (struct host){ 0 };
	*member = (struct wr_member){ .slot = (uint32_t)number,
				      .name = names[number],
				      .tags = host->tags };
	snprintf(text, sizeof(text), "10.0.0.%zu", number + 1);
	if (!one_in(5))
		host->addresses[host->address_count++] = member->v4 = ip_from(text);
	snprintf(text, sizeof(text), "fd00::%zx", number + 1);
	if (member->v4.family == WR_FAMILY_NONE || one_in(2))
		host->addresses[host->address_count++] = member->v6 = ip_from(text);
	for (size_t i = 0; i < TAGS; i++)
		if (one_in(4))
			host->tags[member->tag_count++] = tag_names[i];
	while (host->route_count < 2 && one_in(4))
		add_route(host);
	it.routes[number] = (struct wr_view_routes){ host->routes, host->route_count };
}

/* --- A policy. --- */

static void WR_PRINTF(1, 2) say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	it.text_len += (size_t)vsnprintf(it.text + it.text_len, sizeof(it.text) - it.text_len,
					 format, arguments);
	va_end(arguments);
	assert_true(it.text_len < sizeof(it.text));
}

static void say_selector(size_t groups)
{
	switch (below(9)) {
	case 0: say(" *"); return;
	case 1:
	case 2:
	case 3: say(" tag:%s", tag_names[below(TAGS)]); return;
	case 4:
	case 5:
		if (groups) {
			say(" g%zu", below(groups));
			return;
		}
		break;
	case 6: say(" %s", prefixes[below(WR_ARRAY_LEN(prefixes))]); return;
	default: break;
	}
	say(" %s", names[below(MACHINES)]);
}

static void say_side(size_t groups)
{
	for (size_t i = one_in(3) ? 1 + below(4) : 1; i > 0; i--)
		say_selector(groups);
}

static void say_ports(void)
{
	for (size_t i = one_in(2) ? 0 : 1 + below(3); i > 0; i--) {
		unsigned low = 1 + (unsigned)below(12);

		switch (below(6)) {
		case 0: say(" icmp"); break;
		case 1: say(" %s", one_in(2) ? "tcp" : "udp"); break;
		case 2: say(" %s 1-65535", one_in(2) ? "tcp" : "udp"); break;
		case 3: say(" tcp %u,%u", low, 1 + (unsigned)below(12)); break;
		default: say(" %s %u-%u", one_in(2) ? "tcp" : "udp", low, low + (unsigned)below(5));
		}
	}
}

static void make_policy(void)
{
	static const size_t counts[] = { 0, 1, 2, 4, 10, 90 };

	it.text_len = 0;
	for (size_t i = 0; i < 5; i++) {
		say("group g%zu =", i);
		say_side(i);
		say("\n");
	}
	for (size_t i = counts[below(WR_ARRAY_LEN(counts))]; i > 0; i--) {
		say("%s", one_in(3) ? "deny" : "allow");
		say_side(5);
		say(" ->");
		say_side(5);
		say_ports();
		say("\n");
	}
	if (!one_in(3))
		say("default %s\n", one_in(3) ? "allow" : "deny");
	if (one_in(2))
		say("topology star\ndirect tag:t0 a1\n");
}

static void start(void)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy;

	for (size_t i = 0; i < MACHINES; i++)
		make_machine(i);
	make_policy();
	policy = policy_from(it.text);
	it.whole = wr_ruleset_compile_saved(policy, it.members, MACHINES, MACHINES, 1, &faults);
	it.view = wr_view_new_routed(policy, it.members, it.routes, MACHINES);
	wr_policy_free(policy);
	assert_non_null(it.whole);
	assert_non_null(it.view);
}

static void end(void)
{
	it.whole = wr_ruleset_free(it.whole);
	it.view = wr_view_free(it.view);
}

/* --- What one member makes of its view. --- */

struct seen {
	uint32_t self;
	struct wr_ruleset *ruleset;
	uint32_t slots[MACHINES]; /* 0: nobody that it knows */
	bool is_worn[1000];       /* marks */
};

static struct wr_ruleset *compile_text(const char *text, const struct wr_member *members,
				       size_t count)
{
	struct wr_policy *policy = policy_from(text);
	struct wr_policy_faults faults;
	struct wr_ruleset *ruleset = wr_ruleset_compile_saved(policy, members, count, MACHINES + 2,
							      1, &faults);

	assert_non_null(ruleset);
	wr_policy_free(policy);
	return ruleset;
}

static void see(struct seen *seen, uint32_t self)
{
	static char texts[MACHINES][WR_VIEW_MARKS][12];
	static const char *tags[MACHINES][WR_VIEW_MARKS];
	struct wr_member members[MACHINES];
	uint32_t marks[WR_VIEW_MARKS];
	size_t count = 0;

	*seen = (struct seen){ .self = self };
	members[count] = it.members[self];
	members[count].tag_count = 0;
	members[count].name = "self";
	members[count++].slot = seen->slots[self] = 1;
	for (uint32_t i = 0; i < MACHINES; i++) {
		if (wr_view_way(it.view, self, i) == WR_VIEW_NOTHING)
			continue;
		members[count] = it.members[i];
		members[count].name = "";
		members[count].tags = tags[i];
		members[count].slot = seen->slots[i] = i + 2;
		members[count].tag_count = wr_view_marks(it.view, self, i, marks, WR_VIEW_MARKS);
		for (size_t j = 0; j < members[count].tag_count; j++) {
			assert_true(!j || marks[j] > marks[j - 1]);
			snprintf(texts[i][j], sizeof(texts[i][j]), "m%u", marks[j]);
			tags[i][j] = texts[i][j];
			seen->is_worn[marks[j]] = true;
		}
		count++;
	}
	seen->ruleset = compile_text(wr_view_text(it.view, self), members, count);
}

/* --- It decides alike. --- */

static bool ask_whole(uint32_t src, uint32_t dst, const struct wr_opening *opening)
{
	return wr_ruleset_allows(it.whole, src, dst, opening);
}

static bool ask_seen(const struct seen *seen, uint32_t src, uint32_t dst,
		     const struct wr_opening *opening)
{
	return wr_ruleset_allows(seen->ruleset, seen->slots[src], seen->slots[dst], opening);
}

static void complain(const struct seen *seen, uint32_t src, uint32_t dst,
		     const struct wr_opening *opening)
{
	char from[WR_ENDPOINT_TEXT_LEN], to[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(&opening->src, from);
	wr_ip_format(&opening->dst, to);
	print_message("%u sees: %u %s -> %u %s protocol %u port %u\n--- whole\n%s--- reduced\n%s",
		      seen->self, src, from, dst, to, opening->protocol, opening->dst_port, it.text,
		      wr_view_text(it.view, seen->self));
}

/* True if it is allowed. */
static bool check_opening(const struct seen *seen, uint32_t src, uint32_t dst,
			  const struct wr_opening *opening)
{
	bool is_allowed = ask_whole(src, dst, opening);

	if (ask_seen(seen, src, dst, opening) != is_allowed) {
		complain(seen, src, dst, opening);
		fail();
	}
	return is_allowed;
}

/* All that the ports of the policies can tell apart. */
static bool check_addresses(const struct seen *seen, uint32_t src, const struct wr_ip *from,
			    uint32_t dst, const struct wr_ip *to)
{
	struct wr_opening opening = { .src = *from, .dst = *to };
	bool is_any = false;

	if (from->family != to->family)
		return false;
	for (uint16_t port = 0; port < 18; port++) {
		opening.dst_port = port == 17 ? UINT16_MAX : port;
		opening.protocol = WR_PROTO_TCP;
		is_any |= check_opening(seen, src, dst, &opening);
		opening.protocol = WR_PROTO_UDP;
		is_any |= check_opening(seen, src, dst, &opening);
	}
	opening.dst_port = 0;
	opening.protocol = from->family == WR_IPV4 ? WR_PROTO_ICMP : WR_PROTO_ICMPV6;
	is_any |= check_opening(seen, src, dst, &opening);
	opening.protocol = 47;
	is_any |= check_opening(seen, src, dst, &opening);
	return is_any;
}

static bool check_direction(const struct seen *seen, uint32_t src, uint32_t dst)
{
	const struct host *from = &it.hosts[src], *to = &it.hosts[dst];
	bool is_any = false;

	for (size_t i = 0; i < from->address_count; i++)
		for (size_t j = 0; j < to->address_count; j++)
			is_any |= check_addresses(seen, src, &from->addresses[i], dst,
						  &to->addresses[j]);
	return is_any;
}

/* Connected are those that may open something to each other, and no others. */
static void check_others(const struct seen *seen)
{
	for (uint32_t i = 0; i < MACHINES; i++) {
		bool is_any = false;

		if (i == seen->self)
			continue;
		is_any |= check_direction(seen, seen->self, i);
		is_any |= check_direction(seen, i, seen->self);
		assert_int_equal(is_any, seen->slots[i] != 0);
		assert_int_equal(wr_view_way(it.view, seen->self, i),
				 wr_view_way(it.view, i, seen->self));
	}
}

/* --- It names nobody. --- */

static bool is_inside(const struct wr_ip *ip, const struct wr_prefix *prefix)
{
	if (ip->family != prefix->ip.family)
		return false;
	for (unsigned bit = 0; bit < prefix->length; bit++)
		if ((ip->bytes[bit / 8] ^ prefix->ip.bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* A prefix is about the member, or one that it knows. */
static bool is_known_prefix(const struct seen *seen, const struct wr_prefix *prefix)
{
	for (uint32_t i = 0; i < MACHINES; i++)
		for (size_t j = 0; seen->slots[i] && j < it.hosts[i].address_count; j++)
			if (is_inside(&it.hosts[i].addresses[j], prefix))
				return true;
	return false;
}

static bool is_word_of_language(const char *word)
{
	static const char *const words[] = { "allow", "deny", "default", "group", "=",  "->",
					     "self",  "tcp",  "udp",     "icmp",  "any" };

	for (size_t i = 0; i < WR_ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static void check_word(const struct seen *seen, const char *word)
{
	struct wr_prefix prefix;

	if (is_word_of_language(word))
		return;
	if (strncmp(word, "tag:m", 5) == 0)
		assert_true(seen->is_worn[strtoul(word + 5, NULL, 10)]);
	else if (word[0] == 'p')
		assert_true(isdigit((unsigned char)word[1]));
	else if (strspn(word, "0123456789,-") < strlen(word)) {
		assert_true(wr_prefix_parse(word, strlen(word), &prefix));
		assert_true(is_known_prefix(seen, &prefix));
	}
}

static void check_words(const struct seen *seen)
{
	char *copy = strdup(wr_view_text(it.view, seen->self)), *save = NULL;

	assert_non_null(copy);
	for (char *word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		check_word(seen, word);
	free(copy);
}

/* --- Classes. --- */

static bool has_equal_marks(uint32_t self, uint32_t other, uint32_t self2, uint32_t other2)
{
	uint32_t marks[WR_VIEW_MARKS], marks2[WR_VIEW_MARKS];
	size_t count = wr_view_marks(it.view, self, other, marks, WR_VIEW_MARKS);

	return count == wr_view_marks(it.view, self2, other2, marks2, WR_VIEW_MARKS) &&
	       memcmp(marks, marks2, count * sizeof(*marks)) == 0;
}

static void check_twins(uint32_t a, uint32_t b)
{
	assert_ptr_equal(wr_view_text(it.view, a), wr_view_text(it.view, b));
	for (uint32_t i = 0; i < MACHINES; i++) {
		if (i == a || i == b)
			continue;
		assert_int_equal(wr_view_way(it.view, a, i), wr_view_way(it.view, b, i));
		assert_true(has_equal_marks(a, i, b, i));
		assert_true(has_equal_marks(i, a, i, b));
	}
}

static void note_class(void *context, uint32_t other)
{
	((bool *)context)[other] = true;
}

static void check_class(uint32_t self)
{
	bool classes[MACHINES] = { false }, ways[MACHINES] = { false };

	wr_view_each_class(it.view, wr_view_class(it.view, self), note_class, classes);
	for (uint32_t i = 0; i < MACHINES; i++) {
		assert_true(wr_view_class(it.view, i) < wr_view_class_count(it.view));
		ways[wr_view_class(it.view, i)] |= wr_view_way(it.view, self, i) != WR_VIEW_NOTHING;
		if (i != self && wr_view_class(it.view, i) == wr_view_class(it.view, self))
			check_twins(self, i);
	}
	assert_memory_equal(classes, ways, sizeof(ways));
}

static void test_view_is_what_the_whole_policy_says(void **state)
{
	static struct seen seen;

	(void)state;
	it.random = unit_random_start("view twin");
	for (unsigned i = 0; i < unit_runs(RUNS); i++) {
		start();
		for (uint32_t self = 0; self < MACHINES; self++) {
			see(&seen, self);
			check_others(&seen);
			check_words(&seen);
			check_class(self);
			wr_ruleset_free(seen.ruleset);
		}
		end();
	}
}

/* --- By hand. --- */

static const struct machine machines[] = {
	{ "alice", "ops", "10.0.0.1", NULL },  { "web-1", "web", "10.0.0.2", NULL },
	{ "web-2", "web", "10.0.0.3", NULL },  { "db-1", "db", "10.0.0.4", NULL },
	{ "printer", NULL, "10.0.0.5", NULL }, { "router", NULL, "10.0.0.6", NULL },
};

enum {
	ALICE,
	WEB_1,
	WEB_2,
	DB_1,
	PRINTER,
	ROUTER
};

static struct wr_view *view_of(const char *text, const char *behind_router)
{
	struct wr_view_routes routes[WR_ARRAY_LEN(machines)] = { 0 };
	struct wr_policy *policy = policy_from(text);
	struct wr_prefix prefix;
	struct network network;
	struct wr_view *view;

	network_init(&network, machines, WR_ARRAY_LEN(machines));
	if (behind_router) {
		assert_true(wr_prefix_parse(behind_router, strlen(behind_router), &prefix));
		routes[ROUTER] = (struct wr_view_routes){ &prefix, 1 };
	}
	view = wr_view_new_routed(policy, network.members, routes, network.count);
	wr_policy_free(policy);
	assert_non_null(view);
	return view;
}

static void expect_text(struct wr_view *view, size_t self, const char *text)
{
	assert_string_equal(wr_view_text(view, self), text);
}

static void test_view_names_marks_instead_of_machines(void **state)
{
	struct wr_view *view = view_of("group web = tag:web\n"
				       "allow alice -> *\n"
				       "allow web -> tag:db tcp 5432\n"
				       "allow printer -> printer\n"
				       "default deny\n",
				       NULL);
	uint32_t marks[4];

	(void)state;
	expect_text(view, DB_1,
		    "allow tag:m1 -> self\n"
		    "allow tag:m2 -> self tcp 5432\n"
		    "default deny\n");
	expect_text(view, WEB_1,
		    "allow tag:m1 -> self\n"
		    "allow self -> tag:m2 tcp 5432\n"
		    "default deny\n");
	expect_text(view, PRINTER, "allow tag:m1 -> self\ndefault deny\n");
	expect_text(view, ALICE, "allow self -> tag:m1\ndefault deny\n");
	assert_ptr_equal(wr_view_text(view, WEB_1), wr_view_text(view, WEB_2));
	assert_int_equal(wr_view_class(view, WEB_1), wr_view_class(view, WEB_2));
	assert_int_equal(wr_view_way(view, WEB_1, WEB_2), WR_VIEW_NOTHING);
	assert_int_equal(wr_view_way(view, WEB_1, DB_1), WR_VIEW_DIRECT);
	assert_int_equal(wr_view_way(view, PRINTER, DB_1), WR_VIEW_NOTHING);
	assert_int_equal(wr_view_way(view, PRINTER, PRINTER), WR_VIEW_NOTHING);
	assert_int_equal(wr_view_marks(view, DB_1, WEB_2, marks, 4), 1);
	assert_int_equal(marks[0], 2);
	assert_int_equal(wr_view_marks(view, DB_1, PRINTER, marks, 4), 0);
	wr_view_free(view);
}

static void test_view_of_a_star_goes_through_the_hub(void **state)
{
	struct wr_view *view = view_of("topology star\ndirect tag:web tag:db\ndefault allow\n",
				       NULL);

	(void)state;
	assert_int_equal(wr_view_way(view, WEB_1, DB_1), WR_VIEW_DIRECT);
	assert_int_equal(wr_view_way(view, WEB_1, WEB_2), WR_VIEW_DIRECT);
	assert_int_equal(wr_view_way(view, WEB_1, ALICE), WR_VIEW_HUB);
	assert_int_equal(wr_view_way(view, ALICE, PRINTER), WR_VIEW_HUB);
	wr_view_free(view);
}

static void test_view_counts_what_is_behind_a_machine(void **state)
{
	const char *text = "group office = 192.168.5.0/24 172.16.0.0/12\n"
			   "allow tag:web -> office tcp 22\n";
	struct wr_view *view = view_of(text, NULL);

	(void)state;
	assert_int_equal(wr_view_way(view, WEB_1, ROUTER), WR_VIEW_NOTHING);
	expect_text(view, WEB_1, "default deny\n");
	wr_view_free(view);
	view = view_of(text, "192.168.0.0/16");
	assert_int_equal(wr_view_way(view, WEB_1, ROUTER), WR_VIEW_DIRECT);
	expect_text(view, WEB_1,
		    "group p1 = 192.168.5.0/24\nallow self -> p1 tcp 22\ndefault deny\n");
	expect_text(view, ROUTER,
		    "group p1 = 192.168.5.0/24\nallow tag:m1 -> p1 tcp 22\ndefault deny\n");
	wr_view_free(view);
}

static void test_view_knows_what_is_denied_before_it_is_allowed(void **state)
{
	struct wr_view *view = view_of("deny tag:web -> tag:db tcp 1-100\n"
				       "deny tag:web -> tag:db tcp 101-200 udp\n"
				       "allow tag:web -> tag:db tcp 90-110 udp 5\n",
				       NULL);

	(void)state;
	assert_int_equal(wr_view_way(view, WEB_1, DB_1), WR_VIEW_NOTHING);
	wr_view_free(view);
	view = view_of("deny tag:web -> tag:db tcp 1-100\n"
		       "allow tag:web -> tag:db tcp 90-101\n",
		       NULL);
	assert_int_equal(wr_view_way(view, WEB_1, DB_1), WR_VIEW_DIRECT);
	wr_view_free(view);
}

/* One machine in more sets than it may have marks. */
static void test_view_marks_are_few_whatever_the_policy_says(void **state)
{
	static char text[60000];
	struct wr_view *view;
	uint32_t marks[WR_VIEW_MARKS];
	size_t len = 0;

	(void)state;
	for (unsigned i = 1; i <= 400; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"group g%u = tag:web tag:x%u\nallow g%u -> db-1 tcp %u\n",
					i, i, i, i);
	snprintf(text + len, sizeof(text) - len, "allow g1 -> alice tcp 1\n");
	view = view_of(text, NULL);
	assert_int_equal(wr_view_marks(view, DB_1, WEB_1, marks, WR_VIEW_MARKS), 1);
	assert_non_null(strstr(wr_view_text(view, DB_1), "\nallow tag:m1 -> self tcp 400\n"));
	assert_int_equal(wr_view_marks(view, WEB_1, DB_1, marks, WR_VIEW_MARKS), 1);
	wr_view_free(view);
}

/* --- Time. --- */

#define MANY 10000
#define MANY_TAGS 1000

static char many_names[MANY][16], many_tags[MANY_TAGS][16];

static void fill_many(struct wr_member *members, const char *(*tags)[3], struct unit_random *random)
{
	for (size_t i = 0; i < MANY_TAGS; i++)
		snprintf(many_tags[i], sizeof(many_tags[i]), "tag%zu", i);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(many_names[i], sizeof(many_names[i]), "m%zu", i);
		for (size_t j = 0; j < 3; j++)
			tags[i][j] = many_tags[unit_random_below(random, MANY_TAGS)];
		members[i] = (struct wr_member){
			.name = many_names[i],
			.tags = tags[i],
			.tag_count = 3,
			.v4 = { WR_IPV4, { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } },
		};
	}
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A pair at a time it would be minutes; the bounds leave room for sanitizers on a machine that is
 * taken away half of the time, which counts as ours. The figures are printed. */
static void test_view_of_ten_thousand_machines_is_quick(void **state)
{
	static struct wr_member members[MANY];
	static const char *tags[MANY][3];
	static char text[1000000];
	struct unit_random random = unit_random_start("view, many");
	struct wr_policy *policy;
	struct wr_view *view;
	uint64_t start, made, told, looked;
	size_t len = 0, connected = 0;

	(void)state;
	fill_many(members, tags, &random);
	for (unsigned i = 0; i < 10000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"allow tag:%s -> tag:%s tcp %zu\n",
					many_tags[unit_random_below(&random, MANY_TAGS)],
					many_tags[unit_random_below(&random, MANY_TAGS)],
					1 + unit_random_below(&random, 60000));
	policy = policy_from(text);
	start = now_us();
	view = wr_view_new(policy, members, MANY);
	assert_non_null(view);
	made = now_us();
	for (size_t self = 0; self < 100; self++)
		assert_non_null(wr_view_text(view, self));
	told = now_us();
	for (size_t self = 100; self < 200; self++)
		for (size_t i = 0; i < MANY; i++)
			connected += wr_view_way(view, self, i) != WR_VIEW_NOTHING;
	looked = now_us();
	print_message(
		"view: %llu us, a text: %llu us, ways of 1,000 others: %llu us (%zu of 10,000 "
		"connected), %zu classes\n",
		(unsigned long long)(made - start), (unsigned long long)(told - made) / 100,
		(unsigned long long)(looked - told) / 1000, connected / 100,
		wr_view_class_count(view));
	assert_true(made - start < 5000000);
	assert_true((looked - told) / 1000 < 5000);
	wr_view_free(view);
	wr_policy_free(policy);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_view_names_marks_instead_of_machines),
		cmocka_unit_test(test_view_of_a_star_goes_through_the_hub),
		cmocka_unit_test(test_view_counts_what_is_behind_a_machine),
		cmocka_unit_test(test_view_knows_what_is_denied_before_it_is_allowed),
		cmocka_unit_test(test_view_marks_are_few_whatever_the_policy_says),
		cmocka_unit_test(test_view_of_ten_thousand_machines_is_quick),
		cmocka_unit_test(test_view_is_what_the_whole_policy_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
