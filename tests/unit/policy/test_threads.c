/* Workers judge while the owner changes rules, machines and room: what is allowed loses
 * no packet, what is denied does not pass once a change is in force, no flow is lost
 * and none is there twice. */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/rcu.h"
#include "network.h"

#define WORKERS 3
#define CHANGES 60
#define FLOWS 64 /* of each kind */

enum {
	A,
	B,
	C,
	D,
	MOVING
};

static const struct machine machines[] = {
	{ "a", "left", "10.0.0.1", NULL },    { "b", "right", "10.0.0.2", NULL },
	{ "c", "left", "10.0.0.3", NULL },    { "d", "right", "10.0.0.4", NULL },
	{ "moving", NULL, "10.0.0.5", NULL },
};

/* a may always speak to b, c to d only under every second policy; b never to a. */
static const char *const policies[] = {
	"allow a -> b udp\ndeny c -> d\n",
	"allow a -> b udp\nallow tag:left -> tag:right udp 1000-2000\n",
};

/* What a worker asks. */
enum question {
	KNOWN_ANSWER,
	KNOWN,
	FRESH,
	FRESH_ANSWER,
	NEVER_ALLOWED,
	DENIED_NOW,
	ALLOWED_NOW,
	QUESTIONS
};

static struct {
	struct network network;
	struct wr_filter *filter;
	struct wr_rcu rcu;
	_Atomic unsigned phase; /* odd: a change is going on; else twice its number */
	_Atomic bool is_over;
	_Atomic unsigned wrong[QUESTIONS], rounds;
} it;

static const struct wr_instant now = { UINT64_C(5000000000000) };

static enum wr_verdict judge(uint32_t src, uint16_t src_port, uint32_t dst, uint16_t dst_port)
{
	struct packet packet = packet_udp(ip_from(machines[src].v4), src_port,
					  ip_from(machines[dst].v4), dst_port);

	return wr_filter_judge(it.filter, packet.bytes, packet.len, src, dst, now);
}

/* cmocka's asserts are for its own thread. */
static void expect(enum question question, enum wr_verdict is, enum wr_verdict should_be)
{
	if (is != should_be)
		atomic_fetch_add(&it.wrong[question], 1);
}

static bool is_denying(unsigned phase)
{
	return phase / 2 % 2 == 0;
}

/* What the policies disagree about, judged within one phase. */
static void check_changing(uint16_t number)
{
	unsigned before = atomic_load(&it.phase);
	bool is_reply = number % 2;
	enum wr_verdict verdict = is_reply ? judge(D, 1000, C, number) : judge(C, number, D, 1000);

	if (before % 2 || before != atomic_load(&it.phase))
		return;
	if (is_denying(before))
		expect(DENIED_NOW, verdict, WR_DROP_POLICY);
	else if (!is_reply)
		expect(ALLOWED_NOW, verdict, WR_TAKEN);
}

static void work_once(struct unit_random *random)
{
	uint16_t known = (uint16_t)(3000 + unit_random_below(random, FLOWS));
	uint16_t fresh = (uint16_t)(4000 + unit_random_below(random, FLOWS));

	expect(KNOWN_ANSWER, judge(B, 53, A, known), WR_TAKEN);
	expect(KNOWN, judge(A, known, B, 53), WR_TAKEN);
	expect(FRESH, judge(A, fresh, B, 53), WR_TAKEN);
	expect(FRESH_ANSWER, judge(B, 53, A, fresh), WR_TAKEN);
	expect(NEVER_ALLOWED, judge(B, 54, A, known), WR_DROP_POLICY);
	check_changing((uint16_t)(5000 + unit_random_below(random, FLOWS)));
	(void)judge(MOVING, 1, B, 1);
}

static void *work(void *argument)
{
	struct unit_random random = { (uint64_t)(uintptr_t)argument };

	wr_rcu_enter();
	while (!atomic_load(&it.is_over)) {
		for (unsigned i = 0; i < 20; i++)
			work_once(&random);
		atomic_fetch_add(&it.rounds, 1);
		wr_rcu_quiescent(&it.rcu);
	}
	wr_rcu_leave(&it.rcu);
	return NULL;
}

static void reclaim(struct wr_retire_list *retire)
{
	struct wr_retire_list list = wr_retire_take(retire);

	wr_rcu_wait(&it.rcu);
	wr_retire_free_all(&list);
}

static void change_rules(unsigned number, struct wr_retire_list *retire)
{
	atomic_store(&it.phase, number * 2 - 1);
	wr_filter_set_ruleset(it.filter, ruleset_from(&it.network, policies[number % 2]), retire);
	reclaim(retire);
	atomic_store(&it.phase, number * 2);
}

static void change_machine(unsigned number)
{
	struct wr_ruleset *ruleset = wr_filter_ruleset(it.filter);

	if (number % 3)
		assert_true(wr_ruleset_place(ruleset, &it.network.members[MOVING]));
	else
		wr_ruleset_vacate(ruleset, MOVING);
}

/* Each worker does some work between two changes. */
static void wait_for_work(void)
{
	unsigned rounds = atomic_load(&it.rounds);

	while (atomic_load(&it.rounds) < rounds + 4)
		sched_yield();
}

static void test_filter_judges_while_all_changes(void **state)
{
	struct wr_retire_list retire = { NULL };
	pthread_t threads[WORKERS];

	(void)state;
	network_init(&it.network, machines, WR_ARRAY_LEN(machines));
	it.filter = wr_filter_new(4, (const uint8_t[16]){ 3 },
				  ruleset_from(&it.network, policies[0]));
	assert_non_null(it.filter);
	for (uint16_t i = 0; i < FLOWS; i++)
		assert_int_equal(judge(A, (uint16_t)(3000 + i), B, 53), WR_TAKEN);
	for (size_t i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
	for (unsigned i = 1; i <= CHANGES; i++) {
		change_rules(i, &retire);
		change_machine(i);
		if (i % 15 == 0)
			assert_int_equal(wr_filter_resize(it.filter, i * 4, &retire), 0);
		wait_for_work();
	}
	atomic_store(&it.is_over, true);
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	reclaim(&retire);
	for (size_t i = 0; i < QUESTIONS; i++) {
		print_message("question %zu\n", i);
		assert_int_equal(atomic_load(&it.wrong[i]), 0);
	}
	/* Known, fresh, and those of c that were once allowed: of both directions one. */
	assert_in_range(wr_filter_flow_count(it.filter, now), 2 * FLOWS, 3 * FLOWS);
	wr_filter_free(it.filter);
	reclaim(&retire);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_judges_while_all_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
