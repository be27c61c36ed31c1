/* The database of an older program: brought up to date, with all that was in it. */
#include "server/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/connection.h"
#include "store/db.h"
#include "unit.h"

struct lab {
	char folder[32], path[64];
	struct wr_db *db;
};

static void run(struct lab *lab, const char *sql)
{
	if (wr_db_run(lab->db, sql, 0, NULL) != 0)
		fail_msg("%s: %s", sql, wr_db_error(lab->db));
}

static int64_t number(struct lab *lab, const char *sql)
{
	int64_t value;

	assert_int_equal(wr_db_number(lab->db, sql, &value), 0);
	return value;
}

static void open_lab(struct lab *lab)
{
	strcpy(lab->folder, "/tmp/warren-schema-XXXXXX");
	assert_non_null(mkdtemp(lab->folder));
	snprintf(lab->path, sizeof(lab->path), "%s/warren.db", lab->folder);
	assert_int_equal(wr_db_open(lab->path, &lab->db), 0);
}

static void close_lab(struct lab *lab)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".before-v2" };
	char path[96];

	wr_db_close(lab->db);
	for (size_t i = 0; i < WR_ARRAY_LEN(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", lab->path, ends[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(lab->folder), 0);
}

/* As version 1 wrote it. */
static void fill_first(struct lab *lab)
{
	assert_int_equal(wr_db_migrate(lab->db, wr_schema, 1), 0);
	run(lab, "INSERT INTO organisation (id, uid, name, label, range4, hub_public, hub_key,"
		 " machine_quota, policy, created) VALUES (7, 'o7', 'Acme', 'acme',"
		 " '10.100.0.0/16', x'aa', x'bb', 100, 3, 1000)");
	run(lab, "INSERT INTO machine (id, uid, organisation, name, label, public_key, address4,"
		 " created, creator, rx_bytes) VALUES (1, 'm1', 7, 'Web 1', 'web-1', x'01',"
		 " x'0a640002', 1000, 'local', 12), (2, 'm2', 7, 'Db', 'db', x'02', x'0a640003',"
		 " 1001, 'local', 0)");
	run(lab, "INSERT INTO machine_tag VALUES (1, 'web'), (1, 'eu'), (2, 'db')");
	run(lab, "INSERT INTO machine_route VALUES (1, '192.168.1.0/24', 7),"
		 " (2, '192.168.2.0/24', 7)");
	run(lab, "INSERT INTO policy VALUES (7, 3, 'default deny', NULL, 'local', 1000)");
}

static void test_schema_of_version_1_is_migrated_with_its_rows(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab);
	fill_first(&lab);
	assert_int_equal(wr_db_migrate(lab.db, wr_schema, wr_schema_len), 0);
	assert_int_equal(number(&lab, "PRAGMA user_version"), wr_schema_len);
	assert_int_equal(wr_db_check(lab.db), 0);
	assert_int_equal(number(&lab, "SELECT count(*) FROM machine WHERE NOT is_agent AND NOT"
				      " is_pending AND token IS NULL AND ephemeral = 0"),
			 2);
	assert_int_equal(number(&lab, "SELECT rx_bytes FROM machine WHERE label = 'web-1'"), 12);
	assert_int_equal(number(&lab, "SELECT count(*) FROM machine_tag"), 3);
	/* What was a route is one still, and traffic goes there. */
	assert_int_equal(number(&lab, "SELECT count(*) FROM machine_route WHERE is_active"
				      " AND is_offered AND is_set AND state = 'approved'"),
			 2);
	assert_int_equal(number(&lab, "SELECT policy FROM organisation"), 3);
	assert_int_equal(number(&lab, "SELECT count(*) FROM meta WHERE key = 'epoch'"
				      " AND length(value) = 21"),
			 1);
	close_lab(&lab);
}

