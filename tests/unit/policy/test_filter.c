#include "policy/filter.h"

#include "network.h"

#define SYN WR_TCP_SYN
#define ACK WR_TCP_ACK
#define FIN WR_TCP_FIN
#define RST WR_TCP_RST

enum {
	A,
	B,
	C,
	ROUTER
};

static const struct machine machines[] = {
	{ "a", "left", "10.0.0.1", "fd00::1" },
	{ "b", "right", "10.0.0.2", "fd00::2" },
	{ "c", "right", "10.0.0.3", "fd00::3" },
	{ "router", NULL, "10.0.0.4", "fd00::4" },
};

static const uint8_t secret[16] = { 7 };

struct world {
	struct network network;
	struct wr_filter *filter;
	struct wr_retire_list retire;
	struct wr_instant now;
};

static void start(struct world *world, const char *text)
{
	memset(world, 0, sizeof(*world));
	network_init(&world->network, machines, WR_ARRAY_LEN(machines));
	world->now = (struct wr_instant){ UINT64_C(1000000000000) };
	world->filter = wr_filter_new(4, secret, ruleset_from(&world->network, text));
	assert_non_null(world->filter);
}

/* No reader is left after each call of these tests. */
static void reclaim(struct world *world)
{
	struct wr_retire_list list = wr_retire_take(&world->retire);

	wr_retire_free_all(&list);
}

static void change(struct world *world, const char *text)
{
	wr_filter_set_ruleset(world->filter, ruleset_from(&world->network, text), &world->retire);
	reclaim(world);
}

static void end(struct world *world)
{
	wr_filter_free(world->filter);
	reclaim(world);
}

static void pass(struct world *world, uint64_t seconds)
{
	world->now.ns += seconds * 1000000000;
}

static void expect(struct world *world, const struct packet *packet, uint32_t src, uint32_t dst,
		   enum wr_verdict verdict)
{
	assert_string_equal(wr_verdict_name(wr_filter_judge(world->filter, packet->bytes,
							    packet->len, src, dst, world->now)),
			    wr_verdict_name(verdict));
}

static struct wr_ip address(uint32_t slot, bool is_v6)
{
	return ip_from(is_v6 ? machines[slot].v6 : machines[slot].v4);
}

static void tcp(struct world *world, uint32_t src, uint16_t src_port, uint32_t dst,
		uint16_t dst_port, uint8_t flags, enum wr_verdict verdict)
{
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet packet = packet_tcp(address(src, is_v6), src_port,
						  address(dst, is_v6), dst_port, flags);

		expect(world, &packet, src, dst, verdict);
	}
}

static void udp(struct world *world, uint32_t src, uint16_t src_port, uint32_t dst,
		uint16_t dst_port, enum wr_verdict verdict)
{
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet packet = packet_udp(address(src, is_v6), src_port,
						  address(dst, is_v6), dst_port);

		expect(world, &packet, src, dst, verdict);
	}
}

static void ping(struct world *world, uint32_t src, uint32_t dst, bool is_reply, uint16_t id,
		 enum wr_verdict verdict)
{
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		uint8_t type = is_v6 ? (is_reply ? ICMP6_REPLY : ICMP6_REQUEST)
				     : (is_reply ? ICMP4_REPLY : ICMP4_REQUEST);
		struct packet packet = packet_icmp(address(src, is_v6), address(dst, is_v6), type,
						   id);

		expect(world, &packet, src, dst, verdict);
	}
}

/* About a UDP packet of `about_src`, seen by the machine in `src`. */
static void error(struct world *world, uint32_t src, uint32_t dst, uint32_t about_src,
		  uint16_t about_src_port, uint32_t about_dst, uint16_t about_dst_port,
		  enum wr_verdict verdict)
{
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet about = packet_udp(address(about_src, is_v6), about_src_port,
						 address(about_dst, is_v6), about_dst_port);
		struct packet packet = packet_error(address(src, is_v6), address(dst, is_v6),
						    is_v6 ? ICMP6_TOO_BIG : ICMP4_UNREACHABLE,
						    &about);

