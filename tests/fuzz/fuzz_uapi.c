/* A set request of the configuration protocol: refused with the number of a line
 * that is there, or taken and, written again, taken for the same. */
#include <errno.h>

#include "fuzz.h"
#include "wire/uapi.h"

static void write_flag(struct wr_text *text, bool is_set, const char *name)
{
	if (is_set)
		wr_text_append(text, "%s=true\n", name);
}

static void write_endpoint(struct wr_text *text, const struct wr_uapi_op *op)
{
	char line[WR_ENDPOINT_TEXT_LEN];
	size_t len = wr_endpoint_format(&op->endpoint, line);
	const char *bracket = memchr(line, ']', len);

	if (op->scope_name[0] == '\0') {
		wr_text_append(text, "endpoint=%s\n", line);
		return;
	}
	FUZZ_CHECK(bracket != NULL && op->endpoint.scope == 0);
	wr_text_append(text, "endpoint=%.*s%%%s%s\n", (int)(bracket - line), line, op->scope_name,
		       bracket);
}

static void write_prefix(struct wr_text *text, const struct wr_uapi_op *op)
{
	char line[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(&op->prefix, line);
	wr_text_append(text, "allowed_ip=%s%s\n", op->is_negative ? "-" : "", line);
}

static void write_op(struct wr_text *text, const struct wr_uapi_op *op)
{
	switch (op->kind) {
	case WR_UAPI_PRIVATE_KEY: wr_uapi_write_key(text, "private_key", &op->key); break;
	case WR_UAPI_LISTEN_PORT: wr_uapi_write_number(text, "listen_port", op->number); break;
	case WR_UAPI_FWMARK: wr_uapi_write_number(text, "fwmark", op->number); break;
	case WR_UAPI_REPLACE_PEERS: write_flag(text, true, "replace_peers"); break;
	case WR_UAPI_PEER:
		wr_uapi_write_key(text, "public_key", &op->key);
		write_flag(text, op->is_remove, "remove");
		write_flag(text, op->is_update_only, "update_only");
		break;
	case WR_UAPI_PRESHARED_KEY: wr_uapi_write_key(text, "preshared_key", &op->key); break;
	case WR_UAPI_ENDPOINT: write_endpoint(text, op); break;
	case WR_UAPI_PERSISTENT_KEEPALIVE:
		wr_uapi_write_number(text, "persistent_keepalive_interval", op->number);
		break;
	case WR_UAPI_REPLACE_ALLOWED_IPS: write_flag(text, true, "replace_allowed_ips"); break;
	case WR_UAPI_ALLOWED_IP: write_prefix(text, op); break;
	}
}

static bool has_key(enum wr_uapi_op_kind kind)
{
	return kind == WR_UAPI_PRIVATE_KEY || kind == WR_UAPI_PEER || kind == WR_UAPI_PRESHARED_KEY;
}

static void check_same(const struct wr_uapi_op *a, const struct wr_uapi_op *b)
{
	FUZZ_CHECK(a->kind == b->kind && a->number == b->number);
	FUZZ_CHECK(a->is_remove == b->is_remove && a->is_update_only == b->is_update_only);
	FUZZ_CHECK(a->is_negative == b->is_negative);
	if (has_key(a->kind))
		FUZZ_CHECK(wr_key_equal(&a->key, &b->key));
	if (a->kind == WR_UAPI_ENDPOINT) {
		FUZZ_CHECK(wr_endpoint_equal(&a->endpoint, &b->endpoint));
		FUZZ_CHECK(strcmp(a->scope_name, b->scope_name) == 0);
	}
	if (a->kind == WR_UAPI_ALLOWED_IP)
		FUZZ_CHECK(wr_ip_equal(&a->prefix.ip, &b->prefix.ip) &&
			   a->prefix.length == b->prefix.length);
}

static void check_again(const struct wr_uapi_request *request)
{
	struct wr_uapi_request again = { 0 };
	struct wr_text text = { 0 };
	size_t line;

	for (size_t i = 0; i < request->count; i++)
		write_op(&text, &request->ops[i]);
	FUZZ_CHECK(!text.is_short_of_memory);
	FUZZ_CHECK(wr_uapi_parse_set((struct wr_bytes){ (uint8_t *)text.data, text.len }, &again,
				     &line) == 0);
	FUZZ_CHECK(again.count == request->count);
	for (size_t i = 0; i < request->count; i++)
		check_same(&request->ops[i], &again.ops[i]);
	wr_uapi_request_done(&again);
	wr_text_done(&text);
}

static size_t count_lines(const uint8_t *data, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || i + 1 == size;
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_uapi_request request = { 0 };
	size_t line = 0;
	int error = wr_uapi_parse_set((struct wr_bytes){ data, size }, &request, &line);

	FUZZ_CHECK(error == 0 || error == -EINVAL || error == -EPROTO);
	if (error == 0)
		check_again(&request);
	else
		FUZZ_CHECK(line >= 1 && line <= count_lines(data, size));
	wr_uapi_request_done(&request);
	return 0;
}
