#include "wire/invitation.h"

#include <errno.h>

#include "crypto/crypto.h"
#include "mesh_items.h"

/* Made with Python: base64url(body + blake2s(body)[:4]). */
static const char known_closed[] =
	"wri_AQMEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2ICBOXcOqH0XX1aj"
	"VGbDTH7My42KkbTuN6Jd9g9bj8mzlGRlZmdoaWprbm9wcXJzdHV2d3h5ent8fQGKiOPddAnxlf1S2y08"
	"ul1yymcJvx2UEhvzdIgBtA9vXAIEywBxAcpsBiABDbgAAAAAAAAAAAAAAAHKbKIlRy8";
static const char known_open[] =
	"wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABiojj3XQJ8ZX9"
	"UtstPLpdcspnCb8dlBIb83SIAbQPb1wCBMsAcQHKbAYgAQ24AAAAAAAAAAAAAAABymyfI-E4";

/* The same, each with one thing wrong; checksums are right. */
static const struct {
	const char *what, *text, *word;
} wrong[] = {
	{ "version",
	  "wri_AgAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABiojj3XQJ8ZX9"
	  "UtstPLpdcspnCb8dlBIb83SIAbQPb1wCBMsAcQHKbAYgAQ24AAAAAAAAAAAAAAABymzdGKt4",
	  "later version" },
	{ "flags",
	  "wri_AQQEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABiojj3XQJ8ZX9"
	  "UtstPLpdcspnCb8dlBIb83SIAbQPb1wCBMsAcQHKbAYgAQ24AAAAAAAAAAAAAAABymzbjF1v",
	  "later version" },
	{ "admission-alone",
	  "wri_AQIEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IBkZWZnaGlqa25v"
	  "cHFyc3R1dnd4eXp7fH0Biojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1wCBMsAcQHKbAYgAQ24"
	  "AAAAAAAAAAAAAAABymzSciXr",
	  "makes no sense" },
	{ "name",
	  "wri_AQAESG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABiojj3XQJ8ZX9"
	  "UtstPLpdcspnCb8dlBIb83SIAbQPb1wCBMsAcQHKbAYgAQ24AAAAAAAAAAAAAAABymzs_NCg",
	  "makes no sense" },
	{ "noname",
	  "wri_AQAAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAAAAcNvYgAGKiOPddAnxlf1S2y08"
	  "ul1yymcJvx2UEhvzdIgBtA9vXAIEywBxAcpsBiABDbgAAAAAAAAAAAAAAAHKbGPG7Ks",
	  "makes no sense" },
	{ "contacts", "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IAF8y9A9w",
	  "makes no sense" },
	{ "behind", "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IAAAL7BGr0",
	  "makes no sense" },
	{ "short", "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABs5cGMg",
	  "makes no sense" },
	{ "family",
	  "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBQAAAAAAAIpZqfE",
	  "makes no sense" },
	{ "endpoints",
	  "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFZHcWwA",
	  "makes no sense" },
	{ "port",
	  "wri_AQAEaG9tZQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAAAHDb2IABAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBAECAwQAANXB8ZE",
	  "makes no sense" },
};

static struct wr_invitation make(bool is_closed)
{
	struct wr_invitation invitation = { .mesh = "home", .expires = 1893456000 };
	struct wr_invitation_contact *contact = &invitation.contacts[0];

	for (unsigned i = 0; i < WR_KEY_LEN; i++)
		invitation.root.bytes[i] = (uint8_t)i;
	invitation.contact_count = 1;
	contact->identity = mesh_identity(1);
	contact->endpoint_count = 2;
	assert_true(wr_endpoint_parse("203.0.113.1:51820", 17, &contact->endpoints[0]));
	assert_true(wr_endpoint_parse("[2001:db8::1]:51820", 19, &contact->endpoints[1]));
	if (!is_closed)
		return invitation;
	invitation.has_founder = invitation.has_admission = true;
	invitation.founder = mesh_identity(2);
	for (unsigned i = 0; i < sizeof(invitation.id); i++)
		invitation.id[i] = (uint8_t)(100 + i);
	for (unsigned i = 0; i < sizeof(invitation.secret); i++)
		invitation.secret[i] = (uint8_t)(110 + i);
	return invitation;
}

static struct wr_invitation parse(const char *text)
{
	struct wr_invitation invitation;
	char why[200] = "";

	memset(&invitation, 0, sizeof(invitation));
	if (wr_invitation_parse(text, &invitation, why) != 0)
		fail_msg("not taken: %s", why);
	return invitation;
}

/* Field by field: there is padding between them. */
static void assert_equal(const struct wr_invitation *a, const struct wr_invitation *b)
{
	assert_string_equal(a->mesh, b->mesh);
	assert_memory_equal(&a->root, &b->root, sizeof(a->root));
	assert_int_equal(a->expires, b->expires);
	assert_int_equal(a->has_founder, b->has_founder);
	assert_int_equal(a->has_admission, b->has_admission);
	assert_memory_equal(&a->founder, &b->founder, sizeof(a->founder));
	assert_memory_equal(a->id, b->id, sizeof(a->id));
	assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
	assert_int_equal(a->contact_count, b->contact_count);
	for (size_t i = 0; i < a->contact_count; i++) {
		const struct wr_invitation_contact *x = &a->contacts[i], *y = &b->contacts[i];

		assert_memory_equal(&x->identity, &y->identity, sizeof(x->identity));
		assert_int_equal(x->endpoint_count, y->endpoint_count);
		for (size_t j = 0; j < x->endpoint_count; j++)
			assert_true(wr_endpoint_equal(&x->endpoints[j], &y->endpoints[j]));
	}
}

