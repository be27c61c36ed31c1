/* A policy that parses, reduced for each machine of a small network: the reduced text parses
 * again, decides as the whole does about all that the machine opens or receives, and names
 * nobody. */
#include "fuzz.h"
#include "policy/policy.h"
#include "policy/terms.h"
#include "policy/view.h"

#define MACHINES 6
#define TEXT_MAX 4096

static const char *const tags[] = { "web", "db", "a" };
static const char *const names[MACHINES] = { "a", "b", "alice-laptop", "tcp", "web-1", "g1" };

/* The last one is a router. */
static const struct wr_prefix behind = { { WR_IPV4, { 192, 168, 50 } }, 24 };

static struct wr_member member_of(uint8_t number)
{
	struct wr_member member = { .slot = number,
				    .name = names[number],
				    .tags = tags + number % 3 };

	member.tag_count = number % 3 ? 3 - number % 3u : 0;
	member.v4 = (struct wr_ip){ .family = WR_IPV4, .bytes = { 10, 0, 0, number } };
	if (number % 2)
		member.v6 = (struct wr_ip){ .family = WR_IPV6, .bytes = { 0xfd, [15] = number } };
	return member;
}

/* Its own addresses, or (2) one behind it; family none where there is none. */
static struct wr_ip address_of(uint8_t number, unsigned which)
{
	struct wr_member member = member_of(number);

	if (which == 0)
		return member.v4;
	if (which == 1)
		return member.v6;
	return number == MACHINES - 1
		       ? (struct wr_ip){ .family = WR_IPV4, .bytes = { 192, 168, 50, 1 } }
		       : (struct wr_ip){ 0 };
}

/* What a member compiles of its text. */
static struct wr_ruleset *compile(const struct wr_view *view, const char *text, uint8_t self)
{
	static char texts[MACHINES][WR_VIEW_MARKS][12];
	static const char *marks[MACHINES][WR_VIEW_MARKS];
	struct wr_member members[MACHINES];
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);
	struct wr_ruleset *ruleset;
	size_t count = 0;

	FUZZ_CHECK(policy);
	for (uint8_t i = 0; i < MACHINES; i++) {
		uint32_t numbers[WR_VIEW_MARKS];

		if (i != self && wr_view_way(view, self, i) == WR_VIEW_NOTHING)
			continue;
		members[count] = member_of(i);
		members[count].name = i == self ? "self" : "";
		members[count].tags = marks[i];
		members[count].tag_count =
			i == self ? 0 : wr_view_marks(view, self, i, numbers, WR_VIEW_MARKS);
		FUZZ_CHECK(members[count].tag_count <= WR_VIEW_MARKS);
		for (size_t j = 0; j < members[count].tag_count; j++) {
			snprintf(texts[i][j], sizeof(texts[i][j]), "m%u", numbers[j]);
			marks[i][j] = texts[i][j];
		}
		count++;
	}
	ruleset = wr_ruleset_compile_saved(policy, members, count, MACHINES, 1, &faults);
	FUZZ_CHECK(ruleset);
	wr_policy_free(policy);
	return ruleset;
}

static void check_openings(const struct wr_ruleset *whole, const struct wr_ruleset *reduced,
			   uint8_t src, uint8_t dst)
{
	static const uint8_t protocols[] = { 1, 6, 17, 47 };
	static const uint16_t ports[] = { 0, 1, 22, 80, 443, 5432, 65535 };

	for (unsigned i = 0; i < 9; i++) {
		struct wr_opening opening = { .src = address_of(src, i / 3),
					      .dst = address_of(dst, i % 3) };

		if (!opening.src.family || opening.src.family != opening.dst.family)
			continue;
		for (unsigned j = 0; j < 28; j++) {
			opening.protocol = protocols[j % 4];
			opening.dst_port = ports[j / 4];
			if (opening.protocol == 1 && opening.src.family == WR_IPV6)
				opening.protocol = 58;
			FUZZ_CHECK(wr_ruleset_allows(whole, src, dst, &opening) ==
				   wr_ruleset_allows(reduced, src, dst, &opening));
		}
	}
}

/* Names of the whole are no words of the reduced text. */
static void check_names(const char *text)
{
	FUZZ_CHECK(!strstr(text, "alice") && !strstr(text, "web") && !strstr(text, "#") &&
		   !strstr(text, "tag:d") && !strstr(text, "tag:a") && !strstr(text, "test"));
}

static int take_rule(void *context, const struct wr_rule_terms *rule)
{
	for (size_t i = 1; i < rule->port_count; i++)
		FUZZ_CHECK(rule->ports[i].protocol >= rule->ports[i - 1].protocol);
	++*(size_t *)context;
	return 0;
}

static void check_walk(const struct wr_policy *policy)
{
	size_t count = 0;

	FUZZ_CHECK(wr_policy_walk(policy, take_rule, &count) == 0);
	FUZZ_CHECK(count == wr_policy_rule_count(policy));
}

static void check_policy(const struct wr_policy *policy)
{
	struct wr_view_routes routes[MACHINES] = { [MACHINES - 1] = { &behind, 1 } };
	struct wr_member members[MACHINES];
	struct wr_policy_faults faults;
	struct wr_ruleset *whole;
	struct wr_view *view;

	for (uint8_t i = 0; i < MACHINES; i++)
		members[i] = member_of(i);
	whole = wr_ruleset_compile_saved(policy, members, MACHINES, MACHINES, 1, &faults);
	view = wr_view_new_routed(policy, members, routes, MACHINES);
	FUZZ_CHECK(whole && view);
	for (uint8_t self = 0; self < MACHINES; self++) {
		const char *text = wr_view_text(view, self);
		struct wr_ruleset *reduced = compile(view, text, self);

		check_names(text);
		for (uint8_t i = 0; i < MACHINES; i++) {
			if (i == self)
				continue;
			check_openings(whole, reduced, self, i);
			check_openings(whole, reduced, i, self);
		}
		wr_ruleset_free(reduced);
	}
	wr_view_free(view);
	wr_ruleset_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy;

	/* Long texts are slow, and say nothing that short ones do not. */
	if (size > TEXT_MAX)
		return 0;
	policy = wr_policy_parse((struct wr_bytes){ data, size }, &faults);
	if (!policy)
		return 0;
	check_walk(policy);
	check_policy(policy);
	wr_policy_free(policy);
	return 0;
}