		expect(world, &packet, src, dst, verdict);
	}
}

static void handshake(struct world *world, uint32_t src, uint16_t src_port, uint32_t dst,
		      uint16_t dst_port)
{
	tcp(world, src, src_port, dst, dst_port, SYN, WR_TAKEN);
	tcp(world, dst, dst_port, src, src_port, SYN | ACK, WR_TAKEN);
	tcp(world, src, src_port, dst, dst_port, ACK, WR_TAKEN);
}

/* --- Answers. --- */

static void test_filter_answers_pass_because_their_flow_is_known(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b tcp 22 udp 53 icmp\n");
	tcp(&world, B, 22, A, 5000, SYN | ACK, WR_DROP_POLICY);
	handshake(&world, A, 5000, B, 22);
	tcp(&world, B, 22, A, 5000, ACK, WR_TAKEN);
	tcp(&world, B, 22, A, 5001, ACK, WR_DROP_POLICY);
	tcp(&world, B, 23, A, 5000, ACK, WR_DROP_POLICY);
	tcp(&world, C, 22, A, 5000, ACK, WR_DROP_POLICY);
	tcp(&world, A, 5000, B, 23, SYN, WR_DROP_POLICY);

	udp(&world, B, 53, A, 5000, WR_DROP_POLICY);
	udp(&world, A, 5000, B, 53, WR_TAKEN);
	udp(&world, B, 53, A, 5000, WR_TAKEN);
	udp(&world, B, 54, A, 5000, WR_DROP_POLICY);

	ping(&world, B, A, true, 9, WR_DROP_POLICY);
	ping(&world, A, B, false, 9, WR_TAKEN);
	ping(&world, B, A, true, 9, WR_TAKEN);
	ping(&world, B, A, true, 10, WR_DROP_POLICY);
	ping(&world, B, A, false, 9, WR_DROP_POLICY);
	end(&world);
}

/* A known connection gives its other side no right to open one. */
static void test_filter_remembers_nothing_of_what_members_say_all_the_time(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow tag:left -> tag:right udp\nallow tag:right -> tag:left udp 51819\n"
		      "default deny\n");
	udp(&world, A, 51819, B, 51819, WR_TAKEN);
	udp(&world, B, 51819, A, 51819, WR_TAKEN);
	assert_int_equal(wr_filter_flow_count(world.filter, world.now), 0);
	/* One side may begin only: the answer passes because there was a question. */
	udp(&world, B, 51818, A, 51818, WR_DROP_POLICY);
	udp(&world, A, 51818, B, 51818, WR_TAKEN);
	udp(&world, B, 51818, A, 51818, WR_TAKEN);
	assert_int_equal(wr_filter_flow_count(world.filter, world.now), 2);
	/* Another port is somebody else's. */
	udp(&world, A, 40000, B, 51819, WR_TAKEN);
	assert_int_equal(wr_filter_flow_count(world.filter, world.now), 4);
	change(&world, "default deny\n");
	udp(&world, A, 51819, B, 51819, WR_DROP_POLICY);
	udp(&world, B, 51819, A, 51819, WR_DROP_POLICY);
	end(&world);
}

static void test_filter_the_other_side_opens_nothing_on_a_known_flow(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b tcp 22 icmp\n");
	handshake(&world, A, 5000, B, 22);
	tcp(&world, B, 22, A, 5000, SYN, WR_DROP_POLICY);
	tcp(&world, B, 22, A, 5000, ACK, WR_TAKEN);
	ping(&world, A, B, false, 8, WR_TAKEN);
	ping(&world, B, A, false, 8, WR_DROP_POLICY);
	end(&world);
}

