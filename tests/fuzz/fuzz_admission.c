/* Admission, by a naive twin: items of two founders and some members come in any order, some of
 * them changed on their way, and both have to agree on who is in. Four bytes an item:
 *
 *     kind | who: low bits the subject, 0x40 the other founder, 0x80 changed
 *     | version | expiry in hours; or the policy: number (2 bits), count (2 bits), lies (0x10) */
#include "crypto/noise.h"
#include "fuzz.h"
#include "gossip/admission.h"

#define MEMBERS 4
#define ITEMS_MAX 48 /* a signature and a check each: some milliseconds in all */
#define HOUR UINT64_C(3600)
#define NOW (128 * HOUR)
#define NS_PER_S UINT64_C(1000000000)

static const uint8_t mesh[WR_MESH_TAG_LEN] = { 1 };

/* --- The twin. --- */

struct member {
	bool has_certificate, has_revocation;
	uint64_t serial, not_after, revoked;
};

struct twin {
	int founder; /* its number, or -1 */
	bool has_charter, is_closed;
	uint64_t charter;
	struct member members[MEMBERS];
};

static enum wr_admitted twin_admits(const struct twin *twin, const struct member *member)
{
	if (!twin->is_closed)
		return WR_ADMITTED;
	if (!member->has_certificate)
		return member->has_revocation ? WR_ADMITTED_REVOKED : WR_ADMITTED_NOT;
	if (member->has_revocation && member->serial <= member->revoked)
		return WR_ADMITTED_REVOKED;
	if (member->not_after && member->not_after + WR_ADMISSION_SLACK.ns / NS_PER_S <= NOW)
		return WR_ADMITTED_EXPIRED;
	return WR_ADMITTED;
}

static void twin_take(struct twin *twin, const struct wr_item *item, size_t who)
{
	struct member *member = &twin->members[who];

	if (item->kind == WR_ITEM_CHARTER &&
	    (!twin->has_charter || item->version > twin->charter)) {
		twin->has_charter = true;
		twin->charter = item->version;
		twin->is_closed = item->charter.is_closed;
	}
	if (item->kind == WR_ITEM_CERTIFICATE &&
	    (!member->has_certificate || item->version > member->serial)) {
		member->has_certificate = true;
		member->serial = item->version;
		member->not_after = item->certificate.not_after;
	}
	if (item->kind == WR_ITEM_REVOCATION &&
	    (!member->has_revocation || item->version > member->revoked)) {
		member->has_revocation = true;
		member->revoked = item->version;
	}
}

/* --- Items. --- */

static struct wr_key seed_of(size_t who)
{
	return (struct wr_key){ .bytes = { (uint8_t)(1 + who) } };
}

static struct wr_key identity_of(size_t who)
{
	static struct wr_key identities[MEMBERS + 2];
	static bool is_known[MEMBERS + 2];
	struct wr_key seed = seed_of(who);

	if (!is_known[who])
		identities[who] = wr_sign_public(&seed);
	is_known[who] = true;
	return identities[who];
}

/* What version `version` of the policy says in piece `number` of `count`. */
static size_t policy_text(char text[32], uint64_t version, unsigned number, unsigned count)
{
	return (size_t)snprintf(text, 32, "# %u %u/%u\n", (unsigned)version, number, count);
}

static void whole_policy(char text[128], uint64_t version, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++)
		len += policy_text(text + len, version, i, count);
}

static void make_policy(struct wr_item *item, uint8_t value, char text[32])
{
	struct wr_policy_piece *piece = &item->policy;
	char whole[128] = "";
	struct wr_hash hash;

	piece->count = (uint8_t)(1 + (value >> 2 & 3));
	piece->number = (uint8_t)((value & 3) % piece->count);
	piece->text.len = policy_text(text, item->version, piece->number, piece->count);
	piece->text.data = (const uint8_t *)text;
	whole_policy(whole, item->version, piece->count);
	if (value & 0x10)
		whole[0] = 'x';
	hash = wr_hash2((struct wr_bytes){ (const uint8_t *)whole, strlen(whole) },
			(struct wr_bytes){ 0 });
	memcpy(piece->digest, hash.bytes, sizeof(piece->digest));
	memset(&item->subject, 0, sizeof(item->subject));
	item->subject.bytes[WR_KEY_LEN - 1] = piece->number;
}

