#include "server/roster.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "server/addresses.h"

/* Rosters that are kept: at most so many organisations, and so many machines of all of them
 * together (some 150 bytes each). */
#define KEPT 64
#define KEPT_MACHINES 40000
#define BLOCK_LEN (16 * 1024)
/* A label or a tag with its NUL. */
#define WORD_LEN 256

/* --- Memory of a roster: texts in blocks, which stay where they are. --- */

struct wr_roster_block {
	struct wr_roster_block *next;
	size_t used;
	char bytes[BLOCK_LEN];
};

static const char *keep_text(struct wr_roster *roster, const char *text)
{
	size_t len = strnlen(text, WORD_LEN - 1);
	struct wr_roster_block *block = roster->blocks;
	char *kept;

	if (!block || block->used + len + 1 > BLOCK_LEN) {
		block = malloc(sizeof(*block));
		if (!block)
			return NULL;
		block->next = roster->blocks;
		block->used = 0;
		roster->blocks = block;
	}
	kept = block->bytes + block->used;
	memcpy(kept, text, len);
	kept[len] = '\0';
	block->used += len + 1;
	return kept;
}

static bool make_room(void **array, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*array, more, size);
	if (!grown)
		return false;
	*array = grown;
	*room = more;
	return true;
}

struct wr_roster *wr_roster_unref(struct wr_roster *roster)
{
	if (!roster || __atomic_sub_fetch(&roster->refs, 1, __ATOMIC_ACQ_REL))
		return NULL;
	while (roster->blocks) {
		struct wr_roster_block *block = roster->blocks;

		roster->blocks = block->next;
		free(block);
	}
	free(roster->members);
	free(roster->tags);
	free(roster);
	return NULL;
}

static void roster_unrefp(struct wr_roster **roster)
{
	wr_roster_unref(*roster);
}

/* --- Reading one. --- */

struct reading {
	struct wr_roster *roster;
	size_t at; /* the member whose tags come */
	bool is_short;
};

static bool take_member(void *context, const struct wr_row *row)
{
	struct reading *reading = context;
	struct wr_roster *roster = reading->roster;
	struct wr_member member = {
		.slot = (uint32_t)roster->count + 1,
		.name = keep_text(roster, wr_row_text(row, 0)),
		.v4 = wr_address_column(row, 1),
		.v6 = wr_address_column(row, 2),
	};

	reading->is_short = !member.name ||
			    !make_room((void **)&roster->members, &roster->member_room,
				       roster->count, sizeof(member));
	if (!reading->is_short)
		roster->members[roster->count++] = member;
	return !reading->is_short;
}

/* Tags come in the order of the members. Where they begin is known when all are read. */
static bool take_tag(void *context, const struct wr_row *row)
{
	struct reading *reading = context;
	struct wr_roster *roster = reading->roster;
	const char *name = wr_row_text(row, 0), *tag = keep_text(roster, wr_row_text(row, 1));

	while (reading->at < roster->count && strcmp(roster->members[reading->at].name, name) != 0)
		reading->at++;
	assert(reading->at < roster->count);
	reading->is_short = !tag || !make_room((void **)&roster->tags, &roster->tag_room,
					       roster->tag_at, sizeof(*roster->tags));
	if (reading->is_short)
		return false;
	roster->tags[roster->tag_at++] = tag;
	roster->members[reading->at].tag_count++;
	return true;
}

static void place_tags(struct wr_roster *roster)
{
	size_t at = 0;

	for (size_t i = 0; i < roster->count; i++) {
		if (roster->members[i].tag_count)
			roster->members[i].tags = roster->tags + at;
		at += roster->members[i].tag_count;
	}
}

static int read_all(struct wr_db *db, struct wr_roster *roster)
{
	struct wr_value org = WR_I(roster->org);
	struct reading reading = { .roster = roster };
	int64_t count = wr_db_each(db,
				   "SELECT label, address4, address6 FROM machine"
				   " WHERE organisation = ? ORDER BY label",
				   1, &org, take_member, &reading);

	if (count >= 0 && !reading.is_short)
		count = wr_db_each(db,
				   "SELECT m.label, t.tag FROM machine m CROSS JOIN machine_tag t"
				   " ON t.machine = m.id WHERE m.organisation = ?"
				   " ORDER BY m.label, t.tag",
				   1, &org, take_tag, &reading);
	if (count < 0 || reading.is_short)
		return count < 0 ? (int)count : -ENOMEM;
	place_tags(roster);
	return 0;
}

