/* Verbs of machines: the group, and those that look. */
#include "cli/machine.h"

#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_column listed[] = {
	{ "NAME", "name", WR_LOOK_TEXT },         { "LABEL", "label", WR_LOOK_TEXT },
	{ "ADDRESS", "address4", WR_LOOK_TEXT },  { "STATE", "state", WR_LOOK_STATE },
	{ "KIND", "kind", WR_LOOK_TEXT },         { "HANDSHAKE", "latest_handshake", WR_LOOK_AGO },
	{ "ENDPOINT", "endpoint", WR_LOOK_TEXT }, { "SENT", "rx_bytes", WR_LOOK_SIZE },
	{ "RECEIVED", "tx_bytes", WR_LOOK_SIZE }, { "TAGS", "tags", WR_LOOK_LIST },
};

const struct wr_column wr_cli_machine_columns[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "label", "label", WR_LOOK_TEXT },
	{ "id", "uid", WR_LOOK_TEXT },
	{ "state", "state", WR_LOOK_STATE },
	{ "kind", "kind", WR_LOOK_TEXT },
	{ "connected", "is_connected", WR_LOOK_YES },
	{ "host name", "hostname", WR_LOOK_TEXT },
	{ "version", "agent_version", WR_LOOK_TEXT },
	{ "ephemeral", "is_ephemeral", WR_LOOK_YES },
	{ "address", "address4", WR_LOOK_TEXT },
	{ "address (IPv6)", "address6", WR_LOOK_TEXT },
	{ "public key", "public_key", WR_LOOK_TEXT },
	{ "tags", "tags", WR_LOOK_LIST },
	{ "routes", "routes", WR_LOOK_LIST },
	{ "created", "created", WR_LOOK_TIME },
	{ "expires", "expires", WR_LOOK_TIME },
	{ "handshake", "latest_handshake", WR_LOOK_AGO },
	{ "last seen", "last_seen", WR_LOOK_AGO },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "sent", "rx_bytes", WR_LOOK_SIZE },
	{ "received", "tx_bytes", WR_LOOK_SIZE },
};
const size_t wr_cli_machine_column_count = WR_ARRAY_LEN(wr_cli_machine_columns);

int wr_cli_machine_get(struct wr_api *api, json_t **ret_machine)
{
	return wr_api_call(api, "GET",
			   wr_api_path("/orgs/{}/machines/{}", api->org,
				       api->arguments->operands[0]),
			   NULL, ret_machine);
}

/* --- warren machine list --- */

static const struct wr_option list_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "tag", "only those with this tag", "TAG" },
	{ 0, "name", "only those of this name", "NAME" },
	{ 0, "state", "only those in this state", "online|offline|never|disabled|expired|pending" },
};

static int run_list(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *machines = NULL;
	struct wr_table table = wr_table_of(listed, WR_ARRAY_LEN(listed));
	int status = wr_api_open_org(arguments, &api);
	char *path;

	if (status != WR_EXIT_DONE)
		return status;
	path = wr_api_path("/orgs/{}/machines", api.org);
	wr_api_query(&path, "tag", wr_value_of(arguments, "tag"));
	wr_api_query(&path, "name", wr_value_of(arguments, "name"));
	wr_api_query(&path, "state", wr_value_of(arguments, "state"));
	status = wr_api_list(&api, path, 0, &machines);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(machines);
	else
		wr_table_print(&table, machines, stdout);
	return WR_EXIT_DONE;
}

static const struct wr_verb list = {
	.group = "machine",
	.name = "list",
	.summary = "the machines of an organisation",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

/* --- warren machine show --- */

static const struct wr_option show_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };

static int run_show(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *machine = NULL;
	struct wr_table table = wr_table_of(wr_cli_machine_columns, wr_cli_machine_column_count);
	int status = wr_api_open_org(arguments, &api);

	if (status == WR_EXIT_DONE)
		status = wr_cli_machine_get(&api, &machine);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(machine);
	else
		wr_table_print_one(&table, machine, stdout);
	return WR_EXIT_DONE;
}

static const struct wr_verb show = {
	.group = "machine",
	.name = "show",
	.summary = "all about a machine",
	.options = show_options,
	.option_count = WR_ARRAY_LEN(show_options),
	.operand = "MACHINE",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_show,
};

static const struct wr_verb *const subs[] = {
	&wr_verb_machine_add,
	&wr_verb_machine_approve,
	&list,
	&show,
	&wr_verb_machine_rename,
	&wr_verb_machine_tag,
	&wr_verb_machine_route,
	&wr_verb_machine_rotate,
	&wr_verb_machine_disable,
	&wr_verb_machine_enable,
	&wr_verb_machine_expire,
	&wr_verb_machine_remove,
	NULL,
};

const struct wr_verb wr_verb_machine = {
	.name = "machine",
	.summary = "machines: add, approve, list, show, rename, tag, rotate, remove",
	.subs = subs,
};
