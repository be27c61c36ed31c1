/* Names on the host: the hosts file in all the ways in which it may stand there, and what
 * systemd-resolved is told. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/files.h"
#include "linux/namespace.h"
#include "mesh/names.h"
#include "mesh/names_hosts.h"
#include "networks.h"

#define BLOCK "10.77.0.9\tdb.acme.warren\n"

/* --- The text. --- */

static char *put(const char *text, const char *owner, const char *block)
{
	size_t len = 0;
	char *result = wr_hosts_text(text, strlen(text), owner, block, &len);

	assert_non_null(result);
	assert_int_equal(strlen(result), len);
	return result;
}

static void test_hosts_text_marks_its_block(void **state)
{
	static const struct {
		const char *name, *text, *block, *wanted;
	} cases[] = {
		{ "into nothing", "", BLOCK, "# BEGIN warren w0\n" BLOCK "# END warren w0\n" },
		{ "behind the rest", "127.0.0.1 localhost\n", BLOCK,
		  "127.0.0.1 localhost\n# BEGIN warren w0\n" BLOCK "# END warren w0\n" },
		{ "behind a line without an end", "127.0.0.1 localhost", BLOCK,
		  "127.0.0.1 localhost\n# BEGIN warren w0 +\n" BLOCK "# END warren w0\n" },
		{ "in its old place", "a\n# BEGIN warren w0\nold\n# END warren w0\nb\n", BLOCK,
		  "a\n# BEGIN warren w0\n" BLOCK "# END warren w0\nb\n" },
		{ "beside another's", "# BEGIN warren w00\nx\n# END warren w00\n", BLOCK,
		  "# BEGIN warren w00\nx\n# END warren w00\n"
		  "# BEGIN warren w0\n" BLOCK "# END warren w0\n" },
		{ "once",
		  "# BEGIN warren w0\nx\n# END warren w0\na\n"
		  "# BEGIN warren w0\ny\n# END warren w0\nb\n",
		  BLOCK, "# BEGIN warren w0\n" BLOCK "# END warren w0\na\nb\n" },
		{ "out", "a\n# BEGIN warren w0\nx\n# END warren w0\nb\n", NULL, "a\nb\n" },
		{ "out, with its line end", "a\n# BEGIN warren w0 +\nx\n# END warren w0\n", NULL,
		  "a" },
		{ "out, and something was added since",
		  "a\n# BEGIN warren w0 +\nx\n# END warren w0\nb\n", NULL, "a\nb\n" },
		{ "out, and another network has the line end now",
		  "a\n# BEGIN warren w0 +\nx\n# END warren w0\n"
		  "# BEGIN warren w1\ny\n# END warren w1\n",
		  NULL, "a\n# BEGIN warren w1 +\ny\n# END warren w1\n" },
		{ "out, its end is missing", "a\n# BEGIN warren w0\nx\n", NULL, "a\nx\n" },
		{ "out, its end is missing before another's",
		  "# BEGIN warren w0\nx\n# BEGIN warren w1\ny\n# END warren w1\n"
		  "# END warren w0\n",
		  NULL, "x\n# BEGIN warren w1\ny\n# END warren w1\n# END warren w0\n" },
		{ "out, at the end without a line end", "a\n# BEGIN warren w0\nx\n# END warren w0",
		  NULL, "a\n" },
		{ "nothing to take out", "a", NULL, "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *result = put(cases[i].text, "w0", cases[i].block);

		if (strcmp(result, cases[i].wanted) != 0)
			fail_msg("%s:\n%s", cases[i].name, result);
		free(result);
	}
}

static void add_piece(struct unit_random *random, char *text, size_t *len)
{
	static const char *const pieces[] = { "\n",
					      "a",
					      "# BEGIN warren w0",
					      "# END warren w0\n",
					      "127.0.0.1 localhost\n",
					      " +",
					      "# BEGIN warren w1\n",
					      "# BEGIN warren w0 +\n" };
	const char *piece = pieces[unit_random_below(random, 8)];

	memcpy(text + *len, piece, strlen(piece));
	*len += strlen(piece);
}

/* Whatever stands there: two networks come and go, in any order, and it is as it was. */
static void test_hosts_text_leaves_nothing_behind(void **state)
{
	struct unit_random random = unit_random_start("hosts");

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[400];
		size_t len = 0, now_len;
		char *now, *next;

		for (size_t i = unit_random_below(&random, 12); i > 0; i--)
			add_piece(&random, text, &len);
		/* What is left of an older block of ours is no part of the host's. */
		now = wr_hosts_text(text, len, "w0", NULL, &now_len);
		next = wr_hosts_text(now, now_len, "w1", NULL, &len);
		assert_true(len <= sizeof(text));
		memcpy(text, next, len);
		free(now);
		free(next);
		now = wr_hosts_text(text, len, "w0", BLOCK, &now_len);
		assert_non_null(strstr(now, BLOCK));
		next = wr_hosts_text(now, now_len, "w1", BLOCK, &now_len);
		free(now);
		now = wr_hosts_text(next, now_len, "w0", BLOCK BLOCK, &now_len);
		free(next);
		next = wr_hosts_text(now, now_len, round & 1 ? "w0" : "w1", NULL, &now_len);
		free(now);
		now = wr_hosts_text(next, now_len, round & 1 ? "w1" : "w0", NULL, &now_len);
		free(next);
		if (now_len != len || memcmp(now, text, len) != 0)
			fail_msg("round %d: \"%.*s\" became \"%.*s\"", round, (int)len, text,
				 (int)now_len, now);
		free(now);
	}
}

