#include "wire/item.h"

#include <string.h>

#include "wire/item_body.h"

#define HEAD_LEN (1 + WR_MESH_TAG_LEN + WR_KEY_LEN + WR_KEY_LEN + 8)
#define LEAST_LEN (HEAD_LEN + WR_SIGNATURE_LEN)

static const char context[] = "warren item 1";

static_assert(WR_ITEM_MAX_LEN + sizeof(context) <= WR_SIGN_MAX_LEN, "each item can be signed");
static_assert(sizeof(struct wr_key) == WR_KEY_LEN && _Alignof(struct wr_key) == 1,
	      "keys are looked at where they stand");

/* --- Reading. --- */

bool wr_item_peek(struct wr_bytes bytes, struct wr_item_head *ret_head)
{
	struct wr_reader reader = wr_reader_of(bytes);
	uint8_t kind = wr_read_u8(&reader);

	if (bytes.len < LEAST_LEN || bytes.len > WR_ITEM_MAX_LEN || kind < WR_ITEM_RECORD ||
	    kind >= WR_ITEM_KINDS)
		return false;
	*ret_head = (struct wr_item_head){
		.kind = (enum wr_item_kind)kind,
		.mesh = wr_read_bytes(&reader, WR_MESH_TAG_LEN).data,
		.signer = (const struct wr_key *)wr_read_bytes(&reader, WR_KEY_LEN).data,
		.subject = (const struct wr_key *)wr_read_bytes(&reader, WR_KEY_LEN).data,
		.version = wr_read_be64(&reader),
	};
	return true;
}

/* Zero, but for the piece's number. */
static bool is_piece(const struct wr_key *subject)
{
	static const struct wr_key zero;

	return memcmp(subject, &zero, WR_KEY_LEN - 1) == 0;
}

/* What the table in the header says, as far as the item itself can tell. */
static bool signer_fits(enum wr_item_kind kind, const struct wr_key *signer,
			const struct wr_key *subject)
{
	switch (kind) {
	case WR_ITEM_RECORD:
	case WR_ITEM_CHARTER: return memcmp(signer, subject, WR_KEY_LEN) == 0;
	case WR_ITEM_POLICY: return is_piece(subject);
	case WR_ITEM_CERTIFICATE:
	case WR_ITEM_REVOCATION:
	case WR_ITEM_KINDS: break;
	}
	return true;
}

static void read_charter(struct wr_reader *reader, struct wr_charter *charter)
{
	uint8_t is_closed = wr_read_u8(reader);

	charter->is_closed = is_closed == 1;
	if (is_closed > 1)
		reader->bad = true;
}

static void read_body(struct wr_reader *reader, struct wr_item *item)
{
	switch (item->kind) {
	case WR_ITEM_RECORD: wr_record_read(reader, item); break;
	case WR_ITEM_CERTIFICATE: wr_certificate_read(reader, item); break;
	case WR_ITEM_REVOCATION: item->revocation.not_after = wr_read_be64(reader); break;
	case WR_ITEM_CHARTER: read_charter(reader, &item->charter); break;
	case WR_ITEM_POLICY: wr_policy_piece_read(reader, item); break;
	case WR_ITEM_KINDS: assert(false); /* wr_item_peek() knows none */
	}
}

bool wr_item_read(struct wr_bytes bytes, struct wr_item *ret_item)
{
	struct wr_item_head head;
	struct wr_item item = { 0 };
	struct wr_reader reader;

	if (!wr_item_peek(bytes, &head) || !signer_fits(head.kind, head.signer, head.subject))
		return false;
	item.kind = head.kind;
	memcpy(item.mesh, head.mesh, sizeof(item.mesh));
	item.signer = *head.signer;
	item.subject = *head.subject;
	item.version = head.version;
	reader = wr_reader_of((struct wr_bytes){ bytes.data + HEAD_LEN, bytes.len - LEAST_LEN });
	read_body(&reader, &item);
	if (!wr_reader_done(&reader))
		return false;
	*ret_item = item;
	return true;
}

bool wr_item_check(struct wr_bytes bytes)
{
	struct wr_item_head head;
	struct wr_signature signature;
	size_t signed_len;

	if (!wr_item_peek(bytes, &head) || !signer_fits(head.kind, head.signer, head.subject))
		return false;
	signed_len = bytes.len - WR_SIGNATURE_LEN;
	memcpy(signature.bytes, bytes.data + signed_len, sizeof(signature.bytes));
	return wr_sign_check(head.signer, context, (struct wr_bytes){ bytes.data, signed_len },
			     &signature);
}

/* --- Writing. --- */

static void write_body(struct wr_writer *writer, const struct wr_item *item)
{
	switch (item->kind) {
	case WR_ITEM_RECORD: wr_record_write(writer, &item->record); break;
	case WR_ITEM_CERTIFICATE: wr_certificate_write(writer, &item->certificate); break;
	case WR_ITEM_REVOCATION: wr_write_number(writer, item->revocation.not_after, 8); break;
	case WR_ITEM_CHARTER: wr_write_number(writer, item->charter.is_closed, 1); break;
	case WR_ITEM_POLICY: wr_policy_piece_write(writer, &item->policy); break;
	case WR_ITEM_KINDS: assert(false);
	}
}

static void write_all(struct wr_writer *writer, const struct wr_item *item,
		      const struct wr_key *signer)
{
	wr_write_number(writer, item->kind, 1);
	wr_write_bytes(writer, item->mesh, sizeof(item->mesh));
	wr_write_key(writer, signer);
	wr_write_key(writer, &item->subject);
	wr_write_number(writer, item->version, 8);
	write_body(writer, item);
}

/* What would not be read is not signed: the rules stand in one place, the reading. */
size_t wr_item_write(const struct wr_item *item, const struct wr_key *seed,
		     uint8_t ret_bytes[WR_ITEM_MAX_LEN])
{
	struct wr_key signer = wr_sign_public(seed);
	struct wr_writer writer = wr_writer_of(ret_bytes, WR_ITEM_MAX_LEN - WR_SIGNATURE_LEN);
	struct wr_signature signature = { 0 };
	struct wr_item again;
	size_t len;

	write_all(&writer, item, &signer);
	if (writer.bad)
		return 0;
	len = (size_t)(writer.at - ret_bytes);
	memset(writer.at, 0, sizeof(signature.bytes));
	if (!wr_item_read((struct wr_bytes){ ret_bytes, len + sizeof(signature.bytes) }, &again))
		return 0;
	wr_sign(seed, context, (struct wr_bytes){ ret_bytes, len }, &signature);
	memcpy(writer.at, signature.bytes, sizeof(signature.bytes));
	return len + sizeof(signature.bytes);
}
