/* Our own record: what we say of ourselves to the mesh. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gossip/settle.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

#define CLAIM_EACH WR_SPAN_MS(500)

static bool is_v4_public(const struct wr_candidate *candidate)
{
	return candidate->kind == WR_CANDIDATE_GLOBAL && candidate->endpoint.ip.family == WR_IPV4;
}

bool zc_is_open(const struct wr_zeroconf *zc)
{
	const struct wr_path_own *own = wr_node_candidates(zc->node);
	bool has_v4 = false, has_v6 = false;

	for (size_t i = 0; i < own->count; i++) {
		const struct wr_candidate *candidate = &own->candidates[i];

		if (is_v4_public(candidate) || candidate->kind == WR_CANDIDATE_MAPPED)
			return true;
		has_v4 |= candidate->endpoint.ip.family == WR_IPV4;
		has_v6 |= candidate->kind == WR_CANDIDATE_GLOBAL;
	}
	/* With IPv4 that is only private, most others could not use IPv6 either. */
	return has_v6 && !has_v4;
}

/* --- Making it. --- */

static void tell_candidates(const struct wr_zeroconf *zc, struct wr_record *record)
{
	const struct wr_path_own *own = wr_node_candidates(zc->node);

	for (size_t i = 0; i < own->count && record->candidate_count < WR_ITEM_CANDIDATES; i++)
		record->candidates[record->candidate_count++] = (struct wr_record_candidate){
			.kind = (uint8_t)own->candidates[i].kind,
			.endpoint = own->candidates[i].endpoint,
		};
}

static uint32_t flags_of(struct wr_zeroconf *zc)
{
	struct wr_backend *backend = wr_node_backend(zc->node);
	bool is_engine = backend && wr_backend_kind(backend) == WR_BACKEND_ENGINE;
	uint32_t flags = 0;

	if (zc->is_ending)
		flags |= WR_RECORD_LEFT;
	if (is_engine && !zc->state.is_relay_off)
		flags |= WR_RECORD_RELAYS;
	if (zc_is_open(zc))
		flags |= WR_RECORD_OPEN;
	if (zc->l2)
		flags |= WR_RECORD_L2;
	if (zc->is_founder)
		flags |= WR_RECORD_KEEPER;
	return flags;
}

/* A name that the founder gave us is the one that counts. */
static void take_certified_name(struct wr_zeroconf *zc)
{
	const char *name = wr_admission_name(zc->admission, &zc->identity);

	if (*name && !wr_settle_allows(name, zc->state.name)) {
		snprintf(zc->state.name, sizeof(zc->state.name), "%s", name);
		snprintf(zc->state.wanted_name, sizeof(zc->state.wanted_name), "%s", name);
		zc->state.name_since = zc_seconds();
		zc_save_state(zc);
	}
}

static void describe_self(struct wr_zeroconf *zc, struct wr_record *record)
{
	struct wr_ip v4 = wr_mesh_v4(&zc->state.range4, &zc->identity, zc->state.v4_attempt);

	take_certified_name(zc);
	memset(record, 0, sizeof(*record));
	record->flags = flags_of(zc);
	snprintf(record->name, sizeof(record->name), "%s", zc->state.name);
	record->name_since = zc->state.name_since;
	memcpy(record->v4, v4.bytes, sizeof(record->v4));
	record->v4_since = zc->state.v4_since;
	snprintf(record->program, sizeof(record->program), "warren %s", zc->config.version);
	tell_candidates(zc, record);
	if (!(record->flags & WR_RECORD_OPEN))
		zc_tell_homes(zc, record);
	for (size_t i = 0; i < zc->state.route_count; i++)
		record->routes[record->route_count++] = zc->state.routes[i];
}

static void tell(struct wr_zeroconf *zc, const struct wr_record *record, uint64_t version)
{
	struct wr_item item = {
		.kind = WR_ITEM_RECORD,
		.signer = zc->identity,
		.subject = zc->identity,
		.version = version,
		.record = *record,
	};
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;

	memcpy(item.mesh, zc->keys.tag, sizeof(item.mesh));
	len = wr_item_write(&item, &zc->state.seed, bytes);
	if (!len) {
		wr_log_error("record: ours cannot be made: too much is in it");
		return;
	}
	zc->record = *record;
	zc->version = version;
	if (wr_gossip_put(zc->gossip, (struct wr_bytes){ bytes, len }, true, wr_clock_now()) !=
	    WR_GOSSIP_TAKEN)
		wr_log_verbose("record: gossip has a newer one of ours");
}

void zc_renew_record(struct wr_zeroconf *zc, uint64_t version)
{
	uint64_t least = zc->state.epoch << ZC_EPOCH_BITS;
	struct wr_record record;

	if (version <= zc->version)
		version = zc->version + 1;
	if (version < least)
		version = least;
	describe_self(zc, &record);
	tell(zc, &record, version);
	zc_touch_map(zc);
}

void zc_review_record(struct wr_zeroconf *zc)
{
	struct wr_record record;

	describe_self(zc, &record);
	if (zc->version && memcmp(&record, &zc->record, sizeof(record)) == 0)
		return;
	zc_renew_record(zc, 0);
	zc_run_gossip(zc);
}

void zc_say_farewell(struct wr_zeroconf *zc)
{
	zc->is_ending = true;
	if (zc->gossip && zc->version)
		zc_renew_record(zc, 0);
	if (zc->gossip)
		zc_run_gossip(zc);
}

/* --- Claims. --- */

/* "db", "db-2", "db-3"; within the room that a label has. */
static void next_name(struct wr_zeroconf *zc)
{
	unsigned number = 1;
	char suffix[16];
	const char *wanted = zc->state.wanted_name;
	size_t len = strlen(wanted);

	if (strncmp(zc->state.name, wanted, len) == 0 && zc->state.name[len] == '-')
		(void)sscanf(zc->state.name + len + 1, "%5u", &number);
	snprintf(suffix, sizeof(suffix), "-%u", number + 1);
	snprintf(zc->state.name, sizeof(zc->state.name), "%.*s%s",
		 (int)(WR_ITEM_NAME_LEN - strlen(suffix)), wanted, suffix);
	zc->state.name_since = zc_seconds();
}

void zc_settle_own(struct wr_zeroconf *zc, bool has_name, bool has_v4)
{
	struct wr_instant now = wr_clock_now();

	if (has_name && has_v4)
		return;
	/* Each try takes its time to be told to all. */
	if (!wr_is_past(zc->settled_at, now)) {
		uv_timer_start(&zc->map_timer, zc_make_map, CLAIM_EACH.ns / 1000000, 0);
		return;
	}
	zc->settled_at = wr_after(now, CLAIM_EACH);
	if (!has_name) {
		wr_log_error("name: %s is another member's", zc->state.name);
		next_name(zc);
	}
	if (!has_v4) {
		zc->state.v4_attempt++;
		zc->state.v4_since = zc_seconds();
	}
	zc_save_state(zc);
	zc_review_record(zc);
}
