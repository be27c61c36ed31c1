#include "wire/invitation.h"

#include <string.h>

#include "wire/code.h"
#include "wire/fields.h"

#define VERSION 1
#define FLAG_FOUNDER 1
#define FLAG_ADMISSION 2
#define HEAD_MAX \
	(2 + 1 + WR_MESH_NAME_LEN + WR_KEY_LEN + 8 + WR_KEY_LEN + WR_INVITATION_ID_LEN + \
	 WR_INVITATION_SECRET_LEN)
#define CONTACT_MAX (WR_KEY_LEN + 1 + WR_INVITATION_ENDPOINTS * (1 + 16 + 2))
#define BYTES_MAX (HEAD_MAX + 1 + WR_INVITATION_CONTACTS * CONTACT_MAX)

static_assert(WR_CODE_TEXT_LEN(BYTES_MAX) <= WR_INVITATION_TEXT_LEN, "the longest fits");

static const struct wr_code code = { "wri_", "an invitation", "invitation", "`warren invite`" };

struct bytes {
	uint8_t bytes[BYTES_MAX + WR_CODE_SUM_LEN];
	size_t len; /* without the checksum */
};

/* --- Parse. --- */

static void read_contact(struct wr_reader *reader, struct wr_invitation_contact *contact)
{
	contact->identity = wr_read_key(reader);
	contact->endpoint_count = wr_read_u8(reader);
	if (contact->endpoint_count > WR_INVITATION_ENDPOINTS) {
		reader->bad = true;
		return;
	}
	for (size_t i = 0; i < contact->endpoint_count; i++)
		contact->endpoints[i] = wr_read_endpoint(reader);
}

static void read_contacts(struct wr_reader *reader, struct wr_invitation *invitation)
{
	invitation->contact_count = wr_read_u8(reader);
	if (invitation->contact_count > WR_INVITATION_CONTACTS) {
		reader->bad = true;
		return;
	}
	for (size_t i = 0; i < invitation->contact_count; i++)
		read_contact(reader, &invitation->contacts[i]);
}

static void read_fields(struct wr_reader *reader, struct wr_invitation *invitation)
{
	wr_read_word(reader, WR_WORD_LABEL, false, invitation->mesh, sizeof(invitation->mesh));
	invitation->root = wr_read_key(reader);
	invitation->expires = wr_read_be64(reader);
	if (invitation->has_founder)
		invitation->founder = wr_read_key(reader);
	if (invitation->has_admission) {
		wr_read_into(reader, invitation->id, sizeof(invitation->id));
		wr_read_into(reader, invitation->secret, sizeof(invitation->secret));
	}
	read_contacts(reader, invitation);
}

static int read_all(const struct bytes *bytes, struct wr_invitation *invitation, char ret_why[200])
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ bytes->bytes, bytes->len });
	uint8_t version = wr_read_u8(&reader), flags = wr_read_u8(&reader);

	if (version != VERSION || flags & ~(FLAG_FOUNDER | FLAG_ADMISSION))
		return wr_code_fail(ret_why,
				    "the invitation is of a later version; use a newer warren");
	invitation->has_founder = flags & FLAG_FOUNDER;
	invitation->has_admission = flags & FLAG_ADMISSION;
	read_fields(&reader, invitation);
	/* Who is admitted has to know by whom: a certificate of anybody else's is none. */
	if (!wr_reader_done(&reader) || (invitation->has_admission && !invitation->has_founder))
		return wr_code_fail(ret_why, "the invitation makes no sense; ask for a new one");
	return 0;
}

int wr_invitation_parse(const char *text, struct wr_invitation *ret_invitation, char ret_why[200])
{
	struct wr_invitation invitation = { 0 };
	struct bytes bytes = { .len = 0 };
	int status = wr_code_read(&code, text, bytes.bytes, sizeof(bytes.bytes), &bytes.len,
				  ret_why);

	if (!status)
		status = read_all(&bytes, &invitation, ret_why);
	if (!status)
		*ret_invitation = invitation;
	wr_wipe(&bytes, sizeof(bytes));
	wr_wipe(&invitation, sizeof(invitation));
	return status;
}

/* --- Format. --- */

static void write_contact(struct wr_writer *writer, const struct wr_invitation_contact *contact)
{
	wr_write_key(writer, &contact->identity);
	wr_write_number(writer, contact->endpoint_count, 1);
	for (size_t i = 0; i < contact->endpoint_count && i < WR_INVITATION_ENDPOINTS; i++)
		wr_write_endpoint(writer, &contact->endpoints[i]);
}

static void write_fields(struct wr_writer *writer, const struct wr_invitation *invitation)
{
	wr_write_number(writer, VERSION, 1);
	wr_write_number(writer,
			(invitation->has_founder ? FLAG_FOUNDER : 0) |
				(invitation->has_admission ? FLAG_ADMISSION : 0),
			1);
	wr_write_word(writer, invitation->mesh, sizeof(invitation->mesh));
	wr_write_key(writer, &invitation->root);
	wr_write_number(writer, invitation->expires, 8);
	if (invitation->has_founder)
		wr_write_key(writer, &invitation->founder);
	if (invitation->has_admission) {
		wr_write_bytes(writer, invitation->id, sizeof(invitation->id));
		wr_write_bytes(writer, invitation->secret, sizeof(invitation->secret));
	}
	wr_write_number(writer, invitation->contact_count, 1);
	for (size_t i = 0; i < invitation->contact_count && i < WR_INVITATION_CONTACTS; i++)
		write_contact(writer, &invitation->contacts[i]);
}

/* What would not be parsed is not given out: the rules stand in one place, the parsing. */
bool wr_invitation_format(const struct wr_invitation *invitation,
			  char ret_text[WR_INVITATION_TEXT_LEN])
{
	struct bytes bytes = { 0 };
	struct wr_writer writer = wr_writer_of(bytes.bytes, BYTES_MAX);
	struct wr_invitation again = { 0 };
	char why[200];
	bool is_good;

	write_fields(&writer, invitation);
	bytes.len = (size_t)(writer.at - bytes.bytes);
	is_good = !writer.bad && read_all(&bytes, &again, why) == 0;
	if (is_good)
		wr_code_write(&code, bytes.bytes, bytes.len, ret_text, WR_INVITATION_TEXT_LEN);
	wr_wipe(&bytes, sizeof(bytes));
	wr_wipe(&again, sizeof(again));
	return is_good;
}
