#include "policy/filter.h"

#include "naive.h"
#include "network.h"

#define RUNS 150
#define STEPS 400
#define TAPE 64
#define SOME_RULES 80
#define LARGE_RUNS 3
#define LARGE_PACKETS 3000

static const char *const tag_names[NAIVE_TAGS] = { "t0", "t1", "t2", "t3", "t4", "t5" };
static const char *const names[NAIVE_MACHINES] = { "m0", "m1", "m2", "m3", "m4",  "m5",
						   "m6", "m7", "m8", "m9", "m10", "m11" };
/* What is behind machines, and prefixes that hold some of it, or machines. */
static const char *const behind[] = { "192.168.50.1", "192.168.51.9", "192.168.200.1",
				      "172.16.0.1",   "fd01::1",      "fd01:0:0:1::1",
				      "fd02::1" };
static const char *const prefixes[] = {
	"0.0.0.0/0",     "192.168.0.0/16", "192.168.50.0/23", "192.168.50.0/24", "192.168.50.1/32",
	"172.16.0.0/12", "10.0.0.0/30",    "10.0.0.0/29",     "10.0.0.5/32",     "::/0",
	"fd00::/16",     "fd01::/32",      "fd01:0:0:1::/64", "fd00::4/126",     "255.0.0.0/8",
};

static struct {
	struct unit_random random;
	struct naive naive;
	char text[2000000];
	size_t text_len;
	unsigned line;
	struct wr_member members[NAIVE_MACHINES];
	const char *tags[NAIVE_MACHINES][NAIVE_TAGS];
	size_t member_count;
	struct wr_filter *filter;
	struct wr_retire_list retire;
	uint64_t version;
	bool is_large;                  /* many rules about few machines and ports each */
	struct naive_packet tape[TAPE]; /* what was said */
	size_t tape_len;
} it;

static size_t below(size_t limit)
{
	return unit_random_below(&it.random, limit);
}

static bool one_in(size_t n)
{
	return below(n) == 0;
}

/* --- Machines. --- */

static void choose_tags(size_t machine)
{
	for (size_t i = 0; i < NAIVE_TAGS; i++)
		it.naive.machines[machine].tags[i] = one_in(4);
}

static void make_machines(void)
{
	char text[40];

	for (size_t i = 0; i < NAIVE_MACHINES; i++) {
		struct naive_machine *machine = &it.naive.machines[i];

		*machine = (struct naive_machine){ .is_there = !one_in(8) };
		snprintf(text, sizeof(text), "10.0.0.%zu", i + 1);
		if (!one_in(5))
			machine->v4 = ip_from(text);
		snprintf(text, sizeof(text), "fd00::%zx", i + 1);
		if (machine->v4.family == WR_FAMILY_NONE || one_in(2))
			machine->v6 = ip_from(text);
		choose_tags(i);
	}
}

static struct wr_member *member_of(size_t machine, struct wr_member *ret)
{
	const struct naive_machine *from = &it.naive.machines[machine];

	*ret = (struct wr_member){ .slot = (uint32_t)machine,
				   .name = names[machine],
				   .tags = it.tags[machine],
				   .v4 = from->v4,
				   .v6 = from->v6 };
	for (size_t i = 0; i < NAIVE_TAGS; i++)
		if (from->tags[i])
			it.tags[machine][ret->tag_count++] = tag_names[i];
	return ret;
}

/* --- A policy, and its text. --- */

static void WR_PRINTF(1, 2) say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	it.text_len += (size_t)vsnprintf(it.text + it.text_len, sizeof(it.text) - it.text_len,
					 format, arguments);
	va_end(arguments);
	assert_true(it.text_len < sizeof(it.text));
}

static void end_line(void)
{
	say("%s\n", one_in(10) ? "  # a -> b" : "");
	it.line++;
}