/* --- Files. --- */

static char folder[] = "/tmp/warren-names-XXXXXX";
static char path[100];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/hosts", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)umount(path);
	namespace_run("rm -rf %s", folder);
	return 0;
}

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_text(const char *name, const char *wanted)
{
	char *text = NULL;

	assert_int_equal(wr_file_read(name, 100000, &text), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void assert_file_count(int wanted)
{
	char command[200];

	snprintf(command, sizeof(command), "test $(ls -A %s | wc -l) = %d", folder, wanted);
	assert_int_equal(system(command), 0);
}

static void test_hosts_put_keeps_mode_and_owner(void **state)
{
	struct stat before, after;
	bool is_changed;

	(void)state;
	write_text(path, "127.0.0.1 localhost");
	assert_int_equal(chmod(path, 0640), 0);
	(void)!chown(path, 12, 34);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), 0);
	assert_true(is_changed);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), 0);
	assert_false(is_changed);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	assert_int_equal(wr_hosts_put(path, "w0", NULL, &is_changed), 0);
	assert_text(path, "127.0.0.1 localhost");
	assert_file_count(1);
}

static void test_hosts_put_follows_a_link(void **state)
{
	char real[120];
	struct stat status;
	bool is_changed;

	(void)state;
	snprintf(real, sizeof(real), "%s/real", folder);
	write_text(real, "a\n");
	assert_int_equal(symlink("real", path), 0);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), 0);
	assert_text(real, "a\n# BEGIN warren w0\n" BLOCK "# END warren w0\n");
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(wr_hosts_put(path, "w0", NULL, &is_changed), 0);
	assert_text(real, "a\n");
}

/* As containers have it: the file is a mount, so nothing can be put in its place. */
static void test_hosts_put_writes_into_a_mount(void **state)
{
	char other[120];
	struct stat before, after;
	bool is_changed;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	write_text(other, "127.0.0.1 localhost\n");
	write_text(path, "");
	assert_int_equal(mount(other, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), 0);
	assert_text(other, "127.0.0.1 localhost\n# BEGIN warren w0\n" BLOCK "# END warren w0\n");
	assert_int_equal(wr_hosts_put(path, "w0", NULL, &is_changed), 0);
	assert_text(other, "127.0.0.1 localhost\n");
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_file_count(2);
}

