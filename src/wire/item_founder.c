/* What a founder signs that has more than a number in it:
 *
 *     certificate: name, a word or none | tags (8) | tags: a word | not after (64)
 *     policy:      number (8) | count (8) | digest, 32 | text, up to the signature */
#include <string.h>

#include "wire/item_body.h"

void wr_certificate_read(struct wr_reader *reader, struct wr_item *item)
{
	struct wr_certificate *certificate = &item->certificate;

	wr_read_word(reader, WR_WORD_LABEL, true, certificate->name, sizeof(certificate->name));
	certificate->tag_count = wr_read_u8(reader);
	if (certificate->tag_count > WR_ITEM_TAGS) {
		reader->bad = true;
		return;
	}
	for (size_t i = 0; i < certificate->tag_count; i++)
		wr_read_word(reader, WR_WORD_TAG, false, certificate->tags[i],
			     sizeof(certificate->tags[i]));
	certificate->not_after = wr_read_be64(reader);
}

void wr_certificate_write(struct wr_writer *writer, const struct wr_certificate *certificate)
{
	wr_write_word(writer, certificate->name, sizeof(certificate->name));
	wr_write_number(writer, certificate->tag_count, 1);
	if (certificate->tag_count > WR_ITEM_TAGS) {
		writer->bad = true;
		return;
	}
	for (size_t i = 0; i < certificate->tag_count; i++)
		wr_write_word(writer, certificate->tags[i], sizeof(certificate->tags[i]));
	wr_write_number(writer, certificate->not_after, 8);
}

/* The number stands in the subject, too: each piece has a slot of its own. The text is text: no
 * NUL in it cuts the policy short. */
void wr_policy_piece_read(struct wr_reader *reader, struct wr_item *item)
{
	struct wr_policy_piece *piece = &item->policy;

	piece->number = wr_read_u8(reader);
	piece->count = wr_read_u8(reader);
	wr_read_into(reader, piece->digest, sizeof(piece->digest));
	piece->text = wr_read_bytes(reader, reader->left.len);
	if (piece->count > WR_ITEM_POLICY_PIECES || piece->number >= piece->count ||
	    piece->number != item->subject.bytes[WR_KEY_LEN - 1] ||
	    piece->text.len > WR_ITEM_POLICY_PIECE ||
	    (piece->text.len && memchr(piece->text.data, '\0', piece->text.len)))
		reader->bad = true;
}

void wr_policy_piece_write(struct wr_writer *writer, const struct wr_policy_piece *piece)
{
	wr_write_number(writer, piece->number, 1);
	wr_write_number(writer, piece->count, 1);
	wr_write_bytes(writer, piece->digest, sizeof(piece->digest));
	wr_write_bytes(writer, piece->text.data, piece->text.len);
}