static void make_selector(struct naive_selector *selector, size_t groups)
{
	const char *text;

	*selector = (struct naive_selector){ 0 };
	switch (it.is_large && !one_in(5) ? 7 : below(8)) {
	case 0:
		selector->kind = NAIVE_ALL;
		say(" *");
		return;
	case 1:
	case 2:
	case 3:
		selector->kind = NAIVE_TAG;
		selector->number = below(NAIVE_TAGS);
		say(" tag:%s", tag_names[selector->number]);
		return;
	case 4:
		if (groups) {
			selector->kind = NAIVE_GROUP;
			selector->number = below(groups);
			say(" g%zu", selector->number);
			return;
		}
		break;
	case 5:
	case 6:
		selector->kind = NAIVE_PREFIX;
		text = prefixes[below(WR_ARRAY_LEN(prefixes))];
		assert_true(wr_prefix_parse(text, strlen(text), &selector->prefix));
		say(" %s", text);
		return;
	default: break;
	}
	selector->kind = NAIVE_MACHINE;
	do
		selector->number = below(NAIVE_MACHINES);
	while (!it.naive.machines[selector->number].is_there);
	say(" %s%s", one_in(4) ? "machine:" : "", names[selector->number]);
}

static void make_side(struct naive_side *side, size_t groups)
{
	side->count = one_in(3) ? 1 + below(NAIVE_SELECTORS) : 1;
	for (size_t i = 0; i < side->count; i++)
		make_selector(&side->selectors[i], groups);
}

static uint16_t some_port(void)
{
	return (uint16_t)(1 + below(it.is_large ? 65000 : 12));
}

static void make_ports(struct naive_rule *rule)
{
	rule->port_count = !it.is_large && one_in(2) ? 0 : 1 + below(NAIVE_PORTS);
	if (!rule->port_count && one_in(3))
		say(" any");
	for (size_t i = 0; i < rule->port_count; i++) {
		struct naive_ports *ports = &rule->ports[i];

		switch (it.is_large && !one_in(1000) ? 4 : below(5)) {
		case 0:
			*ports = (struct naive_ports){ .protocol = WR_PROTO_ICMP };
			say(" icmp");
			break;
		case 1:
			*ports = (struct naive_ports){ WR_PROTO_TCP, 0, UINT16_MAX };
			say(" tcp");
			break;
		default:
			ports->protocol = one_in(2) ? WR_PROTO_TCP : WR_PROTO_UDP;
			ports->low = some_port();
			ports->high = (uint16_t)(ports->low + (one_in(2) ? 0 : below(5)));
			if (it.is_large)
				ports->high = (uint16_t)(ports->low + below(500));
			say(" %s %u", ports->protocol == WR_PROTO_TCP ? "tcp" : "udp", ports->low);
			if (ports->high > ports->low || one_in(3))
				say("-%u", ports->high);
		}
	}
}

static void make_rule(struct naive_rule *rule)
{
	*rule = (struct naive_rule){ .line = it.line, .is_allowed = !one_in(3) };
	say("%s", rule->is_allowed ? "allow" : "deny");
	make_side(&rule->src, NAIVE_GROUPS);
	say(" ->");
	make_side(&rule->dst, NAIVE_GROUPS);
	make_ports(rule);
	end_line();
}

static void make_policy(void)
{
	struct naive_policy *policy = &it.naive.policy;
	size_t counts[] = { 0, 1, 3, 10, SOME_RULES };

	memset(policy, 0, sizeof(*policy));
	it.text_len = 0;
	it.line = 1;
	for (size_t i = 0; i < NAIVE_GROUPS; i++) {
		say("group g%zu =", i);
		make_side(&policy->groups[i], i);
		end_line();
	}
	policy->rule_count = it.is_large ? NAIVE_RULES : counts[below(WR_ARRAY_LEN(counts))];
	for (size_t i = 0; i < policy->rule_count; i++)
		make_rule(&policy->rules[i]);
	if (one_in(3))
		return;
	policy->is_allowed_by_default = one_in(2);
	policy->default_line = it.line;
	say("default %s\n", policy->is_allowed_by_default ? "allow" : "deny");
}