static struct wr_item make_item(const uint8_t op[4], size_t founder, char text[32])
{
	struct wr_item item = { .kind = (enum wr_item_kind)(1 + op[0] % (WR_ITEM_KINDS - 1)),
				.version = op[2],
				.subject = identity_of((size_t)op[1] % MEMBERS) };

	memcpy(item.mesh, mesh, sizeof(mesh));
	if (item.kind == WR_ITEM_CERTIFICATE)
		item.certificate.not_after = op[3] * HOUR;
	if (item.kind == WR_ITEM_CHARTER) {
		item.subject = identity_of(founder);
		item.charter.is_closed = op[3] & 1;
	}
	if (item.kind == WR_ITEM_POLICY)
		make_policy(&item, op[3], text);
	return item;
}

/* --- Both. --- */

static bool may_pass(struct twin *twin, const struct wr_item *item, int founder)
{
	if (item->kind == WR_ITEM_RECORD)
		return true;
	if (item->kind == WR_ITEM_CHARTER && twin->founder < 0)
		twin->founder = founder;
	return twin->founder == founder;
}

static void step(struct wr_admission *admission, struct twin *twin, const uint8_t op[4])
{
	size_t who = op[1] % MEMBERS, founder = MEMBERS + (op[1] & 0x40 ? 1 : 0);
	uint8_t bytes[WR_ITEM_MAX_LEN];
	char text[32];
	struct wr_item item = make_item(op, founder, text);
	struct wr_key seed = seed_of(item.kind == WR_ITEM_RECORD ? who : founder);
	size_t len = wr_item_write(&item, &seed, bytes);
	bool passes;

	FUZZ_CHECK(len > 0);
	if (op[1] & 0x80) {
		bytes[((size_t)op[2] << 8 | op[3]) % len] ^= 1;
		FUZZ_CHECK(!wr_admission_check(admission, (struct wr_bytes){ bytes, len }));
		return;
	}
	passes = may_pass(twin, &item, (int)founder);
	FUZZ_CHECK(wr_admission_check(admission, (struct wr_bytes){ bytes, len }) == passes);
	wr_admission_take(admission, (struct wr_bytes){ bytes, len });
	if (passes)
		twin_take(twin, &item, who);
}

static void check_members(const struct wr_admission *admission, const struct twin *twin)
{
	struct wr_wall now = { NOW * NS_PER_S };
	size_t certificates = 0, revocations = 0;
	struct wr_admission_figures figures;

	for (size_t i = 0; i < MEMBERS; i++) {
		struct wr_key identity = identity_of(i);
		struct wr_certificate certificate;
		uint64_t serial = 0;

		FUZZ_CHECK(wr_admission_admits(admission, &identity, now) ==
			   twin_admits(twin, &twin->members[i]));
		FUZZ_CHECK(wr_admission_certificate(admission, &identity, &certificate, &serial) ==
			   twin->members[i].has_certificate);
		FUZZ_CHECK(serial == twin->members[i].serial);
		certificates += twin->members[i].has_certificate;
		revocations += twin->members[i].has_revocation;
	}
	wr_admission_look(admission, &figures);
	FUZZ_CHECK(figures.certificates == certificates && figures.revocations == revocations);
	FUZZ_CHECK(wr_admission_next_expiry(admission, now).ns > now.ns);
}

/* It only grows, and is whole. */
static void check_policy(const struct wr_admission *admission, uint64_t *version)
{
	uint64_t before = *version;
	const char *text = wr_admission_policy(admission, version);
	char wanted[128] = "";
	struct wr_bytes item;
	unsigned count = 0;

	for (size_t at = 0; wr_admission_policy_item(admission, &at, &item);)
		count++;
	FUZZ_CHECK(*version >= before && (text != NULL) == (count > 0));
	whole_policy(wanted, *version, count);
	FUZZ_CHECK(!text || strcmp(text, wanted) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_admission *admission = wr_admission_new(mesh, NULL);
	struct twin twin = { .founder = -1 };
	uint64_t version = 0;

	FUZZ_CHECK(admission != NULL);
	for (size_t i = 0; i + 4 <= size && i < 4 * (size_t)ITEMS_MAX; i += 4) {
		step(admission, &twin, data + i);
		check_members(admission, &twin);
		check_policy(admission, &version);
	}
	wr_admission_forget(admission, (struct wr_wall){ UINT64_MAX });
	wr_admission_free(admission);
	return 0;
}
