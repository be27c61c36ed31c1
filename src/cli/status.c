/* What this machine sees of its networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/membership.h"
#include "cli/status.h"
#include "cli/tables.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
};

static const struct wr_column peer_columns[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "addresses", "addresses", WR_LOOK_LIST },
	{ "path", "state", WR_LOOK_STATE },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "latency", "latency", WR_LOOK_TEXT },
	{ "handshake", "latest_handshake", WR_LOOK_AGO },
	{ "received", "rx_bytes", WR_LOOK_SIZE },
	{ "sent", "tx_bytes", WR_LOOK_SIZE },
	{ "why not direct", "reason", WR_LOOK_TEXT },
};

/* Of a mesh: no server says who is there. */
static const struct wr_column member_columns[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "addresses", "addresses", WR_LOOK_LIST },
	{ "member", "liveness", WR_LOOK_STATE },
	{ "path", "state", WR_LOOK_STATE },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "latency", "latency", WR_LOOK_TEXT },
	{ "handshake", "latest_handshake", WR_LOOK_AGO },
	{ "received", "rx_bytes", WR_LOOK_SIZE },
	{ "sent", "tx_bytes", WR_LOOK_SIZE },
	{ "why not direct", "reason", WR_LOOK_TEXT },
};

/* Texts that people read, made of numbers that programs read. */
static void add_texts(json_t *peers)
{
	size_t i;
	json_t *peer;

	json_array_foreach(peers, i, peer)
	{
		json_int_t us = json_integer_value(json_object_get(peer, "latency_us"));
		char text[32] = "";

		if (us)
			snprintf(text, sizeof(text), "%.1f ms", (double)us / 1000);
		json_object_set_new(peer, "latency", json_string(text));
	}
}

static void print_peers(const json_t *status)
{
	json_t *peers = json_object_get(status, "peers");
	const struct wr_table table =
		json_object_get(status, "mesh")
			? wr_table_of(member_columns, WR_ARRAY_LEN(member_columns))
			: wr_table_of(peer_columns, WR_ARRAY_LEN(peer_columns));

	add_texts(peers);
	wr_table_print(&table, peers, stdout);
}

/* --- The head of a status: a line a thing. --- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = wr_json_text(object, name);

	return text ? text : "";
}

static bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static void print_server(const json_t *status)
{
	const json_t *server = json_object_get(status, "server");
	const char *trouble = text_of(server, "trouble");

	if (is_true(server, "is_connected"))
		wr_status_line("server", "%s, connected", text_of(server, "url"));
	else
		wr_status_line("server", "%s, not connected%s%s; next attempt in %d s",
			       text_of(server, "url"), *trouble ? ": " : "", trouble,
			       (int)json_integer_value(json_object_get(server, "retry_seconds")));
	if (is_true(server, "is_behind"))
		wr_status_line(
			"", "%s",
			"its database is older than what it told before: its map is not used "
			"(warren refresh --accept)");
	else if (is_true(status, "is_map_cached"))
		wr_status_line("", "%s", "the map is the one that was kept on disk");
}

static void print_hub(const json_t *status)
{
	const json_t *hub = json_object_get(status, "hub");
	bool is_over_channel = strcmp(text_of(hub, "way"), "channel") == 0;

	wr_status_line("hub", "%s, %s",
		       is_over_channel ? "over the server's channel, for UDP is blocked"
				       : text_of(hub, "endpoint"),
		       is_true(hub, "is_connected") ? "connected" : "not connected");
}

static void print_drift(const json_t *status)
{
	const json_t *drift = json_object_get(status, "drift");
	const char *trouble = text_of(drift, "trouble");
	long long mended = json_integer_value(json_object_get(drift, "mended"));

	if (*trouble)
		wr_status_line("drift", "%s", trouble);
	else if (mended)
		wr_status_line("drift", "none now; %lld things were mended since the start",
			       mended);
	else
		wr_status_line("drift", "%s", "none");
}

static void print_self(const json_t *status)
{
	WR_AUTO(wr_text_freep)
	char *addresses = wr_look_text(json_object_get(status, "addresses"), WR_LOOK_LIST, 0);

	wr_status_line("machine", "%s  %s", text_of(status, "name"), addresses);
	wr_status_line("interface", "%s, %s, UDP port %d", text_of(status, "interface"),
		       text_of(status, "backend"),
		       (int)json_integer_value(json_object_get(status, "port")));
}

static void print_status(const json_t *status)
{
	const json_t *mesh = json_object_get(status, "mesh");

	if (mesh) {
		wr_status_print_mesh(mesh);
		print_self(status);
		wr_status_print_reach(mesh);
	} else {
		wr_status_line("network", "%s", text_of(status, "network"));
		print_self(status);
		print_server(status);
		print_hub(status);
	}
	print_drift(status);
	if (json_array_size(json_object_get(status, "peers"))) {
		printf("\n");
		print_peers(status);
	}
	if (mesh)
		wr_status_print_guests(mesh);
}

/* --- Of every membership. --- */

