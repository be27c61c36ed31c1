#include "joining.h"

#include <sodium.h>

#include "base/key.h"
#include "crypto/noise.h"
#include "wire/join_key.h"

static void text_of(const uint8_t secret[WR_JOIN_SECRET_LEN], char ret_secret[28])
{
	sodium_bin2base64(ret_secret, 28, secret, WR_JOIN_SECRET_LEN,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

const char *joining_key(struct calls *calls, const char *body, char ret_secret[28])
{
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	struct wr_join_key key;
	char why[200];

	calls_run(calls, &local, "key.create", "acme", body, &answer);
	assert_answer(&answer, 201, NULL);
	assert_int_equal(wr_join_key_parse(answer_text(&answer, "key"), &key, why), 0);
	assert_string_equal(key.address, "api.example.com:8443");
	text_of(key.secret, ret_secret);
	answer_done(&answer);
	return ret_secret;
}

static void public_key(unsigned number, char ret_text[WR_KEY_BASE64_LEN + 1])
{
	struct wr_key private_key = { { (uint8_t)number, (uint8_t)(number >> 8), 1 } };
	struct wr_key key;

	wr_x25519_clamp(&private_key);
	private_key.bytes[1] = (uint8_t)(number * 7 + 1);
	private_key.bytes[2] = (uint8_t)number;
	key = wr_x25519_public(&private_key);
	wr_key_to_base64(&key, ret_text);
}

void joining_try(struct calls *calls, const char *secret, const char *name, unsigned number,
		 struct answer *answer)
{
	struct wr_caller nobody = calls_nobody();
	char key[WR_KEY_BASE64_LEN + 1], body[400];

	public_key(number, key);
	snprintf(body, sizeof(body),
		 "{'secret': '%s', 'name': '%s', 'public_key': '%s', 'hostname': 'host',"
		 " 'version': '1.0'}",
		 secret, name, key);
	calls_run(calls, &nobody, "join", NULL, body, answer);
}

const char *joining_do(struct calls *calls, const char *body, const char *name, unsigned number,
		       char ret_label[64])
{
	struct answer answer = { 0 };
	char secret[28];

	joining_try(calls, joining_key(calls, body, secret), name, number, &answer);
	assert_answer(&answer, 201, NULL);
	snprintf(ret_label, 64, "%s", answer_text(&answer, "name"));
	answer_done(&answer);
	return ret_label;
}
