#include <errno.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "server/addresses.h"
#include "server/schema.h"
#include "unit.h"

/* --- A database with one organisation. --- */

#define ORG 1
#define NOW INT64_C(1700000000)

struct store {
	char folder[64], path[80];
	struct wr_db *db;
	struct wr_range range;
	uint64_t added;
};

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix = { 0 };

	if (text)
		assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip = { 0 };

	if (text)
		assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static void store_open(struct store *store, const char *range4, const char *range6)
{
	*store = (struct store){ .range = { prefix_of(range4), prefix_of(range6) } };
	strcpy(store->folder, "/tmp/warren-test-XXXXXX");
	assert_non_null(mkdtemp(store->folder));
	snprintf(store->path, sizeof(store->path), "%s/db", store->folder);
	assert_int_equal(wr_db_open(store->path, &store->db), 0);
	assert_int_equal(wr_db_migrate(store->db, wr_schema, wr_schema_len), 0);
	assert_int_equal(WR_DB_RUN(store->db,
				   "INSERT INTO organisation (id, uid, name, label, range4, range6,"
				   " hub_public, hub_key, machine_quota, created)"
				   " VALUES (?, 'o', 'o', 'o', ?, ?, x'00', x'00', 100000, 0)",
				   WR_I(ORG), WR_T(range4), WR_T(range6)),
			 0);
	assert_int_equal(wr_db_run(store->db, "BEGIN", 0, NULL), 0);
}

