/* What the hub is told is what its engine holds; and it is so again when somebody has
 * changed it. Traffic through it is tested end to end. */
#include <string.h>
#include <sys/socket.h>

#include "crypto/crypto.h"
#include "engine/control.h"
#include "hub/state.h"
#include "unit.h"

struct scene {
	uv_loop_t loop;
	struct wr_hub *hub;
	bool is_settled, is_closed;
};

static struct wr_key new_key(void)
{
	struct wr_key key;

	wr_random(&key, sizeof(key));
	wr_x25519_clamp(&key);
	return key;
}

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static void scene_open(struct scene *scene)
{
	struct wr_hub_config config = {
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.dns_suffix = "warren",
	};

	*scene = (struct scene){ 0 };
	assert_int_equal(uv_loop_init(&scene->loop), 0);
	assert_int_equal(wr_hub_open(&scene->loop, &config, &scene->hub), 0);
}

static void set_true(void *context)
{
	*(bool *)context = true;
}

static void run_until(struct scene *scene, const bool *what)
{
	while (!*what)
		assert_true(uv_run(&scene->loop, UV_RUN_ONCE) || *what);
}

static void settle(struct scene *scene)
{
	scene->is_settled = false;
	wr_hub_settle(scene->hub, set_true, &scene->is_settled);
	run_until(scene, &scene->is_settled);
}

static void scene_close(struct scene *scene)
{
	wr_hub_close(scene->hub, set_true, &scene->is_closed);
	run_until(scene, &scene->is_closed);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
}

static void set_org(struct scene *scene, uint64_t number)
{
	struct wr_hub_org org = {
		.number = number,
		.label = "acme",
		.private_key = new_key(),
		.range4 = prefix_of("10.100.0.0/16"),
		.range6 = prefix_of("fd12:3456::/64"),
		.is_enabled = true,
	};

	wr_hub_set_org(scene->hub, &org);
}

static struct wr_hub_machine machine_of(uint64_t org, uint8_t number)
{
	static char label[16];
	static const char *const tags[] = { "web" };
	struct wr_key private_key = new_key();
	struct wr_hub_machine machine = {
		.org = org,
		.number = number,
		.label = label,
		.public_key = wr_x25519_public(&private_key),
		.v4 = ip_of("10.100.0.0"),
		.v6 = ip_of("fd12:3456::"),
		.tags = tags,
		.tag_count = 1,
	};

	machine.v4.bytes[3] = machine.v6.bytes[15] = number;
	snprintf(label, sizeof(label), "m%u", number);
	return machine;
}

static void set_policy(struct scene *scene, uint64_t org, const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);

	assert_non_null(policy);
	wr_hub_set_policy(scene->hub, org, policy, 1);
}

static struct wr_hub_machine_state *state_of(const struct scene *scene, uint64_t org,
					     uint64_t number)
{
	struct wr_hub_machine_state *machine = wr_hub_machine(wr_hub_org(scene->hub, org), number);

	assert_non_null(machine);
	return machine;
}

static bool may_ssh(const struct scene *scene, uint64_t org, uint64_t from, uint64_t to)
{
	const struct wr_hub_machine_state *a = state_of(scene, org, from);
	const struct wr_hub_machine_state *b = state_of(scene, org, to);
	struct wr_opening opening = { a->v4, b->v4, 6, 40000, 22 };

	return wr_ruleset_allows(wr_filter_ruleset(wr_hub_org(scene->hub, org)->filter), a->slot,
				 b->slot, &opening);
}

static void test_hub_holds_what_it_is_told(void **state)
{
	struct scene scene;
	struct wr_hub_org_numbers numbers;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	set_org(&scene, 8); /* the same range: another organisation */
	set_policy(&scene, 7, "default allow\n");
	for (uint8_t i = 2; i < 200; i++) {
		struct wr_hub_machine machine = machine_of(7, i);

		wr_hub_set_machine(scene.hub, &machine);
	}
	settle(&scene);
	assert_true(wr_hub_count_org(scene.hub, 7, &numbers));
	assert_int_equal(numbers.machines, 198);
	assert_int_equal(numbers.online, 0);
	assert_true(wr_hub_count_org(scene.hub, 8, &numbers));
	assert_int_equal(numbers.machines, 0);
	for (uint64_t i = 2; i < 200; i++) {
		const struct wr_hub_machine_state *machine = state_of(&scene, 7, i);
		const struct wr_peer *peer = wr_hub_peer_of(machine);

		assert_non_null(peer);
		assert_ptr_equal(wr_allowedips_find(&peer->device->allowed, WR_IPV4,
						    machine->v4.bytes),
				 peer);
		assert_ptr_equal(wr_hub_machine_labelled(machine->org, machine->label), machine);
		assert_true(may_ssh(&scene, 7, i, 2));
	}
	scene_close(&scene);
}

