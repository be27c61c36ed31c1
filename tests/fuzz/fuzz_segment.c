/* Segmentation: whatever the header of virtio and the packet say, what comes out lies
 * within what went in; and where they make sense, it is what copying comes to.
 *
 * Input: a virtio_net_hdr, and a packet. */
#include "engine/segment.h"
#include "fuzz.h"
#include "packets.h"
#include "wire/packet.h"

/* That may be changed behind a packet. */
#define SPARE 15

/* A packet is sealed and forgotten before the next comes. */
static void use_up(const struct wr_segment *segment)
{
	uint8_t after[SPARE];

	memcpy(after, segment->data + segment->len, SPARE);
	memset(segment->data, 0xee, segment->len + SPARE);
	memcpy(segment->data + segment->len, after, SPARE);
}

static void take_all(struct wr_segmenter *segmenter, uint32_t len, struct packet_list *list)
{
	uint32_t longest = wr_segmenter_longest(segmenter), left = segmenter->left;
	const uint8_t *end = segmenter->packet + len;
	struct wr_segment segment;

	while (wr_segmenter_next(segmenter, &segment)) {
		FUZZ_CHECK(segment.data >= segmenter->packet && segment.data + segment.len <= end);
		FUZZ_CHECK(segment.len <= longest);
		packet_list_add(list, segment.data, segment.len);
		use_up(&segment);
	}
	FUZZ_CHECK(list->count == left);
}

/* A super-packet that the slow way understands too. */
static bool is_sound(const struct virtio_net_hdr *header, const uint8_t *packet, uint32_t len)
{
	bool is_udp = (header->gso_type & 0x7f) == VIRTIO_NET_HDR_GSO_UDP_L4;
	uint8_t protocol;

	return (header->gso_type & 0x7f) != VIRTIO_NET_HDR_GSO_NONE &&
	       packet_find_l4(packet, len, &protocol) == header->csum_start &&
	       protocol == (is_udp ? WR_PROTO_UDP : WR_PROTO_TCP);
}

static void compare(const struct packet_list *got, const struct packet_list *want)
{
	FUZZ_CHECK(got->count == want->count);
	for (unsigned i = 0; i < got->count; i++) {
		FUZZ_CHECK(got->items[i].len == want->items[i].len);
		FUZZ_CHECK(memcmp(got->items[i].data, want->items[i].data, got->items[i].len) == 0);
		FUZZ_CHECK(packet_has_right_checksums(got->items[i].data, got->items[i].len));
	}
}

static void check(const struct virtio_net_hdr *header, const uint8_t *data, uint32_t len)
{
	struct packet_list got = { 0 }, want = { 0 };
	struct wr_segmenter segmenter;
	uint8_t *packet = malloc(len + SPARE);

	FUZZ_CHECK(packet != NULL);
	memcpy(packet, data, len);
	memset(packet + len, 0x5a, SPARE);
	if (wr_segmenter_start(&segmenter, header, packet, len) == WR_TAKEN) {
		take_all(&segmenter, len, &got);
		if (is_sound(header, data, len)) {
			packet_segment(header, data, len, &want);
			compare(&got, &want);
		}
	}
	for (unsigned i = 0; i < SPARE; i++)
		FUZZ_CHECK(packet[len + i] == 0x5a);
	packet_list_free(&got);
	packet_list_free(&want);
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr header;

	if (size < sizeof(header) || size > sizeof(header) + PACKET_MAX)
		return 0;
	memcpy(&header, data, sizeof(header));
	check(&header, data + sizeof(header), (uint32_t)(size - sizeof(header)));
	return 0;
}