static struct wr_ruleset *compile(void)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy = policy_from(it.text);
	struct wr_ruleset *ruleset;

	it.member_count = 0;
	for (size_t i = 0; i < NAIVE_MACHINES; i++)
		if (it.naive.machines[i].is_there)
			member_of(i, &it.members[it.member_count++]);
	ruleset = wr_ruleset_compile_saved(policy, it.members, it.member_count, NAIVE_MACHINES,
					   ++it.version, &faults);
	assert_non_null(ruleset);
	wr_policy_free(policy);
	return ruleset;
}

/* --- Packets. --- */

static struct wr_ip some_address(size_t machine, enum wr_family family)
{
	const struct naive_machine *from = &it.naive.machines[machine];
	struct wr_ip ip = family == WR_IPV4 ? from->v4 : from->v6;

	while (ip.family != family || one_in(5)) {
		ip = ip_from(behind[below(WR_ARRAY_LEN(behind))]);
		if (ip.family == family)
			break;
	}
	return ip;
}

static uint8_t some_flags(void)
{
	static const uint8_t flags[] = { WR_TCP_SYN, WR_TCP_SYN | WR_TCP_ACK, WR_TCP_ACK,
					 WR_TCP_ACK, WR_TCP_FIN | WR_TCP_ACK, WR_TCP_RST,
					 0 };

	return flags[below(WR_ARRAY_LEN(flags))];
}

static void say_something(struct naive_packet *packet)
{
	enum wr_family family = one_in(3) ? WR_IPV6 : WR_IPV4;
	size_t what = below(10);

	*packet = (struct naive_packet){ .src_slot = (uint32_t)below(NAIVE_MACHINES) };
	packet->dst_slot = (uint32_t)below(NAIVE_MACHINES);
	packet->src = some_address(packet->src_slot, family);
	packet->dst = some_address(packet->dst_slot, family);
	packet->protocol = what < 4 ? WR_PROTO_TCP : what < 7 ? WR_PROTO_UDP : 47;
	if (what < 7) {
		packet->src_port = some_port();
		packet->dst_port = some_port();
	}
	if (what == 8 || what == 9) {
		packet->protocol = family == WR_IPV4 ? WR_PROTO_ICMP : WR_PROTO_ICMPV6;
		packet->icmp_type = family == WR_IPV4 ? ICMP4_REQUEST : ICMP6_REQUEST;
		packet->icmp_id = some_port();
	}
	if (what < 4)
		packet->tcp_flags = some_flags();
}

/* Nobody speaks to itself from one end to the same. */
static bool is_real(const struct naive_packet *packet)
{
	return !wr_ip_equal(&packet->src, &packet->dst) || packet->src_slot != packet->dst_slot;
}

static void turn_round(struct naive_packet *packet)
{
	struct naive_packet was = *packet;

	packet->src_slot = was.dst_slot;
	packet->dst_slot = was.src_slot;
	packet->src = was.dst;
	packet->dst = was.src;
	packet->src_port = was.dst_port;
	packet->dst_port = was.src_port;
	switch (was.icmp_type) {
	case ICMP4_REQUEST: packet->icmp_type = ICMP4_REPLY; break;
	case ICMP6_REQUEST: packet->icmp_type = ICMP6_REPLY; break;
	case ICMP6_REPLY: packet->icmp_type = ICMP6_REQUEST; break;
	default:
		if (was.protocol == WR_PROTO_ICMP)
			packet->icmp_type = ICMP4_REQUEST;
	}
}

static struct naive_packet next_packet(void)
{
	struct naive_packet packet;

	if (it.tape_len && !one_in(3)) {
		packet = it.tape[below(it.tape_len < TAPE ? it.tape_len : TAPE)];
		if (one_in(2))
			turn_round(&packet);
		if (packet.protocol == WR_PROTO_TCP)
			packet.tcp_flags = some_flags();
		return packet;
	}
	do
		say_something(&packet);
	while (!is_real(&packet));
	it.tape[it.tape_len++ % TAPE] = packet;
	return packet;
}

