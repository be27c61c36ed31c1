/* The policy language: what is refused has faults that name lines of the text, in plain
 * ASCII; what is taken is compiled for a small network, and each decision is by a line
 * that decides something. */
#include "fuzz.h"
#include "policy/policy.h"
#include "policy/ruleset.h"

#define MACHINES 5
#define SLOTS 8

static const char *const tags[] = { "web", "db", "a" };

static struct wr_member member_of(uint8_t slot)
{
	static const char *const names[SLOTS] = { "a", "b", "alice-laptop", "tcp", "web-1", "g1",
						  "g", "x" };
	struct wr_member member = { .slot = slot, .name = names[slot], .tags = tags + slot % 3 };

	member.tag_count = slot % 3 ? 3 - slot % 3u : 0;
	member.v4 = (struct wr_ip){ .family = WR_IPV4, .bytes = { 10, 0, 0, slot } };
	if (slot % 2)
		member.v6 = (struct wr_ip){ .family = WR_IPV6, .bytes = { 0xfd, [15] = slot } };
	return member;
}

static unsigned count_lines(const uint8_t *data, size_t size)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

static void check_faults(const struct wr_policy_faults *faults, unsigned lines)
{
	FUZZ_CHECK(faults->count > 0);
	for (unsigned i = 0; i < faults->count && i < WR_POLICY_FAULTS; i++) {
		const struct wr_policy_fault *fault = &faults->faults[i];

		FUZZ_CHECK(fault->line <= lines);
		FUZZ_CHECK(strlen(fault->text) > 10);
		for (const char *c = fault->text; *c; c++)
			FUZZ_CHECK(*c >= ' ' && *c <= '~');
	}
}

/* A line that decides begins with allow, deny or default. */
static void check_line(const struct wr_policy *policy, unsigned line)
{
	struct wr_bytes text = wr_policy_line(policy, line);

	while (text.len && (*text.data == ' ' || *text.data == '\t')) {
		text.data++;
		text.len--;
	}
	FUZZ_CHECK(text.len > 4);
	FUZZ_CHECK(memcmp(text.data, "allow", 5) == 0 || memcmp(text.data, "deny", 4) == 0 ||
		   memcmp(text.data, "default", 7) == 0);
}

static void check_decision(const struct wr_policy *policy, const struct wr_ruleset *ruleset,
			   uint8_t src, uint8_t dst, uint8_t protocol, uint16_t port)
{
	struct wr_opening opening = { .protocol = protocol, .dst_port = port };
	unsigned line;
	bool is_allowed;

	opening.src = member_of(src).v4;
	opening.dst = member_of(dst).v4;
	opening.dst.bytes[2] = (uint8_t)(port % 3);
	is_allowed = wr_ruleset_why(ruleset, src, dst, &opening, &line);
	FUZZ_CHECK(is_allowed == wr_ruleset_allows(ruleset, src, dst, &opening));
	FUZZ_CHECK(!is_allowed || wr_ruleset_connects(ruleset, src, dst));
	if (line)
		check_line(policy, line);
	else
		FUZZ_CHECK(!is_allowed);
}

static void check_decisions(const struct wr_policy *policy, const struct wr_ruleset *ruleset)
{
	static const uint8_t protocols[] = { 1, 6, 17, 47 };
	static const uint16_t ports[] = { 0, 1, 22, 80, 443, 65535 };

	for (uint8_t src = 0; src < SLOTS; src++)
		for (uint8_t dst = 0; dst < SLOTS; dst++)
			for (unsigned i = 0; i < 24; i++)
				check_decision(policy, ruleset, src, dst, protocols[i % 4],
					       ports[i / 4]);
}

/* Changes in place do as a compilation of the same machines does. */
static void check_places(const struct wr_policy *policy, struct wr_ruleset *ruleset)
{
	for (uint8_t slot = MACHINES; slot < SLOTS; slot++) {
		struct wr_member member = member_of(slot);

		(void)!wr_ruleset_place(ruleset, &member);
		wr_ruleset_vacate(ruleset, (uint32_t)(slot - MACHINES));
	}
	check_decisions(policy, ruleset);
}

static void check_policy(const struct wr_policy *policy, unsigned lines)
{
	struct wr_member members[MACHINES];
	struct wr_policy_faults faults;
	struct wr_ruleset *ruleset;

	for (uint8_t i = 0; i < MACHINES; i++)
		members[i] = member_of(i);
	ruleset = wr_ruleset_compile(policy, members, MACHINES, SLOTS, 1, &faults);
	if (!ruleset)
		check_faults(&faults, lines);
	wr_ruleset_free(ruleset);
	ruleset = wr_ruleset_compile_saved(policy, members, MACHINES, SLOTS, 2, &faults);
	FUZZ_CHECK(ruleset && !faults.count);
	check_decisions(policy, ruleset);
	check_places(policy, ruleset);
	wr_ruleset_free(ruleset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy = wr_policy_parse((struct wr_bytes){ data, size }, &faults);
	unsigned lines = count_lines(data, size);

	if (!policy) {
		check_faults(&faults, lines);
		return 0;
	}
	FUZZ_CHECK(faults.count == 0);
	FUZZ_CHECK(wr_policy_text(policy).len == size);
	check_policy(policy, lines);
	wr_policy_free(policy);
	return 0;
}
