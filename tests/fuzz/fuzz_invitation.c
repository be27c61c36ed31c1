/* Invitations: what is taken has one way to be written, and what is not leaves a reason. With the
 * first byte odd, the rest is what stands in one before its checksum, so that the fuzzer need not
 * find it. */
#include <sodium.h>

#include "crypto/noise.h"
#include "fuzz.h"
#include "wire/invitation.h"

#define BODY_MAX 700

static void check(const char *text)
{
	struct wr_invitation invitation = { .mesh = "untouched" };
	char why[200] = "", again[WR_INVITATION_TEXT_LEN];

	if (wr_invitation_parse(text, &invitation, why) != 0) {
		FUZZ_CHECK(why[0] && strlen(why) < 200);
		FUZZ_CHECK(strcmp(invitation.mesh, "untouched") == 0);
		return;
	}
	FUZZ_CHECK(invitation.mesh[0] && strlen(invitation.mesh) <= WR_MESH_NAME_LEN);
	FUZZ_CHECK(wr_invitation_format(&invitation, again));
	text += strspn(text, " \t\r\n");
	FUZZ_CHECK(strncmp(text, again, strlen(again)) == 0);
}

static void check_body(const uint8_t *data, size_t size)
{
	uint8_t body[BODY_MAX + 4];
	char text[4 + 2 * sizeof(body)] = "wri_";
	struct wr_hash sum;

	if (size > BODY_MAX)
		return;
	memcpy(body, data, size);
	sum = wr_hash2((struct wr_bytes){ data, size }, (struct wr_bytes){ 0 });
	memcpy(body + size, sum.bytes, 4);
	sodium_bin2base64(text + 4, sizeof(text) - 4, body, size + 4,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	check(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2048];

	if (size == 0 || size > sizeof(text))
		return 0;
	if (data[0] & 1) {
		check_body(data + 1, size - 1);
		return 0;
	}
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	check(text);
	return 0;
}
