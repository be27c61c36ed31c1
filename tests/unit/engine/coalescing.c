#include "coalescing.h"

#include <string.h>

/* A transport message before each packet, a tag behind it. */
#define BEFORE 16
#define BEHIND 16
#define UNTOUCHED (BEFORE - sizeof(struct virtio_net_hdr))

static struct wr_coalescer coalescer;

void coalescing_add(struct coalescing *coalescing, const uint8_t *packet, uint32_t len)
{
	struct wr_packet read;

	if (wr_packet_read((struct wr_bytes){ packet, len }, &read))
		packet_list_add(&coalescing->in, packet, len);
}

/* --- As the engine does. --- */

static void take_written(struct coalescing *coalescing, const struct wr_run *run)
{
	static uint8_t gathered[sizeof(struct virtio_net_hdr) + PACKET_MAX];
	size_t len = 0;

	PACKET_CHECK(run->count >= 1 && run->count <= WR_COALESCE_SPANS);
	for (unsigned i = 0; i < run->count; i++) {
		PACKET_CHECK(len + run->spans[i].iov_len <= sizeof(gathered));
		memcpy(gathered + len, run->spans[i].iov_base, run->spans[i].iov_len);
		len += run->spans[i].iov_len;
	}
	packet_list_add(&coalescing->written, gathered, (uint32_t)len);
	coalescing->supers += run->count > 1;
}

static void write_all(struct coalescing *coalescing)
{
	for (unsigned i = 0; i < coalescer.count; i++) {
		wr_coalescer_finish(&coalescer, &coalescer.runs[i]);
		take_written(coalescing, &coalescer.runs[i]);
	}
	wr_coalescer_reset(&coalescer);
}

static void deliver(struct coalescing *coalescing, uint8_t *ip, uint32_t len)
{
	struct wr_packet packet;

	PACKET_CHECK(wr_packet_read((struct wr_bytes){ ip, len }, &packet));
	if (wr_coalescer_add(&coalescer, ip, &packet))
		return;
	PACKET_CHECK(coalescer.count == WR_COALESCE_RUNS);
	write_all(coalescing);
	PACKET_CHECK(wr_coalescer_add(&coalescer, ip, &packet));
}

/* One memory block a packet, as tight as the engine has them, so that the address
 * sanitizer sees a step too far. */
static uint8_t *place(const struct packet_item *item)
{
	uint8_t *block = malloc(BEFORE + item->len + BEHIND);

	PACKET_CHECK(block);
	memset(block, 0xa5, BEFORE);
	memcpy(block + BEFORE, item->data, item->len);
	memset(block + BEFORE + item->len, 0xa5, BEHIND);
	return block;
}

static void check_surroundings(const uint8_t *block, uint32_t len)
{
	for (size_t i = 0; i < UNTOUCHED; i++)
		PACKET_CHECK(block[i] == 0xa5);
	for (size_t i = 0; i < BEHIND; i++)
		PACKET_CHECK(block[BEFORE + len + i] == 0xa5);
}

/* --- Taken apart. --- */

static void check_super(const struct virtio_net_hdr *header, const uint8_t *ip, uint32_t len)
{
	uint8_t protocol;
	uint32_t l4 = packet_find_l4(ip, len, &protocol);
	uint32_t header_len = l4 + (protocol == WR_PROTO_UDP ? 8u : ip[l4 + 12] / 16 * 4u);
	struct packet_item whole = { malloc(len), len };
	struct virtio_net_hdr want;

	/* As the kernel would have made it: but for the flags of TCP all fields. */
	PACKET_CHECK(whole.data);
	memcpy(whole.data, ip, len);
	packet_complete(whole.data, len);
	want = packet_offload(whole.data, len, header->gso_size);
	want.hdr_len = (uint16_t)header_len;
	PACKET_CHECK(memcmp(&want, header, sizeof(want)) == 0);
	PACKET_CHECK(memcmp(whole.data, ip, len) == 0);
	PACKET_CHECK((ip[0] >> 4 == 4 ? packet_read16(ip + 2) : packet_read16(ip + 4) + 40u) ==
		     len);
	PACKET_CHECK(header->gso_size > 0 && len - header_len > header->gso_size);
	free(whole.data);
}

