#include "agent/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/files.h"
#include "mesh/fields.h"

#define MAP_FILE "map.json"
#define FILE_MAX 65536

char *wr_state_map_path(const struct wr_state *state)
{
	return wr_text_new("%s/" MAP_FILE, state->folder);
}

/* --- Out of JSON. --- */

static bool take_identity(const json_t *object, struct wr_state *state)
{
	return wr_field_text(object, "interface", state->interface, sizeof(state->interface)) &&
	       wr_field_text(object, "url", state->url, sizeof(state->url)) &&
	       wr_field_text(object, "pin", state->pin, sizeof(state->pin)) &&
	       wr_field_text(object, "token", state->token, sizeof(state->token)) &&
	       wr_field_text(object, "machine", state->uid, sizeof(state->uid)) &&
	       wr_field_text(object, "name", state->name, sizeof(state->name)) &&
	       wr_field_text(object, "network", state->network, sizeof(state->network)) &&
	       wr_field_key(object, "private_key", &state->private_key) &&
	       wr_field_key(object, "next_key", &state->next_key) &&
	       !wr_key_is_zero(&state->private_key);
}

static bool take_wishes(const json_t *object, struct wr_state *state)
{
	state->accepts_routes = wr_field_is(object, "accepts_routes");
	state->may_forward = wr_field_is(object, "may_forward");
	state->masquerades = wr_field_is(object, "masquerades");
	return wr_field_port(object, "port", &state->port) &&
	       wr_field_port(object, "last_port", &state->last_port) &&
	       wr_backend_kind_parse(json_string_value(json_object_get(object, "backend")),
				     &state->backend) &&
	       wr_names_kind_parse(json_string_value(json_object_get(object, "names")),
				   &state->names) &&
	       wr_field_prefixes(object, "routes", WR_STATE_ROUTES, state->routes,
				 &state->route_count);
}

int wr_state_load(const char *folder, struct wr_state *ret_state)
{
	struct wr_state state = { .folder = NULL };
	json_t *object;
	int status = wr_folder_load(folder, WR_FOLDER_AGENT_FILE, FILE_MAX, &object);
	bool is_good;

	if (status < 0)
		return status;
	is_good = take_identity(object, &state) && take_wishes(object, &state);
	json_decref(object);
	if (is_good) {
		state.folder = wr_text_new("%s", folder);
		*ret_state = state;
	}
	wr_wipe(&state, sizeof(state));
	return is_good ? 0 : -EBADMSG;
}

/* --- Into JSON. --- */

static json_t *state_json(const struct wr_state *state)
{
	json_t *object = json_object();

	if (!object)
		return NULL;
	wr_field_set_text(object, "interface", state->interface);
	wr_field_set_text(object, "url", state->url);
	wr_field_set_text(object, "pin", state->pin);
	wr_field_set_text(object, "token", state->token);
	wr_field_set_text(object, "machine", state->uid);
	wr_field_set_text(object, "name", state->name);
	wr_field_set_text(object, "network", state->network);
	wr_field_set_number(object, "port", state->port);
	wr_field_set_number(object, "last_port", state->last_port);
	wr_field_set_text(object, "backend", wr_backend_kind_word(state->backend));
	wr_field_set_text(object, "names", wr_names_kind_word(state->names));
	wr_field_set_flag(object, "accepts_routes", state->accepts_routes);
	wr_field_set_flag(object, "may_forward", state->may_forward);
	wr_field_set_flag(object, "masquerades", state->masquerades);
	wr_field_set_prefixes(object, "routes", state->routes, state->route_count);
	wr_field_set_key(object, "private_key", &state->private_key);
	wr_field_set_key(object, "next_key", &state->next_key);
	return object;
}

int wr_state_save(const struct wr_state *state)
{
	return wr_folder_save(state->folder, WR_FOLDER_AGENT_FILE, state_json(state));
}

void wr_state_done(struct wr_state *state)
{
	free(state->folder);
	wr_wipe(state, sizeof(*state));
}

int wr_state_forget(const char *folder)
{
	static const char *const files[] = { WR_FOLDER_AGENT_FILE, MAP_FILE };

	return wr_folder_forget(folder, files, WR_ARRAY_LEN(files));
}