static struct packet bytes_of(const struct naive_packet *packet)
{
	switch (packet->protocol) {
	case WR_PROTO_TCP:
		return packet_tcp(packet->src, packet->src_port, packet->dst, packet->dst_port,
				  packet->tcp_flags);
	case WR_PROTO_UDP:
		return packet_udp(packet->src, packet->src_port, packet->dst, packet->dst_port);
	case WR_PROTO_ICMP:
	case WR_PROTO_ICMPV6:
		return packet_icmp(packet->src, packet->dst, packet->icmp_type, packet->icmp_id);
	default: return packet_other(packet->src, packet->dst, packet->protocol);
	}
}

static enum wr_verdict judge(const struct packet *packet, uint32_t src_slot, uint32_t dst_slot)
{
	return wr_filter_judge(it.filter, packet->bytes, packet->len, src_slot, dst_slot,
			       (struct wr_instant){ it.naive.now * 1000000000 + 5 });
}

static void assert_verdict(const struct naive_packet *packet, enum wr_verdict is,
			   enum wr_verdict should_be)
{
	char src[WR_ENDPOINT_TEXT_LEN], dst[WR_ENDPOINT_TEXT_LEN];

	if (is != should_be) {
		wr_ip_format(&packet->src, src);
		wr_ip_format(&packet->dst, dst);
		print_message(
			"at %llu: %u %s %u -> %u %s %u protocol %u flags %x type %u id %u\n%s",
			(unsigned long long)it.naive.now, packet->src_slot, src, packet->src_port,
			packet->dst_slot, dst, packet->dst_port, packet->protocol,
			packet->tcp_flags, packet->icmp_type, packet->icmp_id, it.text);
	}
	assert_string_equal(wr_verdict_name(is), wr_verdict_name(should_be));
}

/* --- Steps. --- */

static void check_why(const struct naive_packet *packet)
{
	struct wr_opening opening = { .src = packet->src,
				      .dst = packet->dst,
				      .protocol = packet->protocol,
				      .src_port = packet->src_port,
				      .dst_port = packet->dst_port };
	unsigned line, naive_line;
	bool is_allowed = wr_ruleset_why(wr_filter_ruleset(it.filter), packet->src_slot,
					 packet->dst_slot, &opening, &line);

	assert_int_equal(is_allowed, naive_why(&it.naive, packet, &naive_line));
	assert_int_equal(line, naive_line);
}

static void step_packet(void)
{
	struct naive_packet packet = next_packet();
	struct packet bytes = bytes_of(&packet);

	check_why(&packet);
	assert_verdict(&packet, judge(&bytes, packet.src_slot, packet.dst_slot),
		       naive_judge(&it.naive, &packet));
}

static void step_error(void)
{
	struct naive_packet about = next_packet();
	struct packet quoted = bytes_of(&about);
	bool is_v4 = about.src.family == WR_IPV4;
	uint32_t src_slot = one_in(5) ? (uint32_t)below(NAIVE_MACHINES) : about.dst_slot;
	uint32_t dst_slot = one_in(5) ? (uint32_t)below(NAIVE_MACHINES) : about.src_slot;
	struct packet bytes = packet_error(some_address(src_slot, about.src.family), about.src,
					   is_v4 ? ICMP4_UNREACHABLE : ICMP6_TOO_BIG, &quoted);

	assert_verdict(&about, judge(&bytes, src_slot, dst_slot),
		       naive_judge_error(&it.naive, src_slot, dst_slot, &about));
}

static void step_fragment(void)
{
	struct naive_packet packet = next_packet();
	struct packet whole = bytes_of(&packet);
	uint32_t id = (uint32_t)below(3), len = packet.protocol == 47 ? 20 : 60;
	uint16_t offset = packet.protocol == 47 ? 8 : 32;
	struct packet first = packet_fragment(&whole, id, 0, offset, true);
	struct packet later = packet_fragment(&whole, id, offset, len, one_in(2));

	if (!one_in(3))
		assert_verdict(&packet, judge(&first, packet.src_slot, packet.dst_slot),
			       naive_judge_first(&it.naive, &packet, id));
	if (!one_in(3))
		assert_verdict(&packet, judge(&later, packet.src_slot, packet.dst_slot),
			       naive_judge_later(&it.naive, &packet, id, offset));
}

