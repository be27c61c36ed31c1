#include "gossip/admission_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/admission.h"

#define FIRST_ROOM 16

/* --- The sorted array: found by halves, moved by pointers. --- */

/* Where it is, or where it would be. */
static size_t place_of(const struct wr_admission_table *table, const struct wr_key *identity)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&table->entries[middle]->identity, identity, sizeof(*identity)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct wr_admission_entry *find(const struct wr_admission_table *table,
				       const struct wr_key *identity)
{
	size_t place = place_of(table, identity);

	if (place == table->count ||
	    memcmp(&table->entries[place]->identity, identity, sizeof(*identity)) != 0)
		return NULL;
	return table->entries[place];
}

const struct wr_admission_entry *wr_admission_table_find(const struct wr_admission_table *table,
							 const struct wr_key *identity)
{
	return find(table, identity);
}

static bool make_room(struct wr_admission_table *table)
{
	size_t room = table->room ? 2 * table->room : FIRST_ROOM;
	struct wr_admission_entry **entries;

	if (table->count < table->room)
		return true;
	entries = reallocarray(table->entries, room, sizeof(struct wr_admission_entry *));
	if (!entries)
		return false;
	table->entries = entries;
	table->room = room;
	return true;
}

/* A new one if it is not there; NULL where memory is short. */
static struct wr_admission_entry *entry_of(struct wr_admission_table *table,
					   const struct wr_key *identity)
{
	struct wr_admission_entry *entry = find(table, identity);
	size_t place = place_of(table, identity);

	if (entry || !make_room(table))
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->identity = *identity;
	memmove(table->entries + place + 1, table->entries + place,
		(table->count - place) * sizeof(struct wr_admission_entry *));
	table->entries[place] = entry;
	table->count++;
	return entry;
}

static void entry_free(struct wr_admission_entry *entry)
{
	free(entry->words);
	free(entry);
}

void wr_admission_table_done(struct wr_admission_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		entry_free(table->entries[i]);
	free(table->entries);
	*table = (struct wr_admission_table){ 0 };
}

/* --- Certificates, kept short. --- */

static char *words_of(const struct wr_certificate *certificate)
{
	char all[sizeof(*certificate)], *at = stpcpy(all, certificate->name) + 1, *words;

	for (size_t i = 0; i < certificate->tag_count; i++)
		at = stpcpy(at, certificate->tags[i]) + 1;
	words = malloc((size_t)(at - all));
	if (words)
		memcpy(words, all, (size_t)(at - all));
	return words;
}

void wr_admission_entry_certificate(const struct wr_admission_entry *entry,
				    struct wr_certificate *ret_certificate)
{
	struct wr_certificate certificate = { .tag_count = entry->tag_count,
					      .not_after = entry->not_after };
	const char *at = entry->words;

	strcpy(certificate.name, at);
	for (size_t i = 0; i < entry->tag_count; i++) {
		at += strlen(at) + 1;
		strcpy(certificate.tags[i], at);
	}
	*ret_certificate = certificate;
}

/* --- Putting. --- */

static int put_certificate(struct wr_admission_table *table, struct wr_admission_entry *entry,
			   const struct wr_item *item)
{
	char *words;

	if (entry->words && entry->serial >= item->version)
		return 0;
	words = words_of(&item->certificate);
	if (!words)
		return -ENOMEM;
	table->certificates += !entry->words;
	free(entry->words);
	entry->words = words;
	entry->tag_count = item->certificate.tag_count;
	entry->serial = item->version;
	entry->not_after = item->certificate.not_after;
	return 1;
}

static int put_revocation(struct wr_admission_table *table, struct wr_admission_entry *entry,
			  const struct wr_item *item)
{
	if (entry->has_revocation && entry->revoked >= item->version)
		return 0;
	table->revocations += !entry->has_revocation;
	entry->has_revocation = true;
	entry->revoked = item->version;
	entry->revoked_not_after = item->revocation.not_after;
	return 1;
}

bool wr_admission_table_is_full(const struct wr_admission_table *table, enum wr_item_kind kind,
				const struct wr_key *subject)
{
	const struct wr_admission_entry *entry = find(table, subject);

	if (kind == WR_ITEM_CERTIFICATE)
		return table->certificates >= WR_ADMISSION_MAX && !(entry && entry->words);
	return table->revocations >= WR_ADMISSION_MAX && !(entry && entry->has_revocation);
}

int wr_admission_table_put(struct wr_admission_table *table, const struct wr_item *item)
{
	struct wr_admission_entry *entry;

	if (wr_admission_table_is_full(table, item->kind, &item->subject))
		return -ENOBUFS;
	entry = entry_of(table, &item->subject);
	if (!entry)
		return -ENOMEM;
	return item->kind == WR_ITEM_CERTIFICATE ? put_certificate(table, entry, item)
						 : put_revocation(table, entry, item);
}

/* --- Forgetting. --- */

static bool is_before(uint64_t not_after, uint64_t seconds)
{
	return not_after != 0 && not_after < seconds;
}

/* True if nothing is left of it. What is revoked goes before its revocation, or with it: it is not
 * let in again. */
static bool forget(struct wr_admission_table *table, struct wr_admission_entry *entry,
		   uint64_t seconds)
{
	if (entry->words && is_before(entry->not_after, seconds)) {
		free(entry->words);
		entry->words = NULL;
		table->certificates--;
	}
	if (entry->has_revocation && is_before(entry->revoked_not_after, seconds) &&
	    !(entry->words && entry->serial <= entry->revoked)) {
		entry->has_revocation = false;
		table->revocations--;
	}
	return !entry->words && !entry->has_revocation;
}

void wr_admission_table_forget(struct wr_admission_table *table, uint64_t seconds)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (forget(table, table->entries[i], seconds))
			entry_free(table->entries[i]);
		else
			table->entries[kept++] = table->entries[i];
	}
	table->count = kept;
}