static void test_filter_either_side_may_open_again(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b tcp 22\nallow b -> a tcp 5000\n");
	handshake(&world, A, 5000, B, 22);
	tcp(&world, B, 22, A, 5000, SYN, WR_TAKEN);
	/* Now it is b's: rules against a's opening do not end it. */
	change(&world, "allow b -> a tcp 5000\n");
	tcp(&world, A, 5000, B, 22, ACK, WR_TAKEN);
	tcp(&world, A, 5000, B, 22, SYN, WR_DROP_POLICY);
	tcp(&world, A, 5000, B, 22, ACK, WR_TAKEN);
	change(&world, "allow a -> b tcp 22\n");
	tcp(&world, A, 5000, B, 22, ACK, WR_DROP_POLICY);
	tcp(&world, B, 22, A, 5000, ACK, WR_DROP_POLICY);
	tcp(&world, A, 5000, B, 22, SYN, WR_TAKEN);
	tcp(&world, B, 22, A, 5000, SYN | ACK, WR_TAKEN);
	end(&world);
}

static void test_filter_other_protocols_are_known_by_addresses(void **state)
{
	struct packet there = packet_other(address(A, false), address(B, false), 47);
	struct packet back = packet_other(address(B, false), address(A, false), 47);
	struct packet another = packet_other(address(B, false), address(A, false), 50);
	struct world world;

	(void)state;
	start(&world, "allow a -> b\n");
	expect(&world, &back, B, A, WR_DROP_POLICY);
	expect(&world, &there, A, B, WR_TAKEN);
	expect(&world, &back, B, A, WR_TAKEN);
	expect(&world, &another, B, A, WR_DROP_POLICY);
	pass(&world, 601);
	expect(&world, &back, B, A, WR_DROP_POLICY);
	end(&world);
}

/* --- ICMP errors. --- */

static void test_filter_errors_pass_with_the_flow_that_they_quote(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b udp 53\n");
	error(&world, B, A, A, 5000, B, 53, WR_DROP_POLICY);
	udp(&world, A, 5000, B, 53, WR_TAKEN);
	error(&world, B, A, A, 5000, B, 53, WR_TAKEN);
	/* The flow's other direction, and back. */
	error(&world, A, B, B, 53, A, 5000, WR_TAKEN);
	error(&world, B, A, A, 5000, B, 54, WR_DROP_POLICY);
	/* Whom it does not concern has nothing to say about it. */
	error(&world, C, A, A, 5000, B, 53, WR_DROP_POLICY);
	error(&world, B, C, A, 5000, B, 53, WR_DROP_POLICY);
	error(&world, A, B, A, 5000, B, 53, WR_DROP_POLICY);
	change(&world, "allow a -> b udp 54\n");
	error(&world, B, A, A, 5000, B, 53, WR_DROP_POLICY);
	change(&world, "allow a -> b udp 53\n");
	error(&world, B, A, A, 5000, B, 53, WR_TAKEN);
	pass(&world, 181);
	error(&world, B, A, A, 5000, B, 53, WR_DROP_POLICY);
	end(&world);
}

/* Not even where everything is allowed. */
static void test_filter_errors_about_nothing_are_dropped(void **state)
{
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	error(&world, B, A, A, 5000, B, 53, WR_DROP_POLICY);
	udp(&world, A, 5000, B, 53, WR_TAKEN);
	error(&world, B, A, A, 5000, B, 53, WR_TAKEN);
	end(&world);
}

/* --- Time. --- */

