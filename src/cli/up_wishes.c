/* How a machine wants its mesh: options and environment. What is not given stays as it was. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/up.h"
#include "mesh/fields.h"

/* WireGuard's own. */
#define USUAL_PORT 51820

static void set_defaults(struct wr_mesh_state *state)
{
	struct wr_mesh_keys keys;

	wr_mesh_keys(&state->root, &keys);
	state->range4 = keys.range4;
	wr_wipe(&keys, sizeof(keys));
	state->listen = (struct wr_ip){ 0 };
	state->metrics = (struct wr_endpoint){ 0 };
	state->port = 0;
	if (!state->last_port)
		state->last_port = USUAL_PORT;
	state->backend = WR_BACKEND_ENGINE;
	state->names = WR_NAMES_AUTO;
	state->is_lan_off = state->is_relay_off = state->has_l2 = false;
	state->accepts_routes = state->masquerades = false;
	state->route_count = 0;
	state->wanted_name[0] = '\0';
}

/* --- The name. --- */

/* "Atlas.example.com" is atlas; what no label can have is a hyphen. */
static void host_label(char ret_name[WR_ITEM_NAME_LEN + 1])
{
	char host[256] = "";
	size_t len = 0;

	(void)gethostname(host, sizeof(host) - 1);
	for (const char *at = host; *at && *at != '.' && len < WR_ITEM_NAME_LEN; at++) {
		bool is_plain = isalnum((unsigned char)*at) && isascii((unsigned char)*at);

		if (is_plain)
			ret_name[len++] = (char)tolower((unsigned char)*at);
		else if (len > 0 && ret_name[len - 1] != '-')
			ret_name[len++] = '-';
	}
	while (len > 0 && ret_name[len - 1] == '-')
		len--;
	ret_name[len] = '\0';
	if (!len)
		snprintf(ret_name, WR_ITEM_NAME_LEN + 1, "member");
}

static int read_name(struct wr_up *up)
{
	const char *text = wr_value_of(up->arguments, "name");
	struct wr_mesh_state *state = &up->state;

	if (text && !wr_mesh_is_name(text))
		return wr_misuse(up->arguments,
				 "--name %.64s: lower-case letters, digits and hyphens, 63 at most",
				 text);
	if (text)
		snprintf(state->wanted_name, sizeof(state->wanted_name), "%s", text);
	else if (!*state->wanted_name)
		host_label(state->wanted_name);
	return WR_EXIT_DONE;
}

/* --- Addresses and ports. --- */

/* "192.0.2.1:51820", "[2001:db8::1]:51820", ":51820", "51820", "192.0.2.1". */
static bool parse_listen(const char *text, struct wr_ip *ret_ip, uint64_t *ret_port)
{
	struct wr_endpoint endpoint;
	const char *number = *text == ':' ? text + 1 : text;

	*ret_ip = (struct wr_ip){ 0 };
	*ret_port = 0;
	if (wr_number_parse(number, strlen(number), UINT16_MAX, ret_port))
		return true;
	if (wr_ip_parse(text, strlen(text), ret_ip))
		return true;
	if (!wr_endpoint_parse(text, strlen(text), &endpoint))
		return false;
	*ret_ip = endpoint.ip;
	*ret_port = endpoint.port;
	return true;
}

static bool is_any(const struct wr_ip *ip)
{
	static const uint8_t zero[sizeof(ip->bytes)];

	return memcmp(ip->bytes, zero, sizeof(zero)) == 0;
}

static int read_listen(struct wr_up *up)
{
	const char *text = wr_up_wish(up->arguments, "listen", "WARREN_LISTEN", "LISTEN_ADDR");
	struct wr_ip ip;
	uint64_t port;

	if (!text)
		return WR_EXIT_DONE;
	if (!parse_listen(text, &ip, &port))
		return wr_misuse(up->arguments,
				 "--listen %.80s: ADDRESS:PORT, :PORT or PORT, such as "
				 "0.0.0.0:51820",
				 text);
	up->state.listen = is_any(&ip) ? (struct wr_ip){ 0 } : ip;
	up->state.port = (uint16_t)port;
	return WR_EXIT_DONE;
}

