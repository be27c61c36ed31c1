#include "wire/door.h"

#include <string.h>

#include "crypto/noise.h"
#include "wire/fields.h"

/* --- Reading. --- */

static bool is_item(struct wr_bytes bytes, enum wr_item_kind kind)
{
	struct wr_item_head head;

	return wr_item_peek(bytes, &head) && head.kind == kind;
}

static void read_plea(struct wr_reader *reader, struct wr_door *door)
{
	wr_read_into(reader, door->id, sizeof(door->id));
	wr_read_into(reader, door->proof, sizeof(door->proof));
	door->record = wr_read_bytes(reader, reader->left.len);
	if (!is_item(door->record, WR_ITEM_RECORD))
		reader->bad = true;
}

static void read_grant(struct wr_reader *reader, struct wr_door *door)
{
	size_t len = wr_read_be16(reader);

	door->charter = wr_read_bytes(reader, len);
	door->certificate = wr_read_bytes(reader, reader->left.len);
	if (!is_item(door->charter, WR_ITEM_CHARTER) ||
	    !is_item(door->certificate, WR_ITEM_CERTIFICATE))
		reader->bad = true;
}

static void read_refusal(struct wr_reader *reader, struct wr_door *door)
{
	door->guest = wr_read_key(reader);
	door->reason = (enum wr_door_reason)wr_read_u8(reader);
	if (door->reason < WR_DOOR_UNKNOWN || door->reason >= WR_DOOR_REASONS)
		reader->bad = true;
}

bool wr_door_read(struct wr_bytes datagram, struct wr_door *ret_door)
{
	struct wr_reader reader = wr_reader_of(datagram);
	struct wr_door door = { 0 };

	if (datagram.len > WR_DOOR_MAX_LEN || wr_read_u8(&reader) != WR_DOOR_FIRST)
		return false;
	door.type = (enum wr_door_type)wr_read_u8(&reader);
	switch (door.type) {
	case WR_DOOR_PLEA: read_plea(&reader, &door); break;
	case WR_DOOR_GRANT: read_grant(&reader, &door); break;
	case WR_DOOR_REFUSAL: read_refusal(&reader, &door); break;
	default: return false;
	}
	if (!wr_reader_done(&reader))
		return false;
	*ret_door = door;
	return true;
}

/* --- Writing. --- */

static void write_body(struct wr_writer *writer, const struct wr_door *door)
{
	switch (door->type) {
	case WR_DOOR_PLEA:
		wr_write_bytes(writer, door->id, sizeof(door->id));
		wr_write_bytes(writer, door->proof, sizeof(door->proof));
		wr_write_bytes(writer, door->record.data, door->record.len);
		break;
	case WR_DOOR_GRANT:
		wr_write_number(writer, door->charter.len, 2);
		wr_write_bytes(writer, door->charter.data, door->charter.len);
		wr_write_bytes(writer, door->certificate.data, door->certificate.len);
		break;
	case WR_DOOR_REFUSAL:
		wr_write_key(writer, &door->guest);
		wr_write_number(writer, door->reason, 1);
		break;
	}
}

size_t wr_door_write(const struct wr_door *door, uint8_t ret_datagram[WR_DOOR_MAX_LEN])
{
	struct wr_writer writer = wr_writer_of(ret_datagram, WR_DOOR_MAX_LEN);
	struct wr_door again;
	size_t len;

	wr_write_number(&writer, WR_DOOR_FIRST, 1);
	wr_write_number(&writer, door->type, 1);
	write_body(&writer, door);
	len = (size_t)(writer.at - ret_datagram);
	/* What would not be read is not sent. */
	if (writer.bad || !wr_door_read((struct wr_bytes){ ret_datagram, len }, &again))
		return 0;
	return len;
}

/* --- The proof. --- */

void wr_door_prove(const uint8_t secret[WR_INVITATION_SECRET_LEN], const struct wr_key *guest,
		   uint8_t ret_proof[WR_DOOR_PROOF_LEN])
{
	struct wr_mac mac = wr_mac16((struct wr_bytes){ secret, WR_INVITATION_SECRET_LEN },
				     (struct wr_bytes){ guest->bytes, sizeof(guest->bytes) });

	static_assert(sizeof(mac) == WR_DOOR_PROOF_LEN, "a proof is a MAC");
	memcpy(ret_proof, mac.bytes, sizeof(mac));
}

const char *wr_door_reason_text(enum wr_door_reason reason)
{
	static const char *const texts[WR_DOOR_REASONS] = {
		[WR_DOOR_UNKNOWN] = "the invitation is not known any more: ask for a new one",
		[WR_DOOR_USED] = "the invitation was used already: ask for a new one",
		[WR_DOOR_EXPIRED] = "the invitation has expired: ask for a new one",
		[WR_DOOR_REVOKED] = "this machine was shut out of the mesh",
		[WR_DOOR_AWAY] = "the machine that made the invitation cannot be reached now: "
				 "trying again",
		[WR_DOOR_UNINVITED] = "the mesh is closed: wait until this machine is admitted "
				      "(`warren admit` there), or use an invitation",
	};

	assert(reason > 0 && reason < WR_DOOR_REASONS);
	return texts[reason];
}