/* Packets from a to b, b's answer or none, and how long b's next packet passes. */
static void test_filter_flows_end_when_nothing_comes(void **state)
{
	static const struct {
		const char *name;
		uint8_t flags[4]; /* of a, b, a, b; 0 ends them */
		uint64_t lifetime;
	} cases[] = {
		{ "opening", { SYN }, 60 },
		{ "answered", { SYN, SYN | ACK }, 60 },
		{ "established", { SYN, SYN | ACK, ACK }, 7440 },
		{ "taken up in its middle", { ACK, ACK, ACK }, 7440 },
		{ "closing", { SYN, SYN | ACK, ACK, FIN | ACK }, 120 },
		{ "closing by who opened", { SYN, SYN | ACK, FIN | ACK }, 120 },
		{ "reset", { SYN, SYN | ACK, ACK, RST }, 10 },
		{ "refused", { SYN, RST | ACK }, 10 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct world world;

		print_message("%s\n", cases[i].name);
		start(&world, "allow a -> b tcp 22\n");
		for (size_t j = 0; j < 4 && cases[i].flags[j]; j++)
			tcp(&world, j % 2 ? B : A, j % 2 ? 22 : 5000, j % 2 ? A : B,
			    j % 2 ? 5000 : 22, cases[i].flags[j], WR_TAKEN);
		pass(&world, cases[i].lifetime);
		assert_int_equal(wr_filter_flow_count(world.filter, world.now), 2);
		pass(&world, 1);
		assert_int_equal(wr_filter_flow_count(world.filter, world.now), 0);
		tcp(&world, B, 22, A, 5000, ACK, WR_DROP_POLICY);
		end(&world);
	}
}

static void test_filter_flows_live_while_something_comes(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b udp 53 icmp\n");
	udp(&world, A, 5000, B, 53, WR_TAKEN);
	ping(&world, A, B, false, 1, WR_TAKEN);
	for (unsigned i = 0; i < 20; i++) {
		pass(&world, 30);
		udp(&world, i % 2 ? A : B, i % 2 ? 5000 : 53, i % 2 ? B : A, i % 2 ? 53 : 5000,
		    WR_TAKEN);
		ping(&world, i % 2 ? A : B, i % 2 ? B : A, !(i % 2), 1, WR_TAKEN);
	}
	pass(&world, 31);
	ping(&world, B, A, true, 1, WR_DROP_POLICY);
	pass(&world, 150);
	udp(&world, B, 53, A, 5000, WR_DROP_POLICY);
	end(&world);
}

/* A new connection on the ports of one that has ended. */
static void test_filter_a_closed_flow_opens_again(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b tcp 22\n");
	handshake(&world, A, 5000, B, 22);
	tcp(&world, A, 5000, B, 22, RST, WR_TAKEN);
	handshake(&world, A, 5000, B, 22);
	pass(&world, 7440);
	tcp(&world, B, 22, A, 5000, ACK, WR_TAKEN);
	end(&world);
}

/* --- Changes. --- */

static void test_filter_a_change_stops_what_is_not_allowed_and_nothing_else(void **state)
{
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	handshake(&world, A, 5000, B, 22);
	handshake(&world, B, 5000, A, 80);
	udp(&world, C, 5000, A, 53, WR_TAKEN);
	change(&world, "allow b -> a tcp 80\nallow tag:right -> a udp 1-53\nallow b -> a\n");
	/* a's connection ends in both directions, although b may open anything to a. */
	tcp(&world, A, 5000, B, 22, ACK, WR_DROP_POLICY);
	tcp(&world, B, 22, A, 5000, ACK, WR_DROP_POLICY);
	tcp(&world, B, 22, A, 5000, ACK, WR_DROP_POLICY);
	tcp(&world, A, 80, B, 5000, ACK, WR_TAKEN);
	tcp(&world, B, 5000, A, 80, ACK, WR_TAKEN);
	udp(&world, A, 53, C, 5000, WR_TAKEN);
	/* What was stopped is remembered: allowed again, it goes on, from either side. */
	change(&world, "default allow\n");
	change(&world, "allow a -> b tcp 22\n");
	tcp(&world, B, 22, A, 5000, ACK, WR_TAKEN);
	tcp(&world, A, 80, B, 5000, ACK, WR_DROP_POLICY);
	udp(&world, A, 53, C, 5000, WR_DROP_POLICY);
	end(&world);
}

/* Denied packets do not keep a flow alive. */
static void test_filter_a_stopped_flow_is_forgotten(void **state)
{
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	udp(&world, A, 5000, B, 5000, WR_TAKEN);
	change(&world, "allow b -> a\n");
	for (unsigned i = 0; i < 18; i++) {
		udp(&world, B, 5000, A, 5000, WR_DROP_POLICY);
		pass(&world, 10);
	}
	udp(&world, B, 5000, A, 5000, WR_DROP_POLICY);
	pass(&world, 1);
	udp(&world, B, 5000, A, 5000, WR_TAKEN);
	udp(&world, A, 5000, B, 5000, WR_TAKEN);
	end(&world);
}

static void test_filter_obeys_changes_in_place(void **state)
{
	static const struct machine tagged = { "c", "left", "10.0.0.3", "fd00::3" };
	struct world world;

	(void)state;
	start(&world, "allow tag:left -> b\nallow tag:right -> a\n");
	udp(&world, C, 5000, A, 53, WR_TAKEN);
	udp(&world, A, 53, C, 5000, WR_TAKEN);
	udp(&world, C, 5000, B, 53, WR_DROP_POLICY);
	network_set(&world.network, C, &tagged);
	assert_true(wr_ruleset_place(wr_filter_ruleset(world.filter), &world.network.members[C]));
	udp(&world, C, 5000, A, 53, WR_DROP_POLICY);
	udp(&world, A, 53, C, 5000, WR_DROP_POLICY);
	udp(&world, C, 5000, B, 53, WR_TAKEN);
	wr_ruleset_vacate(wr_filter_ruleset(world.filter), C);
	udp(&world, B, 53, C, 5000, WR_DROP_POLICY);
	udp(&world, C, 5000, B, 53, WR_DROP_POLICY);
	end(&world);
}

/* --- Fragments. --- */

static void test_filter_later_fragments_go_with_the_first(void **state)
{
	(void)state;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet whole = packet_udp(address(A, is_v6), 5000, address(B, is_v6), 53);
		struct packet denied = packet_udp(address(A, is_v6), 5000, address(B, is_v6), 54);
		struct packet first = packet_fragment(&whole, 77, 0, 32, true);
		struct packet middle = packet_fragment(&whole, 77, 32, 48, true);
		struct packet last = packet_fragment(&whole, 77, 48, 60, false);
		struct packet another = packet_fragment(&whole, 78, 48, 60, false);
		struct packet bad = packet_fragment(&denied, 79, 0, 32, true);
		struct packet bad_last = packet_fragment(&denied, 79, 32, 60, false);
		struct world world;

		start(&world, "allow a -> b udp 53\n");
		expect(&world, &last, A, B, WR_DROP_FRAGMENT);
		expect(&world, &first, A, B, WR_TAKEN);
		expect(&world, &last, A, B, WR_TAKEN);
		expect(&world, &middle, A, B, WR_TAKEN);
		expect(&world, &another, A, B, WR_DROP_FRAGMENT);
		expect(&world, &last, C, B, WR_DROP_FRAGMENT);
		expect(&world, &bad, A, B, WR_DROP_POLICY);
		expect(&world, &bad_last, A, B, WR_DROP_FRAGMENT);
		change(&world, "allow a -> b udp 54\n");
		expect(&world, &last, A, B, WR_DROP_POLICY);
		/* The same id, for another packet. */
		bad = packet_fragment(&denied, 77, 0, 32, true);
		expect(&world, &bad, A, B, WR_TAKEN);
		expect(&world, &last, A, B, WR_TAKEN);
		pass(&world, 31);
		expect(&world, &last, A, B, WR_DROP_FRAGMENT);
		end(&world);
	}
}