static int read_metrics(struct wr_up *up)
{
	const char *text = wr_up_wish(up->arguments, "metrics", "WARREN_METRICS", NULL);
	struct wr_endpoint endpoint;

	if (!text)
		return WR_EXIT_DONE;
	if (!wr_endpoint_parse(text, strlen(text), &endpoint) || endpoint.port == 0)
		return wr_misuse(up->arguments,
				 "--metrics %.80s: an address and a port, such as "
				 "127.0.0.1:9100",
				 text);
	up->state.metrics = endpoint;
	return WR_EXIT_DONE;
}

/* --- Ranges. --- */

static int read_network(struct wr_up *up)
{
	const char *text = wr_up_wish(up->arguments, "network", "WARREN_NETWORK", NULL);
	struct wr_prefix range;

	if (!text)
		return WR_EXIT_DONE;
	if (!wr_prefix_parse(text, strlen(text), &range) || !wr_mesh_is_range(&range))
		return wr_misuse(up->arguments,
				 "--network %.80s: a private IPv4 range from /8 to /24, such as "
				 "100.72.0.0/16",
				 text);
	up->state.range4 = range;
	return WR_EXIT_DONE;
}

static int read_routes(struct wr_up *up)
{
	struct wr_mesh_state *state = &up->state;
	const char *text;
	unsigned at = 0;

	if (wr_is_given(up->arguments, "advertise"))
		state->route_count = 0;
	while ((text = wr_next_value(up->arguments, "advertise", &at))) {
		struct wr_prefix *route = &state->routes[state->route_count];

		if (state->route_count == WR_ITEM_ROUTES)
			return wr_misuse(up->arguments, "no more than %d ranges", WR_ITEM_ROUTES);
		if (!wr_prefix_parse(text, strlen(text), route) || route->length == 0)
			return wr_misuse(up->arguments,
					 "--advertise %.80s: a range such as 192.168.5.0/24", text);
		state->route_count++;
	}
	return WR_EXIT_DONE;
}

/* --- Words and flags. --- */

static int read_words(struct wr_up *up)
{
	const char *backend = wr_up_wish(up->arguments, "backend", "WARREN_BACKEND", NULL);
	const char *names = wr_up_wish(up->arguments, "names", "WARREN_NAMES", NULL);

	if (backend && !wr_backend_kind_parse(backend, &up->state.backend))
		return wr_misuse(up->arguments, "--backend is auto, kernel or engine");
	if (names && !wr_names_kind_parse(names, &up->state.names))
		return wr_misuse(up->arguments, "--names is auto, resolved, hosts or off");
	return WR_EXIT_DONE;
}

static void read_flags(struct wr_up *up)
{
	const struct wr_arguments *arguments = up->arguments;

	up->state.is_lan_off |= wr_is_given(arguments, "no-lan");
	up->state.is_relay_off |= wr_is_given(arguments, "no-relay");
	up->state.has_l2 |= wr_is_given(arguments, "l2");
	up->state.accepts_routes |= wr_is_given(arguments, "accept-routes");
	up->state.masquerades |= wr_is_given(arguments, "masquerade");
}

int wr_up_read_wishes(struct wr_up *up)
{
	static int (*const readers[])(struct wr_up * up) = {
		read_name, read_listen, read_metrics, read_network, read_routes, read_words,
	};

	if (up->is_new || wr_is_given(up->arguments, "reset"))
		set_defaults(&up->state);
	for (size_t i = 0; i < WR_ARRAY_LEN(readers); i++) {
		int status = readers[i](up);

		if (status != WR_EXIT_DONE)
			return status;
	}
	read_flags(up);
	return WR_EXIT_DONE;
}
