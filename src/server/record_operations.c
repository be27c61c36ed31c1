/* Operations on DNS records: names of a network that are no machine's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/addresses.h"
#include "server/intents.h"
#include "server/machine_run.h"
#include "server/names.h"
#include "server/rows.h"
#include "server/state.h"

/* They stand in every member's map. */
#define RECORDS_OF_ORG 500
#define NAME_LABELS 4
/* RFC 1035 section 2.3.4: 255 bytes on the wire; room for the suffix. */
#define NAME_LEN 160

#define COLUMNS " r.id, r.uid, r.name, r.address, r.created, r.creator, o.label "
#define TABLES "FROM dns_record r JOIN organisation o ON o.id = r.organisation "

/* --- Shown. --- */

static json_t *address_json(const struct wr_row *row, unsigned column)
{
	struct wr_ip ip = wr_address_column(row, column);
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(&ip, text);
	return json_string(text);
}

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	struct wr_ip ip = wr_address_column(row, 3);

	(void)call;
	return json_pack(
		"{s:s, s:s, s:o, s:s, s:o, s:o, s:s}", "uid", wr_row_text(row, 1), "name",
		wr_row_text(row, 2), "full_name",
		json_sprintf("%s.%s." WR_DNS_SUFFIX, wr_row_text(row, 2), wr_row_text(row, 6)),
		"type", ip.family == WR_IPV4 ? "A" : "AAAA", "address", address_json(row, 3),
		"created", wr_json_time(wr_row_int(row, 4)), "creator", wr_row_text(row, 5));
}

static int run_list(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(call->org), WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT" COLUMNS TABLES "WHERE r.organisation = ?1 AND r.id > ?2"
			    " ORDER BY r.id LIMIT ?3",
			    WR_ARRAY_LEN(values), values, item);
}

static int find(struct wr_call *call, const char *uid, json_t **ret_record)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT" COLUMNS TABLES "WHERE r.organisation = ? AND r.uid = ?",
			      WR_I(call->org), WR_T(uid));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 404, "not-found",
				    "The organisation has no DNS record of this identifier.");
	*ret_record = item(call, row);
	wr_row_end(row);
	return 0;
}

static void note(struct wr_call *call, const char *type, json_t *before, json_t *after)
{
	json_t *record = after ? after : before;
	const char *uid = json_string_value(json_object_get(record, "uid"));
	const char *name = json_string_value(json_object_get(record, "name"));

	wr_intend_maps(call);
	wr_call_event(call, type, json_pack("{s:s, s:s}", "uid", uid, "name", name));
	wr_call_audit(call, uid, name, json_deep_copy(before), json_deep_copy(after));
}

/* --- Added. --- */

struct record {
	char name[NAME_LEN + 1]; /* before the network's suffix */
	struct wr_ip address;
};

/* Lower case, without the network's suffix, if it was given with it. */
static int take_name(const char *text, const char *suffix, char ret_name[NAME_LEN + 1])
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	len -= len && text[len - 1] == '.';
	if (len > suffix_len && text[len - suffix_len - 1] == '.' &&
	    strncasecmp(text + len - suffix_len, suffix, suffix_len) == 0)
		len -= suffix_len + 1;
	if (len > NAME_LEN)
		return -1;
	for (size_t i = 0; i < len; i++)
		ret_name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	ret_name[len] = '\0';
	return 0;
}

static bool is_name(const char *name)
{
	unsigned labels = 0;

	for (;;) {
		size_t len = strcspn(name, ".");

		if (!wr_label_is_good(name, len) || ++labels > NAME_LABELS)
			return false;
		if (!name[len])
			return true;
		name += len + 1;
	}
}

static int read_name(struct wr_call *call, const struct wr_machine_org *org, struct record *record)
{
	char suffix[WR_LABEL_LEN + sizeof("." WR_DNS_SUFFIX)];

	snprintf(suffix, sizeof(suffix), "%s." WR_DNS_SUFFIX, org->label);
	if (take_name(wr_call_text(call, "name"), suffix, record->name) == 0 &&
	    is_name(record->name))
		return 0;
	return wr_call_fault(call, "/name",
			     "is no name under %s: one to four labels of a-z, 0-9 and '-', as "
			     "\"git\" or \"git.%s\"",
			     suffix, suffix);
}

