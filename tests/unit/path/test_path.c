/* One path machine alone, told by hand what happens; times are literals. Two together, in all
 * kinds of networks: tests/sim/path_sim.c. */
#include "path/path.h"

#include "unit.h"

#define RELAY "203.0.113.1:51820"
#define LAN "192.168.1.7:51820"
#define OBSERVED "198.51.100.7:40000"

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint endpoint = { 0 };

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

static struct wr_instant at_ms(uint64_t ms)
{
	return (struct wr_instant){ ms * 1000000 + 1000000000000 };
}

struct machine {
	struct wr_path *path;
	unsigned switches, probes, asks;
	struct wr_endpoint last; /* switched to */
	struct wr_pulse pulse;   /* sent last */
	struct wr_pulse other;   /* the peer's next */
	uint64_t received_ms;    /* when `pulse` came there, by the same clock */
};

static void setup_with(struct machine *machine, const struct wr_path_config *config)
{
	struct wr_endpoint relay = endpoint(RELAY);

	memset(machine, 0, sizeof(*machine));
	machine->path = wr_path_new(config, at_ms(0));
	assert_non_null(machine->path);
	machine->other = (struct wr_pulse){ .instance = 77 };
	if (!config->is_mesh)
		wr_path_set_relay(machine->path, &relay, at_ms(0));
}

static void setup(struct machine *machine)
{
	const struct wr_path_config config = {
		.may_be_direct = true,
		.can_probe = true,
		.is_first = true,
		.jitter_seed = 42,
	};

	setup_with(machine, &config);
}

/* Does what it asks for at that time. */
static void settle(struct machine *machine, uint64_t ms)
{
	struct wr_path_step step;
	unsigned steps = 0;

	while (wr_path_poll(machine->path, at_ms(ms), &step)) {
		assert_true(++steps < 100);
		switch (step.action) {
		case WR_PATH_SWITCH:
			machine->switches++;
			machine->last = step.endpoint;
			break;
		case WR_PATH_PROBE: machine->probes++; break;
		case WR_PATH_ASK:
			machine->asks++;
			wr_path_tell(machine->path, at_ms(ms), &machine->pulse);
			machine->received_ms = ms + 1;
			break;
		}
	}
	assert_true(wr_path_deadline(machine->path).ns > at_ms(ms).ns);
}

/* All deadlines up to then. */
static void play(struct machine *machine, uint64_t until_ms)
{
	for (;;) {
		struct wr_instant deadline = wr_path_deadline(machine->path);

		if (deadline.ns > at_ms(until_ms).ns)
			return;
		settle(machine, (deadline.ns - 1000000000000 + 999999) / 1000000);
	}
}

/* The peer's next pulse, which has what it heard last of ours. */
static void answer(struct machine *machine, uint64_t ms, uint8_t flags, const char *heard)
{
	struct wr_pulse *other = &machine->other;

	other->flags = flags;
	other->sequence++;
	other->echo_instance = machine->pulse.instance;
	other->received = machine->pulse.sequence;
	other->received_bits = UINT32_MAX;
	other->echo_us = machine->pulse.time_us;
	other->held_us = 0;
	other->time_us = ms * 1000;
	other->heard_count = heard != NULL;
	if (heard)
		other->heard[0] = (struct wr_pulse_heard){ endpoint(heard), 0 };
	wr_path_told(machine->path, other, at_ms(ms));
	settle(machine, ms);
}

static void give(struct machine *machine, uint64_t ms)
{
	const struct wr_candidate candidates[] = {
		{ WR_CANDIDATE_OBSERVED, endpoint(OBSERVED) },
		{ WR_CANDIDATE_LOCAL, endpoint(LAN) },
	};

	wr_path_set_candidates(machine->path, candidates, 2, at_ms(ms));
	settle(machine, ms);
}

static struct wr_path_sight sight_of(const struct machine *machine)
{
	struct wr_path_sight sight;

	wr_path_look(machine->path, &sight);
	return sight;
}

static void assert_at(const struct machine *machine, const char *where)
{
	struct wr_endpoint wanted = endpoint(where);

	assert_true(wr_endpoint_equal_remote(&machine->last, &wanted));
}

