/* The bodies of items, a pair of functions a kind: item.c calls them between the head and the
 * signature. Reading marks the reader bad; the head (kind, subject) is in *item already.
 *
 * Floor 2.  Private to item*.c. */
#pragma once

#include "wire/fields.h"
#include "wire/item.h"

void wr_record_read(struct wr_reader *reader, struct wr_item *item);
void wr_record_write(struct wr_writer *writer, const struct wr_record *record);

void wr_certificate_read(struct wr_reader *reader, struct wr_item *item);
void wr_certificate_write(struct wr_writer *writer, const struct wr_certificate *certificate);

void wr_policy_piece_read(struct wr_reader *reader, struct wr_item *item);
void wr_policy_piece_write(struct wr_writer *writer, const struct wr_policy_piece *piece);
