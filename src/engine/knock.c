#include "engine/knock.h"

#include "crypto/crypto.h"
#include "engine/mail.h"
#include "engine/worker.h"
#include "wg/budget.h"

/* docs/mesh.md, "Knocks": 16 a second a source, 200 in all; who gets them judges by the same
 * figures once more, for they also come to it by other ways. */
#define PER_SECOND 16
#define BURST 32
#define ALL_PER_SECOND 200

struct wr_budget *wr_knock_budget_new(unsigned workers)
{
	struct wr_budget_rule rule = {
		.per_second = PER_SECOND,
		.burst = BURST,
		.all_per_second = ALL_PER_SECOND / workers,
		.all_burst = ALL_PER_SECOND / workers,
		.prefix4 = 32,
		.prefix6 = 64,
	};
	struct wr_siphash_key key;

	static_assert(ALL_PER_SECOND >= WR_ENGINE_MAX_WORKERS, "something is left for each");
	wr_random(&key, sizeof(key));
	return wr_budget_new(&rule, &key);
}

enum wr_verdict wr_knock_take(struct wr_worker *worker, const struct wr_udp_burst *burst,
			      struct wr_bytes datagram)
{
	struct wr_letter letter = { .kind = WR_LETTER_KNOCK, .from = burst->remote };

	if (!wr_budget_take(worker->knocks, &burst->remote.ip, 1, worker->now))
		return WR_DROP_BUDGET;
	if (!wr_mail_push(worker->mail, &letter, datagram))
		return WR_DROP_QUEUE;
	worker->wakes_control = true;
	return WR_TAKEN;
}
