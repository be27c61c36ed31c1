/* Certificates and revocations by identity, sorted.
 *
 * Floor 3.  Private to admission*.c. */
#pragma once

#include "wire/item.h"

/* A certificate is kept short: some 150 bytes instead of 600. */
struct wr_admission_entry {
	struct wr_key identity;
	char *words; /* the certificate's name and tags, each with its NUL; NULL: no certificate */
	uint64_t serial, not_after;
	uint64_t revoked, revoked_not_after; /* up to this serial */
	uint8_t tag_count;
	bool has_revocation;
};

/* All zero is an empty table. */
struct wr_admission_table {
	struct wr_admission_entry **entries;
	size_t count, room;
	size_t certificates, revocations;
};

void wr_admission_table_done(struct wr_admission_table *table);
/* NULL: nothing is known of it. */
const struct wr_admission_entry *wr_admission_table_find(const struct wr_admission_table *table,
							 const struct wr_key *identity);
/* True if there is no room for another one of this kind. */
bool wr_admission_table_is_full(const struct wr_admission_table *table, enum wr_item_kind kind,
				const struct wr_key *subject);
/* Puts the item (a certificate or a revocation) in if it is newer: 1, else 0. -ENOBUFS: the table
 * is full; -ENOMEM. */
int wr_admission_table_put(struct wr_admission_table *table, const struct wr_item *item)
	WR_MUST_CHECK;
/* Forgets what expired before `seconds` since 1970. */
void wr_admission_table_forget(struct wr_admission_table *table, uint64_t seconds);

/* Of an entry that has one. */
void wr_admission_entry_certificate(const struct wr_admission_entry *entry,
				    struct wr_certificate *ret_certificate);