static void step_time(void)
{
	static const unsigned steps[] = {
		0, 1, 9, 10, 11, 29, 30, 31, 60, 119, 120, 180, 600, 7440
	};

	it.naive.now += steps[below(WR_ARRAY_LEN(steps))];
}

static void reclaim(void)
{
	struct wr_retire_list list = wr_retire_take(&it.retire);

	wr_retire_free_all(&list);
}

static void set_ruleset(void)
{
	wr_filter_set_ruleset(it.filter, compile(), &it.retire);
	if (one_in(2))
		reclaim();
}

static void step_policy(void)
{
	make_policy();
	set_ruleset();
}

/* A machine comes, goes or has other tags. */
static void step_machine(void)
{
	size_t number = below(NAIVE_MACHINES);
	struct naive_machine *machine = &it.naive.machines[number];
	struct wr_member member;

	machine->is_there = !one_in(4);
	choose_tags(number);
	if (!machine->is_there)
		wr_ruleset_vacate(wr_filter_ruleset(it.filter), (uint32_t)number);
	else if (!wr_ruleset_place(wr_filter_ruleset(it.filter), member_of(number, &member)))
		set_ruleset();
}

static void step_resize(void)
{
	assert_int_equal(wr_filter_resize(it.filter, below(200), &it.retire), 0);
	if (one_in(2))
		reclaim();
}

static void step(void)
{
	switch (below(40)) {
	case 0: step_time(); break;
	case 1: step_policy(); break;
	case 2: step_machine(); break;
	case 3:
		if (one_in(10))
			step_resize();
		break;
	case 4:
	case 5:
	case 6: step_error(); break;
	case 7:
	case 8:
	case 9:
	case 10: step_fragment(); break;
	default: step_packet();
	}
}

static void run(void)
{
	uint8_t secret[16];

	memset(&it.naive, 0, sizeof(it.naive));
	it.tape_len = 0;
	it.naive.now = 1000;
	unit_random_bytes(&it.random, secret, sizeof(secret));
	make_machines();
	it.naive.machines[0].is_there = true;
	make_policy();
	it.filter = wr_filter_new(100, secret, compile());
	assert_non_null(it.filter);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	reclaim();
	assert_int_equal(wr_filter_flow_count(it.filter,
					      (struct wr_instant){ it.naive.now * 1000000000 }),
			 naive_count(&it.naive));
	it.filter = wr_filter_free(it.filter);
	reclaim();
}

static void test_policy_is_what_a_list_of_rules_and_flows_says(void **state)
{
	(void)state;
	it.random = unit_random_start("policy twin");
	for (unsigned i = 0; i < unit_runs(RUNS); i++)
		run();
}

/* More rules than a summary word has bits for, and more ports than there are intervals. */
static void test_ruleset_of_many_rules_is_what_their_list_says(void **state)
{
	struct naive_packet packet;

	(void)state;
	it.random = unit_random_start("policy twin, large");
	it.is_large = true;
	for (unsigned i = 0; i < LARGE_RUNS; i++) {
		make_machines();
		it.naive.machines[0].is_there = true;
		make_policy();
		it.filter = wr_filter_new(1, (const uint8_t[16]){ 1 }, compile());
		assert_non_null(it.filter);
		for (unsigned j = 0; j < unit_runs(LARGE_PACKETS); j++) {
			say_something(&packet);
			check_why(&packet);
		}
		it.filter = wr_filter_free(it.filter);
	}
	it.is_large = false;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ruleset_of_many_rules_is_what_their_list_says),
		cmocka_unit_test(test_policy_is_what_a_list_of_rules_and_flows_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
