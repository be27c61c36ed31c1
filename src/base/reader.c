#include "base/reader.h"

#include <string.h>

struct wr_bytes wr_read_bytes(struct wr_reader *reader, size_t len)
{
	if (reader->bad || len > reader->left.len) {
		reader->bad = true;
		return (struct wr_bytes){ 0 };
	}
	struct wr_bytes run = { reader->left.data, len };

	reader->left.data += len;
	reader->left.len -= len;
	return run;
}

uint8_t wr_read_u8(struct wr_reader *reader)
{
	struct wr_bytes run = wr_read_bytes(reader, 1);

	return run.len ? run.data[0] : 0;
}

uint32_t wr_read_be32(struct wr_reader *reader)
{
	struct wr_bytes run = wr_read_bytes(reader, 4);

	if (!run.len)
		return 0;
	return (uint32_t)run.data[0] << 24 | (uint32_t)run.data[1] << 16 |
	       (uint32_t)run.data[2] << 8 | run.data[3];
}

uint32_t wr_read_le32(struct wr_reader *reader)
{
	return __builtin_bswap32(wr_read_be32(reader));
}

void wr_read_into(struct wr_reader *reader, void *ret, size_t len)
{
	struct wr_bytes run = wr_read_bytes(reader, len);

	if (run.len)
		memcpy(ret, run.data, run.len);
}

bool wr_reader_done(const struct wr_reader *reader)
{
	return !reader->bad && reader->left.len == 0;
}