static void hear(struct machine *machine, const char *from, uint64_t ms)
{
	struct wr_endpoint endpoint_ = endpoint(from);

	wr_path_heard(machine->path, &endpoint_, at_ms(ms));
	settle(machine, ms);
}

/* At 1,000 ms a handshake; direct at 1,400. */
static void go_direct(struct machine *machine)
{
	setup(machine);
	give(machine, 500);
	wr_path_handshake(machine->path, at_ms(1000));
	settle(machine, 1000);
	hear(machine, OBSERVED, 1020);
	play(machine, 1300);
	hear(machine, OBSERVED, 1390);
	play(machine, 1399);
	answer(machine, 1400, 0, "198.51.100.1:1");
	assert_int_equal(sight_of(machine).state, WR_PATH_DIRECT);
	assert_at(machine, OBSERVED);
}

static void end(struct machine *machine)
{
	machine->path = wr_path_free(machine->path);
}

/* --- Tests. --- */

static void test_path_is_relayed_at_once_and_idle_for_ever(void **state)
{
	struct machine machine;

	(void)state;
	setup(&machine);
	give(&machine, 0);
	assert_int_equal(machine.switches, 1);
	assert_at(&machine, RELAY);
	assert_int_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_NOT_TRIED);
	assert_true(wr_is_never(wr_path_deadline(machine.path)));
	assert_int_equal(machine.probes + machine.asks, 0);
	end(&machine);
}

static void test_path_a_handshake_begins_a_round_that_is_asked_for(void **state)
{
	struct machine machine;

	(void)state;
	setup(&machine);
	give(&machine, 0);
	wr_path_handshake(machine.path, at_ms(100));
	settle(&machine, 100);
	assert_int_equal(sight_of(&machine).state, WR_PATH_PROBING);
	assert_int_equal(machine.probes, 2);
	assert_int_equal(machine.asks, 1);
	assert_int_not_equal(machine.pulse.round, 0);
	assert_int_equal(machine.pulse.flags, WR_PULSE_ASKS);
	end(&machine);
}

static void test_path_goes_direct_when_heard_and_confirmed(void **state)
{
	struct machine machine;

	(void)state;
	go_direct(&machine);
	assert_int_equal(sight_of(&machine).kind, WR_CANDIDATE_OBSERVED);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_NONE);
	assert_true(machine.probes <= WR_PATH_PROBES);
	end(&machine);
}

static void test_path_stays_relayed_when_only_heard(void **state)
{
	struct machine machine;

	(void)state;
	setup(&machine);
	give(&machine, 500);
	wr_path_handshake(machine.path, at_ms(1000));
	settle(&machine, 1000);
	for (uint64_t ms = 1020; ms < 3400; ms += 100) {
		play(&machine, ms);
		hear(&machine, OBSERVED, ms);
		answer(&machine, ms + 1, 0, NULL);
	}
	play(&machine, 4000);
	assert_int_equal(machine.switches, 1);
	assert_int_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_ONE_WAY);
	end(&machine);
}

/* What the peer heard before we stopped sending elsewhere may have come by another way. */
static void test_path_an_early_confirmation_does_not_count(void **state)
{
	struct machine machine;

	(void)state;
	setup(&machine);
	give(&machine, 500);
	wr_path_handshake(machine.path, at_ms(1000));
	settle(&machine, 1000);
	hear(&machine, OBSERVED, 1020);
	answer(&machine, 1030, 0, "198.51.100.1:1");
	assert_int_equal(machine.switches, 1);
	end(&machine);
}

static void test_path_probes_are_capped(void **state)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES];
	struct machine machine;

	(void)state;
	setup(&machine);
	for (uint8_t i = 0; i < WR_PATH_CANDIDATES; i++) {
		candidates[i].kind = WR_CANDIDATE_OBSERVED;
		candidates[i].endpoint = endpoint(OBSERVED);
		candidates[i].endpoint.ip.bytes[3] = i;
	}
	wr_path_set_candidates(machine.path, candidates, WR_PATH_CANDIDATES, at_ms(0));
	wr_path_handshake(machine.path, at_ms(0));
	for (uint64_t ms = 0; ms < 2400; ms += 10) {
		settle(&machine, ms);
		wr_path_heard(machine.path, &candidates[ms / 10 % 8].endpoint, at_ms(ms));
	}
	assert_int_equal(sight_of(&machine).rounds, 1);
	assert_in_range(machine.probes, 8, WR_PATH_PROBES);
	end(&machine);
}

