#include "gossip/admission.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/admission_policy.h"
#include "gossip/admission_table.h"

/* wr_admission_forget() waits so long. */
#define FORGET_S (UINT64_C(30) * 24 * 60 * 60)
#define NS_PER_S UINT64_C(1000000000)

struct wr_admission {
	uint8_t mesh[WR_MESH_TAG_LEN];
	bool has_founder, is_closed;
	struct wr_key founder;
	uint64_t charter; /* serial of the one in force, if there is one */
	bool has_charter;
	struct wr_admission_table table;
	struct wr_policy_pieces policy;
	struct wr_admission_figures figures;
};

struct wr_admission *wr_admission_new(const uint8_t mesh[WR_MESH_TAG_LEN],
				      const struct wr_key *founder)
{
	struct wr_admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return NULL;
	memcpy(admission->mesh, mesh, WR_MESH_TAG_LEN);
	if (founder) {
		admission->has_founder = true;
		admission->founder = *founder;
	}
	return admission;
}

struct wr_admission *wr_admission_free(struct wr_admission *admission)
{
	if (!admission)
		return NULL;
	wr_admission_table_done(&admission->table);
	wr_policy_pieces_done(&admission->policy);
	free(admission);
	return NULL;
}

const struct wr_key *wr_admission_founder(const struct wr_admission *admission)
{
	return admission->has_founder ? &admission->founder : NULL;
}

bool wr_admission_is_closed(const struct wr_admission *admission)
{
	return admission->is_closed;
}

/* --- Items. --- */

static bool is_founders(const struct wr_admission *admission, const struct wr_key *signer)
{
	return admission->has_founder && memcmp(&admission->founder, signer, sizeof(*signer)) == 0;
}

/* Before the signature, which costs most. */
static bool may_sign(struct wr_admission *admission, const struct wr_item_head *head)
{
	if (head->kind == WR_ITEM_RECORD || is_founders(admission, head->signer))
		return true;
	if (!admission->has_founder)
		return head->kind == WR_ITEM_CHARTER;
	if (head->kind == WR_ITEM_CHARTER)
		admission->figures.other_founders++;
	else
		admission->figures.forged++;
	return false;
}

static bool has_room(struct wr_admission *admission, const struct wr_item_head *head)
{
	if ((head->kind == WR_ITEM_CERTIFICATE || head->kind == WR_ITEM_REVOCATION) &&
	    wr_admission_table_is_full(&admission->table, head->kind, head->subject)) {
		admission->figures.full++;
		return false;
	}
	return true;
}

static bool is_authentic(struct wr_admission *admission, struct wr_bytes bytes)
{
	if (wr_item_check(bytes))
		return true;
	admission->figures.forged++;
	return false;
}

bool wr_admission_check(struct wr_admission *admission, struct wr_bytes bytes)
{
	struct wr_item_head head;
	struct wr_item item;

	if (wr_item_peek(bytes, &head) &&
	    memcmp(head.mesh, admission->mesh, sizeof(admission->mesh)) != 0) {
		admission->figures.foreign++;
		return false;
	}
	if (!wr_item_read(bytes, &item)) {
		admission->figures.malformed++;
		return false;
	}
	if (!may_sign(admission, &head) || !has_room(admission, &head) ||
	    !is_authentic(admission, bytes))
		return false;
	/* At once, so that no second one passes before the first is taken. */
	if (head.kind == WR_ITEM_CHARTER && !admission->has_founder) {
		admission->has_founder = true;
		admission->founder = item.signer;
	}
	return true;
}

static unsigned take_charter(struct wr_admission *admission, const struct wr_item *item)
{
	bool was_closed = admission->is_closed;

	if (admission->has_charter && admission->charter >= item->version)
		return 0;
	admission->has_charter = true;
	admission->charter = item->version;
	admission->is_closed = item->charter.is_closed;
	return was_closed != admission->is_closed ? WR_ADMISSION_MEMBERS : 0;
}

static unsigned taken(struct wr_admission *admission, int result, unsigned what)
{
	admission->figures.full += result < 0;
	return result > 0 ? what : 0;
}

unsigned wr_admission_take(struct wr_admission *admission, struct wr_bytes bytes)
{
	struct wr_item item;

	if (!wr_item_read(bytes, &item) || !is_founders(admission, &item.signer))
		return 0;
	switch (item.kind) {
	case WR_ITEM_CHARTER: return take_charter(admission, &item);
	case WR_ITEM_CERTIFICATE:
	case WR_ITEM_REVOCATION:
		return taken(admission, wr_admission_table_put(&admission->table, &item),
			     WR_ADMISSION_MEMBERS);
	case WR_ITEM_POLICY:
		return taken(admission, wr_policy_pieces_take(&admission->policy, &item, bytes),
			     WR_ADMISSION_POLICY);
	case WR_ITEM_RECORD:
	case WR_ITEM_KINDS: break;
	}
	return 0;
}

