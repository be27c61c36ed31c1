/* Organisations: rows as structs, and as the API shows them; how one is made.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "base/key.h"
#include "server/addresses.h"
#include "server/call.h"
#include "server/names.h"

/* Of a new organisation, unless it is said otherwise. */
#define WR_ORG_QUOTA 10000
/* Where anyone may sign up: machines of an organisation that its owner made, and
 * organisations that one person owns. */
#define WR_ORG_OPEN_QUOTA 250
#define WR_ORGS_OF_USER 5
#define WR_ORG_QUOTA_MAX 1000000

struct wr_org {
	int64_t id;
	char uid[WR_UID_LEN + 1];
	char name[WR_NAME_LEN + 1];
	char label[WR_LABEL_LEN + 1];
	struct wr_range range;
	struct wr_key hub_public;
	int64_t machine_quota, machine_count;
	bool is_disabled;
	int64_t created, version;
};

/* What a statement has to select, from `organisation o`, for wr_org_read(). */
#define WR_ORG_COLUMNS \
	" o.id, o.uid, o.name, o.label, o.range4, o.range6, o.hub_public, o.machine_quota," \
	" (SELECT count(*) FROM machine WHERE organisation = o.id), o.is_disabled, o.created," \
	" o.version "
void wr_org_read(const struct wr_row *row, struct wr_org *ret_org);
/* 0, or -1 and a problem. */
int wr_org_get(struct wr_call *call, int64_t id, struct wr_org *ret_org) WR_MUST_CHECK;

/* A range that an organisation may have: private (RFC 1918, RFC 6598, RFC 4193), IPv4 of /8 to
 * /29, IPv6 of /16 to /120. NULL, or what is wrong as the end of a sentence. */
const char *wr_org_range_fault(const struct wr_prefix *range);
/* The label for a name, new or of this row (0: of a new one). 0, or -1 and a problem. */
int wr_org_choose_label(struct wr_call *call, int64_t org, const char *name,
			char ret_label[WR_LABEL_LEN + 1]) WR_MUST_CHECK;

/* A new organisation of this name, ranges (family none: the defaults; see `has_v4` and
 * `has_v6`) and quota: its key, its first policy, its owner (0: none); the hub is told. The
 * call is in that organisation from here on, for the audit log and events, which it gets
 * too. Fills in the rest. 0, or -1 and a problem. */
struct wr_org_wish {
	const char *name;
	bool has_v4, has_v6; /* false: without this family */
	struct wr_range range;
	int64_t machine_quota, owner;
};
int wr_org_add(struct wr_call *call, const struct wr_org_wish *wish, struct wr_org *ret_org)
	WR_MUST_CHECK;
/* Whether the caller may make one: 0, or -1 and a problem. */
int wr_org_may_add(struct wr_call *call, int64_t user) WR_MUST_CHECK;

json_t *wr_org_json(struct wr_call *call, const struct wr_org *org);
/* What can be changed of it, and its ranges, for the audit log. */
json_t *wr_org_settings(const struct wr_org *org);
extern const struct wr_field wr_org_fields[];

/* Operations of server/org_operations.c that stand in files of their own. */
int wr_member_list_run(struct wr_call *call);
int wr_member_set_run(struct wr_call *call);
int wr_member_remove_run(struct wr_call *call);
extern const struct wr_field wr_member_fields[];
int wr_invite_list_run(struct wr_call *call);
int wr_invite_add_run(struct wr_call *call);
int wr_invite_remove_run(struct wr_call *call);
extern const struct wr_field wr_invite_fields[], wr_invite_new_fields[];
