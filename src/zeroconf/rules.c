/* The founder's policy for a map: reduced to what this machine enforces. Without one all members
 * may reach each other. Gossip and pulses go between all whatever it says: they are how the mesh
 * lives; and guests are reached by nothing else. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/files.h"
#include "zeroconf/inside.h"

#define NO_POLICY "default allow\n"
/* Before the first rule: the founder's hold for all else. */
#define ALWAYS \
	"allow * -> * udp 51818,51819\n" \
	"deny tag:" ZC_GUEST_TAG " -> *\n" \
	"deny * -> tag:" ZC_GUEST_TAG "\n"
#define ALWAYS_LINES 3

struct zc_rules {
	struct wr_policy *policy;
	struct wr_view *view; /* NULL: no policy */
	size_t self;
};

struct zc_rules *zc_rules_free(struct zc_rules *rules)
{
	if (!rules)
		return NULL;
	wr_view_free(rules->view);
	wr_policy_free(rules->policy);
	free(rules);
	return NULL;
}

static struct wr_policy *parse(const char *text)
{
	WR_AUTO(wr_text_freep) char *whole = wr_text_new(ALWAYS "%s", text);
	struct wr_policy_faults faults;
	struct wr_policy *policy = wr_policy_parse(
		(struct wr_bytes){ (const uint8_t *)whole, strlen(whole) }, &faults);

	if (!policy && faults.count)
		wr_log_error("policy: line %u: %s",
			     faults.faults[0].line > ALWAYS_LINES
				     ? faults.faults[0].line - ALWAYS_LINES
				     : 0,
			     faults.faults[0].text);
	return policy;
}

/* One is known of, and not whole yet: until then nothing is allowed. */
static bool awaits_policy(const struct wr_zeroconf *zc)
{
	struct wr_admission_figures figures;

	wr_admission_look(zc->admission, &figures);
	return !zc->policy && figures.policy_awaited;
}

struct zc_rules *zc_rules_new(struct wr_zeroconf *zc, const struct wr_member *members,
			      const struct wr_view_routes *routes, size_t count, bool has_guests)
{
	struct zc_rules *rules = calloc(1, sizeof(*rules));

	if (!rules || (!zc->policy && !has_guests && !awaits_policy(zc)))
		return rules;
	rules->self = count - 1;
	rules->policy = parse(zc->policy          ? zc->policy
			      : awaits_policy(zc) ? "default deny\n"
						  : NO_POLICY);
	if (rules->policy)
		rules->view = wr_view_new_routed(rules->policy, members, routes, count);
	return rules->view ? rules : zc_rules_free(rules);
}

char *zc_rules_text(struct zc_rules *rules)
{
	const char *text = rules->view ? wr_view_text(rules->view, rules->self) : NO_POLICY;

	return text ? strdup(text) : NULL;
}

uint32_t *zc_rules_marks(struct zc_rules *rules, size_t peer, size_t *ret_count)
{
	uint32_t marks[WR_NETMAP_MARKS];
	uint32_t *copy;
	size_t count = 0;

	*ret_count = 0;
	if (rules->view)
		count = wr_view_marks(rules->view, rules->self, peer, marks, WR_NETMAP_MARKS);
	if (count > WR_NETMAP_MARKS)
		count = WR_NETMAP_MARKS;
	copy = count ? malloc(count * sizeof(*copy)) : NULL;
	if (!copy)
		return NULL;
	memcpy(copy, marks, count * sizeof(*copy));
	*ret_count = count;
	return copy;
}