static bool is_at_relay(const struct machine *machine)
{
	struct wr_endpoint relay = endpoint(RELAY);

	return wr_endpoint_equal_remote(&machine->last, &relay);
}

static void test_path_tries_again_after_5_30_300_and_3600_seconds(void **state)
{
	static const uint64_t least[] = { 5, 30, 300, 3600, 3600 };
	struct machine machine;
	uint64_t ms = 0;

	(void)state;
	setup(&machine);
	give(&machine, 0);
	wr_path_handshake(machine.path, at_ms(0));
	for (size_t i = 0; i < WR_ARRAY_LEN(least); i++) {
		uint64_t begun = ms;

		while (sight_of(&machine).rounds == i + 1 || ms == 0) {
			ms += 500;
			if (is_at_relay(&machine))
				wr_path_handshake(machine.path, at_ms(ms));
			wr_path_sent(machine.path, at_ms(ms));
			play(&machine, ms);
			settle(&machine, ms);
		}
		/* 2.5 s of a round, up to a tenth more, and what the loop above adds. */
		assert_in_range(ms - begun, least[i] * 1000 + 2000, least[i] * 1100 + 3500);
		assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_SILENT);
	}
	/* A change of the network: soon again. */
	wr_path_moved(machine.path, at_ms(ms + 5000));
	wr_path_sent(machine.path, at_ms(ms + 5000));
	settle(&machine, ms + 5000);
	assert_int_equal(sight_of(&machine).rounds, 7);
	end(&machine);
}

static void test_path_direct_asks_each_second_while_busy_only(void **state)
{
	struct machine machine;
	unsigned before;

	(void)state;
	go_direct(&machine);
	answer(&machine, 1420, WR_PULSE_DIRECT, NULL);
	before = machine.asks;
	for (uint64_t ms = 2000; ms < 12000; ms += 20) {
		unsigned asks = machine.asks;

		wr_path_sent(machine.path, at_ms(ms));
		settle(&machine, ms);
		if (machine.asks != asks)
			answer(&machine, ms + 5, WR_PULSE_DIRECT, NULL);
	}
	/* And those of two rounds that look for something better. */
	assert_in_range(machine.asks - before, 9, 20);
	end(&machine);
}

static void test_path_falls_back_within_three_seconds(void **state)
{
	struct machine machine;
	uint64_t ms = 1420;

	(void)state;
	go_direct(&machine);
	answer(&machine, ms, WR_PULSE_DIRECT, NULL);
	for (; sight_of(&machine).state != WR_PATH_RELAYED; ms += 10) {
		wr_path_sent(machine.path, at_ms(ms));
		play(&machine, ms);
		settle(&machine, ms);
		assert_true(ms < 1420 + 4500);
	}
	assert_in_range(ms - 1420, 1800, 4000);
	assert_at(&machine, RELAY);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_LOST);
	/* The peer is told. */
	assert_true(machine.pulse.flags & WR_PULSE_FELL);
	end(&machine);
}

static void test_path_a_peer_that_fell_takes_us_along(void **state)
{
	struct machine machine;

	(void)state;
	go_direct(&machine);
	answer(&machine, 1500, WR_PULSE_FELL, NULL);
	assert_int_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	assert_at(&machine, RELAY);
	end(&machine);
}

