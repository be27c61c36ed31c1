#include "server/sights_save.h"

#include <stdlib.h>

#include "server/state.h"

/* Of one entry: a few milliseconds of the ledger's time. */
#define PART 500

struct part {
	struct wr_entry entry;
	struct wr_server *server;
	struct wr_sights_rows rows;
	size_t at; /* the first of this entry */
	size_t count;
	struct wr_sight sights[PART]; /* what was taken, for the case that it fails */
};

static void enter(struct part *part);

void wr_sights_row(struct wr_sights_rows *rows, int64_t machine)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 64;
		int64_t *items = reallocarray(rows->items, room, sizeof(*items));

		if (!items)
			return;
		rows->items = items;
		rows->room = room;
	}
	rows->items[rows->count++] = machine;
}

/* --- The ledger's thread. --- */
static int write_row(struct wr_db *db, int64_t machine, const struct wr_sight *sight)
{
	char endpoint[WR_ENDPOINT_TEXT_LEN];
	bool has_endpoint = sight->endpoint.ip.family != WR_FAMILY_NONE;

	if (has_endpoint)
		wr_endpoint_format(&sight->endpoint, endpoint);
	return WR_DB_RUN(db,
			 "UPDATE machine SET"
			 " latest_handshake = max(coalesce(latest_handshake, 0), ?),"
			 " last_seen = max(coalesce(last_seen, 0), ?),"
			 " endpoint = coalesce(?, endpoint),"
			 " rx_bytes = rx_bytes + ?, tx_bytes = tx_bytes + ? WHERE id = ?",
			 WR_I(sight->latest_handshake), WR_I(sight->last_seen),
			 WR_T(has_endpoint ? endpoint : NULL), WR_I(sight->rx_bytes),
			 WR_I(sight->tx_bytes), WR_I(machine));
}

static int64_t machine_of(const struct part *part, size_t i)
{
	return part->rows.items[part->at + i];
}

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct part *part = WR_CONTAINER_OF(entry, struct part, entry);
	int error = 0;

	for (size_t i = 0; i < part->count && error == 0; i++) {
		part->sights[i] = (struct wr_sight){ 0 };
		if (wr_sights_take(part->server->sights, machine_of(part, i), &part->sights[i]))
			error = write_row(db, machine_of(part, i), &part->sights[i]);
	}
	return error;
}

/* --- The loop's. --- */
static void free_part(struct part *part)
{
	struct wr_server *server = part->server;

	free(part->rows.items);
	free(part);
	wr_server_call_ended(server);
}

static void give_back(struct part *part)
{
	for (size_t i = 0; i < part->count; i++)
		wr_sights_give_back(part->server->sights, machine_of(part, i), &part->sights[i]);
}

/* After a failure the rest waits for the next time. */
static void done(struct wr_entry *entry, int status)
{
	struct part *part = WR_CONTAINER_OF(entry, struct part, entry);

	if (status < 0)
		give_back(part);
	part->at += part->count;
	if (status < 0 || part->at == part->rows.count)
		free_part(part);
	else
		enter(part);
}

static void enter(struct part *part)
{
	size_t left = part->rows.count - part->at;

	part->count = left < PART ? left : PART;
	part->entry = (struct wr_entry){ .work = work, .done = done };
	for (size_t i = 0; i < part->count; i++)
		part->sights[i] = (struct wr_sight){ 0 };
	if (wr_ledger_enter(part->server->ledger, &part->entry) < 0)
		free_part(part);
}

void wr_sights_save(struct wr_server *server, struct wr_sights_rows *rows)
{
	struct part *part = rows->count > 0 ? calloc(1, sizeof(*part)) : NULL;

	if (!part) {
		free(rows->items);
		return;
	}
	part->server = server;
	part->rows = *rows;
	server->calls++;
	enter(part);
}
