/* Gossip's frames: what one datagram in the tunnel between two members says. A frame is a letter,
 * a version, and parts one after the other:
 *
 *     'G' | 1 | part, part, ...
 *
 *     1 probe, 2 ack, 3 nack   sequence (32)
 *         are you there; yes; whom you asked for does not answer
 *     4 ask                    sequence (32), key (64)
 *         probe that one for me
 *     5 who
 *         I do not know you: your record, please
 *     6 item                   state (8), age (32), length (16), item
 *         state 1: its member is dead, or (a farewell) left, for `age` seconds
 *     7 have, 8 want           count (8), marks
 *         I have these; I want these, of which I have that
 *     9 suspect, 10 called     count (8), marks
 *         no answer from these; some call these dead
 *     11 dead                  count (8), of each a mark and its age (32)
 *         these are dead
 *     12 ranges                first (64), count (8), of each: last (64), sum (64), items (32)
 *         what I have in neighbouring ranges of keys, the next beginning where one ends
 *     13 list                  first (64), last (64), count (8), marks
 *         all that I have in this range
 *
 * A key stands for a slot (wr_gossip_key()), a mark for what is in it: key (64), print (32), whose
 * lowest bit says that the member is dead. Numbers are big-endian; marks of a list are in order.
 *
 * Floor 2.  No state.  Source: docs/mesh.md, "Frames". */
#pragma once

#include "base/base.h"
#include "base/reader.h"
#include "wire/item.h"

/* Within the least MTU of IPv6, of which WireGuard takes its part. */
#define WR_FRAME_MAX_LEN 1200
#define WR_FRAME_FIRST 'G'
#define WR_FRAME_VERSION 1
/* Inside the tunnel: gossip and the door. */
#define WR_GOSSIP_PORT 51818

enum wr_frame_kind {
	WR_FRAME_PROBE = 1,
	WR_FRAME_ACK,
	WR_FRAME_NACK,
	WR_FRAME_ASK,
	WR_FRAME_WHO,
	WR_FRAME_ITEM,
	WR_FRAME_HAVE,
	WR_FRAME_WANT,
	WR_FRAME_SUSPECT,
	WR_FRAME_CALLED,
	WR_FRAME_DEAD,
	WR_FRAME_RANGES,
	WR_FRAME_LIST,
	WR_FRAME_KINDS
};

/* What is in a slot. The print is of the item's bytes, in all but its lowest bit. */
struct wr_frame_mark {
	uint64_t key;
	uint32_t print; /* of wants: 0, nothing yet */
};
#define WR_FRAME_PRINT_DEAD 1u

struct wr_frame_death {
	struct wr_frame_mark mark;
	uint32_t age; /* seconds since it was declared dead */
};

struct wr_frame_range {
	uint64_t first, last, sum;
	uint32_t items;
};

/* --- Reading. --- */

struct wr_frame_part {
	enum wr_frame_kind kind;
	uint32_t sequence; /* of probes, acks, nacks and asks */
	uint64_t key;      /* of asks */
	bool is_gone;      /* of items: dead, or left */
	uint32_t age;
	struct wr_bytes item;
	uint64_t first, last; /* of ranges and lists */
	unsigned count;
	struct wr_bytes body; /* what the three below read */
};

/* All of it, each part checked (but not the items in it). At least one part. */
bool wr_frame_check(struct wr_bytes frame) WR_MUST_CHECK;
/* Parts of a frame that was checked: begin with wr_frame_parts(). False at the end. */
struct wr_reader wr_frame_parts(struct wr_bytes frame);
bool wr_frame_next(struct wr_reader *reader, struct wr_frame_part *ret_part) WR_MUST_CHECK;

/* Number `i` of a part's `count`. */
struct wr_frame_mark wr_frame_mark(const struct wr_frame_part *part, unsigned i);
struct wr_frame_death wr_frame_death(const struct wr_frame_part *part, unsigned i);
struct wr_frame_range wr_frame_range(const struct wr_frame_part *part, unsigned i);

/* --- Writing. --- */

struct wr_frame_writer {
	size_t len;
	size_t count_at; /* where the last part's count stands; 0: it has none */
	enum wr_frame_kind last;
	uint8_t bytes[WR_FRAME_MAX_LEN];
};

void wr_frame_begin(struct wr_frame_writer *writer);
static inline bool wr_frame_is_empty(const struct wr_frame_writer *writer)
{
	return writer->len <= 2;
}
static inline size_t wr_frame_room(const struct wr_frame_writer *writer)
{
	return WR_FRAME_MAX_LEN - writer->len;
}

/* Each is false, and nothing is written, where it does not fit. */

/* Probe, ack or nack. */
bool wr_frame_add_sequence(struct wr_frame_writer *writer, enum wr_frame_kind kind,
			   uint32_t sequence) WR_MUST_CHECK;
bool wr_frame_add_ask(struct wr_frame_writer *writer, uint32_t sequence, uint64_t key)
	WR_MUST_CHECK;
bool wr_frame_add_who(struct wr_frame_writer *writer) WR_MUST_CHECK;
bool wr_frame_add_item(struct wr_frame_writer *writer, bool is_gone, uint32_t age,
		       struct wr_bytes item) WR_MUST_CHECK;
/* Have, want, suspect, called: joins the part before if it is of the same kind. */
bool wr_frame_add_mark(struct wr_frame_writer *writer, enum wr_frame_kind kind,
		       struct wr_frame_mark mark) WR_MUST_CHECK;
bool wr_frame_add_death(struct wr_frame_writer *writer, struct wr_frame_death death) WR_MUST_CHECK;
/* Neighbours, at most 255. */
bool wr_frame_add_ranges(struct wr_frame_writer *writer, const struct wr_frame_range *ranges,
			 unsigned count) WR_MUST_CHECK;
/* Marks in order, within the range; at most 255. */
bool wr_frame_add_list(struct wr_frame_writer *writer, uint64_t first, uint64_t last,
		       const struct wr_frame_mark *marks, unsigned count) WR_MUST_CHECK;