static void store_close(struct store *store)
{
	char path[100];

	wr_db_close(store->db);
	unlink(store->path);
	snprintf(path, sizeof(path), "%s-wal", store->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", store->path);
	unlink(path);
	rmdir(store->folder);
}

static int choose(struct store *store, int64_t now, const char *asked4, const char *asked6,
		  struct wr_addresses *ret_addresses)
{
	*ret_addresses = (struct wr_addresses){ ip_of(asked4), ip_of(asked6) };
	return wr_addresses_choose(store->db, ORG, &store->range, now, ret_addresses);
}

static void insert(struct store *store, const struct wr_addresses *addresses)
{
	char uid[24];
	uint64_t number = ++store->added;

	snprintf(uid, sizeof(uid), "m%llu", (unsigned long long)number);
	assert_int_equal(WR_DB_RUN(store->db,
				   "INSERT INTO machine (id, uid, organisation, name, label,"
				   " public_key, address4, address6, created, creator)"
				   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
				   WR_I(number), WR_T(uid), WR_I(ORG), WR_T(uid), WR_T(uid),
				   WR_B(&number, sizeof(number)), wr_address_value(&addresses->v4),
				   wr_address_value(&addresses->v6)),
			 0);
}

static void add(struct store *store, int64_t now, const char *asked4, const char *asked6,
		struct wr_addresses *ret_addresses)
{
	assert_int_equal(choose(store, now, asked4, asked6, ret_addresses), 0);
	insert(store, ret_addresses);
}

static void remove_machine(struct store *store, const struct wr_addresses *addresses, int64_t now)
{
	assert_int_equal(
		WR_DB_RUN(store->db, "DELETE FROM machine WHERE address4 IS ? AND address6 IS ?",
			  wr_address_value(&addresses->v4), wr_address_value(&addresses->v6)),
		0);
	assert_int_equal(wr_db_changes(store->db), 1);
	assert_int_equal(wr_addresses_release(store->db, ORG, addresses, now), 0);
}

static void check_added(struct store *store, int64_t now, const char *asked4, const char *asked6,
			const char *wanted4, const char *wanted6)
{
	struct wr_addresses addresses;
	struct wr_ip v4 = ip_of(wanted4), v6 = ip_of(wanted6);

	add(store, now, asked4, asked6, &addresses);
	assert_true(wr_ip_equal(&addresses.v4, &v4));
	assert_true(wr_ip_equal(&addresses.v6, &v6));
}

static void check_refused(struct store *store, const char *asked4, const char *asked6, int error)
{
	struct wr_addresses addresses;

	assert_int_equal(choose(store, NOW, asked4, asked6, &addresses), error);
}

/* --- The rules. --- */

static void test_addresses_begin_behind_the_hub_with_one_number_for_both(void **state)
{
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	check_added(&store, NOW, NULL, NULL, "10.100.0.2", "fd00:1::2");
	check_added(&store, NOW, NULL, NULL, "10.100.0.3", "fd00:1::3");
	store_close(&store);
}

static void test_addresses_may_be_of_one_family(void **state)
{
	struct store store;

	(void)state;
	store_open(&store, NULL, "fd00:1::/64");
	check_added(&store, NOW, NULL, NULL, NULL, "fd00:1::2");
	check_added(&store, NOW, NULL, "fd00:1::3", NULL, "fd00:1::3");
	check_added(&store, NOW, NULL, NULL, NULL, "fd00:1::4");
	check_refused(&store, "10.100.0.5", NULL, -EADDRNOTAVAIL);
	store_close(&store);
}

static void test_addresses_go_past_those_that_were_asked_for(void **state)
{
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	check_added(&store, NOW, "10.100.0.3", NULL, "10.100.0.3", "fd00:1::3");
	check_added(&store, NOW, NULL, "fd00:1::4", "10.100.0.4", "fd00:1::4");
	check_added(&store, NOW, "10.100.0.9", "fd00:1::5", "10.100.0.9", "fd00:1::5");
	check_added(&store, NOW, NULL, NULL, "10.100.0.2", "fd00:1::2");
	/* 5 is free in IPv4 only. */
	check_added(&store, NOW, NULL, NULL, "10.100.0.6", "fd00:1::6");
	check_added(&store, NOW, NULL, "fd00:1:0:0:ffff::1", "10.100.0.5", "fd00:1:0:0:ffff::1");
	store_close(&store);
}

static void test_addresses_refuse_what_is_not_for_machines(void **state)
{
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	check_refused(&store, "10.100.0.0", NULL, -EADDRNOTAVAIL);
	check_refused(&store, "10.100.0.1", NULL, -EADDRNOTAVAIL);
	check_refused(&store, "10.100.255.255", NULL, -EADDRNOTAVAIL);
	check_refused(&store, "10.101.0.2", NULL, -EADDRNOTAVAIL);
	check_refused(&store, NULL, "fd00:1::", -EADDRNOTAVAIL);
	check_refused(&store, NULL, "fd00:1::1", -EADDRNOTAVAIL);
	check_refused(&store, NULL, "fd00:1:0:1::2", -EADDRNOTAVAIL);
	check_added(&store, NOW, "10.100.255.254", "fd00:1::ffff:ffff:ffff:ffff", "10.100.255.254",
		    "fd00:1::ffff:ffff:ffff:ffff");
	check_refused(&store, "10.100.255.254", NULL, -EADDRINUSE);
	check_refused(&store, NULL, "fd00:1::ffff:ffff:ffff:ffff", -EADDRINUSE);
	store_close(&store);
}

static void test_addresses_rest_for_a_day(void **state)
{
	struct wr_addresses first;
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	add(&store, NOW, NULL, NULL, &first);
	remove_machine(&store, &first, NOW);
	check_added(&store, NOW, NULL, NULL, "10.100.0.3", "fd00:1::3");
	check_added(&store, NOW + 86399, NULL, NULL, "10.100.0.4", "fd00:1::4");
	check_added(&store, NOW + 86400, NULL, NULL, "10.100.0.2", "fd00:1::2");
	check_added(&store, NOW + 86400, NULL, NULL, "10.100.0.5", "fd00:1::5");
	store_close(&store);
}

static void test_addresses_end_their_rest_when_they_are_asked_for(void **state)
{
	struct wr_addresses first;
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	add(&store, NOW, NULL, NULL, &first);
	remove_machine(&store, &first, NOW);
	/* Only the one that was asked for. */
	check_added(&store, NOW, "10.100.0.2", NULL, "10.100.0.2", "fd00:1::3");
	store_close(&store);
}

static void test_addresses_do_not_rest_in_a_full_range(void **state)
{
	struct wr_addresses first, second, third;
	struct store store;

	(void)state;
	store_open(&store, "10.0.0.0/29", "fd00:1::/64");
	add(&store, NOW, NULL, NULL, &first);
	add(&store, NOW, NULL, NULL, &second);
	add(&store, NOW, NULL, NULL, &third);
	remove_machine(&store, &second, NOW);
	remove_machine(&store, &first, NOW + 1);
	check_added(&store, NOW + 2, NULL, NULL, "10.0.0.5", "fd00:1::5");
	check_added(&store, NOW + 2, NULL, NULL, "10.0.0.6", "fd00:1::6");
	/* The one that rested longest. */
	check_added(&store, NOW + 2, NULL, NULL, "10.0.0.3", "fd00:1::3");
	check_added(&store, NOW + 2, NULL, NULL, "10.0.0.2", "fd00:1::2");
	check_refused(&store, NULL, NULL, -EXFULL);
	store_close(&store);
}

static void test_addresses_are_given_back_by_what_is_undone(void **state)
{
	struct wr_addresses gone;
	struct store store;

	(void)state;
	store_open(&store, "10.100.0.0/16", NULL);
	assert_int_equal(wr_db_run(store.db, "SAVEPOINT one", 0, NULL), 0);
	add(&store, NOW, NULL, NULL, &gone);
	assert_int_equal(wr_db_run(store.db, "ROLLBACK TO one", 0, NULL), 0);
	check_added(&store, NOW, NULL, NULL, "10.100.0.2", NULL);
	store_close(&store);
}

/* --- Against a naive twin: small ranges, random steps. --- */

#define HOSTS 32

struct twin {
	bool is_used[2][HOSTS];
	int64_t until[2][HOSTS]; /* 0: not resting */
};

static bool is_free(const struct twin *twin, int family, size_t host, int64_t now)
{
	return !twin->is_used[family][host] && twin->until[family][host] <= now;
}

/* The lowest that is free in both; IPv4 ends before the broadcast address. */
static size_t lowest(const struct twin *twin, int64_t now)
{
	for (size_t host = 2; host < HOSTS - 1; host++) {
		if (is_free(twin, 0, host, now) && is_free(twin, 1, host, now))
			return host;
	}
	return 0;
}

static void twin_take(struct twin *twin, const struct store *store,
		      const struct wr_addresses *addresses)
{
	uint64_t host4 = wr_address_host(&store->range.v4, &addresses->v4);
	uint64_t host6 = wr_address_host(&store->range.v6, &addresses->v6);

	assert_true(host4 < HOSTS && host6 < HOSTS);
	assert_false(twin->is_used[0][host4]);
	assert_false(twin->is_used[1][host6]);
	twin->is_used[0][host4] = twin->is_used[1][host6] = true;
	twin->until[0][host4] = twin->until[1][host6] = 0;
}

static void twin_release(struct twin *twin, const struct store *store,
			 const struct wr_addresses *addresses, int64_t now)
{
	uint64_t hosts[] = { wr_address_host(&store->range.v4, &addresses->v4),
			     wr_address_host(&store->range.v6, &addresses->v6) };

	for (int family = 0; family < 2; family++) {
		twin->is_used[family][hosts[family]] = false;
		twin->until[family][hosts[family]] = now + WR_ADDRESS_REST;
	}
}

/* Once the range was full, rests may have ended early: the twin learns of it. */
static void twin_wake(struct twin *twin, const struct store *store)
{
	for (int family = 0; family < 2; family++) {
		const struct wr_prefix *range = family ? &store->range.v6 : &store->range.v4;

		for (size_t host = 0; host < HOSTS; host++) {
			struct wr_ip ip = wr_address_at(range, host);
			struct wr_row *row = NULL;

			if (WR_DB_ONE(store->db, &row, "SELECT 1 FROM grave WHERE address = ?",
				      wr_address_value(&ip)) > 0)
				wr_row_end(row);
			else
				twin->until[family][host] = 0;
		}
	}
}

struct machines {
	struct wr_addresses items[HOSTS];
	size_t count;
};

static void random_add(struct unit_random *random, struct store *store, struct twin *twin,
		       struct machines *machines, int64_t now)
{
	char asked[32];
	bool is_asked = !unit_random_below(random, 5);
	size_t host = unit_random_below(random, HOSTS), wanted = lowest(twin, now);
	struct wr_addresses addresses;
	int error;

	snprintf(asked, sizeof(asked), "10.0.0.%zu", host);
	error = choose(store, now, is_asked ? asked : NULL, NULL, &addresses);
	if (error) {
		/* Not for machines, another's, or none is left. */
		assert_true(is_asked ? host < 2 || host > HOSTS - 2 || twin->is_used[0][host] ||
					       error == -EXFULL
				     : error == -EXFULL && !wanted);
		return;
	}
	if (!is_asked && wanted)
		assert_int_equal(wr_address_host(&store->range.v4, &addresses.v4), wanted);
	if (is_asked)
		assert_int_equal(wr_address_host(&store->range.v4, &addresses.v4), host);
	insert(store, &addresses);
	twin_wake(twin, store);
	twin_take(twin, store, &addresses);
	machines->items[machines->count++] = addresses;
}

static void random_remove(struct unit_random *random, struct store *store, struct twin *twin,
			  struct machines *machines, int64_t now)
{
	size_t at = unit_random_below(random, machines->count);

	remove_machine(store, &machines->items[at], now);
	twin_release(twin, store, &machines->items[at], now);
	machines->items[at] = machines->items[--machines->count];
}

static void test_addresses_are_the_lowest_that_are_free(void **state)
{
	struct unit_random random = unit_random_start("addresses");
	struct machines machines = { .count = 0 };
	struct twin twin = { 0 };
	struct store store;
	int64_t now = NOW;

	(void)state;
	store_open(&store, "10.0.0.0/27", "fd00:1::/123");
	for (unsigned i = 0; i < 5000; i++) {
		if (machines.count && unit_random_below(&random, 5) < 2)
			random_remove(&random, &store, &twin, &machines, now);
		else
			random_add(&random, &store, &twin, &machines, now);
		now += (int64_t)unit_random_below(&random, 20000);
	}
	store_close(&store);
}

/* --- Many. --- */

static void test_addresses_are_quick_with_many_machines(void **state)
{
	enum {
		MANY = 10000
	};
	struct wr_addresses addresses;
	struct wr_instant start = wr_clock_now();
	struct store store;
	double ms;

	(void)state;
	store_open(&store, "10.100.0.0/16", "fd00:1::/64");
	for (unsigned i = 0; i < MANY; i++)
		add(&store, NOW, NULL, NULL, &addresses);
	assert_int_equal(wr_address_host(&store.range.v4, &addresses.v4), MANY + 1);
	ms = (double)(wr_clock_now().ns - start.ns) / 1e6;
	print_message("%d machines in %.0f ms\n", MANY, ms);
	/* A scan of the others for each would take a minute. */
	assert_true(ms < 20000);
	store_close(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_begin_behind_the_hub_with_one_number_for_both),
		cmocka_unit_test(test_addresses_may_be_of_one_family),
		cmocka_unit_test(test_addresses_go_past_those_that_were_asked_for),
		cmocka_unit_test(test_addresses_refuse_what_is_not_for_machines),
		cmocka_unit_test(test_addresses_rest_for_a_day),
		cmocka_unit_test(test_addresses_end_their_rest_when_they_are_asked_for),
		cmocka_unit_test(test_addresses_do_not_rest_in_a_full_range),
		cmocka_unit_test(test_addresses_are_given_back_by_what_is_undone),
		cmocka_unit_test(test_addresses_are_the_lowest_that_are_free),
		cmocka_unit_test(test_addresses_are_quick_with_many_machines),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