static void test_hub_without_a_policy_lets_nothing_pass(void **state)
{
	struct scene scene;
	struct wr_hub_machine a = machine_of(7, 2), b;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	wr_hub_set_machine(scene.hub, &a);
	b = machine_of(7, 3);
	wr_hub_set_machine(scene.hub, &b);
	settle(&scene);
	assert_false(may_ssh(&scene, 7, 2, 3));
	set_policy(&scene, 7, "allow m2 -> tag:web tcp 22\ndefault deny\n");
	settle(&scene);
	assert_true(may_ssh(&scene, 7, 2, 3));
	assert_false(may_ssh(&scene, 7, 3, 2));
	scene_close(&scene);
}

/* A name that nobody has any more selects nobody; the rest of the policy holds. */
static void test_hub_goes_on_without_a_machine_that_the_policy_names(void **state)
{
	struct scene scene;
	struct wr_hub_numbers numbers;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	for (uint8_t i = 2; i < 5; i++) {
		struct wr_hub_machine machine = machine_of(7, i);

		wr_hub_set_machine(scene.hub, &machine);
	}
	set_policy(&scene, 7, "allow m2 -> m3 tcp 22\nallow m4 -> m3 tcp 22\ndefault deny\n");
	settle(&scene);
	wr_hub_remove_machine(scene.hub, 7, 4);
	settle(&scene);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.policy_faults, 0);
	assert_true(may_ssh(&scene, 7, 2, 3));
	assert_false(may_ssh(&scene, 7, 3, 2));
	scene_close(&scene);
}

/* A slot is another machine's only when no packet can still be of the one before. */
static void test_hub_gives_slots_again_and_with_them_no_rights(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	set_policy(&scene, 7, "allow tag:web -> * \ndefault deny\n");
	for (unsigned i = 0; i < 1000; i++) {
		struct wr_hub_machine machine = machine_of(7, (uint8_t)(2 + i % 3));

		if (i % 2)
			machine.tag_count = 0;
		wr_hub_remove_machine(scene.hub, 7, machine.number);
		wr_hub_set_machine(scene.hub, &machine);
		if (i % 5 == 0)
			settle(&scene);
	}
	settle(&scene);
	assert_true(wr_hub_org(scene.hub, 7)->slot_next < 20);
	for (uint64_t i = 2; i < 5; i++)
		assert_int_equal(may_ssh(&scene, 7, i, 2 + (i - 1) % 3),
				 state_of(&scene, 7, i)->tag_count > 0);
	scene_close(&scene);
}

static void test_hub_rotates_a_key(void **state)
{
	struct scene scene;
	struct wr_hub_machine machine = machine_of(7, 2);
	struct wr_key before = machine.public_key;
	struct wr_key private_key = new_key();
	const struct wr_hub_org_state *org;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	wr_hub_set_machine(scene.hub, &machine);
	machine.public_key = wr_x25519_public(&private_key);
	wr_hub_set_machine(scene.hub, &machine);
	settle(&scene);
	org = wr_hub_org(scene.hub, 7);
	assert_null(wr_device_find_peer(org->device, &before));
	assert_non_null(wr_device_find_peer(org->device, &machine.public_key));
	assert_int_equal(org->device->peer_count, 1);
	scene_close(&scene);
}

/* Shut out, but a policy that names it is as good as before. */
static void test_hub_shuts_a_machine_out(void **state)
{
	struct scene scene;
	struct wr_hub_machine a = machine_of(7, 2), b;
	const struct wr_device *device;
	struct wr_hub_numbers numbers;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	a.label = "m2";
	a.endpoint = (struct wr_endpoint){ .ip = ip_of("127.0.0.1"), .port = 9 };
	wr_hub_set_machine(scene.hub, &a);
	b = machine_of(7, 3);
	wr_hub_set_machine(scene.hub, &b);
	set_policy(&scene, 7, "allow m2 -> m3\ndefault deny\n");
	device = wr_hub_org(scene.hub, 7)->device;
	settle(&scene);

	a.is_off = true;
	a.label = "m2";
	wr_hub_set_machine(scene.hub, &a);
	wr_hub_repair(scene.hub);
	settle(&scene);
	assert_null(wr_device_find_peer(device, &a.public_key));
	assert_int_equal(device->peer_count, 1);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.policy_faults, 0);
	assert_int_equal(numbers.repairs, 0);

	a.is_off = false;
	a.endpoint = (struct wr_endpoint){ 0 };
	wr_hub_set_machine(scene.hub, &a);
	settle(&scene);
	assert_non_null(wr_device_find_peer(device, &a.public_key));
	/* Where it was before. */
	assert_true(wr_peer_has_endpoint(wr_device_find_peer(device, &a.public_key)));
	assert_true(may_ssh(&scene, 7, 2, 3));
	scene_close(&scene);
}

