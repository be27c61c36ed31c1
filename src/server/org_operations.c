/* Organisations: list, add, show, change, delete; the table of their members and invites too. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/accounts.h"
#include "server/intents.h"
#include "server/operation.h"
#include "server/orgs.h"
#include "server/rows.h"
#include "server/state.h"

/* --- Listing and showing. --- */

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	struct wr_org org;

	wr_org_read(row, &org);
	return wr_org_json(call, &org);
}

/* All, the caller's own, or the one that a token is for (whose user may be a site
 * administrator and no member). */
static int run_list(struct wr_call *call)
{
	const struct wr_caller *caller = &call->caller;
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(caller->is_site_admin), WR_I(caller->user),
				     WR_I(caller->only_org), WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT" WR_ORG_COLUMNS "FROM organisation o WHERE (?1"
			    " OR EXISTS (SELECT 1 FROM membership WHERE user = ?2"
			    "  AND organisation = o.id)"
			    " OR (SELECT is_site_admin FROM user WHERE id = ?2))"
			    " AND (?3 = 0 OR o.id = ?3) AND o.id > ?4 ORDER BY o.id LIMIT ?5",
			    WR_ARRAY_LEN(values), values, item);
}

static void set_result(struct wr_call *call, const struct wr_org *org)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", org->version);
	call->result = wr_org_json(call, org);
}

static int run_show(struct wr_call *call)
{
	struct wr_org org;

	if (wr_org_get(call, call->org, &org) < 0)
		return -1;
	set_result(call, &org);
	return 0;
}

/* --- Adding. --- */

/* A range that is given; null: without this family. */
static void read_range(struct wr_call *call, const char *name, enum wr_family family, bool *ret_has,
		       struct wr_prefix *ret_range)
{
	const char *text = wr_call_text(call, name), *fault;
	char pointer[32];

	*ret_has = text || !wr_call_has(call, name);
	if (!text)
		return;
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (!wr_prefix_parse(text, strlen(text), ret_range) || ret_range->ip.family != family) {
		wr_call_fault(call, pointer, "is no range of IPv%d", (int)family);
		return;
	}
	fault = wr_org_range_fault(ret_range);
	if (fault)
		wr_call_fault(call, pointer, "%s", fault);
}

static int read_quota(struct wr_call *call, int64_t *quota)
{
	json_t *value = json_object_get(call->body, "machine_quota");

	if (!value)
		return 0;
	if (!call->caller.is_site_admin && call->caller.role != WR_ACCESS_SITE)
		return wr_call_fail(call, 403, "site-only",
				    "Only a site administrator sets machine_quota.");
	*quota = json_integer_value(value);
	return 0;
}

static int check_name(struct wr_call *call, const char *name)
{
	const char *fault = name ? wr_name_fault(name, strlen(name)) : NULL;

	return fault ? wr_call_fault(call, "/name", "%s", fault) : 0;
}

static int read_wish(struct wr_call *call, struct wr_org_wish *wish)
{
	wish->name = wr_call_text(call, "name");
	wish->owner = call->caller.user;
	wish->machine_quota = call->caller.is_site_admin ? WR_ORG_QUOTA : WR_ORG_OPEN_QUOTA;
	check_name(call, wish->name);
	read_range(call, "network4", WR_IPV4, &wish->has_v4, &wish->range.v4);
	read_range(call, "network6", WR_IPV6, &wish->has_v6, &wish->range.v6);
	if (!wish->has_v4 && !wish->has_v6)
		wr_call_fault(call, "/network6", "and /network4 are both null: one is needed");
	return call->problem.status ? -1 : read_quota(call, &wish->machine_quota);
}

static int run_add(struct wr_call *call)
{
	struct wr_org_wish wish = { .name = NULL };
	struct wr_org org;

	if (wr_org_may_add(call, call->caller.user) < 0 || read_wish(call, &wish) < 0 ||
	    wr_org_add(call, &wish, &org) < 0)
		return -1;
	if (asprintf(&call->location, "/api/v1/orgs/%s", org.uid) < 0)
		call->location = NULL;
	set_result(call, &org);
	return 0;
}

