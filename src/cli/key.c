/* Verbs of join keys, by which machines with an agent become members. */
#include <string.h>

#include "cli/qr.h"
#include "cli/simple.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "ID", "uid", WR_LOOK_TEXT },
	{ "STATE", "state", WR_LOOK_STATE },
	{ "TAGS", "tags", WR_LOOK_LIST },
	{ "USED", "used", WR_LOOK_NUMBER },
	{ "LEFT", "uses_left", WR_LOOK_NUMBER },
	{ "EXPIRES", "expires", WR_LOOK_TIME },
	{ "EPHEMERAL", "ephemeral_seconds", WR_LOOK_NUMBER },
	{ "APPROVAL", "needs_approval", WR_LOOK_YES },
	{ "MACHINE", "machine_name", WR_LOOK_TEXT },
	{ "BY", "creator", WR_LOOK_TEXT },
	{ "COMMENT", "comment", WR_LOOK_TEXT },
};

/* --- warren key create --- */

static const struct wr_option create_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "qr", "a QR code, not text" },
	{ 't', "tag", "a tag of who joins by it; may be given again", "TAG" },
	{ 0, "uses", "how many may join by it, or any; else 1", "N" },
	{ 0, "expires", "90s, 12h, 7d or never; else an hour", "SPAN" },
	{ 0, "ephemeral", "who was gone for ten minutes is removed" },
	{ 0, "ephemeral-after", "who was gone for so long is removed", "SPAN" },
	{ 0, "approve", "who joins waits: warren machine approve" },
	{ 0, "machine", "for this machine, in its place if it is there", "NAME" },
	{ 0, "comment", "what it is for", "TEXT" },
};

static json_t *tags_of(const struct wr_arguments *arguments)
{
	json_t *tags = json_array();
	unsigned at = 0;
	const char *tag;

	while ((tag = wr_next_value(arguments, "tag", &at)))
		json_array_append_new(tags, json_string(tag));
	return tags;
}

/* "any" is null; a number is sent as one, and what is neither is refused here. */
static int set_uses(const struct wr_arguments *arguments, json_t *body)
{
	const char *text = wr_value_of(arguments, "uses");
	json_int_t uses = 0;

	if (!text)
		return WR_EXIT_DONE;
	if (strcmp(text, "any") == 0) {
		json_object_set_new(body, "uses", json_null());
		return WR_EXIT_DONE;
	}
	if (!*text || strlen(text) > 7 || text[strspn(text, "0123456789")])
		return wr_misuse(arguments, "--uses is a number, or any");
	for (; *text; text++)
		uses = 10 * uses + (*text - '0');
	json_object_set_new(body, "uses", json_integer(uses));
	return WR_EXIT_DONE;
}

static void set_expires(const struct wr_arguments *arguments, json_t *body)
{
	const char *text = wr_value_of(arguments, "expires");

	if (text && strcmp(text, "never") == 0)
		json_object_set_new(body, "expires_in", json_null());
	else
		wr_json_set_text(body, "expires_in", text);
}

static int make_body(const struct wr_arguments *arguments, json_t *body)
{
	const char *after = wr_value_of(arguments, "ephemeral-after");

	json_object_set_new(body, "tags", tags_of(arguments));
	if (after || wr_is_given(arguments, "ephemeral"))
		json_object_set_new(body, "is_ephemeral", json_true());
	wr_json_set_text(body, "ephemeral_after", after);
	if (wr_is_given(arguments, "approve"))
		json_object_set_new(body, "needs_approval", json_true());
	wr_json_set_text(body, "machine", wr_value_of(arguments, "machine"));
	wr_json_set_text(body, "comment", wr_value_of(arguments, "comment"));
	set_expires(arguments, body);
	return set_uses(arguments, body);
}

/* The key and nothing else, so that it can be piped. */
static int print_key(const struct wr_arguments *arguments, const json_t *key)
{
	const char *text = wr_json_text(key, "key");

	if (!text)
		return wr_complain(arguments, "the server sent no key");
	if (wr_is_given(arguments, "json")) {
		wr_api_print(key);
		return WR_EXIT_DONE;
	}
	if (wr_is_given(arguments, "qr") &&
	    wr_qr_write(text, wr_terminal_has_colour(stdout), stdout) == 0)
		return WR_EXIT_DONE;
	printf("%s\n", text);
	return WR_EXIT_DONE;
}

static int run_create(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *key = NULL;
	int status;

	if (wr_is_given(arguments, "qr") && wr_is_given(arguments, "json"))
		return wr_misuse(arguments, "--qr or --json, not both");
	status = make_body(arguments, body);
	if (status == WR_EXIT_DONE)
		status = wr_simple_ask(arguments, WR_SCOPE_ORG, "POST", "/orgs/{}/keys",
				       WR_TAKE(body), &key);
	return status == WR_EXIT_DONE ? print_key(arguments, key) : status;
}

static const struct wr_verb create = {
	.group = "key",
	.name = "create",
	.summary = "make a join key; prints it, this once",
	.about =
		"On the machine: warren join KEY. Whoever has the key can join, so keep it like a\n"
		"password until it is used or over. Without options it is for one machine, for\n"
		"an hour.\n",
	.options = create_options,
	.option_count = WR_ARRAY_LEN(create_options),
	.run = run_create,
};

/* --- warren key list, revoke --- */

static const struct wr_option list_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };
static const struct wr_option revoke_options[] = { WR_ORG_OPTIONS };

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_ORG, "/orgs/{}/keys", listed,
			      WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "key",
	.name = "list",
	.summary = "join keys, without their secrets",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

static int run_revoke(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_ORG, "DELETE", "/orgs/{}/keys/{}", NULL);
}

static const struct wr_verb revoke = {
	.group = "key",
	.name = "revoke",
	.summary = "end a join key; who joined by it stays",
	.options = revoke_options,
	.option_count = WR_ARRAY_LEN(revoke_options),
	.operand = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_revoke,
};

static const struct wr_verb *const subs[] = { &create, &list, &revoke, NULL };

const struct wr_verb wr_verb_key = {
	.name = "key",
	.summary = "join keys, for warren join: create, list, revoke",
	.subs = subs,
};
