/* Sending and hearing, beside the member's own daemon. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gossip/blob.h"
#include "liar.h"
#include "linux/clock.h"

#define UDP_HEAD_LEN 8
#define UDP_CHECKSUM_AT 6
/* For an answer; then it asks again. */
#define ANSWER_MS 200
#define ASK_TIMES 50

/* The port is the daemon's own: a raw socket may use it, too. The kernel makes the checksum. */
int liar_open(struct liar *liar)
{
	int at = UDP_CHECKSUM_AT;

	liar->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	if (liar->fd < 0 || setsockopt(liar->fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof(at)) < 0)
		return -errno;
	return bind(liar->fd, (const struct sockaddr *)&liar->own, sizeof(liar->own)) < 0 ? -errno
											  : 0;
}

void liar_send(struct liar *liar, const struct sockaddr_in6 *to)
{
	uint8_t datagram[UDP_HEAD_LEN + WR_FRAME_MAX_LEN] = { 0 };
	size_t len = UDP_HEAD_LEN + liar->frame.len;
	uint16_t head[] = { htons(WR_GOSSIP_PORT), htons(WR_GOSSIP_PORT), htons((uint16_t)len), 0 };

	memcpy(datagram, head, sizeof(head));
	memcpy(datagram + UDP_HEAD_LEN, liar->frame.bytes, liar->frame.len);
	if (sendto(liar->fd, datagram, len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		liar->refused++;
	else
		liar->sent++;
}

/* If the record that is looked for is in it: kept. */
static bool take_record(struct liar *liar, struct wr_bytes frame)
{
	struct wr_reader reader;
	struct wr_frame_part part;
	struct wr_item_head head;

	if (!wr_frame_check(frame))
		return false;
	reader = wr_frame_parts(frame);
	while (wr_frame_next(&reader, &part)) {
		if (part.kind != WR_FRAME_ITEM || !wr_item_peek(part.item, &head) ||
		    head.kind != WR_ITEM_RECORD || !wr_key_equal(head.subject, &liar->about))
			continue;
		memcpy(liar->record, part.item.data, part.item.len);
		liar->record_len = part.item.len;
		return true;
	}
	return false;
}

static bool hear_record(struct liar *liar)
{
	struct wr_instant end = wr_after(wr_clock_now(), WR_SPAN_MS(ANSWER_MS));
	uint8_t datagram[2048];

	while (!wr_is_past(end, wr_clock_now())) {
		struct pollfd waiting = { .fd = liar->fd, .events = POLLIN };
		ssize_t len;

		if (poll(&waiting, 1, ANSWER_MS) <= 0)
			return false;
		len = recv(liar->fd, datagram, sizeof(datagram), MSG_DONTWAIT);
		if (len > UDP_HEAD_LEN &&
		    take_record(liar, (struct wr_bytes){ datagram + UDP_HEAD_LEN,
							 (size_t)len - UDP_HEAD_LEN }))
			return true;
	}
	return false;
}

/* Its daemon hears the answer as well, and knows it already. */
bool liar_fetch(struct liar *liar)
{
	struct wr_frame_mark mark = { .key = wr_gossip_key(WR_ITEM_RECORD, &liar->about) };

	for (int i = 0; i < ASK_TIMES; i++) {
		wr_frame_begin(&liar->frame);
		if (!wr_frame_add_mark(&liar->frame, WR_FRAME_WANT, mark))
			abort();
		liar_send(liar, &liar->victims[0]);
		if (hear_record(liar))
			return true;
	}
	return false;
}
