/* Folders of memberships. */
#include "mesh/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/files.h"
#include "unit.h"

static char base[] = "/tmp/warren-folder-XXXXXX";
static const char *const files[] = { "state.json", "mesh.json", "other" };

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

static char *make(const char *interface)
{
	char *folder = wr_folder_path(base, interface);

	assert_int_equal(wr_folder_make(folder), 0);
	return folder;
}

static void forget(const char *folder)
{
	assert_int_equal(wr_folder_forget(folder, files, WR_ARRAY_LEN(files)), 0);
	assert_int_equal(access(folder, F_OK), -1);
}

static void test_folder_is_made_for_us_alone(void **unused)
{
	WR_AUTO(wr_text_freep) char *folder = wr_text_new("%s/a/b", base);
	WR_AUTO(wr_text_freep) char *above = wr_text_new("%s/a", base);
	struct stat status;

	(void)unused;
	assert_int_equal(wr_folder_make(folder), 0);
	assert_int_equal(wr_folder_make(folder), 0);
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	forget(folder);
	assert_int_equal(rmdir(above), 0);
}

static void test_folder_has_one_owner(void **unused)
{
	WR_AUTO(wr_text_freep) char *folder = make("warren0");
	WR_AUTO(wr_text_freep) char *lock = wr_text_new("%s/lock", folder);
	int fd, other;

	(void)unused;
	assert_true(wr_folder_is_free(folder));
	assert_int_equal(access(lock, F_OK), -1); /* looking makes nothing */
	assert_int_equal(wr_folder_lock(folder, &fd), 0);
	assert_int_equal(wr_folder_lock(folder, &other), -EBUSY);
	assert_false(wr_folder_is_free(folder));
	close(fd);
	assert_true(wr_folder_is_free(folder));
	forget(folder);
}

static void note(void *context, enum wr_folder_kind kind, const char *interface, const char *folder)
{
	char *seen = context;

	assert_non_null(strstr(folder, interface));
	sprintf(seen + strlen(seen), "%s%s ", interface, kind == WR_FOLDER_MESH ? ":mesh" : "");
}

static void test_folder_list_tells_agents_and_meshes(void **unused)
{
	WR_AUTO(wr_text_freep) char *b = make("b");
	WR_AUTO(wr_text_freep) char *a = make("a");
	WR_AUTO(wr_text_freep) char *empty = make("empty");
	char seen[64] = "";

	(void)unused;
	assert_int_equal(wr_folder_list("/nonexistent/folder", note, seen), 0);
	assert_int_equal(wr_folder_save(b, "state.json", json_object()), 0);
	assert_int_equal(wr_folder_save(a, "mesh.json", json_object()), 0);
	assert_int_equal(wr_folder_list(base, note, seen), 0);
	assert_string_equal(seen, "a:mesh b ");
	forget(a);
	forget(b);
	forget(empty);
}

static void test_folder_files_are_private_and_whole(void **unused)
{
	WR_AUTO(wr_text_freep) char *folder = make("warren0");
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/other", folder);
	json_t *object;
	struct stat status;

	(void)unused;
	assert_int_equal(wr_folder_load(folder, "other", 100, &object), -ENOENT);
	assert_int_equal(wr_folder_save(folder, "other", json_pack("{s:i}", "one", 1)), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(wr_folder_load(folder, "other", 100, &object), 0);
	assert_int_equal(json_integer_value(json_object_get(object, "one")), 1);
	json_decref(object);
	assert_int_equal(wr_folder_load(folder, "other", 4, &object), -EBADMSG);
	assert_int_equal(wr_file_replace(path, "[]", 2), 0);
	assert_int_equal(wr_folder_load(folder, "other", 100, &object), -EBADMSG);
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(wr_folder_load(folder, "other", 100, &object), -EPERM);
	assert_int_equal(wr_folder_save(folder, "other", NULL), -ENOMEM);
	forget(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder_is_made_for_us_alone),
		cmocka_unit_test(test_folder_has_one_owner),
		cmocka_unit_test(test_folder_list_tells_agents_and_meshes),
		cmocka_unit_test(test_folder_files_are_private_and_whole),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
