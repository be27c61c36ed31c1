#include "server/intent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "server/intents.h"
#include "server/policies.h"

/* Versions that are tried, from the newest on, where some are bad. */
#define TRIES 10

void wr_org_key_place(const char *org_uid, char ret_place[WR_PLACE_LEN])
{
	snprintf(ret_place, WR_PLACE_LEN, "org-key:%s", org_uid);
}

void wr_machine_key_place(const char *machine_uid, char ret_place[WR_PLACE_LEN])
{
	snprintf(ret_place, WR_PLACE_LEN, "machine-key:%s", machine_uid);
}

static bool unseal(const struct wr_vault *vault, const char *place, struct wr_bytes sealed,
		   struct wr_key *ret_key)
{
	return sealed.len == WR_KEY_LEN + WR_SEAL_OVERHEAD &&
	       wr_vault_unseal(vault, place, sealed, ret_key->bytes);
}

/* --- Organisations. --- */

static struct wr_prefix read_prefix(const struct wr_row *row, unsigned column)
{
	const char *text = wr_row_text(row, column);
	struct wr_prefix prefix = { .ip.family = WR_FAMILY_NONE };

	if (text && !wr_prefix_parse(text, strlen(text), &prefix))
		prefix.ip.family = WR_FAMILY_NONE;
	return prefix;
}

static int read_org(const struct wr_row *row, const struct wr_vault *vault,
		    struct wr_org_intent *intent)
{
	char place[WR_PLACE_LEN];

	intent->org = (struct wr_hub_org){
		.number = (uint64_t)wr_row_int(row, 0),
		.label = intent->label,
		.range4 = read_prefix(row, 3),
		.range6 = read_prefix(row, 4),
		.is_enabled = !wr_row_int(row, 6),
	};
	snprintf(intent->uid, sizeof(intent->uid), "%s", wr_row_text(row, 1));
	snprintf(intent->label, sizeof(intent->label), "%s", wr_row_text(row, 2));
	intent->version = (uint64_t)wr_row_int(row, 7);
	wr_org_key_place(intent->uid, place);
	if (unseal(vault, place, wr_row_blob(row, 5), &intent->org.private_key))
		return 0;
	wr_log_error("organisation: its key cannot be unsealed: uid=%s", intent->uid);
	return -EKEYREJECTED;
}

static void org_intent_freep(struct wr_org_intent **intent)
{
	wr_org_intent_free(*intent);
}

int wr_org_intent_new(struct wr_db *db, const struct wr_vault *vault, int64_t org,
		      struct wr_org_intent **ret_intent)
{
	WR_AUTO(org_intent_freep) struct wr_org_intent *intent = calloc(1, sizeof(*intent));
	struct wr_row *row = NULL;
	int found;

	if (!intent)
		return -ENOMEM;
	found = WR_DB_ONE(db, &row,
			  "SELECT id, uid, label, range4, range6, hub_key, is_disabled, policy"
			  " FROM organisation WHERE id = ?",
			  WR_I(org));
	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	found = read_org(row, vault, intent);
	wr_row_end(row);
	if (!found)
		*ret_intent = WR_TAKE(intent);
	return found;
}

/* NULL where the text is bad. A name that nobody has any more is no fault here, nor a test
 * that does not hold: GET policy tells of them. */
static struct wr_policy *parse(const char *text)
{
	struct wr_policy_faults *faults = calloc(1, sizeof(*faults));
	struct wr_policy *policy = NULL;

	if (faults)
		policy = wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) },
					 faults);
	free(faults);
	return policy;
}

static int try_version(struct wr_db *db, struct wr_org_intent *intent, int64_t number)
{
	struct wr_policy_version version = { 0 };
	int found = wr_policy_version_get(db, (int64_t)intent->org.number, number, &version);

	if (found > 0)
		intent->policy = parse(version.text);
	wr_policy_version_done(&version);
	if (intent->policy)
		intent->version = (uint64_t)number;
	else if (found >= 0)
		wr_log_error("policy: a version is bad: organisation=%s version=%" PRId64,
			     intent->uid, number);
	return found < 0 ? found : 0;
}

int wr_org_intent_add_policy(struct wr_db *db, struct wr_org_intent *intent)
{
	int64_t newest = (int64_t)intent->version;
	int error = 0;

	for (int64_t i = 0; i < TRIES && i <= newest && !intent->policy && !error; i++)
		error = try_version(db, intent, newest - i);
	return error;
}

void wr_org_intent_apply(struct wr_hub *hub, struct wr_org_intent *intent)
{
	wr_hub_set_org(hub, &intent->org);
	if (intent->policy)
		wr_hub_set_policy(hub, intent->org.number, WR_TAKE(intent->policy),
				  intent->version);
}

