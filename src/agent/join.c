#include "agent/join.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "crypto/noise.h"
#include "http/client.h"

/* A server may be busy with many that join at once. */
#define JOIN_SECONDS 30
/* An agent that is to end waits for a call that is under way. */
#define CALL_SECONDS 10

/* What a problem document says (RFC 9457), as one line. */
static int explain(const struct wr_http_answer *answer, char ret_why[WR_JOIN_WHY_LEN])
{
	WR_AUTO(json_decrefp)
	json_t *problem = json_loads(answer->body ? answer->body : "", 0, NULL);
	const json_t *fault = json_array_get(json_object_get(problem, "faults"), 0);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	const char *reason = json_string_value(json_object_get(fault, "reason"));
	const char *pointer = json_string_value(json_object_get(fault, "pointer"));

	if (reason)
		snprintf(ret_why, WR_JOIN_WHY_LEN, "the server refuses: %s: %s",
			 pointer && *pointer ? pointer + 1 : "request", reason);
	else if (detail)
		snprintf(ret_why, WR_JOIN_WHY_LEN, "the server refuses: %s", detail);
	else
		snprintf(
			ret_why, WR_JOIN_WHY_LEN,
			"the server answered with status %u: is it a Warren server, and is it this "
			"one?",
			answer->status);
	for (char *at = ret_why; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	return answer->status == 401 || answer->status == 404 || answer->status == 410 ? -ENOENT
										       : -EACCES;
}

static int call(const struct wr_state *state, const struct wr_http_ask *ask,
		struct wr_http_answer *ret_answer, char ret_why[WR_JOIN_WHY_LEN])
{
	const struct wr_http_target target = { .url = state->url,
					       .pin = *state->pin ? state->pin : NULL };
	char why[200] = "";
	int status = wr_http_call(&target, ask, ret_answer, why);

	if (status < 0)
		snprintf(ret_why, WR_JOIN_WHY_LEN, "%s: %s", state->url, why);
	else if (ret_answer->status < 200 || ret_answer->status > 299)
		status = explain(ret_answer, ret_why);
	return status;
}

/* --- Joining. --- */

static void take_server(const struct wr_join_key *key, struct wr_state *state)
{
	snprintf(state->url, sizeof(state->url), "%s://%s", key->is_plain ? "http" : "https",
		 key->address);
	state->pin[0] = '\0';
	if (key->has_pin)
		sodium_bin2base64(state->pin, sizeof(state->pin), key->pin, sizeof(key->pin),
				  sodium_base64_VARIANT_ORIGINAL);
}

static json_t *request_json(const struct wr_join_key *key, const char *name,
			    const struct wr_state *state)
{
	char secret[64], public_key[WR_KEY_BASE64_LEN + 1];
	char host[HOST_NAME_MAX + 1] = "";
	struct wr_key own = wr_x25519_public(&state->private_key);
	json_t *object;

	sodium_bin2base64(secret, sizeof(secret), key->secret, sizeof(key->secret),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	wr_key_to_base64(&own, public_key);
	(void)gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	object = json_pack("{s:s, s:s, s:s, s:s*}", "secret", secret, "name",
			   name    ? name
			   : *host ? host
				   : "machine",
			   "public_key", public_key, "hostname", *host ? host : NULL);
	wr_wipe(secret, sizeof(secret));
	return object;
}

static bool copy(const json_t *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text || !*text || strlen(text) >= size)
		return false;
	memcpy(ret_text, text, strlen(text) + 1);
	return true;
}

static int take_answer(const struct wr_http_answer *answer, struct wr_state *state,
		       bool *ret_is_pending, char ret_why[WR_JOIN_WHY_LEN])
{
	WR_AUTO(json_decrefp)
	json_t *object = json_loads(answer->body ? answer->body : "", 0, NULL);
	const char *said = json_string_value(json_object_get(object, "state"));

	if (!copy(object, "machine", state->uid, sizeof(state->uid)) ||
	    !copy(object, "name", state->name, sizeof(state->name)) ||
	    !copy(object, "network", state->network, sizeof(state->network)) ||
	    !copy(object, "token", state->token, sizeof(state->token)) || !said) {
		snprintf(ret_why, WR_JOIN_WHY_LEN,
			 "%s answered with something else than an identity: is it a Warren server?",
			 state->url);
		return -EPROTO;
	}
	*ret_is_pending = strcmp(said, "pending") == 0;
	return 0;
}

static void wipe_text(char *text)
{
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
}

int wr_join_ask(const struct wr_join_key *key, const char *name, struct wr_state *state,
		bool *ret_is_pending, char ret_why[WR_JOIN_WHY_LEN])
{
	WR_AUTO(json_decrefp) json_t *request = request_json(key, name, state);
	char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
	struct wr_http_answer answer = { 0 };
	int status;

	take_server(key, state);
	if (!body) {
		snprintf(ret_why, WR_JOIN_WHY_LEN, "the name is no UTF-8 text, or memory is short");
		return -EINVAL;
	}
	const struct wr_http_ask ask = {
		.method = "POST",
		.path = "/api/v1/join",
		.content_type = "application/json",
		.body = { (const uint8_t *)body, strlen(body) },
		.timeout_seconds = JOIN_SECONDS,
	};

	status = call(state, &ask, &answer, ret_why);
	if (status == 0)
		status = take_answer(&answer, state, ret_is_pending, ret_why);
	else if (status == -ENOENT)
		status = -EACCES;
	wr_http_answer_done(&answer);
	wipe_text(body);
	return status;
}

/* --- As a member. --- */

int wr_member_call(const struct wr_state *state, const char *method, const char *path,
		   const char *body, char ret_why[WR_JOIN_WHY_LEN])
{
	char authorization[WR_MACHINE_TOKEN_LEN + 8];
	struct wr_http_answer answer = { 0 };
	const struct wr_http_ask ask = {
		.method = method,
		.path = path,
		.authorization = authorization,
		.content_type = body ? "application/json" : NULL,
		.body = { (const uint8_t *)body, body ? strlen(body) : 0 },
		.timeout_seconds = CALL_SECONDS,
	};
	int status;

	snprintf(authorization, sizeof(authorization), "Bearer %s", state->token);
	status = call(state, &ask, &answer, ret_why);
	wr_wipe(authorization, sizeof(authorization));
	wr_http_answer_done(&answer);
	return status;
}
