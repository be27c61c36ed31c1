#include "wire/pulse.h"

#include "unit.h"

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint endpoint = { 0 };

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

/* docs/agents.md, "Pulses", byte for byte. */
static const uint8_t known[] = {
	/* version, flags, candidates, heard */
	1,
	3,
	2,
	1,
	/* instance, echoed instance, sequence, round, received, received before, held */
	0,
	0,
	0,
	7,
	0,
	0,
	0,
	8,
	0,
	0,
	1,
	2,
	0,
	0,
	0,
	3,
	0,
	0,
	1,
	1,
	0xff,
	0xff,
	0xff,
	0xfe,
	0,
	0,
	0x27,
	0x10,
	/* time, echo */
	0,
	0,
	0,
	1,
	0,
	0,
	0,
	2,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	5,
	/* candidates */
	0,
	4,
	192,
	168,
	1,
	5,
	0xca,
	0x6c,
	1,
	6,
	0x20,
	0x01,
	0x0d,
	0xb8,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	1,
	0xca,
	0x6c,
	/* heard */
	4,
	198,
	51,
	100,
	7,
	0x9c,
	0xbb,
	0,
	0,
	0,
	12,
};

static struct wr_pulse known_pulse(void)
{
	return (struct wr_pulse){
		.flags = WR_PULSE_ASKS | WR_PULSE_DIRECT,
		.instance = 7,
		.echo_instance = 8,
		.sequence = 0x102,
		.round = 3,
		.received = 0x101,
		.received_bits = 0xfffffffe,
		.held_us = 10000,
		.time_us = 0x100000002,
		.echo_us = 5,
		.candidate_count = 2,
		.candidates = { { 0, endpoint("192.168.1.5:51820") },
				{ 1, endpoint("[2001:db8::1]:51820") } },
		.heard_count = 1,
		.heard = { { endpoint("198.51.100.7:40123"), 12 } },
	};
}

static void test_pulse_is_written_as_documented(void **state)
{
	struct wr_pulse pulse = known_pulse();
	uint8_t data[WR_PULSE_MAX_LEN];

	(void)state;
	assert_int_equal(wr_pulse_write(&pulse, data), sizeof(known));
	assert_memory_equal(data, known, sizeof(known));
}

static void test_pulse_is_read_as_documented(void **state)
{
	struct wr_pulse wanted = known_pulse(), pulse;

	(void)state;
	assert_true(wr_pulse_read((struct wr_bytes){ known, sizeof(known) }, &pulse));
	assert_int_equal(pulse.flags, wanted.flags);
	assert_int_equal(pulse.instance, 7);
	assert_int_equal(pulse.echo_instance, 8);
	assert_int_equal(pulse.sequence, wanted.sequence);
	assert_int_equal(pulse.round, 3);
	assert_int_equal(pulse.received, wanted.received);
	assert_int_equal(pulse.received_bits, wanted.received_bits);
	assert_int_equal(pulse.held_us, 10000);
	assert_int_equal(pulse.time_us, wanted.time_us);
	assert_int_equal(pulse.echo_us, 5);
	assert_int_equal(pulse.candidate_count, 2);
	assert_int_equal(pulse.candidates[1].kind, 1);
	for (size_t i = 0; i < 2; i++)
		assert_true(wr_endpoint_equal_remote(&pulse.candidates[i].endpoint,
						     &wanted.candidates[i].endpoint));
	assert_int_equal(pulse.heard_count, 1);
	assert_true(wr_endpoint_equal_remote(&pulse.heard[0].endpoint, &wanted.heard[0].endpoint));
	assert_int_equal(pulse.heard[0].age_ms, 12);
}

static void test_pulse_is_refused_when_cut_or_longer(void **state)
{
	uint8_t longer[sizeof(known) + 1] = { 0 };
	struct wr_pulse pulse;

	(void)state;
	for (size_t len = 0; len < sizeof(known); len++)
		assert_false(wr_pulse_read((struct wr_bytes){ known, len }, &pulse));
	memcpy(longer, known, sizeof(known));
	assert_false(wr_pulse_read((struct wr_bytes){ longer, sizeof(longer) }, &pulse));
}

static void test_pulse_is_refused_when_odd(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t byte;
	} cases[] = {
		{ "another version", 0, 2 },
		{ "an unknown flag", 1, 16 },
		{ "too many candidates", 2, WR_PULSE_CANDIDATES + 1 },
		{ "too many places", 3, WR_PULSE_HEARD + 1 },
		{ "no instance", 7, 0 },
		{ "an unknown kind", 48, WR_PULSE_KINDS },
		{ "an unknown family", 49, 5 },
		{ "the other family", 49, 6 },
	};
	uint8_t data[sizeof(known)];
	struct wr_pulse pulse;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		memcpy(data, known, sizeof(known));
		assert_int_not_equal(data[cases[i].at], cases[i].byte);
		data[cases[i].at] = cases[i].byte;
		if (wr_pulse_read((struct wr_bytes){ data, sizeof(data) }, &pulse))
			fail_msg("%s was read", cases[i].name);
	}
}

static void test_pulse_fits_in_its_limit_when_full(void **state)
{
	struct wr_pulse pulse = known_pulse();
	uint8_t data[WR_PULSE_MAX_LEN];

	(void)state;
	pulse.candidate_count = WR_PULSE_CANDIDATES;
	pulse.heard_count = WR_PULSE_HEARD;
	for (size_t i = 0; i < WR_PULSE_CANDIDATES; i++)
		pulse.candidates[i].endpoint = endpoint("[2001:db8::1]:51820");
	for (size_t i = 0; i < WR_PULSE_HEARD; i++)
		pulse.heard[i].endpoint = endpoint("[2001:db8::1]:51820");
	assert_int_equal(wr_pulse_write(&pulse, data), 48 + 8 * 20 + 4 * 23);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pulse_is_written_as_documented),
		cmocka_unit_test(test_pulse_is_read_as_documented),
		cmocka_unit_test(test_pulse_is_refused_when_cut_or_longer),
		cmocka_unit_test(test_pulse_is_refused_when_odd),
		cmocka_unit_test(test_pulse_fits_in_its_limit_when_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
