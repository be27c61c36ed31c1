/* How an organisation is made: ranges, the hub's key, the first policy, the owner. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "crypto/unlock.h"
#include "server/accounts.h"
#include "server/intents.h"
#include "server/orgs.h"
#include "server/rows.h"
#include "server/state.h"

#define FIRST_POLICY "default allow\n"

/* --- Ranges. --- */

struct allowed {
	const char *prefix;
	uint8_t least, most; /* lengths of a range within */
};

/* RFC 1918, RFC 6598, RFC 4193. A range of /29 has the hub and five machines. */
static const struct allowed allowed[] = {
	{ "10.0.0.0/8", 8, 29 },     { "172.16.0.0/12", 12, 29 }, { "192.168.0.0/16", 16, 29 },
	{ "100.64.0.0/10", 10, 29 }, { "fc00::/7", 16, 120 },
};

static bool is_within(const struct wr_prefix *range, const struct allowed *allowed_range)
{
	struct wr_prefix prefix;
	bool is_good = wr_prefix_parse(allowed_range->prefix, strlen(allowed_range->prefix),
				       &prefix);

	assert(is_good);
	return range->ip.family == prefix.ip.family && range->length >= allowed_range->least &&
	       range->length <= allowed_range->most && wr_address_overlaps(&prefix, range);
}

const char *wr_org_range_fault(const struct wr_prefix *range)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(allowed); i++) {
		if (is_within(range, &allowed[i]))
			return NULL;
	}
	return range->ip.family == WR_IPV4
		       ? "is no private range of /8 to /29 (10.0.0.0/8, 172.16.0.0/12,"
			 " 192.168.0.0/16, 100.64.0.0/10)"
		       : "is no private range of /16 to /120 (fc00::/7)";
}

/* RFC 4193 section 3.2: 40 random bits make it unlikely that two networks have the same. */
static struct wr_prefix random_v6(void)
{
	struct wr_prefix prefix = { .ip = { .family = WR_IPV6 }, .length = 64 };

	wr_random(prefix.ip.bytes, 6);
	prefix.ip.bytes[0] = 0xfd;
	return prefix;
}

/* The server's default was checked when it started. */
static struct wr_prefix default_v4(const struct wr_call *call)
{
	const char *text = call->server->config.network;
	struct wr_prefix prefix = { .length = 0 };

	if (!wr_prefix_parse(text, strlen(text), &prefix))
		prefix = (struct wr_prefix){ .length = 0 };
	return prefix;
}

static struct wr_range choose_range(const struct wr_call *call, const struct wr_org_wish *wish)
{
	struct wr_range range = wish->range;

	if (wish->has_v4 && range.v4.ip.family == WR_FAMILY_NONE)
		range.v4 = default_v4(call);
	if (wish->has_v6 && range.v6.ip.family == WR_FAMILY_NONE)
		range.v6 = random_v6();
	return range;
}

/* --- Rows. --- */

/* "" and NULL: it has none. */
static const char *range_text(const struct wr_prefix *range, char text[WR_ENDPOINT_TEXT_LEN])
{
	if (range->ip.family == WR_FAMILY_NONE)
		return NULL;
	wr_prefix_format(range, text);
	return text;
}

static void make_key(struct wr_call *call, struct wr_org *org,
		     uint8_t ret_sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD])
{
	char place[WR_PLACE_LEN];
	struct wr_key key;

	wr_random(&key, sizeof(key));
	wr_x25519_clamp(&key);
	org->hub_public = wr_x25519_public(&key);
	wr_org_key_place(org->uid, place);
	wr_vault_seal(&call->server->vault, place, (struct wr_bytes){ key.bytes, WR_KEY_LEN },
		      ret_sealed);
	wr_wipe(&key, sizeof(key));
}

static int insert(struct wr_call *call, struct wr_org *org)
{
	uint8_t sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD];
	char v4[WR_ENDPOINT_TEXT_LEN], v6[WR_ENDPOINT_TEXT_LEN];
	int error;

	make_key(call, org, sealed);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO organisation (uid, name, label, range4, range6, hub_public,"
			  " hub_key, machine_quota, policy, created)"
			  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)",
			  WR_T(org->uid), WR_T(org->name), WR_T(org->label),
			  WR_T(range_text(&org->range.v4, v4)),
			  WR_T(range_text(&org->range.v6, v6)),
			  WR_B(org->hub_public.bytes, WR_KEY_LEN), WR_B(sealed, sizeof(sealed)),
			  WR_I(org->machine_quota), WR_I(org->created));
	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict",
				    "There is an organisation of this name; choose another.");
	if (error)
		return wr_call_fail_db(call, error);
	org->id = wr_db_last_id(call->db);
	return 0;
}

static int insert_rest(struct wr_call *call, const struct wr_org *org, int64_t owner)
{
	int error = WR_DB_RUN(call->db,
			      "INSERT INTO policy (organisation, number, text, creator, created)"
			      " VALUES (?, 1, ?, ?, ?)",
			      WR_I(org->id), WR_T(FIRST_POLICY), WR_T(call->caller.name),
			      WR_I(org->created));

	if (!error && owner)
		error = WR_DB_RUN(call->db,
				  "INSERT INTO membership (user, organisation, role, created)"
				  " VALUES (?, ?, 'owner', ?)",
				  WR_I(owner), WR_I(org->id), WR_I(org->created));
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- All of it. --- */

static void note(struct wr_call *call, const struct wr_org *org)
{
	call->org = org->id;
	memcpy(call->org_uid, org->uid, sizeof(call->org_uid));
	wr_call_audit(call, org->uid, org->name, NULL, wr_org_settings(org));
	wr_call_event(call, "org.created",
		      json_pack("{s:s, s:s, s:s}", "uid", org->uid, "name", org->name, "label",
				org->label));
}

/* At the first start the hub is not open yet, and then told of all rows. */
static int tell_hub(struct wr_call *call, const struct wr_org *org)
{
	return call->server->intents ? wr_intend_org(call, org->id) : 0;
}

int wr_org_add(struct wr_call *call, const struct wr_org_wish *wish, struct wr_org *ret_org)
{
	struct wr_org org = {
		.range = choose_range(call, wish),
		.machine_quota = wish->machine_quota,
		.created = wr_call_time(call),
		.version = 1,
	};

	wr_uid_new('o', org.uid);
	snprintf(org.name, sizeof(org.name), "%s", wish->name);
	if (wr_org_choose_label(call, 0, org.name, org.label) < 0 || insert(call, &org) < 0 ||
	    insert_rest(call, &org, wish->owner) < 0 || tell_hub(call, &org) < 0)
		return -1;
	note(call, &org);
	*ret_org = org;
	return 0;
}

/* Who signs up freely does not fill the server. */
int wr_org_may_add(struct wr_call *call, int64_t user)
{
	int64_t count;

	if (call->caller.is_site_admin)
		return 0;
	if (call->server->config.sign_up != WR_SIGN_UP_OPEN || !user)
		return wr_call_fail(call, 403, "site-only",
				    "Only a site administrator makes organisations here.");
	if (wr_rows_number(call,
			   "SELECT count(*) FROM membership WHERE user = ? AND role = 'owner'",
			   WR_I(user), &count) < 0)
		return -1;
	if (count < WR_ORGS_OF_USER)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "You own %d organisations, which is as many as one person may.",
			    WR_ORGS_OF_USER);
}
