#include "wire/frame.h"

#include <string.h>

#include "wire/fields.h"

#define HEAD_LEN 2
#define MARK_LEN 12
#define DEATH_LEN 16
#define RANGE_LEN 20

/* --- Reading. --- */

static struct wr_frame_mark read_mark(struct wr_reader *reader)
{
	struct wr_frame_mark mark;

	mark.key = wr_read_be64(reader);
	mark.print = wr_read_be32(reader);
	return mark;
}

struct wr_frame_mark wr_frame_mark(const struct wr_frame_part *part, unsigned i)
{
	struct wr_reader reader =
		wr_reader_of((struct wr_bytes){ part->body.data + i * MARK_LEN, MARK_LEN });

	assert(i < part->count);
	return read_mark(&reader);
}

struct wr_frame_death wr_frame_death(const struct wr_frame_part *part, unsigned i)
{
	struct wr_reader reader =
		wr_reader_of((struct wr_bytes){ part->body.data + i * DEATH_LEN, DEATH_LEN });
	struct wr_frame_death death;

	assert(i < part->count);
	death.mark = read_mark(&reader);
	death.age = wr_read_be32(&reader);
	return death;
}

static uint64_t range_last(const struct wr_frame_part *part, unsigned i)
{
	struct wr_reader reader =
		wr_reader_of((struct wr_bytes){ part->body.data + i * RANGE_LEN, RANGE_LEN });

	return wr_read_be64(&reader);
}

struct wr_frame_range wr_frame_range(const struct wr_frame_part *part, unsigned i)
{
	struct wr_reader reader =
		wr_reader_of((struct wr_bytes){ part->body.data + i * RANGE_LEN, RANGE_LEN });
	struct wr_frame_range range;

	assert(i < part->count);
	range.first = i ? range_last(part, i - 1) + 1 : part->first;
	range.last = wr_read_be64(&reader);
	range.sum = wr_read_be64(&reader);
	range.items = wr_read_be32(&reader);
	return range;
}

static void read_many(struct wr_reader *reader, struct wr_frame_part *part, size_t len,
		      unsigned least)
{
	part->count = wr_read_u8(reader);
	part->body = wr_read_bytes(reader, part->count * len);
	if (part->count < least)
		reader->bad = true;
}

static void read_item(struct wr_reader *reader, struct wr_frame_part *part)
{
	uint8_t state = wr_read_u8(reader);
	uint16_t len;

	part->is_gone = state == 1;
	part->age = wr_read_be32(reader);
	len = wr_read_be16(reader);
	part->item = wr_read_bytes(reader, len);
	if (state > 1 || !len || len > WR_ITEM_MAX_LEN || (!part->is_gone && part->age))
		reader->bad = true;
}

/* Each ends behind where the one before ended. */
static void read_ranges(struct wr_reader *reader, struct wr_frame_part *part)
{
	part->first = wr_read_be64(reader);
	read_many(reader, part, RANGE_LEN, 1);
	if (reader->bad)
		return;
	if (range_last(part, 0) < part->first)
		reader->bad = true;
	for (unsigned i = 1; i < part->count; i++)
		if (range_last(part, i) <= range_last(part, i - 1))
			reader->bad = true;
	part->last = range_last(part, part->count - 1);
}

static void read_list(struct wr_reader *reader, struct wr_frame_part *part)
{
	part->first = wr_read_be64(reader);
	part->last = wr_read_be64(reader);
	read_many(reader, part, MARK_LEN, 0);
	if (reader->bad)
		return;
	if (part->last < part->first)
		reader->bad = true;
	for (unsigned i = 0; i < part->count; i++) {
		uint64_t key = wr_frame_mark(part, i).key;

		if (key < part->first || key > part->last ||
		    (i && key <= wr_frame_mark(part, i - 1).key))
			reader->bad = true;
	}
}

static void read_body(struct wr_reader *reader, struct wr_frame_part *part)
{
	switch (part->kind) {
	case WR_FRAME_PROBE:
	case WR_FRAME_ACK:
	case WR_FRAME_NACK: part->sequence = wr_read_be32(reader); break;
	case WR_FRAME_ASK:
		part->sequence = wr_read_be32(reader);
		part->key = wr_read_be64(reader);
		break;
	case WR_FRAME_WHO: break;
	case WR_FRAME_ITEM: read_item(reader, part); break;
	case WR_FRAME_HAVE:
	case WR_FRAME_WANT:
	case WR_FRAME_SUSPECT:
	case WR_FRAME_CALLED: read_many(reader, part, MARK_LEN, 1); break;
	case WR_FRAME_DEAD: read_many(reader, part, DEATH_LEN, 1); break;
	case WR_FRAME_RANGES: read_ranges(reader, part); break;
	case WR_FRAME_LIST: read_list(reader, part); break;
	case WR_FRAME_KINDS:
	default: reader->bad = true;
	}
}

struct wr_reader wr_frame_parts(struct wr_bytes frame)
{
	struct wr_reader reader = wr_reader_of(frame);

	wr_read_bytes(&reader, HEAD_LEN);
	return reader;
}