struct look {
	const struct wr_arguments *arguments;
	const char *interface, *mesh; /* NULL: all */
	json_t *all;
	unsigned count;
	int exit_status;
};

static void tell_stopped(struct look *look, enum wr_folder_kind kind, const char *interface)
{
	WR_AUTO(wr_text_freep) char *hint = wr_membership_start_hint(kind, interface);

	look->exit_status = wr_complain(look->arguments,
					"the %s of %s does not run, or answers to root only (%s)",
					kind == WR_FOLDER_MESH ? "mesh" : "agent", interface, hint);
}

static bool is_wanted(const struct look *look, enum wr_folder_kind kind, const char *interface,
		      const char *folder)
{
	WR_AUTO(wr_text_freep) char *mesh = NULL;

	if (look->interface && strcmp(look->interface, interface) != 0)
		return false;
	if (!look->mesh)
		return true;
	mesh = kind == WR_FOLDER_MESH ? wr_membership_mesh_name(folder) : NULL;
	return mesh && strcmp(mesh, look->mesh) == 0;
}

static void see(void *context, enum wr_folder_kind kind, const char *interface, const char *folder)
{
	struct look *look = context;
	json_t *status = NULL;

	if (!is_wanted(look, kind, interface, folder))
		return;
	look->count++;
	if (wr_membership_try(folder, "GET", "/status", &status))
		json_array_append_new(look->all, status);
	else
		tell_stopped(look, kind, interface);
}

static int look_at_all(const struct wr_arguments *arguments, struct look *look)
{
	const char *only;
	int status;

	*look = (struct look){ .arguments = arguments,
			       .interface = wr_value_of(arguments, "interface"),
			       .mesh = wr_value_of(arguments, "mesh"),
			       .all = json_array() };
	only = look->interface ? look->interface : look->mesh;
	status = wr_membership_each(arguments, see, look);
	if (status == WR_EXIT_DONE && look->count == 0)
		status = wr_complain(arguments, "%s%s", only ? only : "",
				     only ? " is no membership of this machine (warren status)"
					  : "this machine is a member of no network yet (warren up "
					    "MESH, or warren join KEY)");
	return status == WR_EXIT_DONE ? look->exit_status : status;
}

static int show(const struct wr_arguments *arguments, void (*print)(const json_t *status))
{
	struct look look;
	int status = look_at_all(arguments, &look);
	const json_t *one;
	size_t i;

	if (wr_is_given(arguments, "json") && look.count)
		wr_api_print(look.all);
	else
		json_array_foreach(look.all, i, one)
		{
			if (i)
				printf("\n");
			print(one);
		}
	json_decref(look.all);
	return status;
}

static int run_status(const struct wr_arguments *arguments)
{
	return show(arguments, print_status);
}

static int run_peers(const struct wr_arguments *arguments)
{
	return show(arguments, print_peers);
}

static void print_addresses(const json_t *status)
{
	const json_t *address;
	size_t i;

	json_array_foreach(json_object_get(status, "addresses"), i, address)
		printf("%s\n", json_string_value(address));
}

static int run_ip(const struct wr_arguments *arguments)
{
	return show(arguments, print_addresses);
}

const struct wr_verb wr_verb_status = {
	.name = "status",
	.summary = "this machine's networks: server or mesh, drift, and a line a peer",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_status,
};

const struct wr_verb wr_verb_peers = {
	.name = "peers",
	.summary = "the machines that this one may reach, and by which path",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_peers,
};

const struct wr_verb wr_verb_ip = {
	.name = "ip",
	.summary = "this machine's addresses in its networks",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_ip,
};