static void test_filter_fragments_of_pings_and_answers_pass(void **state)
{
	struct packet whole = packet_icmp(address(A, false), address(B, false), ICMP4_REQUEST, 5);
	struct packet reply = packet_icmp(address(B, false), address(A, false), ICMP4_REPLY, 5);
	struct packet first = packet_fragment(&whole, 1, 0, 32, true);
	struct packet last = packet_fragment(&whole, 1, 32, 60, false);
	struct packet reply_first = packet_fragment(&reply, 1, 0, 32, true);
	struct packet reply_last = packet_fragment(&reply, 1, 32, 60, false);
	struct world world;

	(void)state;
	start(&world, "allow a -> b icmp\n");
	expect(&world, &reply_first, B, A, WR_DROP_POLICY);
	expect(&world, &first, A, B, WR_TAKEN);
	expect(&world, &last, A, B, WR_TAKEN);
	expect(&world, &reply_last, B, A, WR_DROP_FRAGMENT);
	expect(&world, &reply_first, B, A, WR_TAKEN);
	expect(&world, &reply_last, B, A, WR_TAKEN);
	end(&world);
}

static void test_filter_fragments_do_not_write_over_a_header(void **state)
{
	struct packet whole = packet_tcp(address(A, false), 5000, address(B, false), 22, SYN);
	struct packet first = packet_fragment(&whole, 1, 0, 32, true);
	struct packet tiny = packet_fragment(&whole, 1, 0, 16, true);
	struct packet over = packet_fragment(&whole, 1, 8, 32, true);
	struct packet last = packet_fragment(&whole, 1, 24, 60, false);
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	expect(&world, &tiny, A, B, WR_DROP_INNER);
	expect(&world, &first, A, B, WR_TAKEN);
	expect(&world, &over, A, B, WR_DROP_INNER);
	expect(&world, &last, A, B, WR_TAKEN);
	end(&world);
}

