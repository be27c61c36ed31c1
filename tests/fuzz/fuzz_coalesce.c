/* Coalescing: whatever packets come, the super-packets stand for just these, each
 * once, byte for byte, and in the order of each flow.
 *
 * Input: a byte of abilities, then commands that make packets: the next of a flow,
 * whole or changed, or raw bytes. */
#include "coalescing.h"
#include "fuzz.h"

#define FLOWS 4
/* The check is quadratic. */
#define MAX_PACKETS 200

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t next_byte(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->data++;
}

static void begin_flows(struct packet_shape flows[FLOWS], uint8_t abilities)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = (struct packet_shape){
			.family = i % 2 ? WR_IPV6 : WR_IPV4,
			.protocol = i / 2 ? WR_PROTO_UDP : WR_PROTO_TCP,
			.host = 1,
			.source_port = 1000,
			.ttl = 64,
			.id = 0xfffe,
			.fragment = (uint16_t)(abilities & 4 ? 0x4000 : 0),
			.seq = 0xffffff00,
			.tcp_flags = WR_TCP_ACK,
		};
	}
}

/* A field of the flow, from now on. */
static void change_flow(struct input *input, struct packet_shape *flow)
{
	uint8_t what = next_byte(input), value = next_byte(input);

	switch (what % 12) {
	case 0: flow->tos = value; break;
	case 1: flow->ttl = value; break;
	case 2: flow->id = value; break;
	case 3: flow->fragment = (uint16_t)(value << 8); break;
	case 4: flow->ip_options = value & 0x18; break;
	case 5: flow->seq = value * 50u; break;
	case 6: flow->ack = value; break;
	case 7: flow->tcp_flags = value; break;
	case 8: flow->tcp_reserved = value & 15; break;
	case 9: flow->window = value; break;
	case 10: flow->tcp_options = value & 0x1c; break;
	default: flow->source_port = value; break;
	}
}

/* The next packet of a flow; with changed bytes, and checksums mended or not. */
static void add_next(struct input *input, struct packet_shape *flow, uint8_t command,
		     struct coalescing *coalescing)
{
	static const uint8_t payload[1024];
	uint8_t packet[2048];
	uint32_t payload_len = next_byte(input) * 4u;
	uint32_t len = packet_build(flow, payload, payload_len, packet);

	if (command & 0x10)
		packet[next_byte(input) % len] ^= next_byte(input);
	if (command & 0x20)
		packet_complete(packet, len);
	memset(packet + len, 0, 16);
	coalescing_add(coalescing, packet, len + (command & 0x40 ? 16 : 0));
	flow->seq += payload_len;
	flow->id++;
}

static void add_raw(struct input *input, struct coalescing *coalescing)
{
	size_t len = next_byte(input);

	len = len < input->left ? len : input->left;
	coalescing_add(coalescing, input->data, (uint32_t)len);
	input->data += len;
	input->left -= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t abilities = next_byte(&input);
	struct coalescing coalescing = {
		.has_offload = !(abilities & 1),
		.has_udp_offload = !(abilities & 2),
	};
	struct packet_shape flows[FLOWS];

	begin_flows(flows, abilities);
	while (input.left && coalescing.in.count < MAX_PACKETS) {
		uint8_t command = next_byte(&input);
		struct packet_shape *flow = &flows[command % FLOWS];

		switch (command & 0x0c) {
		case 0x0c: add_raw(&input, &coalescing); break;
		case 0x08: change_flow(&input, flow); break;
		default: add_next(&input, flow, command, &coalescing); break;
		}
	}
	coalescing_run(&coalescing);
	coalescing_check(&coalescing);
	coalescing_free(&coalescing);
	return 0;
}
