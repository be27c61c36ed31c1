#include "agent/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/files.h"

#define STATE_FILE "state.json"
#define MAP_FILE "map.json"
#define SOCKET_FILE "control.sock"
#define LOCK_FILE "lock"
#define FILE_MAX 65536

/* --- Words. --- */

static const char *const backend_words[] = {
	[WR_BACKEND_AUTO] = "auto",
	[WR_BACKEND_KERNEL] = "kernel",
	[WR_BACKEND_ENGINE] = "engine",
};
static const char *const names_words[] = {
	[WR_NAMES_OFF] = "off",
	[WR_NAMES_AUTO] = "auto",
	[WR_NAMES_RESOLVED] = "resolved",
	[WR_NAMES_HOSTS] = "hosts",
};

/* Its place among the words, or -1. */
static int find_word(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; word && i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

bool wr_backend_kind_parse(const char *word, enum wr_backend_kind *ret_kind)
{
	int place = find_word(backend_words, WR_ARRAY_LEN(backend_words), word);

	if (place < 0)
		return false;
	*ret_kind = (enum wr_backend_kind)place;
	return true;
}

bool wr_names_kind_parse(const char *word, enum wr_names_kind *ret_kind)
{
	int place = find_word(names_words, WR_ARRAY_LEN(names_words), word);

	if (place < 0)
		return false;
	*ret_kind = (enum wr_names_kind)place;
	return true;
}

/* --- Paths. --- */

char *wr_state_folder(const char *base, const char *interface)
{
	return wr_text_new("%s/%s", base ? base : WR_STATE_FOLDER, interface);
}

char *wr_state_map_path(const struct wr_state *state)
{
	return wr_text_new("%s/" MAP_FILE, state->folder);
}

char *wr_state_socket_path(const char *folder)
{
	return wr_text_new("%s/" SOCKET_FILE, folder);
}

int wr_state_make_folder(const char *folder)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s", folder);

	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* --- Out of JSON. --- */

static bool take_text(const json_t *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text || strlen(text) >= size)
		return false;
	memcpy(ret_text, text, strlen(text) + 1);
	return true;
}

/* One that is not there is all zero. */
static bool take_key(const json_t *object, const char *name, struct wr_key *ret_key)
{
	const char *text = json_string_value(json_object_get(object, name));

	return !text || wr_key_from_hex(text, strlen(text), ret_key);
}

static bool take_routes(const json_t *array, struct wr_state *state)
{
	size_t count = json_array_size(array);

	if (count > WR_STATE_ROUTES)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (!text || !wr_prefix_parse(text, strlen(text), &state->routes[i]))
			return false;
	}
	state->route_count = count;
	return true;
}

static bool take_identity(const json_t *object, struct wr_state *state)
{
	return take_text(object, "interface", state->interface, sizeof(state->interface)) &&
	       take_text(object, "url", state->url, sizeof(state->url)) &&
	       take_text(object, "pin", state->pin, sizeof(state->pin)) &&
	       take_text(object, "token", state->token, sizeof(state->token)) &&
	       take_text(object, "machine", state->uid, sizeof(state->uid)) &&
	       take_text(object, "name", state->name, sizeof(state->name)) &&
	       take_text(object, "network", state->network, sizeof(state->network)) &&
	       take_key(object, "private_key", &state->private_key) &&
	       take_key(object, "next_key", &state->next_key) &&
	       !wr_key_is_zero(&state->private_key);
}

static bool take_wishes(const json_t *object, struct wr_state *state)
{
	json_int_t port = json_integer_value(json_object_get(object, "port"));
	json_int_t last_port = json_integer_value(json_object_get(object, "last_port"));

	state->port = (uint16_t)port;
	state->last_port = (uint16_t)last_port;
	state->accepts_routes = json_is_true(json_object_get(object, "accepts_routes"));
	state->may_forward = json_is_true(json_object_get(object, "may_forward"));
	state->masquerades = json_is_true(json_object_get(object, "masquerades"));
	return port >= 0 && port <= UINT16_MAX && last_port >= 0 && last_port <= UINT16_MAX &&
	       wr_backend_kind_parse(json_string_value(json_object_get(object, "backend")),
				     &state->backend) &&
	       wr_names_kind_parse(json_string_value(json_object_get(object, "names")),
				   &state->names) &&
	       take_routes(json_object_get(object, "routes"), state);
}

