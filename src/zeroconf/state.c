#include "zeroconf/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "linux/files.h"
#include "mesh/fields.h"
#include "mesh/prefixes.h"
#include "wire/fields.h"
#include "zeroconf/state_parts.h"

#define FILE_MAX 65536
#define ITEMS_FILE "items"
/* Other lengths are no networks of many members, or nobody's own (RFC 1918). */
#define SHORTEST 8
#define LONGEST 24
/* JSON has signed numbers. */
#define NUMBER_MAX INT64_MAX

bool wr_mesh_is_name(const char *word)
{
	size_t len = strlen(word);

	return len <= WR_MESH_NAME_LEN && wr_field_is_word(WR_WORD_LABEL, word, len);
}

bool wr_mesh_is_range(const struct wr_prefix *range)
{
	static const struct wr_prefix own[] = {
		{ { WR_IPV4, { 10 } }, 8 },
		{ { WR_IPV4, { 172, 16 } }, 12 },
		{ { WR_IPV4, { 192, 168 } }, 16 },
		{ { WR_IPV4, { 100, 64 } }, 10 },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(own); i++)
		if (range->length >= SHORTEST && range->length <= LONGEST &&
		    wr_prefix_holds(&own[i], range))
			return true;
	return false;
}

/* --- Out of JSON. --- */

static bool take_name(const json_t *object, const char *name, char *ret_text, size_t size)
{
	return wr_field_text(object, name, ret_text, size) &&
	       (!*ret_text || wr_mesh_is_name(ret_text));
}

static bool take_mesh(const json_t *object, struct wr_mesh_state *state)
{
	state->has_secret = wr_field_is(object, "has_secret");
	if (!wr_field_text(object, "interface", state->interface, sizeof(state->interface)) ||
	    !take_name(object, "mesh", state->mesh, sizeof(state->mesh)) ||
	    !wr_field_key(object, "root", &state->root) ||
	    !wr_field_key(object, "seed", &state->seed) ||
	    !wr_field_key(object, "founder", &state->founder))
		return false;
	state->has_founder = !wr_key_is_zero(&state->founder);
	return *state->interface && *state->mesh && !wr_key_is_zero(&state->root) &&
	       !wr_key_is_zero(&state->seed);
}

static bool take_claims(const json_t *object, struct wr_mesh_state *state)
{
	uint64_t attempt;

	if (!wr_field_number(object, "epoch", NUMBER_MAX, &state->epoch) ||
	    !wr_field_number(object, "clock", NUMBER_MAX, &state->clock) ||
	    !take_name(object, "name", state->name, sizeof(state->name)) ||
	    !wr_field_number(object, "name_since", NUMBER_MAX, &state->name_since) ||
	    !wr_field_number(object, "v4_attempt", UINT32_MAX, &attempt) ||
	    !wr_field_number(object, "v4_since", NUMBER_MAX, &state->v4_since))
		return false;
	state->v4_attempt = (uint32_t)attempt;
	return true;
}

static bool take_invitation(const json_t *object, struct wr_mesh_state *state)
{
	const char *text = json_string_value(json_object_get(object, "invitation"));
	char why[200];

	state->has_invitation = text != NULL;
	return !json_object_get(object, "invitation") ||
	       (text && wr_invitation_parse(text, &state->invitation, why) == 0);
}

static bool take_range(const json_t *object, struct wr_prefix *ret_range)
{
	const char *text = json_string_value(json_object_get(object, "network"));

	return text && wr_prefix_parse(text, strlen(text), ret_range) &&
	       wr_mesh_is_range(ret_range);
}

/* Addresses that may be missing. */
static bool take_places(const json_t *object, struct wr_mesh_state *state)
{
	const json_t *listen = json_object_get(object, "listen");
	const json_t *metrics = json_object_get(object, "metrics");
	const char *text = json_string_value(listen);

	if (listen && (!text || !wr_ip_parse(text, strlen(text), &state->listen)))
		return false;
	text = json_string_value(metrics);
	return !metrics || (text && wr_endpoint_parse(text, strlen(text), &state->metrics));
}

static bool take_wishes(const json_t *object, struct wr_mesh_state *state)
{
	state->is_lan_off = wr_field_is(object, "no_lan");
	state->is_relay_off = wr_field_is(object, "no_relay");
	state->has_l2 = wr_field_is(object, "l2");
	state->accepts_routes = wr_field_is(object, "accepts_routes");
	state->masquerades = wr_field_is(object, "masquerades");
	return take_name(object, "wanted_name", state->wanted_name, sizeof(state->wanted_name)) &&
	       take_range(object, &state->range4) && take_places(object, state) &&
	       wr_field_port(object, "port", &state->port) &&
	       wr_field_port(object, "last_port", &state->last_port) &&
	       wr_backend_kind_parse(json_string_value(json_object_get(object, "backend")),
				     &state->backend) &&
	       wr_names_kind_parse(json_string_value(json_object_get(object, "names")),
				   &state->names) &&
	       wr_field_prefixes(object, "routes", WR_ITEM_ROUTES, state->routes,
				 &state->route_count);
}

