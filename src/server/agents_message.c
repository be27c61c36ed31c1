#include "server/agents_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap.h"

/* Of what is told of a NAT. */
#define NAT_LEN 2048

const char *const wr_pair_paths[WR_PAIR_PATHS] = {
	[WR_PAIR_NONE] = "none",
	[WR_PAIR_RELAYED] = "relayed",
	[WR_PAIR_DIRECT] = "direct",
	[WR_PAIR_HUB] = "hub",
};

json_t *wr_agent_message(const uint8_t *text, size_t len, const char **ret_type)
{
	json_t *message = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);

	*ret_type = json_string_value(json_object_get(message, "type"));
	if (*ret_type)
		return message;
	json_decref(message);
	return NULL;
}

/* --- Words. --- */

/* False if it is not there, or too long. */
static bool take_word(const json_t *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && (size_t)snprintf(ret_text, size, "%s", text) < size;
}

/* What is shown to people and written down is printable; what is too long is cut. */
static void take_plain(const json_t *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t len = 0;

	for (; text && *text && len + 1 < size; text++)
		ret_text[len++] = *text >= ' ' && *text <= '~' ? *text : '?';
	ret_text[len] = '\0';
}

static int64_t take_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? value : 0;
}

/* --- Messages. --- */

bool wr_agent_read_hello(const json_t *message, struct wr_agent_hello *ret_hello)
{
	struct wr_agent_hello hello = { .protocol = take_number(message, "protocol") };
	bool is_whole = take_word(message, "instance", hello.instance, sizeof(hello.instance)) &&
			hello.instance[0];

	take_plain(message, "version", hello.version, sizeof(hello.version));
	take_plain(message, "backend", hello.backend, sizeof(hello.backend));
	if (!take_word(message, "epoch", hello.epoch, sizeof(hello.epoch)))
		hello.epoch[0] = '\0';
	if (!take_word(message, "map", hello.map, sizeof(hello.map)))
		hello.map[0] = '\0';
	*ret_hello = hello;
	return is_whole && hello.version[0] && hello.backend[0];
}

size_t wr_agent_read_candidates(const json_t *list,
				struct wr_candidate ret_candidates[WR_PATH_CANDIDATES])
{
	size_t count = 0, at;
	const json_t *item;

	json_array_foreach(list, at, item)
	{
		if (count == WR_PATH_CANDIDATES)
			break;
		count += wr_netmap_candidate_parse(item, &ret_candidates[count]);
	}
	return count;
}

static enum wr_pair_path path_of(const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "path"));

	for (unsigned i = 0; text && i < WR_PAIR_PATHS; i++) {
		if (strcmp(text, wr_pair_paths[i]) == 0)
			return (enum wr_pair_path)i;
	}
	return WR_PAIR_NONE;
}

bool wr_agent_read_pair(const json_t *object, struct wr_pair *ret_pair)
{
	struct wr_pair pair = {
		.path = path_of(object),
		.latency_us = take_number(object, "latency_us"),
		.loss_permille = take_number(object, "loss_permille"),
		.latest_handshake = take_number(object, "latest_handshake"),
		.rx_bytes = take_number(object, "rx_bytes"),
		.tx_bytes = take_number(object, "tx_bytes"),
	};

	if (!take_word(object, "machine", pair.uid, sizeof(pair.uid)))
		return false;
	take_plain(object, "reason", pair.reason, sizeof(pair.reason));
	take_plain(object, "endpoint", pair.endpoint, sizeof(pair.endpoint));
	*ret_pair = pair;
	return true;
}

char *wr_agent_read_nat(const json_t *object)
{
	char *text = json_is_object(object) ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text && strlen(text) <= NAT_LEN)
		return text;
	free(text);
	return NULL;
}
