#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/samples.h"

/* A text whose tests compare more than this (some 200 ms of work) is refused. */
#define COMPARISONS_MAX 4000000
/* What a test costs before it compares anything, in comparisons: looking through the
 * ports, and, of so many each, samples and port ranges. */
#define COST_OF_TEST 200
#define COST_SHARE 10

/* A port for each kind of answer that there may be. */
struct probe {
	enum wr_traffic traffic;
	uint16_t port;
};

struct tester {
	struct wr_compiler *compiler;
	struct wr_samples all, src, dst;
	struct probe *probes;
	size_t probe_count;
	size_t comparisons;
	const struct wr_rule *test;
};

/* --- Ports. --- */

/* All ports of a range between which some rule has a limit. */
static void add_probes(struct tester *tester, const bool *is_limit, const struct wr_ports *ports)
{
	for (unsigned port = ports->low; port <= ports->high; port++)
		if (port == ports->low || is_limit[port])
			tester->probes[tester->probe_count++] = (struct probe){ ports->traffic,
										(uint16_t)port };
}

static void mark_limits(const struct wr_policy *policy, enum wr_traffic traffic, bool *is_limit)
{
	memset(is_limit, 0, UINT16_MAX + 1);
	for (size_t i = 0; i < policy->port_count; i++) {
		const struct wr_ports *ports = &policy->ports[i];

		if (ports->traffic != traffic)
			continue;
		is_limit[ports->low] = true;
		if (ports->high < UINT16_MAX)
			is_limit[ports->high + 1] = true;
	}
}

static void choose_probes(struct tester *tester, bool *is_limit)
{
	static const struct wr_ports everything[] = {
		{ WR_TRAFFIC_TCP, 0, UINT16_MAX },
		{ WR_TRAFFIC_UDP, 0, UINT16_MAX },
		{ WR_TRAFFIC_ICMP, 0, 0 },
		{ WR_TRAFFIC_OTHER, 0, 0 },
	};
	const struct wr_policy *policy = tester->compiler->policy;
	const struct wr_ports *ports = everything;
	size_t count = WR_ARRAY_LEN(everything);

	if (tester->test->port_count) {
		ports = policy->ports + tester->test->port_first;
		count = tester->test->port_count;
	}
	tester->probe_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!i || ports[i].traffic != ports[i - 1].traffic)
			mark_limits(policy, ports[i].traffic, is_limit);
		add_probes(tester, is_limit, &ports[i]);
	}
}

/* --- Comparing. --- */

static struct wr_party party_of(const struct wr_ruleset *ruleset, const struct wr_sample *sample,
				bool is_src)
{
	const struct wr_class *class = &ruleset->classes[sample->class];
	uint32_t prefix = WR_VECTOR_EMPTY;

	if (sample->around)
		prefix = is_src ? sample->around->src : sample->around->dst;
	return (struct wr_party){
		.machine = wr_set(ruleset, is_src ? class->src : class->dst),
		.prefix = wr_set(ruleset, prefix),
		.is_own = sample->class != WR_CLASS_NOBODY,
	};
}

/* Nobody speaks to itself. */
static bool is_same(const struct wr_sample *a, const struct wr_sample *b)
{
	return a->count == 1 && b->count == 1 && a->name == b->name;
}

static const char *name_of(const struct wr_sample *sample, char text[WR_ENDPOINT_TEXT_LEN])
{
	if (sample->name)
		return sample->name;
	wr_prefix_format(&sample->prefix, text);
	return text;
}

static void say_who_decides(unsigned line, char ret_text[32])
{
	if (line)
		snprintf(ret_text, 32, "line %u", line);
	else
		snprintf(ret_text, 32, "default");
}