int wr_mesh_state_load(const char *folder, struct wr_mesh_state *ret_state)
{
	struct wr_mesh_state state = { .folder = NULL };
	json_t *object;
	int status = wr_folder_load(folder, WR_FOLDER_MESH_FILE, FILE_MAX, &object);
	bool is_good;

	if (status < 0)
		return status;
	is_good = take_mesh(object, &state) && take_claims(object, &state) &&
		  take_invitation(object, &state) && take_wishes(object, &state);
	json_decref(object);
	if (is_good) {
		state.folder = wr_text_new("%s", folder);
		*ret_state = state;
	}
	wr_wipe(&state, sizeof(state));
	return is_good ? 0 : -EBADMSG;
}

/* --- Into JSON. --- */

static void put_mesh(json_t *object, const struct wr_mesh_state *state)
{
	wr_field_set_text(object, "interface", state->interface);
	wr_field_set_text(object, "mesh", state->mesh);
	wr_field_set_flag(object, "has_secret", state->has_secret);
	wr_field_set_key(object, "root", &state->root);
	wr_field_set_key(object, "seed", &state->seed);
	if (state->has_founder)
		wr_field_set_key(object, "founder", &state->founder);
}

static void put_claims(json_t *object, const struct wr_mesh_state *state)
{
	wr_field_set_number(object, "epoch", state->epoch);
	wr_field_set_number(object, "clock", state->clock);
	wr_field_set_text(object, "name", state->name);
	wr_field_set_number(object, "name_since", state->name_since);
	wr_field_set_number(object, "v4_attempt", state->v4_attempt);
	wr_field_set_number(object, "v4_since", state->v4_since);
}

static void put_invitation(json_t *object, const struct wr_mesh_state *state)
{
	char text[WR_INVITATION_TEXT_LEN];

	if (!state->has_invitation || !wr_invitation_format(&state->invitation, text))
		return;
	wr_field_set_text(object, "invitation", text);
	wr_wipe(text, sizeof(text));
}

static void put_places(json_t *object, const struct wr_mesh_state *state)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(&state->range4, text);
	wr_field_set_text(object, "network", text);
	if (state->listen.family != WR_FAMILY_NONE) {
		wr_ip_format(&state->listen, text);
		wr_field_set_text(object, "listen", text);
	}
	if (state->metrics.ip.family != WR_FAMILY_NONE) {
		wr_endpoint_format(&state->metrics, text);
		wr_field_set_text(object, "metrics", text);
	}
	wr_field_set_prefixes(object, "routes", state->routes, state->route_count);
}

static void put_wishes(json_t *object, const struct wr_mesh_state *state)
{
	wr_field_set_text(object, "wanted_name", state->wanted_name);
	wr_field_set_number(object, "port", state->port);
	wr_field_set_number(object, "last_port", state->last_port);
	wr_field_set_text(object, "backend", wr_backend_kind_word(state->backend));
	wr_field_set_text(object, "names", wr_names_kind_word(state->names));
	wr_field_set_flag(object, "no_lan", state->is_lan_off);
	wr_field_set_flag(object, "no_relay", state->is_relay_off);
	wr_field_set_flag(object, "l2", state->has_l2);
	wr_field_set_flag(object, "accepts_routes", state->accepts_routes);
	wr_field_set_flag(object, "masquerades", state->masquerades);
}

int wr_mesh_state_save(const struct wr_mesh_state *state)
{
	json_t *object = json_object();

	if (!object)
		return -ENOMEM;
	put_mesh(object, state);
	put_claims(object, state);
	put_invitation(object, state);
	put_places(object, state);
	put_wishes(object, state);
	return wr_folder_save(state->folder, WR_FOLDER_MESH_FILE, object);
}

void wr_mesh_state_done(struct wr_mesh_state *state)
{
	free(state->folder);
	wr_wipe(state, sizeof(*state));
}

int wr_mesh_state_forget(const char *folder)
{
	static const char *const files[] = { WR_FOLDER_MESH_FILE, ITEMS_FILE, WR_FOUNDER_FILE };

	return wr_folder_forget(folder, files, WR_ARRAY_LEN(files));
}

/* --- Items. --- */

/* The next; false at the end, and where it is cut short. */
static bool next_item(struct wr_reader *reader, struct wr_bytes *ret_item)
{
	size_t len = (size_t)wr_read_u8(reader) << 8;

	len |= wr_read_u8(reader);
	*ret_item = wr_read_bytes(reader, len);
	return !reader->bad;
}

static bool is_whole(struct wr_bytes bytes)
{
	struct wr_reader reader = wr_reader_of(bytes);
	struct wr_bytes item;

	while (reader.left.len > 0 && next_item(&reader, &item))
		;
	return wr_reader_done(&reader);
}

int wr_mesh_items_load(const char *folder, void (*each)(void *context, struct wr_bytes item),
		       void *context)
{
	struct wr_reader reader;
	struct wr_bytes item;
	uint8_t *bytes;
	size_t len;
	int status = wr_folder_read(folder, ITEMS_FILE, WR_MESH_ITEMS_MAX, &bytes, &len);

	if (status < 0)
		return status;
	if (!is_whole((struct wr_bytes){ bytes, len }))
		status = -EBADMSG;
	reader = wr_reader_of((struct wr_bytes){ bytes, len });
	while (status == 0 && reader.left.len > 0 && next_item(&reader, &item))
		each(context, item);
	free(bytes);
	return status;
}

int wr_mesh_items_save(const char *folder, struct wr_bytes items)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" ITEMS_FILE, folder);

	if (items.len > WR_MESH_ITEMS_MAX || !is_whole(items))
		return -EINVAL;
	return wr_file_replace(path, (const char *)items.data, items.len);
}
