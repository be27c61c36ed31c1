/* Control calls about who may come in: invitations, certificates, revocations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "wire/fields.h"
#include "zeroconf/inside.h"

/* --- What certificates and invitations have in common. --- */

static bool read_label(const json_t *value, char ret_label[WR_ITEM_NAME_LEN + 1])
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) > WR_ITEM_NAME_LEN)
		return false;
	snprintf(ret_label, WR_ITEM_NAME_LEN + 1, "%s", text);
	return true;
}

static bool read_tag(const json_t *value, char ret_tag[WR_ITEM_NAME_LEN + 1])
{
	return read_label(value, ret_tag) &&
	       wr_field_is_word(WR_WORD_TAG, ret_tag, strlen(ret_tag));
}

static int read_wish(const json_t *object, struct wr_certificate *ret_wish, uint64_t *ret_span,
		     char ret_why[200])
{
	const json_t *name = json_object_get(object, "name");
	const json_t *tags = json_object_get(object, "tags");
	json_int_t span = json_integer_value(json_object_get(object, "expires_in"));

	*ret_wish = (struct wr_certificate){ .tag_count = 0 };
	if (name && (!read_label(name, ret_wish->name) || !wr_mesh_is_name(ret_wish->name))) {
		snprintf(ret_why, 200, "a name is a label: lower-case letters, digits, hyphens");
		return -EINVAL;
	}
	if (json_array_size(tags) > WR_ITEM_TAGS) {
		snprintf(ret_why, 200, "a member has at most %d tags", WR_ITEM_TAGS);
		return -EINVAL;
	}
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (!read_tag(json_array_get(tags, i), ret_wish->tags[ret_wish->tag_count++])) {
			snprintf(ret_why, 200,
				 "a tag is a word of at most %d letters, digits, - _ and .",
				 WR_ITEM_NAME_LEN);
			return -EINVAL;
		}
	if (span < 0 || span > (json_int_t)100 * 366 * 86400) {
		snprintf(ret_why, 200, "expires_in: a number of seconds, at most a hundred years");
		return -EINVAL;
	}
	*ret_span = (uint64_t)span;
	return 0;
}

/* --- Invitations. --- */

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

static int make_invitation(struct wr_zeroconf *zc, const json_t *body,
			   char ret_text[WR_INVITATION_TEXT_LEN], char ret_why[200])
{
	json_int_t uses = json_integer_value(json_object_get(body, "uses"));
	struct wr_mesh_invitation entry = { .expires = 0 };
	bool is_closed = wr_admission_is_closed(zc->admission);
	struct wr_certificate wish;
	uint64_t span = 0, expires;
	int status = read_wish(body, &wish, &span, ret_why);

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
	if (status < 0)
		snprintf(ret_why, 200,
			 "no member has an address that others could be told: is there a network?");
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

/* --- Who is meant. --- */

/* A name or address of the map, an identifier, an identity. */
static bool find_who(struct wr_zeroconf *zc, const char *word, struct wr_key *ret_identity)
{
	const struct wr_netmap_peer *peer = wr_node_find_peer(zc->node, word);
	const struct contact *contact = peer ? zc_find_key(zc, &peer->public_key) : NULL;
	size_t at = 0;

	if (contact) {
		*ret_identity = contact->identity;
		return true;
	}
	while ((contact = zc_next(zc, &at)))
		if (strcmp(contact->uid, word) == 0 ||
		    (contact->is_pleading && strcmp(contact->name, word) == 0)) {
			*ret_identity = contact->identity;
			return true;
		}
	return wr_key_from_base64(word, ret_identity);
}

/* The one that it has, or asks for. */
static void keep_name(struct wr_zeroconf *zc, const struct wr_key *identity,
		      struct wr_certificate *certificate)
{
	const struct contact *contact = zc_find(zc, identity);
	const struct wr_netmap *map = wr_node_map(zc->node);
	const struct wr_netmap_peer *peer = contact && map ? wr_netmap_find(map, contact->uid)
							   : NULL;

	if (contact && contact->is_pleading)
		zc_take_free_name(zc, identity, contact->name, certificate);
	else if (peer && strcmp(peer->name, contact->uid) != 0)
		zc_take_free_name(zc, identity, peer->name, certificate);
}

static int admit(struct wr_zeroconf *zc, const json_t *body, size_t *ret_count, char ret_why[200])
{
	const char *who = json_string_value(json_object_get(body, "who"));
	struct wr_certificate wish;
	struct wr_key identity;
	uint64_t span = 0;
	int status = read_wish(body, &wish, &span, ret_why);

	if (status < 0)
		return status;
	if (json_is_true(json_object_get(body, "close")))
		return zc_close_mesh(zc, ret_count, ret_why);
	if (!who || !find_who(zc, who, &identity)) {
		snprintf(ret_why, 200,
			 "nobody of that name or identity is a member or waits (warren status)");
		return -EINVAL;
	}
	if (!wr_admission_founder(zc->admission)) {
		snprintf(ret_why, 200, "%s is open: close it first (warren admit --close)",
			 zc->state.mesh);
		return -EINVAL;
	}
	if (span)
		wish.not_after = zc_seconds() + span;
	if (!*wish.name)
		keep_name(zc, &identity, &wish);
	*ret_count = 1;
	return zc_certify(zc, &identity, &wish, ret_why);
}

void zc_post_admit(void *context, struct wr_http_request *request)
{
	json_t *body = zc_read_body(request);
	char why[200] = "memory is short";
	size_t count = 0;
	int status;

	if (!body)
		return;
	status = admit(context, body, &count, why);
	json_decref(body);
	if (status < 0)
		zc_refuse(request, status, why);
	else
		wr_node_answer(request, 200, json_pack("{s:I}", "admitted", (json_int_t)count));
	zc_run_gossip(context);
}

static bool parse_id(const char *word, uint8_t ret_id[WR_INVITATION_ID_LEN])
{
	unsigned byte;

	if (strlen(word) != 2 * WR_INVITATION_ID_LEN ||
	    strspn(word, "0123456789abcdef") != strlen(word))
		return false;
	for (size_t i = 0; i < WR_INVITATION_ID_LEN; i++) {
		if (sscanf(word + 2 * i, "%2x", &byte) != 1)
			return false;
		ret_id[i] = (uint8_t)byte;
	}
	return true;
}

static int shut_out(struct wr_zeroconf *zc, const char *who, char ret_why[200])
{
	struct wr_mesh_invitation *invitation = NULL;
	uint8_t id[WR_INVITATION_ID_LEN];
	struct wr_key identity;

	if (parse_id(who, id))
		invitation = zc_find_invitation(zc, id);
	if (invitation) {
		zc_drop_invitation(zc, invitation);
		return wr_founder_save(zc->state.folder, &zc->founder);
	}
	if (find_who(zc, who, &identity))
		return zc_revoke(zc, &identity, ret_why);
	snprintf(ret_why, 200,
		 "nobody and no invitation is called so (warren peers, warren invite "
		 "--list)");
	return -EINVAL;
}

void zc_post_revoke(void *context, struct wr_http_request *request)
{
	json_t *body = zc_read_body(request);
	const char *who = json_string_value(json_object_get(body, "who"));
	char why[200] = "memory is short";
	int status;

	if (!body)
		return;
	status = who ? shut_out(context, who, why) : -EINVAL;
	if (!who)
		snprintf(why, sizeof(why), "who is to be shut out?");
	json_decref(body);
	if (status < 0)
		zc_refuse(request, status, why);
	else
		wr_node_answer(request, 200, json_object());
	zc_run_gossip(context);
}