struct wr_org_intent *wr_org_intent_free(struct wr_org_intent *intent)
{
	if (intent) {
		wr_policy_free(intent->policy);
		wr_wipe(intent, sizeof(*intent));
	}
	free(intent);
	return NULL;
}

/* --- Machines. --- */

static size_t count_words(const char *words)
{
	size_t count = *words != '\0';

	for (; *words; words++)
		count += *words == ' ';
	return count;
}

static bool copy_tags(const struct wr_machine *machine, struct wr_machine_intent *intent)
{
	char *at, *word;

	intent->words = at = strdup(machine->tags);
	intent->tags = calloc(count_words(machine->tags) + 1, sizeof(*intent->tags));
	if (!intent->words || !intent->tags)
		return false;
	while ((word = strsep(&at, " ")) && *word)
		intent->tags[intent->machine.tag_count++] = word;
	intent->machine.tags = intent->tags;
	return true;
}

static bool copy_routes(const struct wr_machine *machine, struct wr_machine_intent *intent)
{
	const char *words = machine->active_routes;
	char word[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefix;

	intent->routes = calloc(count_words(words) + 1, sizeof(*intent->routes));
	if (!intent->routes)
		return false;
	while (wr_machine_word(&words, word, sizeof(word))) {
		if (wr_prefix_parse(word, strlen(word), &prefix))
			intent->routes[intent->machine.route_count++] = prefix;
	}
	intent->machine.routes = intent->routes;
	return true;
}

/* A key that cannot be unsealed is no reason to do without one. */
static void set_preshared_key(const struct wr_machine *machine, const struct wr_vault *vault,
			      struct wr_key *ret_key)
{
	char place[WR_PLACE_LEN];

	if (!machine->has_preshared_key)
		return;
	wr_machine_key_place(machine->uid, place);
	if (unseal(vault, place, machine->sealed_key, ret_key))
		return;
	wr_log_error("machine: its preshared key cannot be unsealed: uid=%s", machine->uid);
	wr_random(ret_key, sizeof(*ret_key));
}

static void set_place(const struct wr_machine *machine, int64_t now, struct wr_hub_machine *wanted)
{
	const char *text = machine->endpoint;

	if (text && !wr_endpoint_parse(text, strlen(text), &wanted->endpoint))
		wanted->endpoint = (struct wr_endpoint){ 0 };
	wanted->is_recent = wanted->endpoint.ip.family != WR_FAMILY_NONE &&
			    machine->last_seen > now - WR_ONLINE_SECONDS;
}

static void set_values(const struct wr_machine *machine, const struct wr_vault *vault, int64_t now,
		       bool is_back, struct wr_machine_intent *intent)
{
	struct wr_hub_machine *wanted = &intent->machine;

	snprintf(intent->uid, sizeof(intent->uid), "%s", machine->uid);
	snprintf(intent->label, sizeof(intent->label), "%s", machine->label);
	wanted->org = (uint64_t)machine->org;
	wanted->number = (uint64_t)machine->id;
	wanted->label = intent->label;
	wanted->v4 = machine->addresses.v4;
	wanted->v6 = machine->addresses.v6;
	wanted->public_key = machine->public_key;
	wanted->is_off = !wr_machine_is_on(machine, now);
	if (wanted->is_off)
		return;
	set_preshared_key(machine, vault, &wanted->preshared_key);
	if (is_back)
		set_place(machine, now, wanted);
}

struct wr_machine_intent *wr_machine_intent_new(const struct wr_machine *machine,
						const struct wr_vault *vault, int64_t now,
						bool is_back)
{
	struct wr_machine_intent *intent = calloc(1, sizeof(*intent));
	bool is_whole = intent && copy_tags(machine, intent);

	/* Nobody is behind a machine that is shut out. */
	if (is_whole && wr_machine_is_on(machine, now))
		is_whole = copy_routes(machine, intent);
	if (!is_whole)
		return wr_machine_intent_free(intent);
	set_values(machine, vault, now, is_back, intent);
	return intent;
}

void wr_machine_intent_apply(struct wr_hub *hub, const struct wr_machine_intent *intent)
{
	wr_hub_set_machine(hub, &intent->machine);
}

struct wr_machine_intent *wr_machine_intent_free(struct wr_machine_intent *intent)
{
	if (!intent)
		return NULL;
	free(intent->routes);
	free(intent->tags);
	free(intent->words);
	wr_wipe(intent, sizeof(*intent));
	free(intent);
	return NULL;
}
