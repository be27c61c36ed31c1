/* A frame of any bytes: refused, or each of its parts is read and written again as it was. */
#include "fuzz.h"
#include "wire/frame.h"

static bool write_marks(struct wr_frame_writer *writer, const struct wr_frame_part *part)
{
	for (unsigned i = 0; i < part->count; i++)
		if (!wr_frame_add_mark(writer, part->kind, wr_frame_mark(part, i)))
			return false;
	return true;
}

static bool write_deaths(struct wr_frame_writer *writer, const struct wr_frame_part *part)
{
	for (unsigned i = 0; i < part->count; i++)
		if (!wr_frame_add_death(writer, wr_frame_death(part, i)))
			return false;
	return true;
}

static bool write_ranges(struct wr_frame_writer *writer, const struct wr_frame_part *part)
{
	struct wr_frame_range ranges[255];

	for (unsigned i = 0; i < part->count; i++) {
		ranges[i] = wr_frame_range(part, i);
		FUZZ_CHECK(ranges[i].first <= ranges[i].last);
	}
	return wr_frame_add_ranges(writer, ranges, part->count);
}

static bool write_list(struct wr_frame_writer *writer, const struct wr_frame_part *part)
{
	struct wr_frame_mark marks[255];

	for (unsigned i = 0; i < part->count; i++) {
		marks[i] = wr_frame_mark(part, i);
		FUZZ_CHECK(marks[i].key >= part->first && marks[i].key <= part->last);
	}
	return wr_frame_add_list(writer, part->first, part->last, marks, part->count);
}

static bool write_again(struct wr_frame_writer *writer, const struct wr_frame_part *part)
{
	switch (part->kind) {
	case WR_FRAME_PROBE:
	case WR_FRAME_ACK:
	case WR_FRAME_NACK: return wr_frame_add_sequence(writer, part->kind, part->sequence);
	case WR_FRAME_ASK: return wr_frame_add_ask(writer, part->sequence, part->key);
	case WR_FRAME_WHO: return wr_frame_add_who(writer);
	case WR_FRAME_ITEM: return wr_frame_add_item(writer, part->is_gone, part->age, part->item);
	case WR_FRAME_HAVE:
	case WR_FRAME_WANT:
	case WR_FRAME_SUSPECT:
	case WR_FRAME_CALLED: return write_marks(writer, part);
	case WR_FRAME_DEAD: return write_deaths(writer, part);
	case WR_FRAME_RANGES: return write_ranges(writer, part);
	case WR_FRAME_LIST: return write_list(writer, part);
	case WR_FRAME_KINDS: break;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes frame = { data, size };
	struct wr_frame_part part;
	struct wr_reader reader;
	const uint8_t *at;

	if (!wr_frame_check(frame))
		return 0;
	reader = wr_frame_parts(frame);
	at = reader.left.data;
	while (wr_frame_next(&reader, &part)) {
		struct wr_frame_writer writer;
		size_t len = (size_t)(reader.left.data - at);

		wr_frame_begin(&writer);
		FUZZ_CHECK(write_again(&writer, &part));
		FUZZ_CHECK(writer.len == 2 + len);
		FUZZ_CHECK(memcmp(writer.bytes + 2, at, len) == 0);
		at = reader.left.data;
	}
	FUZZ_CHECK(wr_reader_done(&reader));
	return 0;
}