bool wr_frame_next(struct wr_reader *reader, struct wr_frame_part *ret_part)
{
	struct wr_frame_part part = { 0 };

	if (reader->bad || !reader->left.len)
		return false;
	part.kind = (enum wr_frame_kind)wr_read_u8(reader);
	read_body(reader, &part);
	if (reader->bad)
		return false;
	*ret_part = part;
	return true;
}

bool wr_frame_check(struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	if (frame.len <= HEAD_LEN || frame.len > WR_FRAME_MAX_LEN ||
	    frame.data[0] != WR_FRAME_FIRST || frame.data[1] != WR_FRAME_VERSION)
		return false;
	while (wr_frame_next(&reader, &part))
		continue;
	return wr_reader_done(&reader);
}

/* --- Writing. --- */

void wr_frame_begin(struct wr_frame_writer *writer)
{
	writer->bytes[0] = WR_FRAME_FIRST;
	writer->bytes[1] = WR_FRAME_VERSION;
	writer->len = HEAD_LEN;
	writer->count_at = 0;
	writer->last = WR_FRAME_KINDS;
}

static void put(struct wr_frame_writer *writer, uint64_t number, unsigned bytes)
{
	struct wr_writer to = wr_writer_of(writer->bytes + writer->len, wr_frame_room(writer));

	wr_write_number(&to, number, bytes);
	assert(!to.bad);
	writer->len += bytes;
}

/* A part with this many bytes behind its kind. */
static bool begin_part(struct wr_frame_writer *writer, enum wr_frame_kind kind, size_t len)
{
	if (wr_frame_room(writer) < 1 + len)
		return false;
	put(writer, kind, 1);
	writer->last = kind;
	writer->count_at = 0;
	return true;
}

bool wr_frame_add_sequence(struct wr_frame_writer *writer, enum wr_frame_kind kind,
			   uint32_t sequence)
{
	if (!begin_part(writer, kind, 4))
		return false;
	put(writer, sequence, 4);
	return true;
}

bool wr_frame_add_ask(struct wr_frame_writer *writer, uint32_t sequence, uint64_t key)
{
	if (!begin_part(writer, WR_FRAME_ASK, 12))
		return false;
	put(writer, sequence, 4);
	put(writer, key, 8);
	return true;
}

bool wr_frame_add_who(struct wr_frame_writer *writer)
{
	return begin_part(writer, WR_FRAME_WHO, 0);
}

bool wr_frame_add_item(struct wr_frame_writer *writer, bool is_gone, uint32_t age,
		       struct wr_bytes item)
{
	if (!begin_part(writer, WR_FRAME_ITEM, 7 + item.len))
		return false;
	put(writer, is_gone, 1);
	put(writer, is_gone ? age : 0, 4);
	put(writer, item.len, 2);
	memcpy(writer->bytes + writer->len, item.data, item.len);
	writer->len += item.len;
	return true;
}

/* One more of a part that counts: of the last one if it is of this kind, else of a new one. */
static bool begin_one(struct wr_frame_writer *writer, enum wr_frame_kind kind, size_t len)
{
	if (writer->last == kind && writer->count_at && writer->bytes[writer->count_at] < 255) {
		if (wr_frame_room(writer) < len)
			return false;
		writer->bytes[writer->count_at]++;
		return true;
	}
	if (!begin_part(writer, kind, 1 + len))
		return false;
	writer->count_at = writer->len;
	put(writer, 1, 1);
	return true;
}

static void put_mark(struct wr_frame_writer *writer, struct wr_frame_mark mark)
{
	put(writer, mark.key, 8);
	put(writer, mark.print, 4);
}

bool wr_frame_add_mark(struct wr_frame_writer *writer, enum wr_frame_kind kind,
		       struct wr_frame_mark mark)
{
	if (!begin_one(writer, kind, MARK_LEN))
		return false;
	put_mark(writer, mark);
	return true;
}

bool wr_frame_add_death(struct wr_frame_writer *writer, struct wr_frame_death death)
{
	if (!begin_one(writer, WR_FRAME_DEAD, DEATH_LEN))
		return false;
	put_mark(writer, death.mark);
	put(writer, death.age, 4);
	return true;
}

bool wr_frame_add_ranges(struct wr_frame_writer *writer, const struct wr_frame_range *ranges,
			 unsigned count)
{
	assert(count > 0 && count <= 255);
	if (!begin_part(writer, WR_FRAME_RANGES, 9 + count * RANGE_LEN))
		return false;
	put(writer, ranges[0].first, 8);
	put(writer, count, 1);
	for (unsigned i = 0; i < count; i++) {
		put(writer, ranges[i].last, 8);
		put(writer, ranges[i].sum, 8);
		put(writer, ranges[i].items, 4);
	}
	return true;
}

bool wr_frame_add_list(struct wr_frame_writer *writer, uint64_t first, uint64_t last,
		       const struct wr_frame_mark *marks, unsigned count)
{
	assert(count <= 255);
	if (!begin_part(writer, WR_FRAME_LIST, 17 + count * MARK_LEN))
		return false;
	put(writer, first, 8);
	put(writer, last, 8);
	put(writer, count, 1);
	for (unsigned i = 0; i < count; i++)
		put_mark(writer, marks[i]);
	return true;
}
