/* A new join key. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "crypto/unlock.h"
#include "http/server.h"
#include "server/format.h"
#include "server/keys.h"
#include "server/machines.h"
#include "server/rows.h"
#include "server/state.h"

#define DEFAULT_SECONDS INT64_C(3600)
/* A key that is over stays in the listing for so long. */
#define SHOWN_AFTER_SECONDS INT64_C(2592000)

/* --- What is wished for. --- */

struct wish {
	char uid[WR_UID_LEN + 1];
	int64_t uses, expires, ephemeral, machine;
	char machine_name[WR_NAME_LEN + 1]; /* "": any */
	uint8_t secret[WR_JOIN_SECRET_LEN];
};

static int read_span(struct wr_call *call, const char *name, int64_t least, int64_t *ret_seconds)
{
	const char *text = wr_call_text(call, name);
	char pointer[32];

	if (!text || (wr_span_parse(text, strlen(text), ret_seconds) && *ret_seconds >= least))
		return 0;
	snprintf(pointer, sizeof(pointer), "/%s", name);
	return wr_call_fault(call, pointer,
			     "is no span of at least a minute, as \"90s\", \"15m\", \"12h\" or "
			     "\"7d\"");
}

static int read_expires(struct wr_call *call, struct wish *wish)
{
	int64_t seconds = DEFAULT_SECONDS;

	if (read_span(call, "expires_in", WR_EPHEMERAL_MIN, &seconds))
		return -1;
	/* Null is never; nothing said is an hour. */
	if (!wr_call_has(call, "expires_in") || wr_call_text(call, "expires_in"))
		wish->expires = wr_call_time(call) + seconds;
	return 0;
}

static int read_uses(struct wr_call *call, struct wish *wish)
{
	const json_t *uses = json_object_get(call->body, "uses");

	wish->uses = json_is_null(uses) ? 0 : uses ? json_integer_value(uses) : 1;
	if (!wish->machine_name[0] || wish->uses == 1)
		return 0;
	return wr_call_fault(call, "/uses", "is 1 for a key that is for one machine");
}

static int read_ephemeral(struct wr_call *call, struct wish *wish)
{
	bool is_ephemeral = json_is_true(json_object_get(call->body, "is_ephemeral"));

	wish->ephemeral = is_ephemeral ? WR_EPHEMERAL_SECONDS : 0;
	if (!is_ephemeral && wr_call_text(call, "ephemeral_after"))
		return wr_call_fault(call, "/ephemeral_after",
				     "is for ephemeral members: set is_ephemeral too");
	return read_span(call, "ephemeral_after", WR_EPHEMERAL_MIN, &wish->ephemeral);
}

/* One that is there: by identifier or label, or by its name. */
static int read_machine(struct wr_call *call, struct wish *wish)
{
	const char *name = wr_call_text(call, "machine"), *fault;
	struct wr_row *row = NULL;
	int found;

	if (!name)
		return 0;
	fault = wr_name_fault(name, strlen(name));
	if (fault)
		return wr_call_fault(call, "/machine", "%s", fault);
	snprintf(wish->machine_name, sizeof(wish->machine_name), "%s", name);
	found = WR_DB_ONE(call->db, &row,
			  "SELECT id, name FROM machine WHERE organisation = ?1"
			  " AND (uid = ?2 OR label = ?2 OR name = ?2)"
			  " ORDER BY label = ?2 DESC, name = ?2 DESC LIMIT 1",
			  WR_I(call->org), WR_T(name));
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (found > 0) {
		wish->machine = wr_row_int(row, 0);
		snprintf(wish->machine_name, sizeof(wish->machine_name), "%s", wr_row_text(row, 1));
		wr_row_end(row);
	}
	return 0;
}

/* --- The rows. --- */

/* Removes what was over long ago; then there is room, or not. */
static int check_room(struct wr_call *call)
{
	int64_t count;
	int error = WR_DB_RUN(call->db,
			      "DELETE FROM join_key WHERE organisation = ?1 AND"
			      " (coalesce(expires, 0) BETWEEN 1 AND ?2 OR revoked < ?2"
			      "  OR (uses > 0 AND used >= uses AND last_used < ?2))",
			      WR_I(call->org), WR_I(wr_call_time(call) - SHOWN_AFTER_SECONDS));

	if (error)
		return wr_call_fail_db(call, error);
	if (wr_rows_number(call, "SELECT count(*) FROM join_key WHERE organisation = ?",
			   WR_I(call->org), &count) < 0)
		return -1;
	if (count < WR_KEYS_OF_ORG)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "The organisation has %d join keys. Keys that are over go after 30 "
			    "days; a key may have many uses.",
			    WR_KEYS_OF_ORG);
}

