/* A pulse of any bytes: refused, or read and written again as it was. Then a path machine takes a
 * sequence of pulses, addresses and times, and never probes more than it may, nor is ever asked
 * without an end. */
#include "fuzz.h"
#include "path/path.h"

#define STEPS_MAX 100

static struct wr_instant now = { 1000000000000 };

static void there_and_back(struct wr_bytes datagram)
{
	uint8_t data[WR_PULSE_MAX_LEN];
	struct wr_pulse pulse;

	if (!wr_pulse_read(datagram, &pulse))
		return;
	FUZZ_CHECK(wr_pulse_write(&pulse, data) == datagram.len);
	FUZZ_CHECK(memcmp(data, datagram.data, datagram.len) == 0);
}

static void settle(struct wr_path *path)
{
	struct wr_path_sight before, sight;
	struct wr_path_step step;
	struct wr_pulse pulse;
	unsigned steps = 0;

	wr_path_look(path, &before);
	while (wr_path_poll(path, now, &step)) {
		FUZZ_CHECK(++steps < STEPS_MAX);
		if (step.action == WR_PATH_ASK)
			wr_path_tell(path, now, &pulse);
		else
			FUZZ_CHECK(step.endpoint.ip.family != WR_FAMILY_NONE);
	}
	FUZZ_CHECK(wr_path_deadline(path).ns > now.ns);
	wr_path_look(path, &sight);
	FUZZ_CHECK(sight.probes - before.probes <=
		   WR_PATH_PROBES * (1 + sight.rounds - before.rounds));
	FUZZ_CHECK(sight.probes <= WR_PATH_PROBES * sight.rounds);
	FUZZ_CHECK(sight.loss_permille <= 1000);
}

/* Of some bytes; what is more is of the next. */
static struct wr_bytes take(struct wr_bytes *left, size_t len)
{
	struct wr_bytes run = { left->data, len < left->len ? len : left->len };

	left->data += run.len;
	left->len -= run.len;
	return run;
}

static struct wr_endpoint endpoint_of(struct wr_bytes bytes)
{
	struct wr_endpoint endpoint = { .ip.family = WR_IPV4, .port = 51820 };

	memcpy(endpoint.ip.bytes, bytes.data, bytes.len < 4 ? bytes.len : 4);
	return endpoint;
}

static void tell(struct wr_path *path, struct wr_bytes datagram)
{
	struct wr_pulse pulse;

	if (wr_pulse_read(datagram, &pulse))
		wr_path_told(path, &pulse, now);
}

static void happen(struct wr_path *path, uint8_t what, struct wr_bytes *left)
{
	struct wr_endpoint endpoint = { 0 };
	struct wr_candidate candidate;

	if (what % 8 >= 5)
		endpoint = endpoint_of(take(left, 4));
	candidate = (struct wr_candidate){ (enum wr_candidate_kind)(what / 8 % 4), endpoint };
	switch (what % 8) {
	case 0: now.ns += (uint64_t)(what / 8) * 50000000; break;
	case 1: wr_path_sent(path, now); break;
	case 2: wr_path_handshake(path, now); break;
	case 3: wr_path_asked(path, now); break;
	case 4: tell(path, take(left, 48 + what / 8 * 8u)); break;
	case 5: wr_path_heard(path, &endpoint, now); break;
	case 6: wr_path_set_candidates(path, &candidate, 1, now); break;
	default: wr_path_set_relay(path, &endpoint, now); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes left = { data, size };
	struct wr_path_config config = { .may_be_direct = true, .jitter_seed = 1 };
	struct wr_path *path;

	there_and_back(left);
	if (size < 2)
		return 0;
	config.can_probe = data[0] & 1;
	config.is_first = data[0] & 2;
	take(&left, 1);
	path = wr_path_new(&config, now);
	FUZZ_CHECK(path);
	while (left.len) {
		happen(path, take(&left, 1).data[0], &left);
		settle(path);
	}
	wr_path_free(path);
	return 0;
}
