/* What pulses measure: the round trip, smoothed as TCP does, and the loss of the last 32.
 *
 * Sans-I/O.  Floor 3.  One thread.  Source: RFC 6298. */
#pragma once

#include "base/base.h"
#include "wire/pulse.h"

struct wr_meter {
	struct wr_instant origin; /* of the times in pulses */
	uint32_t instance, other_instance;
	uint32_t sequence; /* of the last that was sent */

	/* Of what came. */
	uint32_t received, received_bits;
	struct wr_instant received_at; /* 0: never */
	uint64_t received_time_us;

	/* Of what the other says that came there. */
	uint32_t echoed, echoed_bits;
	uint32_t timed;                   /* whose round trip is measured */
	uint32_t trip_us;                 /* the last round trip */
	uint32_t latency_us, variance_us; /* 0: not measured yet */
};

/* What a pulse tells of time. */
struct wr_meter_news {
	bool is_other_life;          /* the other began anew */
	bool has_echo;               /* the next two are there: */
	struct wr_instant echo_sent; /* when the newest of ours that came there was sent */
	struct wr_instant said;      /* the pulse was sent then, or later; by our clock */
};

void wr_meter_init(struct wr_meter *meter, uint32_t instance, struct wr_instant now);
/* False: it is an old one, and tells nothing. */
bool wr_meter_take(struct wr_meter *meter, const struct wr_pulse *pulse, struct wr_instant now,
		   struct wr_meter_news *ret_news) WR_MUST_CHECK;
/* The numbers and times of the next pulse. */
void wr_meter_stamp(struct wr_meter *meter, struct wr_instant now, struct wr_pulse *pulse);
/* Of round trips. */
uint32_t wr_meter_loss_permille(const struct wr_meter *meter);
/* How long an answer may take (RFC 6298's timeout, without its minimum): `unknown` if nothing is
 * measured. */
struct wr_span wr_meter_patience(const struct wr_meter *meter, struct wr_span unknown);
