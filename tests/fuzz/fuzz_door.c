/* What is said at a mesh's door: what is read has one way to be written, and what it points to
 * stands in the datagram. */
#include "fuzz.h"
#include "wire/door.h"

static void check_inside(struct wr_bytes part, struct wr_bytes datagram)
{
	FUZZ_CHECK(part.len == 0 || (part.data >= datagram.data &&
				     part.data + part.len <= datagram.data + datagram.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes datagram = { data, size };
	uint8_t again[WR_DOOR_MAX_LEN];
	struct wr_door door;

	if (!wr_door_read(datagram, &door))
		return 0;
	check_inside(door.record, datagram);
	check_inside(door.charter, datagram);
	check_inside(door.certificate, datagram);
	FUZZ_CHECK(wr_door_write(&door, again) == size);
	FUZZ_CHECK(memcmp(again, data, size) == 0);
	if (door.type == WR_DOOR_REFUSAL)
		FUZZ_CHECK(wr_door_reason_text(door.reason)[0]);
	return 0;
}