static void test_invitation_known_answers(void **state)
{
	(void)state;
	for (unsigned is_closed = 0; is_closed < 2; is_closed++) {
		struct wr_invitation invitation = make(is_closed), read;
		const char *known = is_closed ? known_closed : known_open;
		char text[WR_INVITATION_TEXT_LEN];

		assert_true(wr_invitation_format(&invitation, text));
		assert_string_equal(text, known);
		read = parse(known);
		assert_equal(&read, &invitation);
	}
}

static void test_invitation_of_the_longest_kind_fits(void **state)
{
	struct wr_invitation invitation = make(true), read;
	char text[WR_INVITATION_TEXT_LEN];

	(void)state;
	memset(invitation.mesh, 'a', WR_MESH_NAME_LEN);
	invitation.contact_count = WR_INVITATION_CONTACTS;
	for (unsigned i = 0; i < WR_INVITATION_CONTACTS; i++) {
		invitation.contacts[i].identity = mesh_identity((uint8_t)(10 + i));
		invitation.contacts[i].endpoint_count = WR_INVITATION_ENDPOINTS;
		for (unsigned j = 0; j < WR_INVITATION_ENDPOINTS; j++)
			invitation.contacts[i].endpoints[j] = invitation.contacts[0].endpoints[1];
	}
	assert_true(wr_invitation_format(&invitation, text));
	read = parse(text);
	assert_equal(&read, &invitation);
}

static void test_invitation_of_no_contacts_is_good(void **state)
{
	struct wr_invitation invitation = make(true), read;
	char text[WR_INVITATION_TEXT_LEN];

	(void)state;
	invitation.has_admission = false;
	memset(invitation.id, 0, sizeof(invitation.id));
	memset(invitation.secret, 0, sizeof(invitation.secret));
	invitation.contact_count = 0;
	assert_true(wr_invitation_format(&invitation, text));
	read = parse(text);
	assert_equal(&read, &invitation);
}

static void test_invitation_is_taken_with_space_around_it(void **state)
{
	struct wr_invitation invitation = make(true), read;
	char text[WR_INVITATION_TEXT_LEN + 8];

	(void)state;
	snprintf(text, sizeof(text), " \t%s\r\n", known_closed);
	read = parse(text);
	assert_equal(&read, &invitation);
}

static void assert_refused(const char *text, const char *word)
{
	struct wr_invitation invitation = { .mesh = "untouched" };
	char why[200] = "";

	assert_int_equal(wr_invitation_parse(text, &invitation, why), -EINVAL);
	if (!strstr(why, word))
		fail_msg("\"%s\" says: %s", text, why);
	assert_string_equal(invitation.mesh, "untouched");
	/* Never what it holds. */
	assert_null(strstr(why, "AEaG9"));
}

/* A changed letter, wherever it is, is a typo and no other invitation. */
static void test_invitation_with_any_letter_changed_is_refused(void **state)
{
	char text[WR_INVITATION_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < strlen(known_closed); i++) {
		strcpy(text, known_closed);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_refused(text, "invitation");
		strcpy(text, known_closed);
		text[i] = '\0';
		assert_refused(text, "invitation");
	}
}

static void test_invitation_says_what_is_wrong(void **state)
{
	char text[2048];

	(void)state;
	assert_refused("", "no invitation");
	assert_refused("wrj_abcdef", "no invitation");
	assert_refused("wri", "no invitation");
	assert_refused("wri_", "cut short");
	assert_refused("wri_AAAA", "cut short");
	assert_refused("wri_aSF6MA", "cut short"); /* the checksum of nothing */
	assert_refused("wri_AA+A", "damaged");
	assert_refused("wri_AA==", "damaged");
	snprintf(text, sizeof(text), "%s %s", known_open, known_open);
	assert_refused(text, "spaces");
	snprintf(text, sizeof(text), "%.40s", known_open);
	assert_refused(text, "cut short");
	strcpy(text, "wri_");
	memset(text + 4, 'A', 1500);
	text[1504] = '\0';
	assert_refused(text, "too long");
	for (size_t i = 0; i < WR_ARRAY_LEN(wrong); i++)
		assert_refused(wrong[i].text, wrong[i].word);
}

static void assert_not_formatted(const struct wr_invitation *invitation)
{
	char text[WR_INVITATION_TEXT_LEN] = "untouched";

	assert_false(wr_invitation_format(invitation, text));
	assert_string_equal(text, "untouched");
}

static void test_invitation_with_a_bad_field_is_not_formatted(void **state)
{
	struct wr_invitation invitation = make(true);

	(void)state;
	invitation.mesh[0] = '\0';
	assert_not_formatted(&invitation);
	memset(invitation.mesh, 'a', sizeof(invitation.mesh));
	assert_not_formatted(&invitation);
	invitation = make(true);
	invitation.has_founder = false;
	assert_not_formatted(&invitation);
	invitation = make(true);
	invitation.contact_count = WR_INVITATION_CONTACTS + 1;
	assert_not_formatted(&invitation);
	invitation = make(true);
	invitation.contacts[0].endpoint_count = WR_INVITATION_ENDPOINTS + 1;
	assert_not_formatted(&invitation);
	invitation = make(true);
	invitation.contacts[0].endpoints[0].port = 0;
	assert_not_formatted(&invitation);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invitation_known_answers),
		cmocka_unit_test(test_invitation_of_the_longest_kind_fits),
		cmocka_unit_test(test_invitation_of_no_contacts_is_good),
		cmocka_unit_test(test_invitation_is_taken_with_space_around_it),
		cmocka_unit_test(test_invitation_with_any_letter_changed_is_refused),
		cmocka_unit_test(test_invitation_says_what_is_wrong),
		cmocka_unit_test(test_invitation_with_a_bad_field_is_not_formatted),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