static int read_private(const char *path, char **ret_text)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	return wr_file_read(path, FILE_MAX, ret_text);
}

static void wipe_textp(char **text)
{
	if (*text)
		wr_wipe(*text, strlen(*text));
	free(*text);
}

int wr_state_load(const char *folder, struct wr_state *ret_state)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" STATE_FILE, folder);
	WR_AUTO(wipe_textp) char *text = NULL;
	struct wr_state state = { .folder = NULL };
	int status = read_private(path, &text);
	json_t *object;
	bool is_good;

	if (status < 0)
		return status;
	object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	is_good = object && take_identity(object, &state) && take_wishes(object, &state);
	json_decref(object);
	if (is_good) {
		state.folder = wr_text_new("%s", folder);
		*ret_state = state;
	}
	wr_wipe(&state, sizeof(state));
	return is_good ? 0 : -EBADMSG;
}

/* --- Into JSON. --- */

static json_t *routes_json(const struct wr_state *state)
{
	json_t *array = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < state->route_count; i++) {
		wr_prefix_format(&state->routes[i], text);
		json_array_append_new(array, json_string(text));
	}
	return array;
}

static void put_key(json_t *object, const char *name, const struct wr_key *key)
{
	char text[WR_KEY_HEX_LEN + 1];

	if (wr_key_is_zero(key))
		return;
	wr_key_to_hex(key, text);
	json_object_set_new(object, name, json_string(text));
	wr_wipe(text, sizeof(text));
}

static json_t *state_json(const struct wr_state *state)
{
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:b, s:o}",
		"interface", state->interface, "url", state->url, "pin", state->pin, "token",
		state->token, "machine", state->uid, "name", state->name, "network", state->network,
		"port", (int)state->port, "last_port", (int)state->last_port, "backend",
		backend_words[state->backend], "names", names_words[state->names], "accepts_routes",
		(int)state->accepts_routes, "may_forward", (int)state->may_forward, "masquerades",
		(int)state->masquerades, "routes", routes_json(state));

	if (object) {
		put_key(object, "private_key", &state->private_key);
		put_key(object, "next_key", &state->next_key);
	}
	return object;
}

int wr_state_save(const struct wr_state *state)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" STATE_FILE, state->folder);
	WR_AUTO(wipe_textp) char *text = NULL;
	json_t *object = state_json(state);

	if (object)
		text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	return text ? wr_file_replace(path, text, strlen(text)) : -ENOMEM;
}

void wr_state_done(struct wr_state *state)
{
	free(state->folder);
	wr_wipe(state, sizeof(*state));
}

/* --- Folders. --- */

int wr_state_lock(const char *folder, int *ret_fd)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" LOCK_FILE, folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		status = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (status < 0)
		close(fd);
	else
		*ret_fd = fd;
	return status;
}

bool wr_state_is_free(const char *folder)
{
	int fd;

	int status = wr_state_lock(folder, &fd);

	if (status == 0)
		close(fd);
	return status != -EBUSY;
}

int wr_state_forget(const char *folder)
{
	static const char *const files[] = { STATE_FILE, MAP_FILE, SOCKET_FILE, LOCK_FILE };

	for (size_t i = 0; i < WR_ARRAY_LEN(files); i++) {
		WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/%s", folder, files[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return -errno;
	}
	return rmdir(folder) < 0 && errno != ENOENT ? -errno : 0;
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void show(const char *base, const char *name,
		 void (*see)(void *context, const char *interface, const char *folder),
		 void *context)
{
	WR_AUTO(wr_text_freep) char *folder = wr_text_new("%s/%s", base, name);
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/" STATE_FILE, folder);

	if (access(file, F_OK) == 0)
		see(context, name, folder);
}

int wr_state_list(const char *base,
		  void (*see)(void *context, const char *interface, const char *folder),
		  void *context)
{
	struct dirent **entries;
	const char *root = base ? base : WR_STATE_FOLDER;
	int count = scandir(root, &entries, is_shown, alphasort);

	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		show(root, entries[i]->d_name, see, context);
		free(entries[i]);
	}
	free(entries);
	return 0;
}