/* --- Who is in. --- */

/* When the certificate ends, slack and all; UINT64_MAX: never. */
static uint64_t end_of(const struct wr_admission_entry *entry)
{
	uint64_t seconds = entry->not_after;

	if (seconds == 0 || seconds > (UINT64_MAX - WR_ADMISSION_SLACK.ns) / NS_PER_S)
		return UINT64_MAX;
	return seconds * NS_PER_S + WR_ADMISSION_SLACK.ns;
}

static bool is_revoked(const struct wr_admission_entry *entry)
{
	return entry->has_revocation && (!entry->words || entry->serial <= entry->revoked);
}

enum wr_admitted wr_admission_admits(const struct wr_admission *admission,
				     const struct wr_key *identity, struct wr_wall wall)
{
	const struct wr_admission_entry *entry;

	if (!admission->is_closed)
		return WR_ADMITTED;
	entry = wr_admission_table_find(&admission->table, identity);
	if (!entry)
		return WR_ADMITTED_NOT;
	if (is_revoked(entry))
		return WR_ADMITTED_REVOKED;
	return end_of(entry) <= wall.ns ? WR_ADMITTED_EXPIRED : WR_ADMITTED;
}

const char *wr_admitted_text(enum wr_admitted admitted)
{
	static const char *const texts[] = {
		[WR_ADMITTED] = "admitted",
		[WR_ADMITTED_NOT] = "has no certificate",
		[WR_ADMITTED_EXPIRED] = "its certificate expired",
		[WR_ADMITTED_REVOKED] = "its certificate was revoked",
	};

	return texts[admitted];
}

struct wr_wall wr_admission_next_expiry(const struct wr_admission *admission, struct wr_wall wall)
{
	struct wr_wall next = { UINT64_MAX };

	for (size_t i = 0; admission->is_closed && i < admission->table.count; i++) {
		const struct wr_admission_entry *entry = admission->table.entries[i];
		uint64_t end = end_of(entry);

		if (!is_revoked(entry) && end > wall.ns && end < next.ns)
			next.ns = end;
	}
	return next;
}

void wr_admission_forget(struct wr_admission *admission, struct wr_wall wall)
{
	uint64_t seconds = wall.ns / NS_PER_S;

	if (seconds > FORGET_S)
		wr_admission_table_forget(&admission->table, seconds - FORGET_S);
}

bool wr_admission_certificate(const struct wr_admission *admission, const struct wr_key *identity,
			      struct wr_certificate *ret_certificate, uint64_t *ret_serial)
{
	const struct wr_admission_entry *entry = wr_admission_table_find(&admission->table,
									 identity);

	if (!entry || !entry->words)
		return false;
	wr_admission_entry_certificate(entry, ret_certificate);
	if (ret_serial)
		*ret_serial = entry->serial;
	return true;
}

const char *wr_admission_name(const struct wr_admission *admission, const struct wr_key *identity)
{
	const struct wr_admission_entry *entry = wr_admission_table_find(&admission->table,
									 identity);

	return entry && entry->words ? entry->words : "";
}

bool wr_admission_is_name_taken(const struct wr_admission *admission, const char *name,
				const struct wr_key *identity, struct wr_wall wall)
{
	for (size_t i = 0; i < admission->table.count; i++) {
		const struct wr_admission_entry *entry = admission->table.entries[i];

		if (entry->words && strcmp(entry->words, name) == 0 && !is_revoked(entry) &&
		    end_of(entry) > wall.ns &&
		    memcmp(&entry->identity, identity, sizeof(*identity)) != 0)
			return true;
	}
	return false;
}

/* --- The policy, and the figures. --- */

const char *wr_admission_policy(const struct wr_admission *admission, uint64_t *ret_version)
{
	if (admission->policy.text)
		*ret_version = admission->policy.whole.version;
	return admission->policy.text;
}

bool wr_admission_policy_item(const struct wr_admission *admission, size_t *at,
			      struct wr_bytes *ret_item)
{
	const struct wr_policy_version *whole = &admission->policy.whole;

	if (*at >= whole->count)
		return false;
	*ret_item = (struct wr_bytes){ whole->items[*at].bytes, whole->items[*at].len };
	++*at;
	return true;
}

void wr_admission_look(const struct wr_admission *admission,
		       struct wr_admission_figures *ret_figures)
{
	*ret_figures = admission->figures;
	ret_figures->certificates = admission->table.certificates;
	ret_figures->revocations = admission->table.revocations;
	ret_figures->policy_awaited = wr_policy_pieces_awaited(&admission->policy);
}
