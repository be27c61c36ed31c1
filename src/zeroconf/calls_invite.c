/* Control calls about invitations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "zeroconf/inside.h"

static void id_text(const uint8_t id[WR_INVITATION_ID_LEN], char ret_text[17])
{
	for (size_t i = 0; i < WR_INVITATION_ID_LEN; i++)
		snprintf(ret_text + 2 * i, 3, "%02x", id[i]);
}

static bool holds(const struct wr_mesh_invitation *invitation)
{
	return invitation->uses_left &&
	       (!invitation->expires || invitation->expires >= zc_seconds());
}

/* As late as can be: who comes with a used one hears that it is. */
static void drop_old(struct wr_zeroconf *zc)
{
	for (size_t i = zc->founder.invitation_count; i-- > 0;)
		if (!holds(&zc->founder.invitations[i]))
			zc_drop_invitation(zc, &zc->founder.invitations[i]);
}

/* Kept by the founder before anybody has it. */
static int enter_invitation(struct wr_zeroconf *zc, const struct wr_certificate *wish,
			    uint64_t uses, uint64_t expires, struct wr_mesh_invitation *ret_entry,
			    char ret_why[200])
{
	struct wr_founder *founder = &zc->founder;
	struct wr_mesh_invitation *grown;
	int status;

	if (!zc->is_founder) {
		snprintf(ret_why, 200, "%s is closed: invite where the founder's key is",
			 zc->state.mesh);
		return -EPERM;
	}
	if (founder->invitation_count == WR_MESH_INVITATIONS)
		drop_old(zc);
	if (founder->invitation_count == WR_MESH_INVITATIONS) {
		snprintf(ret_why, 200, "there are %d invitations: revoke some",
			 WR_MESH_INVITATIONS);
		return -ENOSPC;
	}
	grown = reallocarray(founder->invitations, founder->invitation_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	founder->invitations = grown;
	*ret_entry = (struct wr_mesh_invitation){
		.expires = expires,
		.uses_left = uses ? (uint32_t)uses : UINT32_MAX,
		.tag_count = wish->tag_count,
	};
	wr_random(ret_entry->id, sizeof(ret_entry->id));
	wr_random(ret_entry->secret, sizeof(ret_entry->secret));
	memcpy(ret_entry->name, wish->name, sizeof(wish->name));
	memcpy(ret_entry->tags, wish->tags, sizeof(wish->tags));
	grown[founder->invitation_count++] = *ret_entry;
	status = wr_founder_save(zc->state.folder, founder);
	if (status < 0) {
		founder->invitation_count--;
		snprintf(ret_why, 200, "cannot write %s/founder.json: %s", zc->state.folder,
			 strerror(-status));
	}
	return status;
}

/* Nobody has it, so it does no harm where it stays on the disk. */
static void forget_invitation(struct wr_zeroconf *zc, const struct wr_mesh_invitation *entry)
{
	zc_drop_invitation(zc, zc_find_invitation(zc, entry->id));
	if (wr_founder_save(zc->state.folder, &zc->founder) < 0)
		wr_log_error("founder: cannot write %s/founder.json", zc->state.folder);
}

static int make_invitation(struct wr_zeroconf *zc, const json_t *body,
			   char ret_text[WR_INVITATION_TEXT_LEN], char ret_why[200])
{
	json_int_t uses = json_integer_value(json_object_get(body, "uses"));
	struct wr_mesh_invitation entry = { .expires = 0 };
	bool is_closed = wr_admission_is_closed(zc->admission);
	struct wr_certificate wish;
	uint64_t span = 0, expires;
	int status = zc_read_wish(body, &wish, &span, ret_why);

	if (status < 0)
		return status;
	if (uses < 0 || uses >= UINT32_MAX) {
		snprintf(ret_why, 200, "uses: a number; 0 is any number of times");
		return -EINVAL;
	}
	if (!is_closed && (uses || wish.tag_count || *wish.name)) {
		snprintf(ret_why, 200,
			 "%s is not closed, so nobody counts uses or gives tags and names (warren "
			 "admit --close)",
			 zc->state.mesh);
		return -EINVAL;
	}
	expires = span ? zc_seconds() + span : 0;
	if (is_closed)
		status = enter_invitation(zc, &wish, (uint64_t)uses, expires, &entry, ret_why);
	if (status < 0)
		return status;
	status = zc_make_invitation(zc, is_closed ? &entry : NULL, expires, ret_text);
	if (status == 0)
		return 0;
	snprintf(ret_why, 200,
		 "no member has an address that others could be told: is there a network?");
	if (is_closed)
		forget_invitation(zc, &entry);
	return status;
}

void zc_post_invite(void *context, struct wr_http_request *request)
{
	json_t *body = zc_read_body(request);
	char text[WR_INVITATION_TEXT_LEN], why[200] = "memory is short";
	int status;

	if (!body)
		return;
	status = make_invitation(context, body, text, why);
	json_decref(body);
	if (status < 0)
		zc_refuse(request, status, why);
	else
		wr_node_answer(request, 200, json_pack("{s:s}", "invitation", text));
	wr_wipe(text, sizeof(text));
}

static json_t *invitation_json(const struct wr_mesh_invitation *invitation)
{
	json_t *tags = json_array();
	char id[17];

	id_text(invitation->id, id);
	for (size_t i = 0; i < invitation->tag_count; i++)
		json_array_append_new(tags, json_string(invitation->tags[i]));
	return json_pack("{s:s, s:o, s:I, s:s, s:o}", "id", id, "uses_left",
			 invitation->uses_left == UINT32_MAX ? json_null()
							     : json_integer(invitation->uses_left),
			 "expires", (json_int_t)invitation->expires, "name", invitation->name,
			 "tags", tags);
}

void zc_get_invitations(void *context, struct wr_http_request *request)
{
	const struct wr_zeroconf *zc = context;
	json_t *array = json_array();

	for (size_t i = 0; i < zc->founder.invitation_count; i++)
		if (holds(&zc->founder.invitations[i]))
			json_array_append_new(array, invitation_json(&zc->founder.invitations[i]));
	wr_node_answer(request, 200, json_pack("{s:o}", "invitations", array));
}