static int read_address(struct wr_call *call, struct record *record)
{
	static const char *const texts[] = { "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/128",
					     "::1/128",   "ff00::/8",    "fe80::/10" };
	const char *text = wr_call_text(call, "address");
	struct wr_prefix special, own;

	if (!wr_ip_parse(text, strlen(text), &record->address))
		return wr_call_fault(call, "/address", "is no IPv4 or IPv6 address");
	own = (struct wr_prefix){ record->address, record->address.family == WR_IPV4 ? 32 : 128 };
	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++) {
		if (wr_prefix_parse(texts[i], strlen(texts[i]), &special) &&
		    wr_address_overlaps(&own, &special))
			return wr_call_fault(call, "/address",
					     "is none that other machines could reach");
	}
	return 0;
}

/* A machine's name is the machine's; so is the hub's. */
static int check_taken(struct wr_call *call, const struct record *record)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT 1 FROM machine WHERE organisation = ? AND label = ?",
			      WR_I(call->org), WR_T(record->name));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (found)
		wr_row_end(row);
	if (!found && strcmp(record->name, "hub") != 0)
		return 0;
	return wr_call_fail(call, 409, "name-taken", "\"%s\" is the name of %s. Choose another.",
			    record->name, found ? "a machine" : "the hub");
}

static int check_room(struct wr_call *call)
{
	int64_t count;

	if (wr_rows_number(call, "SELECT count(*) FROM dns_record WHERE organisation = ?",
			   WR_I(call->org), &count) < 0)
		return -1;
	if (count < RECORDS_OF_ORG)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "An organisation has at most %d DNS records: they stand in every "
			    "member's map.",
			    RECORDS_OF_ORG);
}

static int insert(struct wr_call *call, const struct record *record)
{
	char uid[WR_UID_LEN + 1];
	int error;

	wr_uid_new('d', uid);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO dns_record (uid, organisation, name, address, created,"
			  " creator) VALUES (?, ?, ?, ?, ?, ?)",
			  WR_T(uid), WR_I(call->org), WR_T(record->name),
			  wr_address_value(&record->address), WR_I(wr_call_time(call)),
			  WR_T(call->caller.name));
	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict", "\"%s\" has this address already.",
				    record->name);
	return error ? wr_call_fail_db(call, error) : find(call, uid, &call->result);
}

static int run_add(struct wr_call *call)
{
	struct wr_machine_org org;
	struct record record;
	int bad;

	if (wr_machine_run_org(call, &org))
		return -1;
	bad = read_name(call, &org, &record);
	bad |= read_address(call, &record);
	if (bad || check_taken(call, &record) || check_room(call) || insert(call, &record))
		return -1;
	note(call, "dns.added", NULL, call->result);
	return 0;
}

/* --- Removed. --- */

static int run_remove(struct wr_call *call)
{
	json_t *before = NULL;
	int error;

	if (find(call, call->path[1], &before))
		return -1;
	error = WR_DB_RUN(call->db, "DELETE FROM dns_record WHERE organisation = ? AND uid = ?",
			  WR_I(call->org), WR_T(call->path[1]));
	if (!error)
		note(call, "dns.removed", before, NULL);
	json_decref(before);
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- The table. --- */

static const char *const types[] = { "A", "AAAA", NULL };

static const struct wr_field record_fields[] = {
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" },
	{ .name = "name",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The name, before the network's suffix" },
	{ .name = "full_name", .kind = WR_KIND_TEXT, .is_required = true, .help = "With it" },
	{ .name = "type",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = types,
	  .help = "A for IPv4, AAAA for IPv6" },
	{ .name = "address",
	  .kind = WR_KIND_IP,
	  .is_required = true,
	  .help = "What it stands for" },
	{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "Since when" },
	{ .name = "creator", .kind = WR_KIND_TEXT, .is_required = true, .help = "Who added it" },
	{ 0 },
};

static const struct wr_field add_body[] = {
	{ .name = "name",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = 253,
	  .help = "A name under the network's suffix, with or without it" },
	{ .name = "address",
	  .kind = WR_KIND_IP,
	  .is_required = true,
	  .help = "An IPv4 or IPv6 address; a name may have several" },
	{ 0 },
};

const struct wr_operation wr_operations_record[] = {
	{ .id = "dns.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/dns",
	  .summary = "Lists the DNS records of an organisation besides its machines' names",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .result = record_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "dns.add",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/dns",
	  .summary = "Adds a DNS record, which members with an agent know",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = add_body,
	  .result = record_fields,
	  .status = 201,
	  .run = run_add },
	{ .id = "dns.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/dns/{record}",
	  .summary = "Removes a DNS record",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .status = 204,
	  .run = run_remove },
	{ 0 },
};
