/* The founder's key and the invitations it made, on disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/fields.h"
#include "wire/fields.h"
#include "zeroconf/state.h"
#include "zeroconf/state_parts.h"

/* WR_MESH_INVITATIONS with all names as long as they may be. */
#define FILE_MAX (4u << 20)
#define SECONDS_MAX INT64_MAX
/* "uses_left" of any number. */
#define ANY_NUMBER UINT32_MAX

/* --- Out of JSON. --- */

static bool take_tags(const json_t *array, struct wr_mesh_invitation *invitation)
{
	size_t count = json_array_size(array);

	if (count > WR_ITEM_TAGS)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *tag = json_string_value(json_array_get(array, i));

		if (!tag || strlen(tag) > WR_ITEM_NAME_LEN ||
		    !wr_field_is_word(WR_WORD_TAG, tag, strlen(tag)))
			return false;
		memcpy(invitation->tags[i], tag, strlen(tag) + 1);
	}
	invitation->tag_count = (uint8_t)count;
	return true;
}

static bool take_invitation(const json_t *object, struct wr_mesh_invitation *invitation)
{
	uint64_t uses_left;

	if (!wr_field_bytes(object, "id", invitation->id, sizeof(invitation->id)) ||
	    !wr_field_bytes(object, "secret", invitation->secret, sizeof(invitation->secret)) ||
	    !wr_field_number(object, "expires", SECONDS_MAX, &invitation->expires) ||
	    !wr_field_number(object, "uses_left", ANY_NUMBER, &uses_left) ||
	    !wr_field_number(object, "certificate_seconds", SECONDS_MAX,
			     &invitation->certificate_seconds) ||
	    !wr_field_text(object, "name", invitation->name, sizeof(invitation->name)))
		return false;
	invitation->uses_left = (uint32_t)uses_left;
	return (!*invitation->name || wr_mesh_is_name(invitation->name)) &&
	       take_tags(json_object_get(object, "tags"), invitation);
}

static bool take_invitations(const json_t *array, struct wr_founder *founder)
{
	size_t count = json_array_size(array);

	if (count > WR_MESH_INVITATIONS)
		return false;
	if (count == 0)
		return true;
	founder->invitations = calloc(count, sizeof(*founder->invitations));
	if (!founder->invitations)
		abort();
	for (; founder->invitation_count < count; founder->invitation_count++)
		if (!take_invitation(json_array_get(array, founder->invitation_count),
				     &founder->invitations[founder->invitation_count]))
			return false;
	return true;
}

int wr_founder_load(const char *folder, struct wr_founder *ret_founder)
{
	struct wr_founder founder = { .invitations = NULL };
	json_t *object;
	int status = wr_folder_load(folder, WR_FOUNDER_FILE, FILE_MAX, &object);
	bool is_good;

	if (status < 0)
		return status;
	is_good = wr_field_key(object, "seed", &founder.seed) && !wr_key_is_zero(&founder.seed) &&
		  wr_field_number(object, "serial", SECONDS_MAX, &founder.serial) &&
		  take_invitations(json_object_get(object, "invitations"), &founder);
	json_decref(object);
	if (is_good)
		*ret_founder = founder;
	else
		wr_founder_done(&founder);
	return is_good ? 0 : -EBADMSG;
}

/* --- Into JSON. --- */

static json_t *invitation_json(const struct wr_mesh_invitation *invitation)
{
	json_t *object = json_object();
	json_t *tags = json_array();

	for (size_t i = 0; i < invitation->tag_count; i++)
		json_array_append_new(tags, json_string(invitation->tags[i]));
	wr_field_set_bytes(object, "id", invitation->id, sizeof(invitation->id));
	wr_field_set_bytes(object, "secret", invitation->secret, sizeof(invitation->secret));
	wr_field_set_number(object, "expires", invitation->expires);
	wr_field_set_number(object, "uses_left", invitation->uses_left);
	wr_field_set_number(object, "certificate_seconds", invitation->certificate_seconds);
	wr_field_set_text(object, "name", invitation->name);
	json_object_set_new(object, "tags", tags);
	return object;
}

int wr_founder_save(const char *folder, const struct wr_founder *founder)
{
	json_t *object = json_object();
	json_t *invitations = json_array();

	for (size_t i = 0; i < founder->invitation_count; i++)
		json_array_append_new(invitations, invitation_json(&founder->invitations[i]));
	wr_field_set_key(object, "seed", &founder->seed);
	wr_field_set_number(object, "serial", founder->serial);
	json_object_set_new(object, "invitations", invitations);
	return wr_folder_save(folder, WR_FOUNDER_FILE, object);
}

void wr_founder_done(struct wr_founder *founder)
{
	if (founder->invitations)
		wr_wipe(founder->invitations,
			founder->invitation_count * sizeof(*founder->invitations));
	free(founder->invitations);
	wr_wipe(founder, sizeof(*founder));
}
