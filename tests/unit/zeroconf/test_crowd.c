#include "unit.h"
#include "zeroconf/crowd.h"

#define PLACES 64

static struct wr_ip ip(const char *text)
{
	struct wr_ip ip = { 0 };

	if (*text)
		assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static struct wr_crowd_guest guest(const char *from, bool has_shaken, uint64_t since)
{
	return (struct wr_crowd_guest){ ip(from), has_shaken, { since } };
}

static int yield_of(const struct wr_crowd_guest *guests, size_t count, const char *from)
{
	struct wr_ip newcomer = ip(from);

	return wr_crowd_yield(guests, count, &newcomer);
}

static void test_crowd_who_gives_way(void **state)
{
	const struct {
		const char *name;
		struct wr_crowd_guest guests[4];
		const char *from;
		int yields;
	} cases[] = {
		{ "the longest unheard",
		  { guest("10.0.0.1", false, 30), guest("10.0.0.2", false, 10),
		    guest("10.0.0.3", false, 20), guest("10.0.0.4", false, 40) },
		  "10.0.0.9",
		  1 },
		{ "of the source that has most",
		  { guest("10.0.0.1", false, 1), guest("10.0.0.2", false, 30),
		    guest("10.0.0.2", false, 20), guest("10.0.0.3", false, 2) },
		  "10.0.0.9",
		  2 },
		{ "that source is the newcomer's own",
		  { guest("10.0.0.1", false, 1), guest("10.0.0.2", false, 30),
		    guest("10.0.0.2", false, 20), guest("10.0.0.3", false, 2) },
		  "10.0.0.2",
		  2 },
		{ "who has shaken hands stays, if another is there",
		  { guest("10.0.0.1", true, 1), guest("10.0.0.2", true, 2),
		    guest("10.0.0.3", true, 3), guest("10.0.0.4", false, 9) },
		  "10.0.0.9",
		  3 },
		{ "who has shaken hands gives way to one of another source",
		  { guest("10.0.0.1", true, 1), guest("10.0.0.2", true, 3),
		    guest("10.0.0.2", true, 2), guest("10.0.0.4", true, 9) },
		  "10.0.0.9",
		  2 },
		{ "but not to one of its own",
		  { guest("10.0.0.2", true, 1), guest("10.0.0.2", true, 3),
		    guest("10.0.0.2", true, 2), guest("10.0.0.2", true, 9) },
		  "10.0.0.2",
		  -1 },
		{ "whom we called stays",
		  { guest("", false, 1), guest("", false, 2), guest("", false, 3),
		    guest("", true, 4) },
		  "10.0.0.9",
		  -1 },
		{ "whom we call comes in",
		  { guest("", false, 1), guest("10.0.0.2", true, 2), guest("", false, 3),
		    guest("", true, 4) },
		  "",
		  1 },
		{ "a /64 is one source",
		  { guest("2001:db8::1", false, 5), guest("2001:db8::2", false, 4),
		    guest("2001:db8:0:1::1", false, 1), guest("10.0.0.1", false, 2) },
		  "10.0.0.9",
		  1 },
		{ "link-local addresses are of many hosts",
		  { guest("fe80::1", false, 5), guest("fe80::2", false, 4),
		    guest("10.0.0.2", false, 9), guest("10.0.0.2", false, 8) },
		  "10.0.0.9",
		  3 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		int yields = yield_of(cases[i].guests, 4, cases[i].from);

		if (yields != cases[i].yields)
			fail_msg("%s: %d, not %d", cases[i].name, yields, cases[i].yields);
	}
}

/* One address knocks with as many identities as it likes, and has shaken hands with all of them:
 * each honest one that knocks once stays while the flood goes on. */
static void test_crowd_a_flood_of_one_source_keeps_out_nobody(void **state)
{
	struct wr_crowd_guest guests[PLACES];
	unsigned honest = 0;

	(void)state;
	for (size_t i = 0; i < PLACES; i++)
		guests[i] = guest("192.0.2.66", true, i);
	for (unsigned round = 0; round < 1000; round++) {
		char address[16];
		int place;

		snprintf(address, sizeof(address), "10.0.0.%u", 1 + round / 50);
		if (round % 50 == 0) {
			place = yield_of(guests, PLACES, address);
			assert_true(place >= 0);
			guests[place] = guest(address, false, PLACES + round);
		}
		place = yield_of(guests, PLACES, "192.0.2.66");
		if (place >= 0)
			guests[place] = guest("192.0.2.66", false, PLACES + round);
	}
	for (size_t i = 0; i < PLACES; i++)
		honest += guests[i].from.bytes[0] == 10;
	assert_int_equal(honest, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowd_who_gives_way),
		cmocka_unit_test(test_crowd_a_flood_of_one_source_keeps_out_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
