/* Verbs of DNS records: names of a network that are no machine's. */
#include <string.h>
#include <strings.h>

#include "cli/simple.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "NAME", "full_name", WR_LOOK_TEXT },  { "TYPE", "type", WR_LOOK_TEXT },
	{ "ADDRESS", "address", WR_LOOK_TEXT }, { "ID", "uid", WR_LOOK_TEXT },
	{ "BY", "creator", WR_LOOK_TEXT },
};

static const struct wr_option options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };
static const struct wr_option remove_options[] = { WR_ORG_OPTIONS };

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_ORG, "/orgs/{}/dns", listed,
			      WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "dns",
	.name = "list",
	.summary = "names besides the machines' own",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_list,
};

/* --- warren dns add --- */

static int add_address(const struct wr_arguments *arguments, const char *address)
{
	WR_AUTO(wr_json_freep) json_t *record = NULL;
	int status = wr_simple_ask(arguments, WR_SCOPE_ORG, "POST", "/orgs/{}/dns",
				   json_pack("{s:s, s:s}", "name", arguments->operands[0],
					     "address", address),
				   &record);

	if (status == WR_EXIT_DONE && wr_is_given(arguments, "json"))
		wr_api_print(record);
	return status;
}

static int run_add(const struct wr_arguments *arguments)
{
	int status = WR_EXIT_DONE;

	for (unsigned i = 1; i < arguments->operand_count && status == WR_EXIT_DONE; i++)
		status = add_address(arguments, arguments->operands[i]);
	return status;
}

static const struct wr_verb add = {
	.group = "dns",
	.name = "add",
	.summary = "give addresses a name in the network",
	.about = "NAME is one under the network's suffix, with or without it: git, or\n"
		 "git.acme.warren. Every member with an agent knows it.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "NAME ADDRESS [ADDRESS]...",
	.min_operands = 2,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_add,
};

/* --- warren dns remove --- */

/* By identifier, or by name, with or without the suffix and the dot behind it. */
static bool is_named(const json_t *record, const char *text)
{
	static const char *const members[] = { "uid", "name", "full_name" };
	size_t len = strlen(text);

	len -= len && text[len - 1] == '.';
	for (size_t i = 0; i < WR_ARRAY_LEN(members); i++) {
		const char *value = wr_json_text(record, members[i]);

		if (value && strlen(value) == len && strncasecmp(value, text, len) == 0)
			return true;
	}
	return false;
}

static bool is_meant(const struct wr_arguments *arguments, const json_t *record)
{
	const char *address = wr_json_text(record, "address");

	if (!is_named(record, arguments->operands[0]))
		return false;
	for (unsigned i = 1; i < arguments->operand_count; i++) {
		if (address && strcmp(address, arguments->operands[i]) == 0)
			return true;
	}
	return arguments->operand_count == 1;
}

static int remove_meant(struct wr_api *api, const json_t *records)
{
	unsigned count = 0;
	const json_t *record;
	size_t i;

	json_array_foreach(records, i, record)
	{
		int status;

		if (!is_meant(api->arguments, record))
			continue;
		count++;
		status = wr_api_call(api, "DELETE",
				     wr_api_path("/orgs/{}/dns/{}", api->org,
						 wr_json_text(record, "uid")),
				     NULL, NULL);
		if (status != WR_EXIT_DONE)
			return status;
	}
	return count ? WR_EXIT_DONE
		     : wr_complain(api->arguments,
				   "there is no such record (see: warren dns list)");
}

static int run_remove(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *records = NULL;
	int status = wr_api_open_org(arguments, &api);

	if (status == WR_EXIT_DONE)
		status = wr_api_list(&api, wr_api_path("/orgs/{}/dns", api.org), 0, &records);
	return status == WR_EXIT_DONE ? remove_meant(&api, records) : status;
}

static const struct wr_verb remove_verb = {
	.group = "dns",
	.name = "remove",
	.summary = "take a name away, or some of its addresses",
	.options = remove_options,
	.option_count = WR_ARRAY_LEN(remove_options),
	.operand = "NAME [ADDRESS]...",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_remove,
};

static const struct wr_verb *const subs[] = { &list, &add, &remove_verb, NULL };

const struct wr_verb wr_verb_dns = {
	.name = "dns",
	.summary = "names in the network besides the machines' own: list, add, remove",
	.subs = subs,
};