/* --- Behind machines. --- */

static void test_filter_judges_what_is_behind_machines_by_its_address(void **state)
{
	struct wr_ip office = ip_from("192.168.50.7");
	struct packet to_office = packet_udp(address(A, false), 5000, office, 53);
	struct packet from_office = packet_udp(office, 53, address(A, false), 5000);
	struct world world;

	(void)state;
	start(&world, "allow * -> *\nallow router -> *\n");
	udp(&world, A, 5000, ROUTER, 53, WR_TAKEN);
	expect(&world, &to_office, A, ROUTER, WR_DROP_POLICY);
	expect(&world, &from_office, ROUTER, A, WR_DROP_POLICY);
	change(&world, "allow a -> 192.168.50.0/24 udp\n");
	expect(&world, &from_office, ROUTER, A, WR_DROP_POLICY);
	expect(&world, &to_office, A, ROUTER, WR_TAKEN);
	expect(&world, &from_office, ROUTER, A, WR_TAKEN);
	/* To deny a machine is to deny what is behind it. */
	change(&world, "deny a -> router\ndefault allow\n");
	expect(&world, &to_office, A, ROUTER, WR_DROP_POLICY);
	change(&world, "deny b -> router\ndefault allow\n");
	expect(&world, &to_office, A, ROUTER, WR_TAKEN);
	end(&world);
}

/* --- Garbage, and room. --- */

static void test_filter_refuses_what_makes_no_sense(void **state)
{
	struct packet packet = packet_tcp(address(A, false), 1, address(B, false), 2, SYN);
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	packet.len = 30;
	expect(&world, &packet, A, B, WR_DROP_INNER);
	packet.bytes[2] = 0;
	packet.bytes[3] = 30;
	expect(&world, &packet, A, B, WR_DROP_INNER);
	end(&world);
}

static void test_filter_slots_beyond_the_room_are_nobodys(void **state)
{
	struct packet packet = packet_udp(address(A, false), 1, address(B, false), 2);
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	expect(&world, &packet, A, 5, WR_DROP_POLICY);
	expect(&world, &packet, 1000000, B, WR_DROP_POLICY);
	expect(&world, &packet, UINT32_MAX, B, WR_DROP_POLICY);
	end(&world);
}

/* Flows that were answered stay, whatever else one machine opens. */
static void test_filter_keeps_answered_flows_when_it_is_full(void **state)
{
	struct world world;
	size_t count;

	(void)state;
	start(&world, "allow a -> b\nallow c -> b\n");
	for (uint16_t i = 0; i < 10; i++)
		handshake(&world, A, (uint16_t)(5000 + i), B, 22);
	for (uint32_t i = 1; i < 40000; i++)
		udp(&world, C, (uint16_t)i, B, 53, WR_TAKEN);
	count = wr_filter_flow_count(world.filter, world.now);
	print_message("%zu flows\n", count);
	assert_in_range(count, 1000, 4000);
	for (uint16_t i = 0; i < 10; i++)
		tcp(&world, B, 22, A, (uint16_t)(5000 + i), ACK, WR_TAKEN);
	end(&world);
}