static int read_roster(struct wr_db *db, int64_t org, int64_t stamp, struct wr_roster **ret_roster)
{
	WR_AUTO(roster_unrefp) struct wr_roster *roster = calloc(1, sizeof(*roster));
	int error;

	if (!roster)
		return -ENOMEM;
	roster->refs = 1;
	roster->org = org;
	roster->stamp = stamp;
	roster->checked = -1;
	error = read_all(db, roster);
	if (!error)
		*ret_roster = WR_TAKE(roster);
	return error;
}

const struct wr_member *wr_roster_find(const struct wr_roster *roster, const char *name)
{
	size_t low = 0, high = roster->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, roster->members[middle].name);

		if (!order)
			return &roster->members[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* --- Those that are kept, the latest first. --- */

struct wr_rosters {
	struct wr_roster *kept[KEPT];
	size_t count, machines;
};

struct wr_rosters *wr_rosters_new(void)
{
	return calloc(1, sizeof(struct wr_rosters));
}

static void drop(struct wr_rosters *rosters, size_t at)
{
	struct wr_roster *roster = rosters->kept[at];

	rosters->machines -= roster->count;
	rosters->count--;
	memmove(rosters->kept + at, rosters->kept + at + 1,
		(rosters->count - at) * sizeof(*rosters->kept));
	wr_roster_unref(roster);
}

struct wr_rosters *wr_rosters_free(struct wr_rosters *rosters)
{
	while (rosters && rosters->count)
		drop(rosters, rosters->count - 1);
	free(rosters);
	return NULL;
}

/* Takes it. */
static void keep(struct wr_rosters *rosters, struct wr_roster *roster)
{
	while (rosters->count &&
	       (rosters->count == KEPT || rosters->machines + roster->count > KEPT_MACHINES))
		drop(rosters, rosters->count - 1);
	memmove(rosters->kept + 1, rosters->kept, rosters->count * sizeof(*rosters->kept));
	rosters->kept[0] = roster;
	rosters->count++;
	rosters->machines += roster->count;
}

/* NULL if it is not kept, or not any more what it says. */
static struct wr_roster *find_kept(struct wr_rosters *rosters, int64_t org, int64_t stamp)
{
	for (size_t i = 0; i < rosters->count; i++) {
		struct wr_roster *roster = rosters->kept[i];

		if (roster->org != org)
			continue;
		if (roster->stamp != stamp) {
			drop(rosters, i);
			return NULL;
		}
		memmove(rosters->kept + 1, rosters->kept, i * sizeof(*rosters->kept));
		rosters->kept[0] = roster;
		return roster;
	}
	return NULL;
}

static int read_stamp(struct wr_db *db, int64_t org, int64_t *ret_stamp)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT roster FROM organisation WHERE id = ?", WR_I(org));

	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	*ret_stamp = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

int wr_rosters_get(struct wr_rosters *rosters, struct wr_db *db, int64_t org,
		   struct wr_roster **ret_roster)
{
	struct wr_roster *roster;
	int64_t stamp;
	int error = read_stamp(db, org, &stamp);

	if (error)
		return error;
	roster = find_kept(rosters, org, stamp);
	if (!roster) {
		error = read_roster(db, org, stamp, &roster);
		if (error)
			return error;
		keep(rosters, roster);
	}
	__atomic_add_fetch(&roster->refs, 1, __ATOMIC_RELAXED);
	*ret_roster = roster;
	return 0;
}

int wr_roster_touch(struct wr_db *db, int64_t org)
{
	uint64_t stamp;

	wr_random(&stamp, sizeof(stamp));
	return WR_DB_RUN(db, "UPDATE organisation SET roster = ? WHERE id = ?", WR_I(stamp >> 1),
			 WR_I(org));
}