static void test_path_idle_goes_back_to_the_relay_quietly(void **state)
{
	struct machine machine;
	unsigned asks;

	(void)state;
	go_direct(&machine);
	answer(&machine, 1420, WR_PULSE_DIRECT, NULL);
	play(&machine, 15000);
	answer(&machine, 15001, WR_PULSE_DIRECT, NULL);
	asks = machine.asks;
	play(&machine, 60000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	assert_int_equal(machine.asks, asks);
	assert_true(wr_is_never(wr_path_deadline(machine.path)));
	/* And it tries at once with the next data. */
	wr_path_sent(machine.path, at_ms(61000));
	settle(&machine, 61000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_PROBING);
	end(&machine);
}

static void test_path_a_peer_that_moved_is_followed(void **state)
{
	struct machine machine;

	(void)state;
	go_direct(&machine);
	answer(&machine, 1420, WR_PULSE_DIRECT, NULL);
	wr_path_sent(machine.path, at_ms(1900));
	settle(&machine, 1900);
	for (uint64_t ms = 2000; ms < 2400; ms += 100) {
		wr_path_sent(machine.path, at_ms(ms));
		play(&machine, ms);
		hear(&machine, "198.51.100.8:5", ms);
	}
	assert_at(&machine, "198.51.100.8:5");
	assert_int_not_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	end(&machine);
}

static void test_path_policy_keeps_it_relayed(void **state)
{
	const struct wr_path_config config = { .can_probe = true, .jitter_seed = 1 };
	struct machine machine;

	(void)state;
	setup_with(&machine, &config);
	give(&machine, 0);
	wr_path_handshake(machine.path, at_ms(100));
	settle(&machine, 100);
	hear(&machine, OBSERVED, 120);
	wr_path_asked(machine.path, at_ms(2000));
	play(&machine, 5000);
	assert_int_equal(machine.probes, 0);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_POLICY);
	wr_path_set_may_be_direct(machine.path, true, at_ms(6000));
	wr_path_sent(machine.path, at_ms(6000));
	settle(&machine, 6000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_PROBING);
	end(&machine);
}

static void test_path_policy_ends_a_direct_one(void **state)
{
	struct machine machine;

	(void)state;
	go_direct(&machine);
	wr_path_set_may_be_direct(machine.path, false, at_ms(2000));
	settle(&machine, 2000);
	assert_at(&machine, RELAY);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_POLICY);
	end(&machine);
}

static void test_path_a_peer_cannot_make_us_probe_all_the_time(void **state)
{
	struct machine machine;

	(void)state;
	setup(&machine);
	give(&machine, 0);
	wr_path_handshake(machine.path, at_ms(0));
	for (uint64_t ms = 0; ms < 60000; ms += 100) {
		wr_path_asked(machine.path, at_ms(ms));
		settle(&machine, ms);
	}
	/* Six at once, then one each four seconds. */
	assert_in_range(sight_of(&machine).rounds, 15, 21);
	end(&machine);
}

static void test_path_addresses_that_harm_are_not_probed(void **state)
{
	static const char *const bad[] = {
		"127.0.0.1:51820", "0.0.0.0:1",       "224.0.0.1:5353",  "255.255.255.255:9",
		"[::1]:51820",     "[ff02::1]:51820", "[fe80::1]:51820", RELAY,
	};
	struct wr_candidate candidates[WR_ARRAY_LEN(bad)];
	struct machine machine;

	(void)state;
	setup(&machine);
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++)
		candidates[i] = (struct wr_candidate){ WR_CANDIDATE_LOCAL, endpoint(bad[i]) };
	wr_path_set_candidates(machine.path, candidates, WR_ARRAY_LEN(bad), at_ms(0));
	wr_path_handshake(machine.path, at_ms(0));
	play(&machine, 4000);
	assert_int_equal(machine.probes, 0);
	assert_int_equal(sight_of(&machine).reason, WR_PATH_REASON_NO_CANDIDATES);
	end(&machine);
}

/* Without probes the endpoint is there for a moment only, and comes back. */
static void test_path_visits_where_it_cannot_probe(void **state)
{
	const struct wr_path_config config = { .may_be_direct = true, .jitter_seed = 1 };
	struct machine machine;

	(void)state;
	setup_with(&machine, &config);
	give(&machine, 0);
	wr_path_handshake(machine.path, at_ms(0));
	settle(&machine, 0);
	play(&machine, 40);
	/* There and there, and back. */
	assert_int_equal(machine.switches, 1 + 3);
	assert_int_equal(machine.probes, 0);
	assert_at(&machine, RELAY);
	assert_true(machine.pulse.flags & WR_PULSE_FOLLOWS);
	assert_int_equal(sight_of(&machine).probes, 2);
	play(&machine, 5000);
	assert_at(&machine, RELAY);
	end(&machine);
}

