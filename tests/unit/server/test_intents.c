/* What the hub holds is what the database says: at the start, when a machine's time is over,
 * and when another program changed the database. A real hub, a real ledger. */
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "hub/state.h"
#include "linux/clock.h"
#include "machine_calls.h"
#include "server/intents.h"
#include "wg/port.h"

struct scene {
	struct calls calls;
	uv_loop_t loop;
	bool is_done;
};

static void set_done(void *context)
{
	((struct scene *)context)->is_done = true;
}

static void run_until_done(struct scene *scene)
{
	while (!scene->is_done)
		assert_true(uv_run(&scene->loop, UV_RUN_ONCE) || scene->is_done);
	scene->is_done = false;
}

/* The hub opens, and is told what the database holds. Returns how long that took. */
static double start_hub(struct scene *scene)
{
	struct wr_hub_config config = {
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.dns_suffix = "warren",
	};
	struct wr_server *server = &scene->calls.server;
	struct wr_instant start;
	double ms;

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	server->loop = &scene->loop;
	assert_int_equal(wr_hub_open(&scene->loop, &config, &server->hub), 0);
	server->intents = wr_intents_free(server->intents);
	start = wr_clock_now();
	assert_int_equal(wr_intents_load(server), 0);
	wr_hub_settle(server->hub, set_done, scene);
	run_until_done(scene);
	ms = (double)(wr_clock_now().ns - start.ns) / 1e6;
	assert_int_equal(wr_ledger_open(&scene->loop, scene->calls.db, &server->ledger), 0);
	return ms;
}

static void stop_hub(struct scene *scene)
{
	struct wr_server *server = &scene->calls.server;

	wr_ledger_close(server->ledger, set_done, scene);
	run_until_done(scene);
	scene->calls.db = NULL; /* the ledger's */
	wr_hub_close(server->hub, set_done, scene);
	run_until_done(scene);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	calls_close(&scene->calls);
}

/* An entry behind those that were made before; then what they told has arrived. */
struct barrier {
	struct wr_entry entry;
	struct scene *scene;
};

static int do_nothing(struct wr_entry *entry, struct wr_db *db)
{
	(void)entry;
	(void)db;
	return 0;
}

static void barrier_done(struct wr_entry *entry, int status)
{
	struct barrier *barrier = WR_CONTAINER_OF(entry, struct barrier, entry);

	assert_int_equal(status, 0);
	wr_hub_settle(barrier->scene->calls.server.hub, set_done, barrier->scene);
}

static void wait_for_ledger(struct scene *scene)
{
	struct barrier barrier = { { .work = do_nothing, .done = barrier_done }, scene };

	assert_int_equal(wr_ledger_enter(scene->calls.server.ledger, &barrier.entry), 0);
	run_until_done(scene);
}

static void add(struct scene *scene, const char *json)
{
	json_decref(calls_want(&scene->calls, 201, "machine.add", NULL, json));
}

static const struct wr_hub_machine_state *machine_of(struct scene *scene, const char *label)
{
	const struct wr_hub_org_state *org = wr_hub_org(scene->calls.server.hub,
							(uint64_t)scene->calls.org);

	assert_non_null(org);
	return wr_hub_machine_labelled(org, label);
}

/* By another connection, as sqlite3(1) would. */
static void change_from_outside(struct scene *scene, const char *sql)
{
	struct wr_db *db;

	assert_int_equal(wr_db_open(scene->calls.path, &db), 0);
	assert_int_equal(wr_db_run(db, sql, 0, NULL), 0);
	wr_db_close(db);
}

/* --- The start. --- */

static void test_intents_start_with_what_the_database_holds(void **state)
{
	const struct wr_hub_machine_state *machine;
	struct wr_hub_numbers numbers;
	struct scene scene = { 0 };

	(void)state;
	calls_open(&scene.calls);
	add(&scene, "{\"name\": \"a\", \"tags\": [\"x\", \"y\"], \"routes\": [\"10.3.0.0/16\"],"
		    " \"with_preshared_key\": true}");
	add(&scene, "{\"name\": \"b\"}");
	calls_number(&scene.calls, "UPDATE machine SET endpoint = '192.0.2.1:4321',"
				   " last_seen = unixepoch() WHERE label = 'a' RETURNING 1");
	start_hub(&scene);
	wr_hub_count(scene.calls.server.hub, &numbers);
	assert_int_equal(numbers.orgs, 1);
	assert_int_equal(numbers.machines, 2);
	assert_int_equal(numbers.policy_faults, 0);
	machine = machine_of(&scene, "a");
	assert_non_null(machine);
	assert_int_equal(machine->tag_count, 2);
	assert_string_equal(machine->tags[1], "y");
	assert_int_equal(machine->route_count, 1);
	assert_false(wr_key_is_zero(&machine->preshared_key));
	assert_true(wr_peer_has_endpoint(wr_hub_peer_of(machine)));
	machine = machine_of(&scene, "b");
	assert_true(wr_key_is_zero(&machine->preshared_key));
	assert_false(wr_peer_has_endpoint(wr_hub_peer_of(machine)));
	stop_hub(&scene);
}