/* --- Changing. --- */

static int read_name(struct wr_call *call, struct wr_org *org)
{
	const char *name = wr_call_text(call, "name");

	if (!name)
		return 0;
	if (check_name(call, name) < 0)
		return -1;
	snprintf(org->name, sizeof(org->name), "%s", name);
	return wr_org_choose_label(call, org->id, name, org->label);
}

static int read_disabled(struct wr_call *call, struct wr_org *org)
{
	if (!wr_call_has(call, "is_disabled"))
		return 0;
	if (call->caller.role != WR_ACCESS_SITE)
		return wr_call_fail(call, 403, "site-only",
				    "Only a site administrator sets is_disabled.");
	org->is_disabled = json_is_true(json_object_get(call->body, "is_disabled"));
	return 0;
}

static int match(struct wr_call *call, const struct wr_org *org)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", org->version);
	return wr_call_match(call, etag);
}

static int store(struct wr_call *call, const struct wr_org *org)
{
	int error = WR_DB_RUN(call->db,
			      "UPDATE organisation SET name = ?, label = ?, is_disabled = ?,"
			      " machine_quota = ?, version = version + 1 WHERE id = ?",
			      WR_T(org->name), WR_T(org->label), WR_I(org->is_disabled),
			      WR_I(org->machine_quota), WR_I(org->id));

	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict",
				    "There is an organisation of this name; choose another.");
	return error ? wr_call_fail_db(call, error) : 0;
}

static void tell(struct wr_call *call, const char *type, const struct wr_org *org)
{
	wr_call_event(call, type,
		      json_pack("{s:s, s:s, s:s}", "uid", org->uid, "name", org->name, "label",
				org->label));
}

static int run_change(struct wr_call *call)
{
	struct wr_org before, after;

	if (wr_org_get(call, call->org, &before) < 0 || match(call, &before) < 0)
		return -1;
	after = before;
	if (read_name(call, &after) < 0 || read_disabled(call, &after) < 0 ||
	    read_quota(call, &after.machine_quota) < 0 || store(call, &after) < 0 ||
	    wr_intend_org(call, after.id) < 0)
		return -1;
	after.version++;
	set_result(call, &after);
	wr_call_audit(call, after.uid, after.name, wr_org_settings(&before),
		      wr_org_settings(&after));
	tell(call, "org.changed", &after);
	return 0;
}

/* --- Deleting. --- */

/* All that is its own goes with it; the line in the log becomes the site's. */
static int run_delete(struct wr_call *call)
{
	struct wr_org org;
	int error;

	if (wr_org_get(call, call->org, &org) < 0 || match(call, &org) < 0)
		return -1;
	error = WR_DB_RUN(call->db, "DELETE FROM organisation WHERE id = ?", WR_I(org.id));
	if (error)
		return wr_call_fail_db(call, error);
	wr_intend_org_gone(call, org.id);
	wr_call_audit(call, org.uid, org.name, wr_org_settings(&org), NULL);
	tell(call, "org.removed", &org);
	wr_account_end_streams(call, &(struct wr_events_reader){ .org = org.id });
	return 0;
}

/* --- The table. --- */

static const char *const roles[] = { "viewer", "operator", "admin", "owner", NULL };

static const struct wr_field add_fields[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Display name" },
	{ .name = "network4",
	  .kind = WR_KIND_PREFIX,
	  .can_be_null = true,
	  .help = "Private IPv4 range of /8 to /29; the server's default if not given, none if "
		  "null" },
	{ .name = "network6",
	  .kind = WR_KIND_PREFIX,
	  .can_be_null = true,
	  .help = "Private IPv6 range of /16 to /120; a random /64 if not given, none if null" },
	{ .name = "machine_quota",
	  .kind = WR_KIND_NUMBER,
	  .max = WR_ORG_QUOTA_MAX,
	  .help = "Machines that it may have; for site administrators" },
	{ 0 },
};

