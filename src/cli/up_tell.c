/* What is said of a mesh that is up. */
#include <stdio.h>

#include "cli/terminal.h"
#include "cli/up.h"
#include "crypto/sign.h"
#include "linux/addresses.h"

static void tell_addresses(const struct wr_mesh_state *state)
{
	const char *name = *state->name ? state->name : state->wanted_name;
	struct wr_key identity = wr_sign_public(&state->seed);
	char v4[WR_ENDPOINT_TEXT_LEN], v6[WR_ENDPOINT_TEXT_LEN];
	struct wr_mesh_keys keys;
	struct wr_ip ip;

	wr_mesh_keys(&state->root, &keys);
	ip = wr_mesh_v6(&keys.range6, &identity);
	wr_ip_format(&ip, v6);
	ip = wr_mesh_v4(&state->range4, &identity, state->v4_attempt);
	wr_ip_format(&ip, v4);
	wr_wipe(&keys, sizeof(keys));
	printf("warren: this machine is %s of mesh %s: %s %s on %s (warren status)\n", name,
	       state->mesh, v4, v6, state->interface);
}

/* On standard error, so that it is seen also where nobody looks at the rest. */
static void tell_open(const struct wr_mesh_state *state)
{
	bool has_colour = wr_terminal_has_colour(stderr);

	fprintf(stderr,
		"%swarren: mesh %s is OPEN: whoever knows its name and reaches a member is in.%s\n"
		"        To close it: warren admit --close; or a secret for all, from the beginning: "
		"MESH_SECRET\n",
		has_colour ? "\033[1;33m" : "", state->mesh, has_colour ? "\033[0m" : "");
}

static void tell_no_lan(const struct wr_mesh_state *state)
{
	struct wr_host_address addresses[WR_ADDRESSES_MAX];

	if (state->has_invitation)
		return;
	if (state->is_lan_off)
		printf("warren: no LAN is listened to: members find each other by invitation only "
		       "(warren invite)\n");
	else if (wr_addresses_list(NULL, 0, addresses) == 0)
		printf("warren: this host is on no LAN: nobody can be found until it is, or an "
		       "invitation is used (warren up --join)\n");
}

void wr_up_tell(const struct wr_mesh_state *state)
{
	tell_addresses(state);
	tell_no_lan(state);
	if (!state->has_secret && !state->has_founder)
		tell_open(state);
}
