/* Rows as a reading. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "linux/clock.h"
#include "mesh/netmap.h"
#include "server/intent.h"
#include "server/machines.h"
#include "server/state.h"
#include "server/world_reading.h"

#define SUFFIX ".warren"

struct reader {
	struct wr_reading *reading;
	int64_t now;
	bool is_short;
};

/* --- Values. --- */

static void copy_column(const struct wr_row *row, unsigned column, char *ret_text, size_t size)
{
	const char *text = wr_row_text(row, column);

	snprintf(ret_text, size, "%s", text ? text : "");
}

static struct wr_key key_column(const struct wr_row *row, unsigned column)
{
	struct wr_bytes blob = wr_row_blob(row, column);
	struct wr_key key = { 0 };

	if (blob.len == WR_KEY_LEN)
		memcpy(key.bytes, blob.data, WR_KEY_LEN);
	return key;
}

static struct wr_prefix prefix_column(const struct wr_row *row, unsigned column)
{
	const char *text = wr_row_text(row, column);
	struct wr_prefix prefix = { .ip.family = WR_FAMILY_NONE };

	if (text && !wr_prefix_parse(text, strlen(text), &prefix))
		prefix.ip.family = WR_FAMILY_NONE;
	return prefix;
}

static size_t count_words(const char *words)
{
	size_t count = *words != '\0';

	for (; *words; words++)
		count += *words == ' ';
	return count;
}

static bool read_prefixes(struct wr_reading *reading, const char *words,
			  struct wr_prefixes *ret_prefixes)
{
	char word[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefixes[WR_NETMAP_ROUTES];
	size_t count = 0;

	while (words && count < WR_NETMAP_ROUTES && wr_machine_word(&words, word, sizeof(word)))
		count += wr_prefix_parse(word, strlen(word), &prefixes[count]);
	if (!count)
		return true;
	ret_prefixes->items = wr_reading_keep(reading, prefixes, count * sizeof(*prefixes));
	ret_prefixes->count = count;
	return ret_prefixes->items != NULL;
}

static bool read_tags(struct wr_reading *reading, const char *words, struct wr_member *member)
{
	size_t count = words ? count_words(words) : 0;
	char *at, *word;
	const char **tags;

	if (!count)
		return true;
	at = wr_reading_keep(reading, words, strlen(words) + 1);
	tags = at ? calloc(count, sizeof(*tags)) : NULL;
	if (!tags)
		return false;
	while (member->tag_count < count && (word = strsep(&at, " ")) && *word)
		tags[member->tag_count++] = word;
	member->tags = wr_reading_keep(reading, tags, count * sizeof(*tags));
	free(tags);
	return member->tags != NULL;
}

/* --- Machines. --- */

#define COLUMNS \
	" m.id, m.uid, m.label, m.public_key, m.address4, m.address6, m.is_disabled, m.expires," \
	" m.is_pending, m.is_agent, m.last_seen, m.candidates," \
	" (SELECT group_concat(prefix, ' ') FROM (SELECT prefix FROM machine_route" \
	"   WHERE machine = m.id AND is_active ORDER BY prefix))," \
	" (SELECT group_concat(prefix, ' ') FROM (SELECT prefix FROM machine_route" \
	"   WHERE machine = m.id AND state = 'approved' AND is_offered ORDER BY prefix))," \
	" (SELECT group_concat(tag, ' ') FROM (SELECT tag FROM machine_tag" \
	"   WHERE machine = m.id ORDER BY tag)) "

static enum wr_reading_off off_of(const struct wr_row *row, int64_t now)
{
	int64_t expires = wr_row_int(row, 7);

	if (wr_row_int(row, 6))
		return WR_READING_DISABLED;
	if (expires && expires <= now)
		return WR_READING_EXPIRED;
	return wr_row_int(row, 8) ? WR_READING_PENDING : WR_READING_ON;
}

static bool read_texts(struct wr_reading *reading, const struct wr_row *row,
		       struct wr_reading_machine *machine, struct wr_member *member)
{
	const char *candidates = wr_row_text(row, 11);

