#include "server/sights_tell.h"

#include <jansson.h>
#include <stdlib.h>

#include "linux/clock.h"
#include "server/call.h"
#include "server/events.h"
#include "server/state.h"

struct told {
	struct wr_sights_change change;
	int64_t org;
	char *text; /* NULL: it is gone already */
};

struct news {
	struct wr_entry entry;
	struct wr_server *server;
	int64_t time;
	size_t count;
	struct told items[];
};

void wr_sights_change(struct wr_sights_changes *changes, int64_t machine, bool is_online)
{
	if (changes->count == changes->room) {
		size_t room = changes->room ? changes->room * 2 : 64;
		struct wr_sights_change *items = reallocarray(changes->items, room, sizeof(*items));

		if (!items)
			return;
		changes->items = items;
		changes->room = room;
	}
	changes->items[changes->count++] = (struct wr_sights_change){ machine, is_online };
}

static const char *type_of(const struct told *told)
{
	return told->change.is_online ? "machine.online" : "machine.offline";
}

/* --- The ledger's thread. --- */
static char *text_of(const struct news *news, const struct told *told, const struct wr_row *row)
{
	json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "uid", wr_row_text(row, 1),
				 "name", wr_row_text(row, 2), "label", wr_row_text(row, 3), "type",
				 type_of(told), "time", wr_json_time(news->time), "org",
				 wr_row_text(row, 4), "actor", "hub");
	char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;

	json_decref(data);
	return text;
}

static int look_up(const struct news *news, struct told *told, struct wr_db *db)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT m.organisation, m.uid, m.name, m.label, o.uid FROM machine m"
			      " JOIN organisation o ON o.id = m.organisation WHERE m.id = ?",
			      WR_I(told->change.machine));

	if (found <= 0)
		return found;
	told->org = wr_row_int(row, 0);
	told->text = text_of(news, told, row);
	wr_row_end(row);
	return 0;
}

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct news *news = WR_CONTAINER_OF(entry, struct news, entry);
	int error = 0;

	for (size_t i = 0; i < news->count && error == 0; i++)
		error = look_up(news, &news->items[i], db);
	return error;
}

/* --- The loop's. --- */
static void free_news(struct news *news)
{
	for (size_t i = 0; i < news->count; i++)
		free(news->items[i].text);
	free(news);
}

static void done(struct wr_entry *entry, int status)
{
	struct news *news = WR_CONTAINER_OF(entry, struct news, entry);
	struct wr_events *events = news->server->events;

	(void)status;
	for (size_t i = 0; i < news->count; i++) {
		const struct told *told = &news->items[i];

		if (told->text && events)
			wr_events_publish(events, told->org, type_of(told), told->text);
	}
	free_news(news);
}

void wr_sights_tell(struct wr_server *server, struct wr_sights_changes *changes)
{
	struct news *news;

	if (changes->count == 0)
		return;
	news = calloc(1, sizeof(*news) + changes->count * sizeof(news->items[0]));
	if (!news)
		return;
	news->server = server;
	news->time = (int64_t)(wr_clock_wall().ns / 1000000000);
	news->count = changes->count;
	for (size_t i = 0; i < changes->count; i++)
		news->items[i].change = changes->items[i];
	changes->count = 0;
	news->entry = (struct wr_entry){ .work = work, .done = done };
	if (wr_ledger_enter(server->ledger, &news->entry) < 0)
		free_news(news);
}
