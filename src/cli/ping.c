/* One peer: how it is reached, and who it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "cli/api.h"
#include "cli/membership.h"
#include "cli/tables.h"
#include "cli/verbs.h"

/* Until it is direct, or this many. */
#define PINGS 10

static const struct wr_option ping_options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
	{ 'c', "count", "so many, also when it is direct", "N" },
};
static const struct wr_option whois_options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
};

static const struct wr_column whois_columns[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "machine", "machine", WR_LOOK_TEXT },
	{ "addresses", "addresses", WR_LOOK_LIST },
	{ "routes", "routes", WR_LOOK_LIST },
	{ "online", "is_online", WR_LOOK_YES },
	{ "path", "state", WR_LOOK_STATE },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "handshake", "latest_handshake", WR_LOOK_AGO },
	{ "why not direct", "reason", WR_LOOK_TEXT },
};

/* Of a mesh's member. */
static const struct wr_column member_columns[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "machine", "machine", WR_LOOK_TEXT },
	{ "identity", "identity", WR_LOOK_TEXT },
	{ "addresses", "addresses", WR_LOOK_LIST },
	{ "routes", "routes", WR_LOOK_LIST },
	{ "tags", "tags", WR_LOOK_LIST },
	{ "member", "liveness", WR_LOOK_STATE },
	{ "path", "state", WR_LOOK_STATE },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "handshake", "latest_handshake", WR_LOOK_AGO },
	{ "why not direct", "reason", WR_LOOK_TEXT },
};

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = wr_json_text(object, name);

	return text ? text : "";
}

static bool is_path(const json_t *pong, const char *path)
{
	return strcmp(text_of(pong, "path"), path) == 0;
}

static void print_pong(const json_t *pong)
{
	double ms = (double)json_integer_value(json_object_get(pong, "ping_us")) / 1000;
	const char *way = is_path(pong, "direct") ? "directly" : "over the relay";

	if (json_is_true(json_object_get(pong, "has_answered")))
		printf("pong from %s in %.1f ms, %s%s%s\n", text_of(pong, "name"), ms, way,
		       is_path(pong, "direct") ? " at " : "",
		       is_path(pong, "direct") ? text_of(pong, "endpoint") : "");
	else
		printf("no pong from %s: %s\n", text_of(pong, "name"), text_of(pong, "trouble"));
	fflush(stdout);
}

/* Exit status: reached at all. */
static int conclude(const struct wr_arguments *arguments, const json_t *pong, bool was_reached)
{
	const char *reason = text_of(pong, "reason");

	if (!was_reached)
		return wr_complain(arguments, "%s was not reached: it is %s", text_of(pong, "name"),
				   json_is_true(json_object_get(pong, "is_online"))
					   ? "online, so look at both ends' `warren netcheck`"
					   : "offline");
	if (!is_path(pong, "direct") && *reason)
		printf("not direct: %s\n", reason);
	return WR_EXIT_DONE;
}

static int tell_hub(const json_t *pong)
{
	printf("%s is reached through the hub%s\n", text_of(pong, "name"),
	       json_is_true(json_object_get(pong, "is_online")) ? "" : "; it is offline");
	return json_is_true(json_object_get(pong, "is_online")) ? WR_EXIT_DONE : WR_EXIT_FAILED;
}

static int ping_on(const struct wr_arguments *arguments, const struct wr_membership *membership,
		   unsigned count)
{
	const struct timespec pause = { .tv_sec = 1 };
	bool was_reached = false;

	for (unsigned i = 1;; i++) {
		WR_AUTO(wr_json_freep) json_t *pong = NULL;
		char *path = wr_api_path("/ping");
		int status;

		wr_api_query(&path, "peer", arguments->operands[0]);
		status = wr_membership_ask(membership, "GET", path, NULL, &pong);
		free(path);
		if (status != WR_EXIT_DONE)
			return status;
		if (wr_is_given(arguments, "json"))
			wr_api_print(pong);
		else if (is_path(pong, "hub"))
			return tell_hub(pong);
		else
			print_pong(pong);
		was_reached |= json_is_true(json_object_get(pong, "has_answered"));
		if (count ? i >= count : is_path(pong, "direct") || i >= PINGS)
			return conclude(arguments, pong, was_reached);
		nanosleep(&pause, NULL);
	}
}

static int run_ping(const struct wr_arguments *arguments)
{
	const char *text = wr_value_of(arguments, "count");
	struct wr_membership membership;
	uint64_t count = 0;
	int status;

	if (text && (!wr_number_parse(text, strlen(text), 1000000, &count) || count == 0))
		return wr_misuse(arguments, "-c %s: a number from 1", text);
	status = wr_membership_find(arguments, &membership);
	if (status != WR_EXIT_DONE)
		return status;
	status = ping_on(arguments, &membership, (unsigned)count);
	wr_membership_done(&membership);
	return status;
}

const struct wr_verb wr_verb_ping = {
	.name = "ping",
	.summary = "reach a machine, and tell by which path; ends when it is direct",
	.operand = "MACHINE",
	.min_operands = 1,
	.max_operands = 1,
	.options = ping_options,
	.option_count = WR_ARRAY_LEN(ping_options),
	.run = run_ping,
};

static int run_whois(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *peer = NULL;
	struct wr_membership membership;
	int status = wr_membership_find(arguments, &membership);
	char *path;

	if (status != WR_EXIT_DONE)
		return status;
	path = wr_api_path("/peer");
	wr_api_query(&path, "peer", arguments->operands[0]);
	status = wr_membership_ask(&membership, "GET", path, NULL, &peer);
	free(path);
	wr_membership_done(&membership);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json")) {
		wr_api_print(peer);
	} else {
		const struct wr_table table =
			json_object_get(peer, "identity")
				? wr_table_of(member_columns, WR_ARRAY_LEN(member_columns))
				: wr_table_of(whois_columns, WR_ARRAY_LEN(whois_columns));

		wr_table_print_one(&table, peer, stdout);
	}
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_whois = {
	.name = "whois",
	.summary = "whose address, name or identifier this is",
	.operand = "ADDRESS",
	.min_operands = 1,
	.max_operands = 1,
	.options = whois_options,
	.option_count = WR_ARRAY_LEN(whois_options),
	.run = run_whois,
};
