#include "engine/stun.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "wg/budget.h"
#include "wire/stun.h"

/* A machine that looks for its way asks a few times, from a few sockets; an office stands
 * behind one address. An answer costs some 5 us, so all together take a fortieth of a core. */
#define PER_SECOND 20
#define BURST 60
#define ALL_PER_SECOND 5000

struct wr_stun_desk {
	struct wr_budget *budget;
};

struct wr_stun_desk *wr_stun_desk_new(unsigned desks)
{
	struct wr_budget_rule rule = {
		.per_second = PER_SECOND,
		.burst = BURST,
		.all_per_second = ALL_PER_SECOND / desks,
		.all_burst = ALL_PER_SECOND / desks,
		.prefix4 = 32,
		.prefix6 = 64,
	};
	struct wr_stun_desk *desk = calloc(1, sizeof(*desk));
	struct wr_siphash_key key;

	if (!desk)
		return NULL;
	wr_random(&key, sizeof(key));
	desk->budget = wr_budget_new(&rule, &key);
	return desk->budget ? desk : wr_stun_desk_free(desk);
}

struct wr_stun_desk *wr_stun_desk_free(struct wr_stun_desk *desk)
{
	if (desk)
		wr_budget_free(desk->budget);
	free(desk);
	return NULL;
}

enum wr_verdict wr_stun_desk_take(struct wr_stun_desk *desk, int fd,
				  const struct wr_udp_burst *burst, struct wr_bytes datagram,
				  struct wr_instant now)
{
	uint8_t answer[WR_STUN_ANSWER_MAX_LEN];
	struct wr_udp_burst out = { .data = answer, .remote = burst->remote };
	struct wr_stun_id id;
	unsigned dropped = 1;

	if (!wr_stun_request_read(datagram, &id))
		return WR_DROP_TYPE;
	if (!wr_budget_take(desk->budget, &burst->remote.ip, 1, now))
		return WR_DROP_BUDGET;
	out.len = out.segment = (uint32_t)wr_stun_answer_write(&id, &burst->remote, answer);
	if (fd >= 0)
		wr_udp_send(fd, &out, 1, &dropped);
	return dropped ? WR_DROP_UDP : WR_TAKEN;
}
