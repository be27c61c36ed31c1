/* What the network between here and the server does. */
#include <stdio.h>

#include "cli/api.h"
#include "cli/membership.h"
#include "cli/verbs.h"

static const struct wr_option options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
};

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	struct wr_membership membership;
	const json_t *line;
	size_t i;
	int status = wr_membership_find(arguments, &membership);

	if (status != WR_EXIT_DONE)
		return status;
	status = wr_membership_ask(&membership, "GET", "/netcheck", NULL, &result);
	wr_membership_done(&membership);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json")) {
		wr_api_print(result);
		return WR_EXIT_DONE;
	}
	json_array_foreach(json_object_get(result, "lines"), i, line)
		printf("%s\n", json_string_value(line));
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_netcheck = {
	.name = "netcheck",
	.summary = "what the network between here and the server does: NAT, port mapping, UDP",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
