/* Control calls about who may come in: certificates, revocations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int zc_read_wish(const json_t *object, struct wr_certificate *ret_wish, uint64_t *ret_span,
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
	int status = zc_read_wish(body, &wish, &span, ret_why);

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
	status = zc_certify(zc, &identity, &wish, ret_why);
	if (status == 0)
		zc_tell_admitted(zc, &identity);
	return status;
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