static struct wr_key hub_key_of(struct scene *scene)
{
	const struct wr_hub_org_state *org = wr_hub_org(scene->calls.server.hub,
							(uint64_t)scene->calls.org);

	return wr_x25519_public(&org->private_key);
}

static void test_intents_unseal_the_hubs_key(void **state)
{
	struct scene scene = { 0 };
	struct wr_key key;

	(void)state;
	calls_open(&scene.calls);
	start_hub(&scene);
	key = hub_key_of(&scene);
	assert_true(wr_key_equal(&key, &scene.calls.hub_key));
	stop_hub(&scene);
}

/* Let in, with the key that the machine's row has. */
static bool has_own_key(struct scene *scene, const char *label, const char *public_key)
{
	char text[WR_KEY_BASE64_LEN + 1];
	const struct wr_hub_machine_state *machine = machine_of(scene, label);

	assert_non_null(machine);
	wr_key_to_base64(&machine->public_key, text);
	return wr_hub_peer_of(machine) && strcmp(text, public_key) == 0;
}

static void test_intents_keep_the_names_of_those_that_are_shut_out(void **state)
{
	struct scene scene = { 0 };
	struct wr_hub_numbers numbers;
	json_t *before;

	(void)state;
	calls_open(&scene.calls);
	before = calls_want(&scene.calls, 201, "machine.add", NULL, "{\"name\": \"a\"}");
	json_decref(calls_want(&scene.calls, 200, "policy.save", NULL,
			       "{\"text\": \"allow a -> *\\ndefault deny\\n\"}"));
	json_decref(
		calls_want(&scene.calls, 200, "machine.change", "a", "{\"is_disabled\": true}"));
	start_hub(&scene);
	assert_false(has_own_key(&scene, "a", calls_text(before, "public_key")));
	wr_hub_count(scene.calls.server.hub, &numbers);
	assert_int_equal(numbers.policy_faults, 0);
	json_decref(
		calls_want(&scene.calls, 200, "machine.change", "a", "{\"is_disabled\": false}"));
	assert_true(has_own_key(&scene, "a", calls_text(before, "public_key")));
	json_decref(before);
	stop_hub(&scene);
}

static void test_intents_take_the_last_policy_that_is_good(void **state)
{
	const struct wr_hub_org_state *org;
	struct scene scene = { 0 };

	(void)state;
	calls_open(&scene.calls);
	json_decref(calls_want(&scene.calls, 200, "policy.save", NULL,
			       "{\"text\": \"default deny\\n\"}"));
	calls_number(&scene.calls,
		     "INSERT INTO policy (organisation, number, text, creator, created)"
		     " SELECT organisation, 2, 'nonsense', 'x', 0 FROM policy"
		     " RETURNING 1");
	calls_number(&scene.calls, "UPDATE organisation SET policy = 2 RETURNING 1");
	start_hub(&scene);
	org = wr_hub_org(scene.calls.server.hub, (uint64_t)scene.calls.org);
	assert_int_equal(org->policy_version, 1);
	assert_false(org->has_policy_fault);
	stop_hub(&scene);
}

/* A test that does not hold for a machine that came later keeps nobody out. */
static void test_intents_go_on_where_a_test_fails_later(void **state)
{
	struct scene scene = { 0 };
	struct wr_hub_numbers numbers;
	json_t *policy;

	(void)state;
	calls_open(&scene.calls);
	add(&scene, "{\"name\": \"a\", \"tags\": [\"web\"]}");
	add(&scene, "{\"name\": \"b\", \"tags\": [\"db\"]}");
	start_hub(&scene);
	json_decref(calls_want(&scene.calls, 200, "policy.save", NULL,
			       "{\"text\": \"deny tag:old -> *\\nallow tag:web -> tag:db\\n"
			       "default deny\\ntest tag:web -> tag:db tcp 1 allow\\n\"}"));
	add(&scene, "{\"name\": \"c\", \"tags\": [\"web\", \"old\"]}");
	wait_for_ledger(&scene);
	wr_hub_count(scene.calls.server.hub, &numbers);
	assert_int_equal(numbers.policy_faults, 0);
	policy = calls_want(&scene.calls, 200, "policy.show", NULL, NULL);
	assert_non_null(strstr(calls_text(policy, "fault"), "line 4"));
	json_decref(policy);
	stop_hub(&scene);
}

/* --- Time. --- */