static void take_apart(struct coalescing *coalescing, const struct packet_item *written)
{
	struct virtio_net_hdr header = { 0 };
	const uint8_t *ip = written->data;
	uint32_t len = written->len;

	if (coalescing->has_offload) {
		PACKET_CHECK(len > sizeof(header));
		memcpy(&header, ip, sizeof(header));
		ip += sizeof(header);
		len -= (uint32_t)sizeof(header);
	}
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		check_super(&header, ip, len);
		packet_segment(&header, ip, len, &coalescing->out);
	} else {
		PACKET_CHECK(header.flags == 0);
		packet_list_add(&coalescing->out, ip, len);
	}
}

void coalescing_run(struct coalescing *coalescing)
{
	uint8_t **blocks = calloc(coalescing->in.count + 1, sizeof(*blocks));

	PACKET_CHECK(blocks);
	wr_coalescer_init(&coalescer, coalescing->has_offload, coalescing->has_udp_offload);
	for (unsigned i = 0; i < coalescing->in.count; i++) {
		blocks[i] = place(&coalescing->in.items[i]);
		deliver(coalescing, blocks[i] + BEFORE, coalescing->in.items[i].len);
	}
	write_all(coalescing);
	for (unsigned i = 0; i < coalescing->in.count; i++) {
		check_surroundings(blocks[i], coalescing->in.items[i].len);
		free(blocks[i]);
	}
	free(blocks);
	for (unsigned i = 0; i < coalescing->written.count; i++)
		take_apart(coalescing, &coalescing->written.items[i]);
}

/* --- Compared. --- */

/* RFC 6864 section 4.1: such a packet's identifier means nothing. */
static bool has_free_id(const uint8_t *ip)
{
	uint32_t len = ip[0] % 16u * 4u;

	return ip[0] / 16 == 4 && (packet_read16(ip + 6) & 0x7fff) == 0x4000 &&
	       packet_fold(packet_sum(ip, len, 0)) == 65535;
}

/* `in` may have padding behind it. */
static bool is_same(const struct packet_item *in, const struct packet_item *out)
{
	struct wr_packet read;

	PACKET_CHECK(wr_packet_read((struct wr_bytes){ in->data, in->len }, &read));
	if (read.total_len != out->len)
		return false;
	if (memcmp(in->data, out->data, out->len) == 0)
		return true;
	return has_free_id(in->data) && has_free_id(out->data) &&
	       memcmp(in->data, out->data, 4) == 0 && memcmp(in->data + 6, out->data + 6, 4) == 0 &&
	       memcmp(in->data + 12, out->data + 12, out->len - 12) == 0;
}

/* Addresses, protocol and ports, as wr_packet_read() sees them: extension headers of
 * IPv6 make another flow. */
static bool is_same_flow(const struct packet_item *one, const struct packet_item *other)
{
	struct wr_packet a, b;
	size_t len;

	PACKET_CHECK(wr_packet_read((struct wr_bytes){ one->data, one->len }, &a));
	PACKET_CHECK(wr_packet_read((struct wr_bytes){ other->data, other->len }, &b));
	len = wr_ip_bits(a.family) / 8;
	if (a.family != b.family || a.protocol != b.protocol || memcmp(a.src, b.src, len) != 0 ||
	    memcmp(a.dst, b.dst, len) != 0)
		return false;
	return a.l4_offset + 4u <= a.total_len && b.l4_offset + 4u <= b.total_len &&
	       memcmp(one->data + a.l4_offset, other->data + b.l4_offset, 4) == 0;
}

static unsigned find_unused(const struct packet_list *in, const bool *is_used,
			    const struct packet_item *out)
{
	for (unsigned i = 0; i < in->count; i++)
		if (!is_used[i] && is_same(&in->items[i], out))
			return i;
	packet_failed(__FILE__, __LINE__, "a packet came out that did not go in");
}

/* Those of the flow that went in before have come out before. */
static void check_order(const struct packet_list *in, const bool *is_used, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		PACKET_CHECK(is_used[i] || !is_same_flow(&in->items[i], &in->items[at]));
}

void coalescing_check(const struct coalescing *coalescing)
{
	const struct packet_list *in = &coalescing->in, *out = &coalescing->out;
	bool *is_used = calloc(in->count + 1, sizeof(*is_used));

	PACKET_CHECK(is_used);
	PACKET_CHECK(out->count == in->count);
	for (unsigned i = 0; i < out->count; i++) {
		unsigned found = find_unused(in, is_used, &out->items[i]);

		check_order(in, is_used, found);
		is_used[found] = true;
	}
	free(is_used);
}

void coalescing_free(struct coalescing *coalescing)
{
	packet_list_free(&coalescing->in);
	packet_list_free(&coalescing->written);
	packet_list_free(&coalescing->out);
}
