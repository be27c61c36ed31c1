/* Becoming a member of a server's network. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/join.h"
#include "base/key.h"
#include "base/number.h"
#include "cli/agent.h"
#include "cli/api.h"
#include "cli/membership.h"
#include "cli/tables.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/wg.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "linux/files.h"
#include "mesh/fields.h"

/* A network that cannot be reached is asked again: the server may have heard us, and knows by
 * our public key that it is us. */
#define ATTEMPTS 3
/* So long the first map is waited for, to say how it went. */
#define MAP_SECONDS 10
#define INTERFACES 100

static const struct wr_option options[] = {
	WR_MEMBERSHIP_OPTIONS,
	{ 'f', "foreground", "run the agent here, not in the background" },
	{ 0, "no-start", "join, and do not start the agent" },
	{ 'n', "name", "the machine's name there; else the host's", "NAME" },
	{ 0, "port", "UDP port of WireGuard; else any that is free", "PORT" },
	{ 0, "backend", "what carries the packets", "auto|kernel|engine" },
	{ 0, "names", "where names of machines are put", "auto|resolved|hosts|off" },
	{ 0, "accept-routes", "use the ranges behind other machines" },
	{ 0, "advertise", "be the router for this range; may be given again", "CIDR" },
	{ 0, "masquerade", "as a router, with our own address towards the range" },
};

/* --- What was asked for. --- */

static bool is_free(const struct wr_arguments *arguments, const char *interface)
{
	WR_AUTO(wr_text_freep)
	char *folder = wr_folder_path(wr_membership_base(arguments), interface);

	return access(folder, F_OK) != 0 && if_nametoindex(interface) == 0;
}

static int pick_interface(const struct wr_arguments *arguments, struct wr_state *state)
{
	const char *wanted = wr_value_of(arguments, "interface");

	if (wanted && (!wr_wg_is_name(wanted) || strchr(wanted, '%')))
		return wr_misuse(arguments, "%s cannot be the name of an interface", wanted);
	if (wanted && !is_free(arguments, wanted))
		return wr_complain(
			arguments,
			"%s is taken: leave that network first (warren leave -i %s), or take "
			"another interface",
			wanted, wanted);
	for (int i = 0; !wanted && i < INTERFACES; i++) {
		snprintf(state->interface, sizeof(state->interface), "warren%d", i);
		if (is_free(arguments, state->interface))
			return WR_EXIT_DONE;
	}
	if (wanted)
		snprintf(state->interface, sizeof(state->interface), "%s", wanted);
	return WR_EXIT_DONE;
}

static int read_port(const struct wr_arguments *arguments, struct wr_state *state)
{
	const char *text = wr_value_of(arguments, "port");
	uint64_t port = 0;

	if (text && !wr_number_parse(text, strlen(text), UINT16_MAX, &port))
		return wr_misuse(arguments, "--port %s: a number up to 65535", text);
	state->port = (uint16_t)port;
	return WR_EXIT_DONE;
}

static int read_routes(const struct wr_arguments *arguments, struct wr_state *state)
{
	const char *text;
	unsigned at = 0;

	while ((text = wr_next_value(arguments, "advertise", &at))) {
		struct wr_prefix *route = &state->routes[state->route_count];

		if (state->route_count == WR_STATE_ROUTES)
			return wr_misuse(arguments, "no more than %d ranges", WR_STATE_ROUTES);
		if (!wr_prefix_parse(text, strlen(text), route) || route->length == 0)
			return wr_misuse(arguments,
					 "--advertise %s: a range such as 192.168.5.0/24", text);
		state->route_count++;
	}
	state->may_forward = state->route_count > 0;
	state->masquerades = wr_is_given(arguments, "masquerade");
	return WR_EXIT_DONE;
}

static int read_words(const struct wr_arguments *arguments, struct wr_state *state)
{
	const char *backend = wr_value_of(arguments, "backend");
	const char *names = wr_value_of(arguments, "names");

	if (!wr_backend_kind_parse(backend ? backend : "auto", &state->backend))
		return wr_misuse(arguments, "--backend is auto, kernel or engine");
	if (!wr_names_kind_parse(names ? names : "auto", &state->names))
		return wr_misuse(arguments, "--names is auto, resolved, hosts or off");
	state->accepts_routes = wr_is_given(arguments, "accept-routes");
	return WR_EXIT_DONE;
}

static int read_wishes(const struct wr_arguments *arguments, struct wr_state *state)
{
	int status = pick_interface(arguments, state);

	if (status == WR_EXIT_DONE)
		status = read_port(arguments, state);
	if (status == WR_EXIT_DONE)
		status = read_words(arguments, state);
	if (status == WR_EXIT_DONE)
		status = read_routes(arguments, state);
	return status;
}

/* A key on the command line is seen in the list of processes only until here. */
static int read_key(const struct wr_arguments *arguments, struct wr_join_key *ret_key)
{
	WR_AUTO(wr_password_freep) char *text = NULL;
	const char *given = arguments->operand_count ? arguments->operands[0] : NULL;
	const char *variable = getenv("WARREN_JOIN_KEY");
	char why[200];
	int status;

	if (given && strcmp(given, "-") != 0) {
		text = wr_text_new("%s", given);
		wr_wipe((char *)(uintptr_t)given, strlen(given));
	} else if (!given && variable && *variable) {
		text = wr_text_new("%s", variable);
	} else {
		text = wr_terminal_password("Join key: ");
	}
	if (!text || !*text)
		return wr_misuse(arguments, "give a join key (warren key create makes one)");
	status = wr_join_key_parse(text, ret_key, why);
	return status < 0 ? wr_complain(arguments, "%s", why) : WR_EXIT_DONE;
}