	if (candidates) {
		machine->candidates = wr_reading_keep(reading, candidates, strlen(candidates) + 1);
		if (!machine->candidates)
			return false;
	}
	return read_prefixes(reading, wr_row_text(row, 12), &machine->routes) &&
	       read_prefixes(reading, wr_row_text(row, 13), &machine->approved) &&
	       read_tags(reading, wr_row_text(row, 14), member);
}

static bool take_machine(void *context, const struct wr_row *row)
{
	struct reader *reader = context;
	struct wr_reading *reading = reader->reading;
	struct wr_reading_machine *machine = wr_reading_add(reading);
	struct wr_member *member;

	reader->is_short = !machine;
	if (!machine)
		return false;
	member = &reading->members[reading->count - 1];
	machine->id = wr_row_int(row, 0);
	copy_column(row, 1, machine->uid, sizeof(machine->uid));
	copy_column(row, 2, machine->name, sizeof(machine->name));
	machine->public_key = key_column(row, 3);
	machine->v4 = member->v4 = wr_address_column(row, 4);
	machine->v6 = member->v6 = wr_address_column(row, 5);
	machine->off = off_of(row, reader->now);
	machine->is_agent = wr_row_int(row, 9) != 0;
	machine->last_seen = wr_row_int(row, 10);
	member->slot = (uint32_t)reading->count;
	reader->is_short = !read_texts(reading, row, machine, member);
	return !reader->is_short;
}

/* --- Records. --- */

/* Letters of names need no escape in JSON. */
static bool is_plain_name(const char *name)
{
	return name && *name &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.*")] == '\0';
}

static bool take_record(void *context, const struct wr_row *row)
{
	struct reader *reader = context;
	struct wr_reading *reading = reader->reading;
	struct wr_reading_record *record;
	char name[256];

	if (!is_plain_name(wr_row_text(row, 0)) ||
	    snprintf(name, sizeof(name), "%s.%s", wr_row_text(row, 0), reading->suffix) >=
		    (int)sizeof(name))
		return true;
	record = reading->record_count < WR_NETMAP_RECORDS ? wr_reading_add_record(reading) : NULL;
	if (!record)
		return false;
	record->name = wr_reading_keep(reading, name, strlen(name) + 1);
	record->ip = wr_address_column(row, 1);
	record->sum = wr_sum_of(name, &record->ip, sizeof(record->ip));
	reader->is_short = !record->name;
	return !reader->is_short;
}

static uint64_t ip_key(const struct wr_ip *ip)
{
	return wr_sum_of("address", ip, sizeof(*ip)).a;
}

static bool put_address(struct wr_map *owners, const struct wr_ip *ip, size_t place)
{
	return ip->family == WR_FAMILY_NONE ||
	       wr_map_put(owners, ip_key(ip), (void *)(uintptr_t)(place + 1));
}

/* Records of machines are only for those who may learn of these. */
static bool find_owners(struct wr_reading *reading)
{
	struct wr_map owners = { 0 };
	bool is_whole = true;

	for (size_t i = 0; i < reading->count && reading->record_count && is_whole; i++)
		is_whole = put_address(&owners, &reading->machines[i].v4, i) &&
			   put_address(&owners, &reading->machines[i].v6, i);
	for (size_t i = 0; i < reading->record_count && is_whole; i++) {
		uintptr_t found = (uintptr_t)wr_map_get(&owners, ip_key(&reading->records[i].ip));

		if (found)
			reading->records[i].machine = (uint32_t)(found - 1);
	}
	wr_map_done(&owners);
	return is_whole;
}

/* --- The organisation. --- */

/* The hub has the first address of each range. */
static struct wr_ip first_of(const struct wr_prefix *range)
{
	struct wr_ip ip = range->ip;

	if (ip.family != WR_FAMILY_NONE)
		ip.bytes[ip.family == WR_IPV4 ? 3 : 15] |= 1;
	return ip;
}

static int read_org(struct wr_reading *reading, struct wr_db *db)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT o.label, o.range4, o.range6, o.hub_public, o.is_disabled,"
			      " o.generation, CAST(e.value AS TEXT) FROM organisation o"
			      " LEFT JOIN meta e ON e.key = 'epoch' WHERE o.id = ?",
			      WR_I(reading->org));

	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	copy_column(row, 0, reading->label, sizeof(reading->label));
	snprintf(reading->suffix, sizeof(reading->suffix), "%s" SUFFIX, reading->label);
	reading->range4 = prefix_column(row, 1);
	reading->range6 = prefix_column(row, 2);
	reading->hub_v4 = first_of(&reading->range4);
	reading->hub_v6 = first_of(&reading->range6);
	reading->hub_key = key_column(row, 3);
	reading->is_disabled = wr_row_int(row, 4) != 0;
	reading->generation = (uint64_t)wr_row_int(row, 5);
	copy_column(row, 6, reading->epoch, sizeof(reading->epoch));
	wr_row_end(row);
	return 0;
}

