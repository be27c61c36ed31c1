/* Items of the founder, and whom they admit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

/* When a mesh is closed while it is up, certificates come in any order: who was a member stays one.
 */
#define GRACE WR_SPAN_S(120)
/* Wrong clocks are given so much (gossip/admission.h); looked at again then. */
#define LOOK_EACH_NS UINT64_C(60000000000)

bool zc_check(void *context, struct wr_bytes item)
{
	struct wr_zeroconf *zc = context;

	return wr_admission_check(zc->admission, item);
}

static bool has_grace(const struct wr_zeroconf *zc, const struct wr_key *identity)
{
	const struct contact *contact = zc_find(zc, identity);

	return !wr_is_past(zc->grace_until, wr_clock_now()) &&
	       (wr_key_equal(identity, &zc->identity) || (contact && contact->is_member));
}

bool zc_admits(void *context, const struct wr_key *identity)
{
	struct wr_zeroconf *zc = context;
	enum wr_admitted admitted = wr_admission_admits(zc->admission, identity, wr_clock_wall());

	return admitted == WR_ADMITTED || (admitted == WR_ADMITTED_NOT && has_grace(zc, identity));
}

/* --- What is in force. --- */

static void pin_founder(struct wr_zeroconf *zc)
{
	const struct wr_key *founder = wr_admission_founder(zc->admission);
	char text[WR_KEY_BASE64_LEN + 1];

	if (!founder || zc->state.has_founder)
		return;
	zc->state.has_founder = true;
	zc->state.founder = *founder;
	wr_key_to_base64(founder, text);
	wr_log_error("founder: %s is this mesh's from now on", text);
	zc_save_state(zc);
}

void zc_take_policy(struct wr_zeroconf *zc)
{
	uint64_t version = 0;
	const char *text = wr_admission_policy(zc->admission, &version);

	if (!text || version == zc->policy_version)
		return;
	free(zc->policy);
	zc->policy = strdup(text);
	zc->policy_version = version;
	wr_log_verbose("policy: version=%llu", (unsigned long long)version);
	zc_touch_map(zc);
}

static void look_for_expiry(struct wr_zeroconf *zc)
{
	struct wr_wall wall = wr_clock_wall();
	struct wr_wall next = wr_admission_next_expiry(zc->admission, wall);
	uint64_t wait = next.ns > wall.ns ? next.ns - wall.ns : 0;

	zc->expiry_due = wr_after(wr_clock_now(),
				  (struct wr_span){ wait < LOOK_EACH_NS ? wait : LOOK_EACH_NS });
}

void zc_review_trust(struct wr_zeroconf *zc)
{
	bool was_admitted = zc->is_admitted;

	zc->is_admitted = zc_admits(zc, &zc->identity);
	if (zc->is_admitted)
		zc->refusal[0] = '\0';
	else if (was_admitted)
		wr_log_error("membership: the founder of %s does not admit this machine (any more)",
			     zc->state.mesh);
	wr_admission_forget(zc->admission, wr_clock_wall());
	look_for_expiry(zc);
	wr_gossip_review(zc->gossip, wr_clock_now());
	zc_touch_map(zc);
}

void zc_take_item(struct wr_zeroconf *zc, struct wr_bytes item)
{
	bool was_closed = wr_admission_is_closed(zc->admission);
	unsigned changed = wr_admission_take(zc->admission, item);

	pin_founder(zc);
	if (!was_closed && wr_admission_is_closed(zc->admission) && zc->node)
		zc->grace_until = wr_after(wr_clock_now(), GRACE);
	if (changed & WR_ADMISSION_POLICY)
		zc_take_policy(zc);
	if (changed & WR_ADMISSION_MEMBERS)
		zc_review_trust(zc);
	zc_save_soon(zc);
}

int zc_open_trust(struct wr_zeroconf *zc)
{
	const struct wr_key *founder = zc->state.has_founder ? &zc->state.founder : NULL;

	if (zc->state.has_invitation && zc->state.invitation.has_founder && !founder)
		founder = &zc->state.invitation.founder;
	zc->admission = wr_admission_new(zc->keys.tag, founder);
	return zc->admission ? 0 : -ENOMEM;
}
