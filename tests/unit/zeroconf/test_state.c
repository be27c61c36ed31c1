/* What a machine is in a mesh, on disk. */
#include "zeroconf/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "linux/files.h"
#include "unit.h"

static char base[] = "/tmp/warren-mesh-state-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(base);
}

static struct wr_invitation make_invitation(void)
{
	struct wr_invitation invitation = {
		.mesh = "home",
		.root = { { 7 } },
		.expires = 2000000000,
		.has_founder = true,
		.has_admission = true,
		.founder = { { 9 } },
		.id = { 1, 2 },
		.secret = { 3, 4 },
		.contact_count = 1,
		.contacts = { { .identity = { { 5 } },
				.endpoint_count = 1,
				.endpoints = { { .ip = { WR_IPV4, { 192, 0, 2, 1 } },
						 .port = 51820 } } } },
	};

	return invitation;
}

static struct wr_mesh_state make(const char *interface)
{
	struct wr_mesh_state state = {
		.folder = wr_folder_path(base, interface),
		.mesh = "home",
		.has_secret = true,
		.root = { { 7 } },
		.seed = { { 8 } },
		.has_founder = true,
		.founder = { { 9 } },
		.epoch = 12,
		.clock = (uint64_t)12 << 32 | 5,
		.name = "db-2",
		.name_since = 1795000000,
		.v4_attempt = 3,
		.v4_since = 1795000001,
		.has_invitation = true,
		.invitation = make_invitation(),
		.wanted_name = "db",
		.range4 = { { WR_IPV4, { 10, 7 } }, 16 },
		.listen = { WR_IPV4, { 192, 0, 2, 9 } },
		.port = 51820,
		.last_port = 51821,
		.backend = WR_BACKEND_ENGINE,
		.names = WR_NAMES_HOSTS,
		.is_relay_off = true,
		.has_l2 = true,
		.masquerades = true,
		.routes = { { { WR_IPV4, { 192, 168, 5 } }, 24 } },
		.route_count = 1,
		.metrics = { .ip = { WR_IPV6, { [15] = 1 } }, .port = 9100 },
	};

	snprintf(state.interface, sizeof(state.interface), "%s", interface);
	assert_int_equal(wr_folder_make(state.folder), 0);
	return state;
}

static void assert_same(const struct wr_mesh_state *a, const struct wr_mesh_state *b)
{
	assert_string_equal(a->folder, b->folder);
	assert_string_equal(a->interface, b->interface);
	assert_string_equal(a->mesh, b->mesh);
	assert_int_equal(a->has_secret, b->has_secret);
	assert_true(wr_key_equal(&a->root, &b->root) && wr_key_equal(&a->seed, &b->seed));
	assert_int_equal(a->has_founder, b->has_founder);
	assert_true(wr_key_equal(&a->founder, &b->founder));
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->clock, b->clock);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->name_since, b->name_since);
	assert_int_equal(a->v4_attempt, b->v4_attempt);
	assert_int_equal(a->v4_since, b->v4_since);
	assert_string_equal(a->wanted_name, b->wanted_name);
	assert_int_equal(a->range4.length, b->range4.length);
	assert_true(wr_ip_equal(&a->range4.ip, &b->range4.ip));
	assert_true(wr_ip_equal(&a->listen, &b->listen));
	assert_int_equal(a->port, b->port);
	assert_int_equal(a->last_port, b->last_port);
	assert_int_equal(a->backend, b->backend);
	assert_int_equal(a->names, b->names);
	assert_int_equal(a->is_lan_off, b->is_lan_off);
	assert_int_equal(a->is_relay_off, b->is_relay_off);
	assert_int_equal(a->has_l2, b->has_l2);
	assert_int_equal(a->accepts_routes, b->accepts_routes);
	assert_int_equal(a->masquerades, b->masquerades);
	assert_int_equal(a->route_count, b->route_count);
	assert_int_equal(a->routes[0].length, b->routes[0].length);
	assert_true(wr_endpoint_equal_remote(&a->metrics, &b->metrics));
}