static void test_hosts_put_says_why_not(void **state)
{
	bool is_changed;
	int fd;

	(void)state;
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), -ENOENT);
	write_text(path, "a\n");
	/* Another agent is at it. */
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), -EAGAIN);
	close(fd);
	assert_int_equal(mount(path, path, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(wr_hosts_put(path, "w0", BLOCK, &is_changed), -EROFS);
	assert_text(path, "a\n");
	assert_file_count(1);
}

/* --- The whole. --- */

static uv_loop_t loop;
static const struct wr_families both = { true, true };

static struct wr_names *names_of(enum wr_names_kind kind)
{
	const struct wr_names_config config = { "w0", kind, path };
	struct wr_names *names = NULL;

	assert_int_equal(wr_names_new(&loop, &config, &names), 0);
	return names;
}

static struct wr_netmap *small_network(void)
{
	struct wr_netmap *map = networks_empty();

	networks_add(map, 2, WR_WAY_DIRECT)->v6 = (struct wr_ip){ 0 };
	map->record_count = 2;
	map->records = calloc(2, sizeof(*map->records));
	strcpy(map->records[0].name, "git.acme.warren");
	map->records[0].ip = networks_ip("10.77.0.3");
	strcpy(map->records[1].name, "bank.example");
	map->records[1].ip = networks_ip("10.77.0.3");
	return map;
}

#define SMALL \
	"# BEGIN warren w0\n" \
	"10.77.0.2\tself.acme.warren\nfd77::2\tself.acme.warren\n" \
	"10.77.0.1\thub.acme.warren\nfd77::1\thub.acme.warren\n" \
	"10.77.0.3\tgit.acme.warren\n10.77.0.3\thost-2.acme.warren\n" \
	"# END warren w0\n"

static void test_names_are_in_the_hosts_file_while_it_runs(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_HOSTS);

	(void)state;
	write_text(path, "127.0.0.1 localhost\n");
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	assert_text(path, "127.0.0.1 localhost\n" SMALL);
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	/* The same map again. */
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	/* Somebody takes them out, and adds something. */
	write_text(path, "127.0.0.1 localhost\n::1 localhost\n");
	assert_int_equal(wr_names_run(names), WR_MEND_DRIFT);
	assert_text(path, "127.0.0.1 localhost\n::1 localhost\n" SMALL);
	assert_string_equal(wr_names_trouble(names), "");
	names = wr_names_free(names);
	assert_text(path, "127.0.0.1 localhost\n::1 localhost\n");
	map = wr_netmap_free(map);
}

/* Nobody to ask, whatever was wished for; and who is dead has no name. */
static void test_names_without_a_hub_are_in_the_hosts_file(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_RESOLVED);

	(void)state;
	networks_forget_hub(map);
	networks_add(map, 3, WR_WAY_DIRECT)->name[0] = '\0';
	write_text(path, "a\n");
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	assert_false(wr_names_is_resolved(names));
	assert_text(path, "a\n# BEGIN warren w0\n"
			  "10.77.0.2\tself.acme.warren\nfd77::2\tself.acme.warren\n"
			  "10.77.0.3\tgit.acme.warren\n10.77.0.3\thost-2.acme.warren\n"
			  "# END warren w0\n");
	names = wr_names_free(names);
	assert_text(path, "a\n");
	map = wr_netmap_free(map);
}

static void test_names_of_a_killed_agent_are_replaced(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_HOSTS);

	(void)state;
	write_text(path, "a\n# BEGIN warren w0\n10.77.0.99\told.acme.warren\n# END warren w0\n");
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	assert_text(path, "a\n" SMALL);
	names = wr_names_free(names);
	assert_text(path, "a\n");
	map = wr_netmap_free(map);
}

static void test_names_tell_what_cannot_be(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_HOSTS);

	(void)state;
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	assert_non_null(strstr(wr_names_trouble(names), "is not there"));
	write_text(path, "");
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	assert_string_equal(wr_names_trouble(names), "");
	names = wr_names_free(names);
	assert_text(path, "");
	map = wr_netmap_free(map);
}

static void test_names_have_a_limit(void **state)
{
	struct wr_netmap *map = networks_empty();
	bool is_cut = false;
	size_t lines = 0;
	char *text;

	(void)state;
	for (unsigned i = 2; i < 6000; i++)
		networks_add(map, i, WR_WAY_HUB);
	text = wr_names_lines(map, both, &is_cut);
	assert_true(is_cut);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, WR_NAMES_LINES);
	free(text);
	map = wr_netmap_free(map);
}

