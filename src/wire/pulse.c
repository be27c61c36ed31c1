#include "wire/pulse.h"

#include <string.h>

#include "base/reader.h"

#define VERSION 1

/* --- Reading. --- */

static uint64_t read_be64(struct wr_reader *reader)
{
	uint64_t high = wr_read_be32(reader);

	return high << 32 | wr_read_be32(reader);
}

static struct wr_endpoint read_endpoint(struct wr_reader *reader)
{
	struct wr_endpoint endpoint = { 0 };
	uint8_t family = wr_read_u8(reader);
	unsigned port;

	if (family != 4 && family != 6) {
		reader->bad = true;
		return endpoint;
	}
	endpoint.ip.family = family == 4 ? WR_IPV4 : WR_IPV6;
	wr_read_into(reader, endpoint.ip.bytes, family == 4 ? 4 : 16);
	port = wr_read_u8(reader);
	endpoint.port = (uint16_t)(port << 8 | wr_read_u8(reader));
	return endpoint;
}

static void read_candidates(struct wr_reader *reader, struct wr_pulse *pulse)
{
	for (size_t i = 0; i < pulse->candidate_count; i++) {
		struct wr_pulse_candidate *candidate = &pulse->candidates[i];

		candidate->kind = wr_read_u8(reader);
		candidate->endpoint = read_endpoint(reader);
		if (candidate->kind >= WR_PULSE_KINDS)
			reader->bad = true;
	}
}

static void read_heard(struct wr_reader *reader, struct wr_pulse *pulse)
{
	for (size_t i = 0; i < pulse->heard_count; i++) {
		pulse->heard[i].endpoint = read_endpoint(reader);
		pulse->heard[i].age_ms = wr_read_be32(reader);
	}
}

static void read_numbers(struct wr_reader *reader, struct wr_pulse *pulse)
{
	pulse->instance = wr_read_be32(reader);
	pulse->echo_instance = wr_read_be32(reader);
	pulse->sequence = wr_read_be32(reader);
	pulse->round = wr_read_be32(reader);
	pulse->received = wr_read_be32(reader);
	pulse->received_bits = wr_read_be32(reader);
	pulse->held_us = wr_read_be32(reader);
	pulse->time_us = read_be64(reader);
	pulse->echo_us = read_be64(reader);
}

bool wr_pulse_read(struct wr_bytes datagram, struct wr_pulse *ret_pulse)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_pulse pulse = { 0 };

	if (wr_read_u8(&reader) != VERSION)
		return false;
	pulse.flags = wr_read_u8(&reader);
	pulse.candidate_count = wr_read_u8(&reader);
	pulse.heard_count = wr_read_u8(&reader);
	if (pulse.flags & ~WR_PULSE_FLAGS || pulse.candidate_count > WR_PULSE_CANDIDATES ||
	    pulse.heard_count > WR_PULSE_HEARD)
		return false;
	read_numbers(&reader, &pulse);
	read_candidates(&reader, &pulse);
	read_heard(&reader, &pulse);
	if (!wr_reader_done(&reader) || pulse.sequence == 0 || pulse.instance == 0)
		return false;
	*ret_pulse = pulse;
	return true;
}

/* --- Writing. --- */

static uint8_t *put(uint8_t *at, uint64_t number, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0; number >>= 8)
		at[i] = (uint8_t)number;
	return at + bytes;
}

static uint8_t *put_endpoint(uint8_t *at, const struct wr_endpoint *endpoint)
{
	size_t len = wr_ip_bits(endpoint->ip.family) / 8;

	assert(endpoint->ip.family == WR_IPV4 || endpoint->ip.family == WR_IPV6);
	at = put(at, endpoint->ip.family, 1);
	memcpy(at, endpoint->ip.bytes, len);
	return put(at + len, endpoint->port, 2);
}

static uint8_t *put_numbers(uint8_t *at, const struct wr_pulse *pulse)
{
	at = put(at, pulse->instance, 4);
	at = put(at, pulse->echo_instance, 4);
	at = put(at, pulse->sequence, 4);
	at = put(at, pulse->round, 4);
	at = put(at, pulse->received, 4);
	at = put(at, pulse->received_bits, 4);
	at = put(at, pulse->held_us, 4);
	at = put(at, pulse->time_us, 8);
	return put(at, pulse->echo_us, 8);
}

size_t wr_pulse_write(const struct wr_pulse *pulse, uint8_t ret_data[WR_PULSE_MAX_LEN])
{
	uint8_t *at = ret_data;

	assert(pulse->candidate_count <= WR_PULSE_CANDIDATES &&
	       pulse->heard_count <= WR_PULSE_HEARD);
	at = put(at, VERSION, 1);
	at = put(at, pulse->flags, 1);
	at = put(at, pulse->candidate_count, 1);
	at = put(at, pulse->heard_count, 1);
	at = put_numbers(at, pulse);
	for (size_t i = 0; i < pulse->candidate_count; i++) {
		at = put(at, pulse->candidates[i].kind, 1);
		at = put_endpoint(at, &pulse->candidates[i].endpoint);
	}
	for (size_t i = 0; i < pulse->heard_count; i++) {
		at = put_endpoint(at, &pulse->heard[i].endpoint);
		at = put(at, pulse->heard[i].age_ms, 4);
	}
	return (size_t)(at - ret_data);
}