static void test_state_comes_back_as_it_was(void **unused)
{
	struct wr_mesh_state state = make("warren0"), again;
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/mesh.json", state.folder);
	struct stat status;

	(void)unused;
	assert_int_equal(wr_mesh_state_save(&state), 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(wr_mesh_state_load(state.folder, &again), 0);
	assert_same(&again, &state);
	assert_true(again.has_invitation);
	assert_string_equal(again.invitation.mesh, "home");
	assert_true(again.invitation.has_admission);
	assert_int_equal(again.invitation.expires, 2000000000);
	assert_int_equal(again.invitation.contact_count, 1);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	assert_int_equal(access(state.folder, F_OK), -1);
	wr_mesh_state_done(&again);
	wr_mesh_state_done(&state);
}

static void test_state_of_few_wishes_comes_back(void **unused)
{
	struct wr_mesh_state state = make("warren0"), again;

	(void)unused;
	state.has_secret = state.has_founder = state.has_invitation = false;
	state.founder = (struct wr_key){ 0 };
	state.listen = (struct wr_ip){ 0 };
	state.metrics = (struct wr_endpoint){ 0 };
	state.route_count = 0;
	state.name[0] = '\0';
	assert_int_equal(wr_mesh_state_save(&state), 0);
	assert_int_equal(wr_mesh_state_load(state.folder, &again), 0);
	state.routes[0] = (struct wr_prefix){ 0 };
	assert_same(&again, &state);
	assert_false(again.has_invitation);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&again);
	wr_mesh_state_done(&state);
}

/* --- Others' files, and broken ones. --- */

static void put(const char *file, const char *text)
{
	assert_int_equal(wr_file_replace(file, text, strlen(text)), 0);
}

static void test_state_refuses_what_is_not_ours(void **unused)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{", "\"mesh\"", "{\"mesh\": \"home\", \"mesh\": \"home\"}",
	};
	struct wr_mesh_state state = make("warren0"), again;
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/mesh.json", state.folder);

	(void)unused;
	assert_int_equal(wr_mesh_state_load(state.folder, &again), -ENOENT);
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		put(file, bad[i]);
		assert_int_equal(wr_mesh_state_load(state.folder, &again), -EBADMSG);
	}
	assert_int_equal(wr_mesh_state_save(&state), 0);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(wr_mesh_state_load(state.folder, &again), -EPERM);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(wr_mesh_state_load(state.folder, &again), -EBADMSG);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

/* Each member of a good file, spoilt alone. */
static void test_state_checks_each_member(void **unused)
{
	static const struct {
		const char *member, *value;
	} cases[] = {
		{ "interface", "\"a-name-that-is-far-too-long\"" },
		{ "mesh", "\"Home\"" },
		{ "mesh", "\"\"" },
		{ "mesh", "\"a b\"" },
		{ "root", "\"0700\"" },
		{ "root", "7" },
		{ "seed", "null" },
		{ "founder", "\"zz\"" },
		{ "epoch", "-1" },
		{ "clock", "\"1\"" },
		{ "v4_attempt", "4294967296" },
		{ "name", "\"-a\"" },
		{ "invitation", "\"wri_AAAA\"" },
		{ "invitation", "{}" },
		{ "network", "\"10.0.0.0/7\"" },
		{ "network", "\"8.8.8.0/24\"" },
		{ "network", "\"192.168.5.0/25\"" },
		{ "network", "\"fd00::/16\"" },
		{ "listen", "\"somewhere\"" },
		{ "port", "65536" },
		{ "backend", "\"carrier pigeon\"" },
		{ "names", "7" },
		{ "routes", "[\"everywhere\"]" },
		{ "metrics", "\"9100\"" },
	};
	struct wr_mesh_state state = make("warren0"), again;

	(void)unused;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		json_t *object, *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);

		print_message("%s: %s\n", cases[i].member, cases[i].value);
		assert_int_equal(wr_mesh_state_save(&state), 0);
		assert_int_equal(wr_folder_load(state.folder, "mesh.json", 65536, &object), 0);
		assert_int_equal(json_object_set_new(object, cases[i].member, value), 0);
		assert_int_equal(wr_folder_save(state.folder, "mesh.json", object), 0);
		assert_int_equal(wr_mesh_state_load(state.folder, &again), -EBADMSG);
	}
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