/* The version that the hub works by; where all are bad, nobody reaches anybody. */
static int read_policy(const struct wr_server *server, struct wr_db *db, struct wr_reading *reading)
{
	struct wr_org_intent *intent = NULL;
	struct wr_policy_faults *faults;
	int error = wr_org_intent_new(db, &server->vault, reading->org, &intent);

	if (!error)
		error = wr_org_intent_add_policy(db, intent);
	if (!error)
		reading->policy = WR_TAKE(intent->policy);
	wr_org_intent_free(intent);
	if (error || reading->policy)
		return error;
	faults = calloc(1, sizeof(*faults));
	if (faults)
		reading->policy = wr_policy_parse((struct wr_bytes){ 0 }, faults);
	free(faults);
	return reading->policy ? 0 : -ENOMEM;
}

/* Rows of those who are there are written each half a minute, and at the end. */
static void guess_online(struct wr_reading *reading, int64_t now)
{
	int64_t newest = 0;

	for (size_t i = 0; i < reading->count; i++) {
		if (reading->machines[i].last_seen > newest)
			newest = reading->machines[i].last_seen;
	}
	for (size_t i = 0; i < reading->count; i++) {
		struct wr_reading_machine *machine = &reading->machines[i];

		machine->was_online = machine->last_seen >
				      (machine->is_agent ? newest - 45 : now - WR_ONLINE_SECONDS);
	}
}

static int read_rows(struct wr_reading *reading, struct wr_db *db)
{
	struct reader reader = { .reading = reading };
	struct wr_value org = WR_I(reading->org);
	int64_t count;

	reader.now = (int64_t)(wr_clock_wall().ns / 1000000000);
	count = wr_db_each(db,
			   "SELECT" COLUMNS "FROM machine m WHERE m.organisation = ?"
			   " ORDER BY m.id",
			   1, &org, take_machine, &reader);
	if (count >= 0 && !reader.is_short)
		count = wr_db_each(db,
				   "SELECT name, address FROM dns_record WHERE organisation = ?"
				   " ORDER BY name, address",
				   1, &org, take_record, &reader);
	if (count < 0)
		return (int)count;
	guess_online(reading, reader.now);
	return reader.is_short || !find_owners(reading) ? -ENOMEM : 0;
}

/* Nobody of a disabled organisation has a map. */
static void shut_out(struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->count; i++)
		reading->machines[i].off = WR_READING_DISABLED;
}

int wr_reading_read(const struct wr_server *server, struct wr_db *db, int64_t org,
		    struct wr_reading **ret_reading)
{
	struct wr_reading *reading = wr_reading_new(org);
	int error = reading ? read_org(reading, db) : -ENOMEM;

	if (!error)
		error = read_policy(server, db, reading);
	if (!error)
		error = read_rows(reading, db);
	if (!error && reading->is_disabled)
		shut_out(reading);
	if (error)
		wr_reading_unref(reading);
	else
		*ret_reading = reading;
	return error;
}

int wr_reading_read_machine(struct wr_db *db, int64_t org, int64_t machine,
			    struct wr_reading **ret_reading)
{
	struct reader reader = { .reading = wr_reading_new(org) };
	struct wr_value values[] = { WR_I(org), WR_I(machine) };
	int64_t count = -ENOMEM;

	reader.now = (int64_t)(wr_clock_wall().ns / 1000000000);
	if (reader.reading) {
		count = read_org(reader.reading, db);
		if (count == 0)
			count = wr_db_each(db,
					   "SELECT" COLUMNS "FROM machine m"
					   " WHERE m.organisation = ? AND m.id = ?",
					   2, values, take_machine, &reader);
	}
	if (count >= 0 && reader.is_short)
		count = -ENOMEM;
	if (count <= 0)
		wr_reading_unref(reader.reading);
	else
		*ret_reading = reader.reading;
	return count < 0 ? (int)count : count > 0;
}