static void fault_of(struct tester *tester, const struct wr_sample *src,
		     const struct wr_sample *dst, const struct probe *probe,
		     const struct wr_rule *rule)
{
	static const char *const protocols[] = { "tcp", "udp", "icmp", "other protocols" };
	const struct wr_ruleset *ruleset = tester->compiler->ruleset;
	bool has_port = probe->traffic == WR_TRAFFIC_TCP || probe->traffic == WR_TRAFFIC_UDP;
	char src_text[WR_ENDPOINT_TEXT_LEN], dst_text[WR_ENDPOINT_TEXT_LEN];
	char port[8] = "", decider[32];

	if (has_port)
		snprintf(port, sizeof(port), " %u", probe->port);
	say_who_decides(rule ? rule->line : ruleset->default_line, decider);
	wr_faults_add(
		tester->compiler->faults, tester->test->line,
		"the test does not hold: %s -> %s %s%s is %s by %s; change the rules, or what "
		"the test expects",
		name_of(src, src_text), name_of(dst, dst_text), protocols[probe->traffic], port,
		tester->test->is_allowed ? "denied" : "allowed", decider);
}

/* False if the answer is not what is expected. */
static bool check_pair(struct tester *tester, const struct wr_sample *src,
		       const struct wr_sample *dst)
{
	const struct wr_ruleset *ruleset = tester->compiler->ruleset;
	struct wr_party from = party_of(ruleset, src, true), to = party_of(ruleset, dst, false);

	for (size_t i = 0; i < tester->probe_count; i++) {
		const struct probe *probe = &tester->probes[i];
		const struct wr_rule *rule = wr_decide(ruleset, &from, &to, probe->traffic,
						       probe->port);
		bool is_allowed = rule ? rule->is_allowed : ruleset->is_allowed_by_default;

		if (is_allowed == tester->test->is_allowed)
			continue;
		fault_of(tester, src, dst, probe, rule);
		return false;
	}
	return true;
}

static bool is_too_much(struct tester *tester)
{
	size_t looked = tester->all.count + tester->compiler->policy->port_count;
	size_t pairs = tester->src.count * tester->dst.count;

	tester->comparisons += COST_OF_TEST + looked / COST_SHARE + pairs * tester->probe_count;
	if (tester->comparisons <= COMPARISONS_MAX)
		return false;
	wr_faults_add(
		tester->compiler->faults, tester->test->line,
		"up to here the tests compare too much: name fewer machines, or ports, or take "
		"tests away");
	return true;
}

static void check_test(struct tester *tester)
{
	for (size_t i = 0; i < tester->src.count; i++) {
		for (size_t j = 0; j < tester->dst.count; j++) {
			const struct wr_sample *src = &tester->src.items[i];
			const struct wr_sample *dst = &tester->dst.items[j];

			if (src->family != dst->family || is_same(src, dst))
				continue;
			if (!check_pair(tester, src, dst))
				return;
		}
	}
}

static void check_tests(struct tester *tester, bool *is_limit)
{
	const struct wr_policy *policy = tester->compiler->policy;

	wr_samples_take(tester->compiler, &tester->all);
	for (size_t i = 0; i < policy->tests.count; i++) {
		tester->test = &policy->tests.items[i];
		wr_samples_choose(tester->compiler, &tester->all, &tester->test->src, &tester->src);
		wr_samples_choose(tester->compiler, &tester->all, &tester->test->dst, &tester->dst);
		choose_probes(tester, is_limit);
		if (is_too_much(tester))
			break;
		check_test(tester);
	}
}

bool wr_compile_tests(struct wr_compiler *compiler)
{
	size_t samples = compiler->member_count * 2 + compiler->policy->selectors.count + 1;
	size_t probes = (size_t)UINT16_MAX * 2 + 4;
	struct tester tester = { .compiler = compiler };
	bool *is_limit;
	bool is_done;

	if (!compiler->policy->tests.count)
		return true;
	tester.all.items = calloc(samples, sizeof(struct wr_sample));
	tester.src.items = calloc(samples, sizeof(struct wr_sample));
	tester.dst.items = calloc(samples, sizeof(struct wr_sample));
	tester.probes = calloc(probes, sizeof(struct probe));
	is_limit = calloc(UINT16_MAX + 1, sizeof(*is_limit));
	is_done = tester.all.items && tester.src.items && tester.dst.items && tester.probes &&
		  is_limit;
	if (is_done)
		check_tests(&tester, is_limit);
	free(tester.all.items);
	free(tester.src.items);
	free(tester.dst.items);
	free(tester.probes);
	free(is_limit);
	return is_done;
}
