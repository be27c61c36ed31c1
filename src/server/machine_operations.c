/* The table of operations on machines. */
#include "server/machine_run.h"

static const struct wr_field list_query[] = {
	{ .name = "tag", .kind = WR_KIND_TAG, .help = "Only machines with this tag" },
	{ .name = "name",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = WR_NAME_POINTS,
	  .help = "Only machines with this in their name or label" },
	{ .name = "state",
	  .kind = WR_KIND_CHOICE,
	  .choices = wr_machine_states,
	  .help = "Only machines in this state" },
	{ 0 },
};

#define SETTINGS \
	{ .name = "tags", \
	  .kind = WR_KIND_TAGS, \
	  .max = WR_TAGS_MAX, \
	  .help = "What policies call it besides its label" }, \
		{ .name = "routes", \
		  .kind = WR_KIND_PREFIXES, \
		  .max = WR_ROUTES_MAX, \
		  .help = "Prefixes that are reached through it" }, \
	{ \
		.name = "expires_in", .kind = WR_KIND_SPAN, .can_be_null = true, \
		.help = "It is shut out after this time; null: never" \
	}

static const struct wr_field add_body[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Its name" },
	{ .name = "address4",
	  .kind = WR_KIND_IP,
	  .help = "IPv4 address; the next free one if not given" },
	{ .name = "address6",
	  .kind = WR_KIND_IP,
	  .help = "IPv6 address; the next free one if not given" },
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .help = "Its own WireGuard public key; a key pair is made if not given" },
	SETTINGS,
	{ .name = "with_preshared_key",
	  .kind = WR_KIND_FLAG,
	  .help = "Mixes a preshared key in, against an adversary who keeps what is sent" },
	{ 0 },
};

static const struct wr_field change_body[] = {
	{ .name = "name",
	  .kind = WR_KIND_NAME,
	  .help = "Its name; its label follows, unless the policy names it" },
	SETTINGS,
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .help = "Shuts it out, or lets it in again" },
	{ 0 },
};

static const struct wr_field rotate_body[] = {
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .help = "Its new public key; a key pair is made if not given" },
	{ 0 },
};

const struct wr_operation wr_operations_machine[] = {
	{ .id = "machine.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/machines",
	  .summary = "Lists the machines of an organisation",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .query = list_query,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = wr_machine_list_run },
	{ .id = "machine.add",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/machines",
	  .summary = "Adds a machine, and answers with its file for wg-quick",
	  .about =
		  "A private key that is made here stands in the file only: it is neither kept nor "
		  "shown again.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = add_body,
	  .result = wr_machine_config_fields,
	  .status = 201,
	  .run = wr_machine_add_run },
	{ .id = "machine.show",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Shows a machine",
	  .access = WR_ACCESS_VIEWER,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = wr_machine_show_run },
	{ .id = "machine.change",
	  .method = WR_HTTP_PATCH,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Changes a machine's name, tags, routes or expiry, or shuts it out",
	  .about = "A machine that the policy names keeps its label.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = change_body,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = wr_machine_change_run },
	{ .id = "machine.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Removes a machine",
	  .about = "Its addresses are not given to another for a day. A machine that the policy "
		   "names cannot be removed.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .status = 204,
	  .run = wr_machine_remove_run },
	{ .id = "machine.rotate",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/machines/{machine}/rotate",
	  .summary = "Gives a machine a new key, and answers with its new file",
	  .about = "The old key is worth nothing at once. A preshared key changes too. A machine "
		   "with an agent makes its own keys.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = rotate_body,
	  .result = wr_machine_config_fields,
	  .status = 200,
	  .run = wr_machine_rotate_run },
	{ .id = "machine.approve",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/machines/{machine}/approve",
	  .summary = "Lets a machine in that joined by a key that asks for approval",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = wr_machine_approve_run },
	{ 0 },
};
