/* A policy compiled for the machines of one network: who may open what to whom.
 *
 * Machines stand in slots, small numbers that their owner gives them and that the
 * data plane finds in their peers. Machines that no rule can tell apart share a
 * class; the ruleset keeps the class of each slot, so one pointer swap changes
 * rules and classes together.
 *
 * Floor 3.  Made and changed by one thread; any thread may read, under a grace
 * period.  Source: docs/policy.md, "Cost". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "policy/policy.h"

/* A machine as a policy sees it. */
struct wr_member {
	uint32_t slot;
	const char *name; /* DNS label; what selectors say */
	const char *const *tags;
	size_t tag_count;
	struct wr_ip v4, v6; /* family none where it has none */
};

struct wr_ruleset;

/* Compiles `policy` for `members` with room for `slots` slots (each member's is
 * below). NULL and faults (an unknown machine name; memory). With all members'
 * test lines checked: a test that does not hold is a fault. `version` grows with each
 * compilation of one network; 10,000 machines, 10,000 rules and 1,000 tags take
 * less than 20 ms. Borrows nothing afterwards. */
struct wr_ruleset *wr_ruleset_compile(const struct wr_policy *policy,
				      const struct wr_member *members, size_t member_count,
				      uint32_t slots, uint64_t version,
				      struct wr_policy_faults *ret_faults) WR_MUST_CHECK;
/* The same for a policy that was saved once: machines come and go since, and none of that
 * may stop it. A name that nobody has selects nobody, and tests are not looked at. The
 * only fault is memory. */
struct wr_ruleset *wr_ruleset_compile_saved(const struct wr_policy *policy,
					    const struct wr_member *members, size_t member_count,
					    uint32_t slots, uint64_t version,
					    struct wr_policy_faults *ret_faults) WR_MUST_CHECK;
/* At once: no readers are left. NULL is fine; returns NULL. */
struct wr_ruleset *wr_ruleset_free(struct wr_ruleset *ruleset);
uint64_t wr_ruleset_version(const struct wr_ruleset *ruleset);
/* Classes that have machines, as it was compiled. */
size_t wr_ruleset_class_count(const struct wr_ruleset *ruleset);

/* Puts one machine into its slot (new, or its tags or name changed), in place. False
 * where that cannot be done so (a slot beyond the room; a class that is not there
 * yet; a name that rules speak of): compile again. */
bool wr_ruleset_place(struct wr_ruleset *ruleset, const struct wr_member *member) WR_MUST_CHECK;
/* Nobody is in the slot any more: nothing is allowed from or to it. */
void wr_ruleset_vacate(struct wr_ruleset *ruleset, uint32_t slot);

/* What opens a flow. Ports in host order; for ICMP both are 0. */
struct wr_opening {
	struct wr_ip src, dst;
	uint8_t protocol; /* IPPROTO_*; ICMPv6 is 58 */
	uint16_t src_port, dst_port;
};

/* May the machine in `src_slot` open this to the one in `dst_slot`? Any thread. */
bool wr_ruleset_allows(const struct wr_ruleset *ruleset, uint32_t src_slot, uint32_t dst_slot,
		       const struct wr_opening *opening);
/* The line of the policy that decides (0: the default of a policy without a default
 * line), and whether it allows. */
bool wr_ruleset_why(const struct wr_ruleset *ruleset, uint32_t src_slot, uint32_t dst_slot,
		    const struct wr_opening *opening, unsigned *ret_line);
/* True if some rule lets something pass between the two, in either direction: if
 * not, they never learn of each other. What is behind machines is not known here, so a
 * prefix may be behind any of them. */
bool wr_ruleset_connects(const struct wr_ruleset *ruleset, uint32_t a, uint32_t b);
/* True if the two may have a direct path: all in a mesh; in a star those that its
 * `direct` lines name. */
bool wr_ruleset_is_direct(const struct wr_ruleset *ruleset, uint32_t a, uint32_t b);