static void test_intents_shut_out_whose_time_is_over(void **state)
{
	struct scene scene = { 0 };
	json_t *before;

	(void)state;
	calls_open(&scene.calls);
	before = calls_want(&scene.calls, 201, "machine.add", NULL,
			    "{\"name\": \"a\", \"expires_in\": \"1h\"}");
	start_hub(&scene);
	wr_machines_expire(&scene.calls.server);
	wait_for_ledger(&scene);
	assert_true(has_own_key(&scene, "a", calls_text(before, "public_key")));
	/* An hour later, for all that can be told from the row. */
	calls_number(&scene.calls, "UPDATE machine SET expires = unixepoch() + 1 RETURNING 1");
	while (has_own_key(&scene, "a", calls_text(before, "public_key"))) {
		wr_machines_expire(&scene.calls.server);
		wait_for_ledger(&scene);
		usleep(10000);
	}
	json_decref(calls_want(&scene.calls, 200, "machine.change", "a", "{\"expires_in\": null}"));
	assert_true(has_own_key(&scene, "a", calls_text(before, "public_key")));
	json_decref(before);
	stop_hub(&scene);
}

/* --- Other programs. --- */

static void test_intents_follow_what_other_programs_change(void **state)
{
	struct scene scene = { 0 };
	struct wr_hub_numbers numbers;
	int64_t other;

	(void)state;
	calls_open(&scene.calls);
	add(&scene, "{\"name\": \"a\"}");
	add(&scene, "{\"name\": \"b\"}");
	other = calls_add_org(&scene.calls, "other");
	start_hub(&scene);
	assert_non_null(wr_hub_org(scene.calls.server.hub, (uint64_t)other));
	change_from_outside(&scene, "DELETE FROM machine WHERE label = 'a'");
	change_from_outside(&scene, "UPDATE machine SET label = 'c' WHERE label = 'b'");
	change_from_outside(&scene, "DELETE FROM organisation WHERE label = 'other'");
	wr_intents_reload(&scene.calls.server);
	wait_for_ledger(&scene);
	assert_null(machine_of(&scene, "a"));
	assert_null(machine_of(&scene, "b"));
	assert_non_null(machine_of(&scene, "c"));
	assert_null(wr_hub_org(scene.calls.server.hub, (uint64_t)other));
	wr_hub_count(scene.calls.server.hub, &numbers);
	assert_int_equal(numbers.orgs, 1);
	assert_int_equal(numbers.machines, 1);
	stop_hub(&scene);
}

/* --- Many. --- */

/* As the operation writes it, without making its key: a curve multiplication each. */
static void insert_machine(struct scene *scene, unsigned number)
{
	uint8_t v4[4] = { 10, 100, (uint8_t)(number >> 8), (uint8_t)number };
	uint8_t v6[16] = { 0xfd, 0, 0, 1, [14] = (uint8_t)(number >> 8), (uint8_t)number };
	char name[16];
	struct wr_key key;

	snprintf(name, sizeof(name), "m%u", number);
	wr_random(&key, sizeof(key));
	assert_int_equal(WR_DB_RUN(scene->calls.db,
				   "INSERT INTO machine (uid, organisation, name, label,"
				   " public_key, address4, address6, created, creator)"
				   " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'x')",
				   WR_T(name), WR_I(scene->calls.org), WR_T(name), WR_T(name),
				   WR_B(key.bytes, WR_KEY_LEN), WR_B(v4, 4), WR_B(v6, 16)),
			 0);
}

static void test_intents_load_many_machines_at_once(void **state)
{
	enum {
		MANY = 10000
	};
	struct scene scene = { 0 };
	struct wr_hub_numbers numbers;
	double ms;

	(void)state;
	calls_open(&scene.calls);
	assert_int_equal(wr_db_run(scene.calls.db, "BEGIN", 0, NULL), 0);
	for (unsigned i = 0; i < MANY; i++)
		insert_machine(&scene, i + 2);
	calls_number(&scene.calls, "INSERT INTO machine_tag SELECT id, 't' || (id % 100)"
				   " FROM machine RETURNING 1");
	assert_int_equal(wr_db_run(scene.calls.db, "COMMIT", 0, NULL), 0);
	ms = start_hub(&scene);
	print_message("%d machines in the hub after %.0f ms\n", MANY, ms);
	wr_hub_count(scene.calls.server.hub, &numbers);
	assert_int_equal(numbers.machines, MANY);
	assert_true(ms < 20000);
	stop_hub(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intents_start_with_what_the_database_holds),
		cmocka_unit_test(test_intents_unseal_the_hubs_key),
		cmocka_unit_test(test_intents_keep_the_names_of_those_that_are_shut_out),
		cmocka_unit_test(test_intents_take_the_last_policy_that_is_good),
		cmocka_unit_test(test_intents_go_on_where_a_test_fails_later),
		cmocka_unit_test(test_intents_shut_out_whose_time_is_over),
		cmocka_unit_test(test_intents_follow_what_other_programs_change),
		cmocka_unit_test(test_intents_load_many_machines_at_once),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