static void test_schema_makes_each_database_an_epoch_of_its_own(void **state)
{
	struct lab a, b;
	char sql[160];

	(void)state;
	open_lab(&a);
	open_lab(&b);
	assert_int_equal(wr_db_migrate(a.db, wr_schema, wr_schema_len), 0);
	assert_int_equal(wr_db_migrate(b.db, wr_schema, wr_schema_len), 0);
	snprintf(sql, sizeof(sql), "ATTACH '%s' AS other", b.path);
	run(&a, sql);
	assert_int_equal(number(&a,
				"SELECT count(*) FROM main.meta m JOIN other.meta o USING (value)"
				" WHERE m.key = 'epoch'"),
			 0);
	close_lab(&a);
	close_lab(&b);
}

/* --- The generation. --- */

static void assert_grows(struct lab *lab, bool does, const char *sql)
{
	int64_t before = number(lab, "SELECT generation FROM organisation"), after;

	run(lab, sql);
	after = number(lab, "SELECT generation FROM organisation");
	if ((after > before) != does)
		fail_msg("%s: %lld, then %lld", sql, (long long)before, (long long)after);
}

static void test_schema_generation_grows_with_what_maps_show(void **state)
{
	static const struct {
		bool does;
		const char *sql;
	} cases[] = {
		{ true, "UPDATE machine SET label = 'www' WHERE id = 1" },
		{ true, "UPDATE machine SET public_key = x'05' WHERE id = 1" },
		{ true, "UPDATE machine SET is_disabled = 1 WHERE id = 2" },
		{ true, "UPDATE machine SET expires = 5 WHERE id = 2" },
		{ true, "UPDATE machine SET is_pending = 1 WHERE id = 2" },
		{ true, "INSERT INTO machine_tag VALUES (2, 'x')" },
		{ true, "DELETE FROM machine_tag WHERE tag = 'x'" },
		{ true, "UPDATE machine_route SET is_active = 0 WHERE machine = 1" },
		{ true, "DELETE FROM machine_route WHERE machine = 1" },
		{ true, "INSERT INTO dns_record (uid, organisation, name, address, created,"
			" creator) VALUES ('d', 7, 'git', x'0a640009', 1, 'local')" },
		{ true, "DELETE FROM dns_record" },
		{ true, "UPDATE organisation SET policy = 4" },
		{ true, "UPDATE organisation SET is_disabled = 1" },
		{ true, "DELETE FROM machine WHERE id = 1" },
		/* What is seen, and what nobody is told. */
		{ false,
		  "UPDATE machine SET last_seen = 9, endpoint = '192.0.2.1:1', rx_bytes = 7" },
		{ false, "UPDATE machine SET agent_seen = 9, agent_version = '2'" },
		{ false, "UPDATE organisation SET machine_quota = 9, next_host = 4" },
	};
	struct lab lab;

	(void)state;
	open_lab(&lab);
	fill_first(&lab);
	assert_int_equal(wr_db_migrate(lab.db, wr_schema, wr_schema_len), 0);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		assert_grows(&lab, cases[i].does, cases[i].sql);
	close_lab(&lab);
}

static void test_schema_has_one_active_router_a_prefix(void **state)
{
	struct lab lab;

	(void)state;
	open_lab(&lab);
	fill_first(&lab);
	assert_int_equal(wr_db_migrate(lab.db, wr_schema, wr_schema_len), 0);
	run(&lab, "INSERT INTO machine_route (machine, prefix, organisation, is_active)"
		  " VALUES (2, '192.168.1.0/24', 7, 0)");
	assert_int_equal(wr_db_run(lab.db, "UPDATE machine_route SET is_active = 1", 0, NULL),
			 -EEXIST);
	close_lab(&lab);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_of_version_1_is_migrated_with_its_rows),
		cmocka_unit_test(test_schema_makes_each_database_an_epoch_of_its_own),
		cmocka_unit_test(test_schema_generation_grows_with_what_maps_show),
		cmocka_unit_test(test_schema_has_one_active_router_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