/* --- Joining. --- */

static void make_key(struct wr_state *state)
{
	wr_random(&state->private_key, sizeof(state->private_key));
	wr_x25519_clamp(&state->private_key);
}

static int ask(const struct wr_arguments *arguments, const struct wr_join_key *key,
	       struct wr_state *state, bool *ret_is_pending)
{
	char why[WR_JOIN_WHY_LEN];
	int status = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		status = wr_join_ask(key, wr_value_of(arguments, "name"), state, ret_is_pending,
				     why);
		if (status == 0)
			return WR_EXIT_DONE;
		if (status != -ETIMEDOUT && status != -ECONNRESET && status != -EPIPE)
			break;
	}
	return wr_complain(arguments, "%s", why);
}

/* The server admitted a machine that cannot be: it is told so. */
static int give_up(const struct wr_arguments *arguments, const struct wr_state *state, int error)
{
	char why[WR_JOIN_WHY_LEN];

	if (wr_member_call(state, "DELETE", "/api/v1/agent", NULL, why) < 0)
		wr_complain(arguments,
			    "%s was admitted, and the server could not be told that it is "
			    "not to be: remove it there",
			    state->name);
	return wr_complain(arguments, "cannot write %s: %s", state->folder, strerror(-error));
}

/* A place for what the server says, before it is asked: a disk that is full is found here. */
static int make_place(const struct wr_arguments *arguments, struct wr_state *state)
{
	int status;

	state->folder = wr_folder_path(wr_membership_base(arguments), state->interface);
	status = wr_folder_make(state->folder);
	if (status == 0)
		status = wr_state_save(state);
	if (status == 0)
		return WR_EXIT_DONE;
	(void)wr_state_forget(state->folder);
	return wr_complain(arguments, "cannot write %s: %s%s", state->folder, strerror(-status),
			   status == -EACCES ? " (run it as root)" : "");
}

static int join(const struct wr_arguments *arguments, const struct wr_join_key *key,
		struct wr_state *state, bool *ret_is_pending)
{
	int status = make_place(arguments, state);

	if (status != WR_EXIT_DONE)
		return status;
	status = ask(arguments, key, state, ret_is_pending);
	if (status == WR_EXIT_DONE) {
		int error = wr_state_save(state);

		if (error < 0)
			status = give_up(arguments, state, error);
	}
	if (status != WR_EXIT_DONE)
		(void)wr_state_forget(state->folder);
	return status;
}

/* --- Telling. --- */

static void tell_pending(const struct wr_state *state)
{
	printf("warren: %s waits to be approved in network %s (on the server: warren machine approve "
	       "%s)\n",
	       state->name, state->network, state->name);
}

static bool has_map(const json_t *status)
{
	return json_array_size(json_object_get(status, "addresses")) > 0;
}

static void tell_member(const struct wr_state *state, const json_t *status)
{
	WR_AUTO(wr_text_freep)
	char *addresses = wr_look_text(json_object_get(status, "addresses"), WR_LOOK_LIST, 0);

	printf("warren: this machine is %s of network %s: %s on %s; %zu machines in reach (warren "
	       "status)\n",
	       state->name, state->network, addresses, state->interface,
	       json_array_size(json_object_get(status, "peers")));
}

static void tell(const struct wr_state *state)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0; i < MAP_SECONDS * 10; i++) {
		WR_AUTO(wr_json_freep) json_t *status = NULL;

		if (wr_membership_try(state->folder, "GET", "/status", &status) &&
		    has_map(status)) {
			tell_member(state, status);
			return;
		}
		nanosleep(&pause, NULL);
	}
	printf("warren: this machine is %s of network %s; the server has sent no map yet (warren "
	       "status)\n",
	       state->name, state->network);
}

static int start(const struct wr_arguments *arguments, const struct wr_state *state,
		 bool is_pending)
{
	bool in_foreground = wr_is_given(arguments, "foreground");
	int status;

	if (is_pending)
		tell_pending(state);
	else if (in_foreground || wr_is_given(arguments, "no-start"))
		printf("warren: this machine is %s of network %s, on %s\n", state->name,
		       state->network, state->interface);
	fflush(stdout);
	if (wr_is_given(arguments, "no-start"))
		return WR_EXIT_DONE;
	status = wr_agent_start(arguments, state->interface, state->folder, in_foreground);
	if (status == WR_EXIT_DONE && !in_foreground && !is_pending)
		tell(state);
	return status;
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_state_done) struct wr_state state = { .folder = NULL };
	struct wr_join_key key;
	bool is_pending = false;
	int status = wr_crypto_start();

	if (status < 0)
		return wr_complain(arguments, "the cryptographic libraries do not work");
	status = read_key(arguments, &key);
	if (status != WR_EXIT_DONE)
		return status;
	status = read_wishes(arguments, &state);
	if (status == WR_EXIT_DONE) {
		make_key(&state);
		status = join(arguments, &key, &state, &is_pending);
	}
	wr_wipe(&key, sizeof(key));
	return status == WR_EXIT_DONE ? start(arguments, &state, is_pending) : status;
}

const struct wr_verb wr_verb_join = {
	.name = "join",
	.summary = "become a member of a server's network, with a join key",
	.about = "`warren key create` makes the key, at the server. Without one it is read from\n"
		 "WARREN_JOIN_KEY, or from standard input. The machine's private key is made\n"
		 "here, and stays here. Where systemd runs, the agent is started as its service,\n"
		 "now and at each boot; else in the background.\n",
	.operand = "[KEY]",
	.max_operands = 1,
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