static void test_path_names_are_there_and_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WR_CANDIDATE_KINDS; i++) {
		enum wr_candidate_kind kind;

		assert_true(wr_candidate_kind_parse(
			wr_candidate_kind_name((enum wr_candidate_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	for (unsigned i = 1; i < WR_PATH_REASONS; i++)
		assert_true(strlen(wr_path_reason_text((enum wr_path_reason)i)) > 5);
	assert_false(wr_candidate_kind_parse("", &(enum wr_candidate_kind){ 0 }));
}

/* --- In a mesh: paths without a hub. --- */

static void setup_mesh(struct machine *machine, bool can_probe)
{
	const struct wr_path_config config = {
		.may_be_direct = true,
		.can_probe = can_probe,
		.is_first = true,
		.is_mesh = true,
		.jitter_seed = 42,
	};

	setup_with(machine, &config);
}

static void test_path_mesh_goes_where_the_answer_came_from(void **state)
{
	struct wr_endpoint spots[WR_PATH_CANDIDATES], lan = endpoint(LAN),
						      from = endpoint(OBSERVED);
	struct machine machine;

	(void)state;
	setup_mesh(&machine, true);
	give(&machine, 0);
	assert_int_equal(wr_path_spots(machine.path, spots), 2);
	assert_true(wr_endpoint_equal_remote(&spots[0], &lan));
	wr_path_answered(machine.path, &from, at_ms(10));
	wr_path_handshake(machine.path, at_ms(10));
	settle(&machine, 10);
	assert_int_equal(sight_of(&machine).state, WR_PATH_DIRECT);
	assert_at(&machine, OBSERVED);
	/* A handshake is no traffic: no pulses, no probes, no end. */
	play(&machine, 600000);
	assert_int_equal(machine.asks, 0);
	assert_int_equal(machine.probes, 0);
	assert_int_equal(sight_of(&machine).state, WR_PATH_DIRECT);
	/* Its next life is elsewhere. */
	wr_path_answered(machine.path, &lan, at_ms(600000));
	settle(&machine, 600000);
	assert_at(&machine, LAN);
	/* Data are watched over as ever. */
	wr_path_sent(machine.path, at_ms(600010));
	settle(&machine, 600010);
	assert_int_equal(machine.asks, 1);
	wr_path_free(machine.path);
}

static void test_path_mesh_answer_of_a_relay_is_none_of_the_peers(void **state)
{
	struct wr_endpoint relay = endpoint(RELAY);
	struct machine machine;

	(void)state;
	setup_mesh(&machine, true);
	give(&machine, 0);
	wr_path_set_relay(machine.path, &relay, at_ms(5));
	wr_path_answered(machine.path, &relay, at_ms(10));
	settle(&machine, 10);
	assert_int_equal(sight_of(&machine).state, WR_PATH_RELAYED);
	assert_at(&machine, RELAY);
	wr_path_free(machine.path);
}

/* Whose answers were late for once, and whom nobody has anything to say to. */
static void test_path_mesh_is_direct_again_when_answered(void **state)
{
	struct wr_endpoint lan = endpoint(LAN);
	struct machine machine;

	(void)state;
	setup_mesh(&machine, true);
	give(&machine, 0);
	wr_path_answered(machine.path, &lan, at_ms(10));
	wr_path_handshake(machine.path, at_ms(10));
	settle(&machine, 10);
	/* A pulse of somebody's ping, and no answer. */
	wr_path_tell(machine.path, at_ms(1000), &machine.pulse);
	settle(&machine, 1000);
	play(&machine, 12000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_NONE);
	wr_path_tell(machine.path, at_ms(20000), &machine.pulse);
	settle(&machine, 20000);
	answer(&machine, 20010, WR_PULSE_DIRECT, NULL);
	assert_int_equal(sight_of(&machine).state, WR_PATH_DIRECT);
	assert_at(&machine, LAN);
	wr_path_free(machine.path);
}

/* It was cut off, and shakes hands where it was before anybody searches. */
static void test_path_mesh_is_direct_again_by_a_handshake(void **state)
{
	struct wr_endpoint from = endpoint(OBSERVED);
	struct machine machine;

	(void)state;
	setup_mesh(&machine, true);
	give(&machine, 0);
	wr_path_answered(machine.path, &from, at_ms(10));
	wr_path_handshake(machine.path, at_ms(10));
	settle(&machine, 10);
	wr_path_tell(machine.path, at_ms(1000), &machine.pulse);
	settle(&machine, 1000);
	for (uint64_t ms = 1500; ms <= 3000; ms += 500) {
		wr_path_tell(machine.path, at_ms(ms), &machine.pulse);
		settle(&machine, ms);
	}
	play(&machine, 4000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_NONE);
	assert_at(&machine, OBSERVED);
	wr_path_handshake(machine.path, at_ms(200000));
	settle(&machine, 200000);
	assert_int_equal(sight_of(&machine).state, WR_PATH_DIRECT);
	wr_path_sent(machine.path, at_ms(200010));
	settle(&machine, 200010);
	assert_at(&machine, OBSERVED);
	wr_path_free(machine.path);
}

/* Who sends to one address at a time goes from one to the next. */
static void test_path_mesh_steps_quickly_where_it_must(void **state)
{
	struct machine machine;

	(void)state;
	setup_mesh(&machine, false);
	give(&machine, 0);
	assert_at(&machine, LAN);
	wr_path_sent(machine.path, at_ms(100));
	settle(&machine, 100);
	assert_at(&machine, OBSERVED);
	assert_true(sight_of(&machine).is_searching);
	play(&machine, 500);
	assert_at(&machine, LAN);
	play(&machine, 900);
	assert_at(&machine, OBSERVED);
	wr_path_handshake(machine.path, at_ms(950));
	settle(&machine, 950);
	assert_int_equal(sight_of(&machine).state, WR_PATH_DIRECT);
	assert_at(&machine, OBSERVED);
	wr_path_free(machine.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_is_relayed_at_once_and_idle_for_ever),
		cmocka_unit_test(test_path_a_handshake_begins_a_round_that_is_asked_for),
		cmocka_unit_test(test_path_goes_direct_when_heard_and_confirmed),
		cmocka_unit_test(test_path_stays_relayed_when_only_heard),
		cmocka_unit_test(test_path_an_early_confirmation_does_not_count),
		cmocka_unit_test(test_path_probes_are_capped),
		cmocka_unit_test(test_path_tries_again_after_5_30_300_and_3600_seconds),
		cmocka_unit_test(test_path_direct_asks_each_second_while_busy_only),
		cmocka_unit_test(test_path_falls_back_within_three_seconds),
		cmocka_unit_test(test_path_a_peer_that_fell_takes_us_along),
		cmocka_unit_test(test_path_idle_goes_back_to_the_relay_quietly),
		cmocka_unit_test(test_path_a_peer_that_moved_is_followed),
		cmocka_unit_test(test_path_policy_keeps_it_relayed),
		cmocka_unit_test(test_path_policy_ends_a_direct_one),
		cmocka_unit_test(test_path_a_peer_cannot_make_us_probe_all_the_time),
		cmocka_unit_test(test_path_addresses_that_harm_are_not_probed),
		cmocka_unit_test(test_path_visits_where_it_cannot_probe),
		cmocka_unit_test(test_path_names_are_there_and_back),
		cmocka_unit_test(test_path_mesh_goes_where_the_answer_came_from),
		cmocka_unit_test(test_path_mesh_answer_of_a_relay_is_none_of_the_peers),
		cmocka_unit_test(test_path_mesh_is_direct_again_when_answered),
		cmocka_unit_test(test_path_mesh_is_direct_again_by_a_handshake),
		cmocka_unit_test(test_path_mesh_steps_quickly_where_it_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
