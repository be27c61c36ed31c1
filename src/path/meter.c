#include "path/meter.h"

#define WINDOW 32
/* Pulses that have no answer yet are no loss: one asks, one answers. */
#define IN_FLIGHT 2
/* An echo that waited for longer is of another time. */
#define HELD_MAX_US 10000000u
/* RFC 6298 section 2.3. */
#define ALPHA 8
#define BETA 4

void wr_meter_init(struct wr_meter *meter, uint32_t instance, struct wr_instant now)
{
	assert(instance);
	*meter = (struct wr_meter){ .instance = instance, .origin = now };
}

static void forget_other(struct wr_meter *meter, uint32_t instance)
{
	*meter = (struct wr_meter){
		.origin = meter->origin,
		.instance = meter->instance,
		.sequence = meter->sequence,
		.echoed = meter->sequence,
		.echoed_bits = UINT32_MAX,
		.other_instance = instance,
		.timed = meter->timed,
		.trip_us = meter->trip_us,
		.latency_us = meter->latency_us,
		.variance_us = meter->variance_us,
	};
}

static uint64_t age_us(const struct wr_meter *meter, struct wr_instant now)
{
	return (now.ns - meter->origin.ns) / 1000;
}

/* False: not newer than what came. */
static bool take_sequence(struct wr_meter *meter, const struct wr_pulse *pulse,
			  struct wr_instant now)
{
	uint32_t ahead = pulse->sequence - meter->received;

	if (pulse->sequence <= meter->received) {
		uint32_t behind = meter->received - pulse->sequence;

		if (behind >= 1 && behind <= WINDOW)
			meter->received_bits |= UINT32_C(1) << (behind - 1);
		return false;
	}
	if (meter->received == 0)
		meter->received_bits = UINT32_MAX; /* what was before does not count as lost */
	else if (ahead > WINDOW)
		meter->received_bits = 0;
	else
		meter->received_bits = (uint32_t)((uint64_t)meter->received_bits << ahead) |
				       UINT32_C(1) << (ahead - 1);
	meter->received = pulse->sequence;
	meter->received_at = now;
	meter->received_time_us = pulse->time_us;
	return true;
}

static void take_round_trip(struct wr_meter *meter, uint64_t us)
{
	uint32_t trip = us > UINT32_MAX / 16 ? UINT32_MAX / 16 : (uint32_t)us;
	uint32_t off;

	trip += !trip;
	meter->trip_us = trip;
	if (!meter->latency_us) {
		meter->latency_us = trip;
		meter->variance_us = trip / 2;
		return;
	}
	off = trip > meter->latency_us ? trip - meter->latency_us : meter->latency_us - trip;
	meter->variance_us += off / BETA - meter->variance_us / BETA;
	meter->latency_us += trip / ALPHA - meter->latency_us / ALPHA;
}

/* The other's word about ours: as far as it can be true. */
static void take_echo(struct wr_meter *meter, const struct wr_pulse *pulse, struct wr_instant now,
		      struct wr_meter_news *news)
{
	uint64_t age = age_us(meter, now);

	if (pulse->echo_instance != meter->instance || pulse->received == 0 ||
	    pulse->received > meter->sequence || pulse->received < meter->timed ||
	    pulse->echo_us + pulse->held_us > age || pulse->echo_us > age)
		return;
	if (pulse->received > meter->timed && pulse->held_us < HELD_MAX_US)
		take_round_trip(meter, age - pulse->echo_us - pulse->held_us);
	meter->timed = pulse->received;
	meter->echoed = pulse->received;
	meter->echoed_bits = pulse->received_bits;
	news->has_echo = true;
	news->echo_sent.ns = meter->origin.ns + pulse->echo_us * 1000;
	news->said.ns = news->echo_sent.ns + (uint64_t)pulse->held_us * 1000;
}

bool wr_meter_take(struct wr_meter *meter, const struct wr_pulse *pulse, struct wr_instant now,
		   struct wr_meter_news *ret_news)
{
	struct wr_meter_news news = { 0 };

	if (pulse->instance != meter->other_instance) {
		news.is_other_life = meter->other_instance != 0;
		forget_other(meter, pulse->instance);
	}
	if (!take_sequence(meter, pulse, now))
		return false;
	take_echo(meter, pulse, now, &news);
	*ret_news = news;
	return true;
}

void wr_meter_stamp(struct wr_meter *meter, struct wr_instant now, struct wr_pulse *pulse)
{
	uint64_t held = meter->received ? (now.ns - meter->received_at.ns) / 1000 : 0;

	meter->sequence++;
	pulse->instance = meter->instance;
	pulse->echo_instance = meter->other_instance;
	pulse->sequence = meter->sequence;
	pulse->time_us = age_us(meter, now);
	pulse->received = meter->received;
	pulse->received_bits = meter->received_bits;
	pulse->echo_us = meter->received_time_us;
	pulse->held_us = held > UINT32_MAX ? UINT32_MAX : (uint32_t)held;
}

static uint32_t lost_permille(uint32_t newest, uint32_t bits, uint32_t tail)
{
	uint32_t before = newest ? newest - 1 : 0;
	uint32_t of = before < WINDOW ? before : WINDOW;
	uint32_t came = of ? (uint32_t)__builtin_popcount(
				     of == WINDOW ? bits : bits & ((UINT32_C(1) << of) - 1))
			   : 0;
	uint32_t all;

	tail = tail < WINDOW ? tail : WINDOW;
	all = of + (newest != 0) + tail;
	return all ? (of - came + tail) * 1000 / all : 0;
}

uint32_t wr_meter_loss_permille(const struct wr_meter *meter)
{
	uint32_t waiting = meter->sequence - meter->echoed;
	uint32_t tail = waiting > IN_FLIGHT ? waiting - IN_FLIGHT : 0;
	uint32_t out = lost_permille(meter->echoed, meter->echoed_bits, tail);
	uint32_t in = lost_permille(meter->received, meter->received_bits, 0);

	return 1000 - (1000 - out) * (1000 - in) / 1000;
}

struct wr_span wr_meter_patience(const struct wr_meter *meter, struct wr_span unknown)
{
	if (!meter->latency_us)
		return unknown;
	return (struct wr_span){
		((uint64_t)meter->latency_us + 4 * (uint64_t)meter->variance_us) * 1000,
	};
}