static void secret_text(const uint8_t secret[WR_JOIN_SECRET_LEN],
			char ret_text[WR_JOIN_SECRET_TEXT_LEN + 1])
{
	sodium_bin2base64(ret_text, WR_JOIN_SECRET_TEXT_LEN + 1, secret, WR_JOIN_SECRET_LEN,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static int insert(struct wr_call *call, const struct wish *wish)
{
	bool needs_approval = json_is_true(json_object_get(call->body, "needs_approval"));
	char text[WR_JOIN_SECRET_TEXT_LEN + 1];
	struct wr_token_hash hash;
	int error;

	secret_text(wish->secret, text);
	hash = wr_token_hash_of(text);
	wr_wipe(text, sizeof(text));
	error = WR_DB_RUN(call->db,
			  "INSERT INTO join_key (uid, organisation, hash, comment, uses, expires,"
			  " ephemeral, needs_approval, machine, machine_name, created, creator)"
			  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  WR_T(wish->uid), WR_I(call->org), WR_B(hash.bytes, sizeof(hash.bytes)),
			  WR_T(wr_call_text(call, "comment")), WR_I(wish->uses),
			  wish->expires ? WR_I(wish->expires) : WR_N, WR_I(wish->ephemeral),
			  WR_I(needs_approval), wish->machine ? WR_I(wish->machine) : WR_N,
			  WR_T(wish->machine_name[0] ? wish->machine_name : NULL),
			  WR_I(wr_call_time(call)), WR_T(call->caller.name));
	return error ? wr_call_fail_db(call, error) : 0;
}

static int insert_tags(struct wr_call *call, int64_t id)
{
	const json_t *tags = json_object_get(call->body, "tags");
	const json_t *tag;
	int error = 0;
	size_t i;

	if (json_array_size(tags) > WR_TAGS_MAX)
		return wr_call_fault(call, "/tags", "has more than %d tags", WR_TAGS_MAX);
	json_array_foreach(tags, i, tag)
	{
		if (!error)
			error = WR_DB_RUN(call->db,
					  "INSERT OR IGNORE INTO join_key_tag (join_key, tag)"
					  " VALUES (?, ?)",
					  WR_I(id), WR_T(json_string_value(tag)));
	}
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- The key itself: the port and the pin are the loop's. --- */

struct showing {
	struct wr_call *call;
	uint8_t secret[WR_JOIN_SECRET_LEN];
};

static void free_showing(void *what)
{
	wr_wipe(what, sizeof(struct showing));
	free(what);
}

static void set_pin(const struct wr_server *server, struct wr_join_key *key)
{
	const struct wr_server_config *config = &server->config;
	size_t len = 0;

	/* A proxy's certificate is another, and no business of ours. */
	key->is_plain = config->is_plain && !config->is_behind_proxy;
	key->has_pin = !config->is_plain && server->pin[0] &&
		       sodium_base642bin(key->pin, sizeof(key->pin), server->pin,
					 strlen(server->pin), NULL, &len, NULL,
					 sodium_base64_VARIANT_ORIGINAL) == 0 &&
		       len == sizeof(key->pin);
	if (!key->has_pin)
		memset(key->pin, 0, sizeof(key->pin));
}

static void show_key(struct wr_server *server, void *what)
{
	struct showing *showing = what;
	struct wr_join_key key = { .is_plain = false };
	char text[WR_JOIN_KEY_TEXT_LEN], why[300];

	set_pin(server, &key);
	memcpy(key.secret, showing->secret, sizeof(key.secret));
	if (wr_key_address(server, server->http ? wr_http_server_port(server->http) : 1,
			   key.address, why)) {
		wr_join_key_format(&key, text);
		json_object_set_new(showing->call->result, "key", json_string(text));
		wr_wipe(text, sizeof(text));
	}
	wr_wipe(&key, sizeof(key));
}

static int show_later(struct wr_call *call, const struct wish *wish)
{
	struct showing *showing = malloc(sizeof(*showing));

	if (!showing)
		return wr_call_fail_db(call, -ENOMEM);
	showing->call = call;
	memcpy(showing->secret, wish->secret, sizeof(showing->secret));
	wr_call_then(call, show_key, showing, free_showing);
	return 0;
}

static int write_key(struct wr_call *call, struct wish *wish)
{
	int64_t id;

	wr_uid_new('k', wish->uid);
	wr_random(wish->secret, sizeof(wish->secret));
	if (insert(call, wish) || insert_tags(call, wr_db_last_id(call->db)) ||
	    wr_key_run_get(call, wish->uid, &id, &call->result))
		return -1;
	wr_key_run_note(call, "key.created", NULL, call->result);
	return show_later(call, wish);
}

static int check_address(struct wr_call *call)
{
	char address[260], why[300];

	return wr_key_address(call->server, 1, address, why)
		       ? 0
		       : wr_call_fail(call, 409, "no-address", "%s", why);
}

int wr_key_create_run(struct wr_call *call)
{
	struct wish wish = { .uses = 1 };
	int bad = read_machine(call, &wish);

	bad |= read_uses(call, &wish);
	bad |= read_expires(call, &wish);
	bad |= read_ephemeral(call, &wish);
	if (!bad)
		bad = check_address(call);
	if (!bad)
		bad = check_room(call);
	if (!bad)
		bad = write_key(call, &wish);
	wr_wipe(&wish, sizeof(wish));
	return bad ? -1 : 0;
}
