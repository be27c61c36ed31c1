/* A member's record:
 *
 *     flags (32) | name, a word or none | since (64) | IPv4, 4 | since (64)
 *     | counts: candidates, relays, routes (8 each)
 *     | candidates: kind (8), endpoint | relays: identity, 32 | routes: prefix | program, a word
 *
 * Flags that are not known are kept: they are of a later version, and mean nothing here. */
#include <string.h>

#include "wire/item_body.h"
#include "wire/pulse.h"

/* --- Reading. --- */

/* Of a host: it becomes an address of an interface, and a route to it. */
static bool is_v4(const uint8_t v4[4])
{
	static const uint8_t none[4];

	return memcmp(v4, none, 4) == 0 || (v4[0] != 0 && v4[0] != 127 && v4[0] < 224);
}

static void read_claims(struct wr_reader *reader, struct wr_record *record)
{
	wr_read_word(reader, WR_WORD_LABEL, true, record->name, sizeof(record->name));
	record->name_since = wr_read_be64(reader);
	wr_read_into(reader, record->v4, sizeof(record->v4));
	record->v4_since = wr_read_be64(reader);
	if (!is_v4(record->v4))
		reader->bad = true;
}

/* False, and the reader is bad, if there are more than fit. */
static bool read_counts(struct wr_reader *reader, struct wr_record *record)
{
	record->candidate_count = wr_read_u8(reader);
	record->relay_count = wr_read_u8(reader);
	record->route_count = wr_read_u8(reader);
	if (record->candidate_count > WR_ITEM_CANDIDATES || record->relay_count > WR_ITEM_RELAYS ||
	    record->route_count > WR_ITEM_ROUTES)
		reader->bad = true;
	return !reader->bad;
}

static void read_candidates(struct wr_reader *reader, struct wr_record *record)
{
	for (size_t i = 0; i < record->candidate_count; i++) {
		struct wr_record_candidate *candidate = &record->candidates[i];

		candidate->kind = wr_read_u8(reader);
		candidate->endpoint = wr_read_endpoint(reader);
		if (candidate->kind >= WR_PULSE_KINDS)
			reader->bad = true;
	}
}

/* Nobody is his own relay, nor is one named twice. */
static void read_relays(struct wr_reader *reader, struct wr_record *record,
			const struct wr_key *self)
{
	for (size_t i = 0; i < record->relay_count; i++) {
		record->relays[i] = wr_read_key(reader);
		if (memcmp(&record->relays[i], self, WR_KEY_LEN) == 0 ||
		    (i > 0 && memcmp(&record->relays[i], &record->relays[0], WR_KEY_LEN) == 0))
			reader->bad = true;
	}
}
static_assert(WR_ITEM_RELAYS == 2, "read_relays() compares with the first");

void wr_record_read(struct wr_reader *reader, struct wr_item *item)
{
	struct wr_record *record = &item->record;

	record->flags = wr_read_be32(reader);
	read_claims(reader, record);
	if (!read_counts(reader, record))
		return;
	read_candidates(reader, record);
	read_relays(reader, record, &item->subject);
	for (size_t i = 0; i < record->route_count; i++)
		record->routes[i] = wr_read_prefix(reader);
	wr_read_word(reader, WR_WORD_PLAIN, true, record->program, sizeof(record->program));
}

/* --- Writing. --- */

static void write_lists(struct wr_writer *writer, const struct wr_record *record)
{
	for (size_t i = 0; i < record->candidate_count; i++) {
		wr_write_number(writer, record->candidates[i].kind, 1);
		wr_write_endpoint(writer, &record->candidates[i].endpoint);
	}
	for (size_t i = 0; i < record->relay_count; i++)
		wr_write_key(writer, &record->relays[i]);
	for (size_t i = 0; i < record->route_count; i++)
		wr_write_prefix(writer, &record->routes[i]);
}

void wr_record_write(struct wr_writer *writer, const struct wr_record *record)
{
	if (record->candidate_count > WR_ITEM_CANDIDATES || record->relay_count > WR_ITEM_RELAYS ||
	    record->route_count > WR_ITEM_ROUTES) {
		writer->bad = true;
		return;
	}
	wr_write_number(writer, record->flags, 4);
	wr_write_word(writer, record->name, sizeof(record->name));
	wr_write_number(writer, record->name_since, 8);
	wr_write_bytes(writer, record->v4, sizeof(record->v4));
	wr_write_number(writer, record->v4_since, 8);
	wr_write_number(writer, record->candidate_count, 1);
	wr_write_number(writer, record->relay_count, 1);
	wr_write_number(writer, record->route_count, 1);
	write_lists(writer, record);
	wr_write_word(writer, record->program, sizeof(record->program));
}
