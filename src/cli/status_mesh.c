/* What this machine sees of a mesh. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/status.h"
#include "cli/tables.h"
#include "cli/terminal.h"
#include "linux/files.h"

static const struct wr_column guest_columns[] = {
	{ "guest", "name", WR_LOOK_TEXT },
	{ "endpoint", "endpoint", WR_LOOK_TEXT },
	{ "state", "state", WR_LOOK_STATE },
	{ "identity", "identity", WR_LOOK_TEXT },
};

void wr_status_line(const char *title, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	printf("%-10s", title);
	vprintf(format, values);
	printf("\n");
	va_end(values);
}

static long long number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = wr_json_text(object, name);

	return text ? text : "";
}

/* --- Who may be in. --- */

static void print_admission(const json_t *mesh)
{
	const char *admission = text_of(mesh, "admission");
	bool has_colour = wr_terminal_has_colour(stdout);

	if (strcmp(admission, "open") == 0)
		wr_status_line("admission",
			       "%sopen%s: whoever knows the name and reaches a member is in "
			       "(warren admit --close)",
			       has_colour ? "\033[1;33m" : "", has_colour ? "\033[0m" : "");
	else if (strcmp(admission, "secret") == 0)
		wr_status_line("admission", "secret: whoever has the secret or an invitation");
	else if (is_true(mesh, "is_founder"))
		wr_status_line("admission", "closed: whom this machine, the founder's, admits "
					    "(warren admit, warren invite)");
	else
		wr_status_line("admission", "closed: whom the founder %s admits",
			       text_of(mesh, "founder"));
}

static void print_own_admission(const json_t *mesh)
{
	const char *refusal = text_of(mesh, "refusal");

	if (!is_true(mesh, "is_admitted") || *refusal)
		wr_status_line("member", "not admitted: %s",
			       *refusal ? refusal
					: "nobody has let this machine in yet (on the founder's: "
					  "warren admit)");
}

void wr_status_print_mesh(const json_t *mesh)
{
	long long version = number_of(mesh, "policy_version");
	long long members = number_of(mesh, "members");

	wr_status_line("mesh", "%s, %lld member%s, %lld alive", text_of(mesh, "name"), members,
		       members == 1 ? "" : "s", number_of(mesh, "alive"));
	print_own_admission(mesh);
	print_admission(mesh);
	if (version)
		wr_status_line("policy", "version %lld", version);
}

/* --- How others get here. --- */

static void print_lan(const json_t *mesh)
{
	long long interfaces = number_of(mesh, "lan_interfaces");

	if (interfaces)
		wr_status_line("lan", "%lld interface%s", interfaces, interfaces == 1 ? "" : "s");
	else
		wr_status_line("lan", "none: nobody is found but by invitation (warren invite)");
}

static void print_relays(const json_t *mesh)
{
	const json_t *relays = json_object_get(mesh, "relays");
	WR_AUTO(wr_text_freep) char *names = wr_look_text(relays, WR_LOOK_LIST, 0);

	if (is_true(mesh, "is_open"))
		wr_status_line("reach", "open: others reach this machine by themselves");
	else if (json_array_size(relays))
		wr_status_line("reach", "directly where it can be, else over %s", names);
	else
		wr_status_line("reach", "directly only: no member that relays is known");
}

void wr_status_print_reach(const json_t *mesh)
{
	const json_t *l2 = json_object_get(mesh, "l2");

	print_lan(mesh);
	print_relays(mesh);
	if (json_is_object(l2))
		wr_status_line("layer 2", "%s, MTU %lld", text_of(l2, "interface"),
			       number_of(l2, "mtu"));
}

/* --- Who knocks. --- */

void wr_status_print_guests(const json_t *mesh)
{
	const struct wr_table table = wr_table_of(guest_columns, WR_ARRAY_LEN(guest_columns));
	const json_t *guests = json_object_get(mesh, "guests");

	if (!json_array_size(guests))
		return;
	printf("\n");
	wr_table_print(&table, guests, stdout);
}