/* --- A disk that is full. --- */

static void fill(const char *folder)
{
	static const uint8_t block[4096];
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/rest", folder);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	while (fwrite(block, sizeof(block), 1, file) == 1 && fflush(file) == 0)
		;
	(void)fclose(file);
}

static void test_state_survives_a_full_disk(void **unused)
{
	struct wr_mesh_state state = make("full"), again;
	struct wr_founder founder = { .seed = { { 1 } }, .serial = 3 }, kept;
	WR_AUTO(wr_text_freep) char *rest = wr_text_new("%s/rest", state.folder);

	(void)unused;
	if (geteuid() != 0 || mount("state", state.folder, "tmpfs", 0, "size=64k") < 0) {
		assert_int_equal(wr_mesh_state_forget(state.folder), 0);
		wr_mesh_state_done(&state);
		skip();
	}
	assert_int_equal(wr_mesh_state_save(&state), 0);
	assert_int_equal(wr_founder_save(state.folder, &founder), 0);
	fill(state.folder);
	state.epoch++;
	founder.serial++;
	assert_int_equal(wr_mesh_state_save(&state), -ENOSPC);
	assert_int_equal(wr_founder_save(state.folder, &founder), -ENOSPC);
	assert_int_equal(wr_mesh_state_load(state.folder, &again), 0);
	assert_int_equal(again.epoch, state.epoch - 1);
	assert_int_equal(wr_founder_load(state.folder, &kept), 0);
	assert_int_equal(kept.serial, 3);
	assert_int_equal(unlink(rest), 0);
	assert_int_equal(wr_mesh_state_save(&state), 0);
	assert_int_equal(umount(state.folder), 0);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&again);
	wr_mesh_state_done(&state);
}

/* --- Items. --- */

struct seen {
	size_t count, bytes;
};

static void note(void *context, struct wr_bytes item)
{
	struct seen *seen = context;

	seen->count++;
	seen->bytes += item.len;
}