static void open_many(struct world *world, uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++)
		handshake(world, A, (uint16_t)(1000 + i), B, 22);
}

static void answer_many(struct world *world, uint16_t to)
{
	for (uint16_t i = 0; i < to; i++)
		tcp(world, B, 22, A, (uint16_t)(1000 + i), ACK, WR_TAKEN);
}

static void test_filter_resize_keeps_what_is_known(void **state)
{
	struct packet whole = packet_udp(address(A, false), 9, address(B, false), 9);
	struct packet first = packet_fragment(&whole, 77, 0, 32, true);
	struct packet last = packet_fragment(&whole, 77, 48, 60, false);
	struct wr_retire_list list;
	struct world world;

	(void)state;
	start(&world, "allow a -> b\n");
	open_many(&world, 0, 100);
	expect(&world, &first, A, B, WR_TAKEN);
	assert_int_equal(wr_filter_resize(world.filter, 4, &world.retire), 0);
	assert_null(world.retire.first);
	assert_int_equal(wr_filter_resize(world.filter, 100, &world.retire), 0);
	/* Before the grace period has ended: found in the old tables, some go over. */
	open_many(&world, 100, 200);
	answer_many(&world, 50);
	expect(&world, &last, A, B, WR_TAKEN);
	list = wr_retire_take(&world.retire);
	assert_int_equal(wr_filter_resize(world.filter, 200, &world.retire), 0);
	assert_null(world.retire.first);
	wr_retire_free_all(&list);
	answer_many(&world, 200);
	expect(&world, &last, A, B, WR_TAKEN);
	assert_int_equal(wr_filter_flow_count(world.filter, world.now), 401);
	/* And once more, while what was moved is retired. */
	assert_int_equal(wr_filter_resize(world.filter, 200, &world.retire), 0);
	list = wr_retire_take(&world.retire);
	wr_retire_free_all(&list);
	answer_many(&world, 200);
	end(&world);
}

/* A filter that goes while its tables wait. */
static void test_filter_can_go_while_it_grows(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow a -> b\n");
	open_many(&world, 0, 10);
	assert_int_equal(wr_filter_resize(world.filter, 1000, &world.retire), 0);
	end(&world);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_answers_pass_because_their_flow_is_known),
		cmocka_unit_test(test_filter_remembers_nothing_of_what_members_say_all_the_time),
		cmocka_unit_test(test_filter_the_other_side_opens_nothing_on_a_known_flow),
		cmocka_unit_test(test_filter_either_side_may_open_again),
		cmocka_unit_test(test_filter_other_protocols_are_known_by_addresses),
		cmocka_unit_test(test_filter_errors_pass_with_the_flow_that_they_quote),
		cmocka_unit_test(test_filter_errors_about_nothing_are_dropped),
		cmocka_unit_test(test_filter_flows_end_when_nothing_comes),
		cmocka_unit_test(test_filter_flows_live_while_something_comes),
		cmocka_unit_test(test_filter_a_closed_flow_opens_again),
		cmocka_unit_test(test_filter_a_change_stops_what_is_not_allowed_and_nothing_else),
		cmocka_unit_test(test_filter_a_stopped_flow_is_forgotten),
		cmocka_unit_test(test_filter_obeys_changes_in_place),
		cmocka_unit_test(test_filter_later_fragments_go_with_the_first),
		cmocka_unit_test(test_filter_fragments_of_pings_and_answers_pass),
		cmocka_unit_test(test_filter_fragments_do_not_write_over_a_header),
		cmocka_unit_test(test_filter_judges_what_is_behind_machines_by_its_address),
		cmocka_unit_test(test_filter_refuses_what_makes_no_sense),
		cmocka_unit_test(test_filter_slots_beyond_the_room_are_nobodys),
		cmocka_unit_test(test_filter_keeps_answered_flows_when_it_is_full),
		cmocka_unit_test(test_filter_resize_keeps_what_is_known),
		cmocka_unit_test(test_filter_can_go_while_it_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
