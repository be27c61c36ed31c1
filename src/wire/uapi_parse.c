#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "wire/uapi.h"

#define FIRST_CAPACITY 16

struct parser {
	struct wr_uapi_request *request;
	size_t peer; /* the op that the lines now belong to; SIZE_MAX: the device's */
};

#define NO_PEER SIZE_MAX

static bool equals(struct wr_bytes text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static const char *chars(struct wr_bytes text)
{
	return (const char *)text.data;
}

/* What realloc() left behind would not be wiped. */
static int grow(struct wr_uapi_request *request)
{
	size_t capacity = request->capacity ? 2 * request->capacity : FIRST_CAPACITY;
	struct wr_uapi_op *ops = reallocarray(NULL, capacity, sizeof(*ops));

	if (!ops)
		return -ENOMEM;
	if (request->count) {
		memcpy(ops, request->ops, request->count * sizeof(*ops));
		wr_wipe(request->ops, request->count * sizeof(*ops));
	}
	free(request->ops);
	request->ops = ops;
	request->capacity = capacity;
	return 0;
}

static int add(struct parser *parser, const struct wr_uapi_op *op)
{
	struct wr_uapi_request *request = parser->request;

	if (request->count == request->capacity) {
		int error = grow(request);

		if (error)
			return error;
	}
	if (op->kind == WR_UAPI_PEER)
		parser->peer = request->count;
	request->ops[request->count++] = *op;
	return 0;
}

static int add_key(struct parser *parser, enum wr_uapi_op_kind kind, struct wr_bytes value)
{
	struct wr_uapi_op op = { .kind = kind };
	int error = -EINVAL;

	if (wr_key_from_hex(chars(value), value.len, &op.key))
		error = add(parser, &op);
	wr_wipe(&op, sizeof(op));
	return error;
}

static int add_number(struct parser *parser, enum wr_uapi_op_kind kind, struct wr_bytes value,
		      uint32_t max)
{
	struct wr_uapi_op op = { .kind = kind };
	uint64_t number;

	if (!wr_number_parse(chars(value), value.len, max, &number))
		return -EINVAL;
	op.number = (uint32_t)number;
	return add(parser, &op);
}

/* A key whose only value is "true". */
static int add_flag(struct parser *parser, enum wr_uapi_op_kind kind, struct wr_bytes value)
{
	if (!equals(value, "true"))
		return -EINVAL;
	return add(parser, &(struct wr_uapi_op){ .kind = kind });
}

static int set_flag(bool *flag, struct wr_bytes value)
{
	if (!equals(value, "true"))
		return -EINVAL;
	*flag = true;
	return 0;
}

/* "fe80::1%eth0": true if the name fits; numbers are left to wr_endpoint_parse(). */
static bool scope_name_parse(const char *text, size_t len, char ret[WR_UAPI_SCOPE_NAME_LEN])
{
	if (len == 0 || len >= WR_UAPI_SCOPE_NAME_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		/* As the kernel's dev_valid_name() has it, and no control characters. */
		if ((uint8_t)text[i] <= ' ' || text[i] == '/' || text[i] == ':' || text[i] == 127)
			return false;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* An endpoint whose scope is the `name_len` characters after `percent`: what is
 * around them is parsed without it. */
static bool named_endpoint_parse(struct wr_bytes value, const char *percent, size_t name_len,
				 struct wr_uapi_op *op)
{
	char text[WR_ENDPOINT_TEXT_LEN];
	size_t before = (size_t)(percent - chars(value));
	size_t after = value.len - before - 1 - name_len;

	if (before + after > sizeof(text) ||
	    !scope_name_parse(percent + 1, name_len, op->scope_name))
		return false;
	memcpy(text, value.data, before);
	memcpy(text + before, percent + 1 + name_len, after);
	return wr_endpoint_parse(text, before + after, &op->endpoint);
}

static int add_endpoint(struct parser *parser, struct wr_bytes value)
{
	struct wr_uapi_op op = { .kind = WR_UAPI_ENDPOINT };
	const char *end = chars(value) + value.len;
	const char *percent = value.len ? memchr(value.data, '%', value.len) : NULL;
	const char *bracket = percent ? memchr(percent, ']', (size_t)(end - percent)) : NULL;
	uint64_t number;
	size_t name_len = bracket ? (size_t)(bracket - percent) - 1 : 0;

	if (bracket && !wr_number_parse(percent + 1, name_len, UINT32_MAX, &number)) {
		if (!named_endpoint_parse(value, percent, name_len, &op))
			return -EINVAL;
	} else if (!wr_endpoint_parse(chars(value), value.len, &op.endpoint)) {
		return -EINVAL;
	}
	return add(parser, &op);
}

static int add_allowed_ip(struct parser *parser, struct wr_bytes value)
{
	struct wr_uapi_op op = { .kind = WR_UAPI_ALLOWED_IP };

	op.is_negative = value.len && value.data[0] == '-';
	/* An address alone is no prefix here: wireguard-go refuses it too. */
	if (!memchr(value.data, '/', value.len) ||
	    !wr_prefix_parse(chars(value) + op.is_negative, value.len - op.is_negative, &op.prefix))
		return -EINVAL;
	return add(parser, &op);
}

static int check_version(struct wr_bytes value)
{
	return equals(value, "1") ? 0 : -EINVAL;
}

static int device_line(struct parser *parser, struct wr_bytes key, struct wr_bytes value)
{
	if (equals(key, "private_key"))
		return add_key(parser, WR_UAPI_PRIVATE_KEY, value);
	if (equals(key, "listen_port"))
		return add_number(parser, WR_UAPI_LISTEN_PORT, value, UINT16_MAX);
	if (equals(key, "fwmark"))
		return add_number(parser, WR_UAPI_FWMARK, value, UINT32_MAX);
	if (equals(key, "replace_peers"))
		return add_flag(parser, WR_UAPI_REPLACE_PEERS, value);
	if (equals(key, "protocol_version"))
		return check_version(value);
	return -EINVAL;
}

static int peer_line(struct parser *parser, struct wr_bytes key, struct wr_bytes value)
{
	struct wr_uapi_op *peer = &parser->request->ops[parser->peer];

	if (equals(key, "allowed_ip"))
		return add_allowed_ip(parser, value);
	if (equals(key, "preshared_key"))
		return add_key(parser, WR_UAPI_PRESHARED_KEY, value);
	if (equals(key, "endpoint"))
		return add_endpoint(parser, value);
	if (equals(key, "persistent_keepalive_interval"))
		return add_number(parser, WR_UAPI_PERSISTENT_KEEPALIVE, value, UINT16_MAX);
	if (equals(key, "replace_allowed_ips"))
		return add_flag(parser, WR_UAPI_REPLACE_ALLOWED_IPS, value);
	if (equals(key, "remove"))
		return set_flag(&peer->is_remove, value);
	if (equals(key, "update_only"))
		return set_flag(&peer->is_update_only, value);
	if (equals(key, "protocol_version"))
		return check_version(value);
	return -EINVAL;
}

static int parse_line(struct parser *parser, struct wr_bytes line)
{
	const uint8_t *sign = line.len ? memchr(line.data, '=', line.len) : NULL;
	struct wr_bytes key, value;

	if (!sign)
		return -EPROTO;
	key = (struct wr_bytes){ line.data, (size_t)(sign - line.data) };
	value = (struct wr_bytes){ sign + 1, line.len - key.len - 1 };
	if (equals(key, "public_key"))
		return add_key(parser, WR_UAPI_PEER, value);
	if (parser->peer == NO_PEER)
		return device_line(parser, key, value);
	return peer_line(parser, key, value);
}

/* Takes the first line off, without its newline. */
static struct wr_bytes next_line(struct wr_bytes *text)
{
	const uint8_t *newline = memchr(text->data, '\n', text->len);
	struct wr_bytes line = { text->data, newline ? (size_t)(newline - text->data) : text->len };
	size_t taken = line.len + (newline != NULL);

	text->data += taken;
	text->len -= taken;
	return line;
}

int wr_uapi_parse_set(struct wr_bytes text, struct wr_uapi_request *request, size_t *ret_line)
{
	struct parser parser = { .request = request, .peer = NO_PEER };

	for (size_t number = 1; text.len; number++) {
		int error = parse_line(&parser, next_line(&text));

		if (error) {
			*ret_line = number;
			return error;
		}
	}
	return 0;
}

void wr_uapi_request_done(struct wr_uapi_request *request)
{
	if (request->count)
		wr_wipe(request->ops, request->count * sizeof(request->ops[0]));
	free(request->ops);
	*request = (struct wr_uapi_request){ 0 };
}