static void test_items_come_back(void **unused)
{
	static const uint8_t items[] = { 0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'd' };
	struct wr_mesh_state state = make("warren0");
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/items", state.folder);
	struct seen seen = { 0 };

	(void)unused;
	assert_int_equal(wr_mesh_items_load(state.folder, note, &seen), -ENOENT);
	assert_int_equal(
		wr_mesh_items_save(state.folder, (struct wr_bytes){ items, sizeof(items) }), 0);
	assert_int_equal(wr_mesh_items_load(state.folder, note, &seen), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.bytes, 4);
	assert_int_equal(wr_mesh_items_save(state.folder,
					    (struct wr_bytes){ items, sizeof(items) - 1 }),
			 -EINVAL);
	assert_int_equal(wr_mesh_items_save(state.folder, (struct wr_bytes){ items, 0 }), 0);
	assert_int_equal(wr_mesh_items_load(state.folder, note, &seen), 0);
	put(file, "\1\1cut short");
	assert_int_equal(wr_mesh_items_load(state.folder, note, &seen), -EBADMSG);
	put(file, "1");
	assert_int_equal(wr_mesh_items_load(state.folder, note, &seen), -EBADMSG);
	assert_int_equal(seen.count, 3);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

/* --- The founder. --- */

static void test_founder_comes_back_as_it_was(void **unused)
{
	struct wr_mesh_invitation invitations[2] = {
		{ .id = { 1, 255 },
		  .secret = { 2, 128 },
		  .expires = 2000000000,
		  .uses_left = UINT32_MAX,
		  .tag_count = 2,
		  .tags = { "web", "DB_2.x" } },
		{ .id = { 3 }, .uses_left = 1, .name = "atlas", .certificate_seconds = 86400 },
	};
	struct wr_founder founder = {
		.seed = { { 1 } }, .serial = 77, .invitations = invitations, .invitation_count = 2
	};
	struct wr_founder again;
	struct wr_mesh_state state = make("warren0");

	(void)unused;
	assert_int_equal(wr_founder_load(state.folder, &again), -ENOENT);
	assert_int_equal(wr_founder_save(state.folder, &founder), 0);
	assert_int_equal(wr_founder_load(state.folder, &again), 0);
	assert_true(wr_key_equal(&again.seed, &founder.seed));
	assert_int_equal(again.serial, 77);
	assert_int_equal(again.invitation_count, 2);
	assert_memory_equal(again.invitations, invitations, sizeof(invitations));
	wr_founder_done(&again);
	founder.invitation_count = 0;
	assert_int_equal(wr_founder_save(state.folder, &founder), 0);
	assert_int_equal(wr_founder_load(state.folder, &again), 0);
	assert_int_equal(again.invitation_count, 0);
	wr_founder_done(&again);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

static void test_founder_of_most_invitations_fits(void **unused)
{
	struct wr_founder founder = { .seed = { { 1 } }, .invitation_count = WR_MESH_INVITATIONS };
	struct wr_founder again;
	struct wr_mesh_state state = make("warren0");

	(void)unused;
	founder.invitations = calloc(WR_MESH_INVITATIONS, sizeof(*founder.invitations));
	for (size_t i = 0; i < WR_MESH_INVITATIONS; i++) {
		struct wr_mesh_invitation *one = &founder.invitations[i];

		memset(one->name, 'n', WR_ITEM_NAME_LEN);
		one->tag_count = WR_ITEM_TAGS;
		for (size_t tag = 0; tag < WR_ITEM_TAGS; tag++)
			memset(one->tags[tag], 't', WR_ITEM_NAME_LEN);
	}
	assert_int_equal(wr_founder_save(state.folder, &founder), 0);
	assert_int_equal(wr_founder_load(state.folder, &again), 0);
	assert_int_equal(again.invitation_count, WR_MESH_INVITATIONS);
	wr_founder_done(&again);
	wr_founder_done(&founder);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

static void test_founder_refuses_what_is_not_ours(void **unused)
{
	static const char *const bad[] = {
		"{}",
		"{\"seed\": \"00\"}",
		"{\"seed\": \"0100000000000000000000000000000000000000000000000000000000000000\","
		"\"invitations\": [{\"id\": \"01\"}]}",
		"{\"seed\": \"0100000000000000000000000000000000000000000000000000000000000000\","
		"\"serial\": -1}",
	};
	struct wr_mesh_state state = make("warren0");
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/founder.json", state.folder);
	struct wr_founder founder;

	(void)unused;
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		put(file, bad[i]);
		assert_int_equal(wr_founder_load(state.folder, &founder), -EBADMSG);
	}
	assert_int_equal(chmod(file, 0604), 0);
	assert_int_equal(wr_founder_load(state.folder, &founder), -EPERM);
	assert_int_equal(wr_mesh_state_forget(state.folder), 0);
	wr_mesh_state_done(&state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_comes_back_as_it_was),
		cmocka_unit_test(test_state_of_few_wishes_comes_back),
		cmocka_unit_test(test_state_refuses_what_is_not_ours),
		cmocka_unit_test(test_state_checks_each_member),
		cmocka_unit_test(test_state_survives_a_full_disk),
		cmocka_unit_test(test_items_come_back),
		cmocka_unit_test(test_founder_comes_back_as_it_was),
		cmocka_unit_test(test_founder_of_most_invitations_fits),
		cmocka_unit_test(test_founder_refuses_what_is_not_ours),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
