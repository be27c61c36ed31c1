#include "wg/timing.h"

const struct wr_timing wr_timing_paper = {
	.rekey_after = { UINT64_C(120) * 1000000000 },
	.reject_after = { UINT64_C(180) * 1000000000 },
	.rekey_attempt = { UINT64_C(90) * 1000000000 },
	.rekey_timeout = { UINT64_C(5) * 1000000000 },
	.keepalive_timeout = { UINT64_C(10) * 1000000000 },
	.jitter = { UINT64_C(333) * 1000000 },
	.cookie_lifetime = { UINT64_C(120) * 1000000000 },
};

static struct wr_span divided(struct wr_span span, uint32_t factor)
{
	return (struct wr_span){ span.ns / factor };
}

struct wr_timing wr_timing_scaled(uint32_t factor)
{
	const struct wr_timing *paper = &wr_timing_paper;

	assert(factor > 0);
	return (struct wr_timing){
		.rekey_after = divided(paper->rekey_after, factor),
		.reject_after = divided(paper->reject_after, factor),
		.rekey_attempt = divided(paper->rekey_attempt, factor),
		.rekey_timeout = divided(paper->rekey_timeout, factor),
		.keepalive_timeout = divided(paper->keepalive_timeout, factor),
		.jitter = divided(paper->jitter, factor),
		.cookie_lifetime = divided(paper->cookie_lifetime, factor),
	};
}