static void test_hub_repairs_peers(void **state)
{
	struct scene scene;
	struct wr_hub_machine a = machine_of(7, 2), b;
	struct wr_key stranger = new_key(), key = wr_x25519_public(&stranger);
	struct wr_prefix all = prefix_of("0.0.0.0/0");
	struct wr_hub_numbers numbers;
	struct wr_device *device;
	struct wr_peer *peer;

	(void)state;
	scene_open(&scene);
	set_org(&scene, 7);
	wr_hub_set_machine(scene.hub, &a);
	b = machine_of(7, 3);
	wr_hub_set_machine(scene.hub, &b);
	settle(&scene);
	device = wr_hub_org(scene.hub, 7)->device;

	wr_peer_remove(wr_device_find_peer(device, &a.public_key));
	peer = wr_device_add_peer(device, &key);
	assert_non_null(peer);
	assert_int_equal(wr_peer_allow(peer, &all), 0);
	wr_peer_disallow_all(wr_device_find_peer(device, &b.public_key));
	wr_device_set_up(device, false, (struct wr_instant){ 1 });
	wr_hub_repair(scene.hub);
	settle(&scene);
	assert_true(device->is_up);
	assert_int_equal(device->peer_count, 2);
	assert_ptr_equal(wr_allowedips_find(&device->allowed, WR_IPV4, a.v4.bytes),
			 wr_device_find_peer(device, &a.public_key));
	assert_ptr_equal(wr_allowedips_find(&device->allowed, WR_IPV4, b.v4.bytes),
			 wr_device_find_peer(device, &b.public_key));
	wr_hub_count(scene.hub, &numbers);
	assert_true(numbers.repairs >= 4);

	/* And then there is nothing to do. */
	uint64_t repairs = numbers.repairs;

	wr_hub_repair(scene.hub);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.repairs, repairs);
	scene_close(&scene);
}

static void test_hub_repairs_its_sockets(void **state)
{
	struct scene scene;
	struct wr_hub_numbers before, after;
	struct wr_socket_set *set;

	(void)state;
	scene_open(&scene);
	wr_hub_count(scene.hub, &before);
	set = atomic_load(&scene.hub->engine->shared.sockets);
	shutdown(set->sockets.v4[0], SHUT_RDWR);
	assert_false(wr_engine_is_listening(scene.hub->engine));
	wr_hub_repair(scene.hub);
	assert_true(wr_engine_is_listening(scene.hub->engine));
	wr_hub_count(scene.hub, &after);
	assert_int_equal(after.port, before.port);
	assert_int_equal(wr_engine_listen_port(scene.hub->engine), before.port);
	assert_int_equal(after.repairs, before.repairs + 1);
	scene_close(&scene);
}

static void test_hub_removes_an_organisation_whole(void **state)
{
	struct scene scene;
	struct wr_hub_numbers numbers;

	(void)state;
	scene_open(&scene);
	for (uint64_t i = 1; i <= 50; i++) {
		struct wr_hub_machine machine = machine_of(i, 2);

		set_org(&scene, i);
		wr_hub_set_machine(scene.hub, &machine);
		if (i % 2)
			settle(&scene);
		wr_hub_remove_org(scene.hub, i);
	}
	settle(&scene);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.orgs, 0);
	assert_int_equal(numbers.machines, 0);
	assert_null(wr_engine_port(scene.hub->engine)->device_first);
	scene_close(&scene);
}

static int setup(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hub_holds_what_it_is_told),
		cmocka_unit_test(test_hub_without_a_policy_lets_nothing_pass),
		cmocka_unit_test(test_hub_goes_on_without_a_machine_that_the_policy_names),
		cmocka_unit_test(test_hub_gives_slots_again_and_with_them_no_rights),
		cmocka_unit_test(test_hub_rotates_a_key),
		cmocka_unit_test(test_hub_shuts_a_machine_out),
		cmocka_unit_test(test_hub_repairs_peers),
		cmocka_unit_test(test_hub_repairs_its_sockets),
		cmocka_unit_test(test_hub_removes_an_organisation_whole),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