static void test_names_off_touches_nothing(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_OFF);

	(void)state;
	write_text(path, "a\n# BEGIN warren w0\nmine\n# END warren w0\n");
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	names = wr_names_free(names);
	assert_text(path, "a\n# BEGIN warren w0\nmine\n# END warren w0\n");
	map = wr_netmap_free(map);
}

/* --- systemd-resolved. --- */

/* This host has none; what it would be told is written down by a program of its name. */
static void stand_in_resolved(void)
{
	char program[150];

	assert_int_equal(mkdir("/run/systemd", 0755), 0);
	assert_int_equal(mkdir("/run/systemd/resolve", 0755), 0);
	write_text("/run/systemd/resolve/io.systemd.Resolve", "");
	snprintf(program, sizeof(program), "%s/resolvectl", folder);
	write_text(program, "#!/bin/sh\necho \"$@\" >>\"${0%/*}/told\"\n");
	assert_int_equal(chmod(program, 0755), 0);
	assert_int_equal(setenv("PATH", folder, 1), 0);
}

static void test_names_resolved_is_told_of_the_network_only(void **state)
{
	struct wr_netmap *map = small_network();
	struct wr_names *names = names_of(WR_NAMES_RESOLVED);
	char told[150], *old_path = strdup(getenv("PATH"));

	(void)state;
	stand_in_resolved();
	write_text(path, "127.0.0.1 localhost\n");
	snprintf(told, sizeof(told), "%s/told", folder);
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	/* Of what the hub's DNS does not know: the records. */
	assert_text(path, "127.0.0.1 localhost\n# BEGIN warren w0\n"
			  "10.77.0.3\tgit.acme.warren\n# END warren w0\n");
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(wr_names_is_resolved(names));
	assert_text(told, "dnssec w0 no\ndnsovertls w0 no\ndomain w0 ~acme.warren\n"
			  "dns w0 10.77.0.1 fd77::1\n");
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	wr_names_set_map(names, map, both);
	assert_int_equal(wr_names_run(names), WR_MEND_NOTHING);
	/* The service starts anew, and knows nothing. */
	assert_int_equal(setenv("PATH", old_path, 1), 0);
	assert_int_equal(unlink(told), 0);
	assert_int_equal(unlink("/run/systemd/resolve/io.systemd.Resolve"), 0);
	write_text("/run/systemd/resolve/io.systemd.Resolve", "");
	assert_int_equal(setenv("PATH", folder, 1), 0);
	assert_int_equal(wr_names_run(names), WR_MEND_DRIFT);
	uv_run(&loop, UV_RUN_DEFAULT);
	/* The interface is another. */
	wr_names_set_link(names);
	assert_int_equal(wr_names_run(names), WR_MEND_MADE);
	names = wr_names_free(names);
	assert_int_equal(setenv("PATH", old_path, 1), 0);
	namespace_run("test \"$(tail -n 1 %s)\" = 'revert w0'", told);
	assert_text(path, "127.0.0.1 localhost\n");
	map = wr_netmap_free(map);
	free(old_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_text_marks_its_block),
		cmocka_unit_test(test_hosts_text_leaves_nothing_behind),
		cmocka_unit_test_setup_teardown(test_hosts_put_keeps_mode_and_owner, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_hosts_put_follows_a_link, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_hosts_put_writes_into_a_mount, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_hosts_put_says_why_not, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_names_are_in_the_hosts_file_while_it_runs,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_names_without_a_hub_are_in_the_hosts_file,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_names_of_a_killed_agent_are_replaced,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_names_tell_what_cannot_be, make_folder,
						remove_folder),
		cmocka_unit_test(test_names_have_a_limit),
		cmocka_unit_test_setup_teardown(test_names_off_touches_nothing, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(test_names_resolved_is_told_of_the_network_only,
						make_folder, remove_folder),
	};
	int status;

	/* Mounts of its own, and a /run of its own. */
	namespace_enter();
	assert(uv_loop_init(&loop) == 0);
	status = cmocka_run_group_tests_name("names", tests, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert(uv_loop_close(&loop) == 0);
	return status;
}