static const struct wr_field change_fields[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .help = "Display name; label and DNS name follow" },
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .help = "Its machines do not reach the hub; for site administrators" },
	{ .name = "machine_quota",
	  .kind = WR_KIND_NUMBER,
	  .max = WR_ORG_QUOTA_MAX,
	  .help = "Machines that it may have; for site administrators" },
	{ 0 },
};

static const struct wr_field member_set_fields[] = {
	{ .name = "role",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = roles,
	  .help = "What they may do" },
	{ 0 },
};

static const struct wr_field invite_add_fields[] = {
	{ .name = "role",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = roles,
	  .help = "The role of who signs up by it; not more than the own" },
	{ .name = "expires_in",
	  .kind = WR_KIND_SPAN,
	  .help = "When it ends: 30 days at the most, 7 if not given" },
	{ 0 },
};

const struct wr_operation wr_operations_org[] = {
	{ .id = "org.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs",
	  .summary = "List the own organisations; site administrators see all",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_paged = true,
	  .result = wr_org_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "org.add",
	  .method = WR_HTTP_POST,
	  .path = "/orgs",
	  .summary = "Make an organisation, with its own key, ranges and policy",
	  .about = "For site administrators; where anyone may sign up, for everybody. Whoever is "
		   "signed in becomes its owner. Ranges may be the same as another's.",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_change = true,
	  .body = add_fields,
	  .result = wr_org_fields,
	  .status = 201,
	  .run = run_add },
	{ .id = "org.show",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}",
	  .summary = "Show an organisation",
	  .access = WR_ACCESS_VIEWER,
	  .result = wr_org_fields,
	  .status = 200,
	  .run = run_show },
	{ .id = "org.change",
	  .method = WR_HTTP_PATCH,
	  .path = "/orgs/{org}",
	  .summary = "Change an organisation",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .body = change_fields,
	  .result = wr_org_fields,
	  .status = 200,
	  .run = run_change },
	{ .id = "org.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}",
	  .summary = "Delete an organisation with all that is its own",
	  .about = "Machines, policies, members, invites, tokens for it and its audit log go, and "
		   "its key is wiped. The site's audit log says that it was there.",
	  .access = WR_ACCESS_OWNER,
	  .is_change = true,
	  .status = 204,
	  .run = run_delete },
	{ .id = "member.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/members",
	  .summary = "List the members",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .result = wr_member_fields,
	  .status = 200,
	  .run = wr_member_list_run },
	{ .id = "member.set",
	  .method = WR_HTTP_PUT,
	  .path = "/orgs/{org}/members/{user}",
	  .summary = "Make a user a member, or change the role",
	  .about = "The last owner stays one (409).",
	  .access = WR_ACCESS_OWNER,
	  .is_change = true,
	  .body = member_set_fields,
	  .result = wr_member_fields,
	  .status = 200,
	  .run = wr_member_set_run },
	{ .id = "member.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/members/{user}",
	  .summary = "Remove a member",
	  .about = "The last owner cannot be removed (409).",
	  .access = WR_ACCESS_OWNER,
	  .is_change = true,
	  .status = 204,
	  .run = wr_member_remove_run },
	{ .id = "invite.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/invites",
	  .summary = "List the invites that nobody used yet",
	  .access = WR_ACCESS_ADMIN,
	  .is_paged = true,
	  .result = wr_invite_fields,
	  .status = 200,
	  .run = wr_invite_list_run },
	{ .id = "invite.add",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/invites",
	  .summary = "Invite somebody: one person can sign up by it, once",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .body = invite_add_fields,
	  .result = wr_invite_new_fields,
	  .status = 201,
	  .run = wr_invite_add_run },
	{ .id = "invite.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/invites/{invite}",
	  .summary = "Take an invite back",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .status = 204,
	  .run = wr_invite_remove_run },
	{ 0 },
};
