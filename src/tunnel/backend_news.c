/* What is to be told, until the loop comes round. */
#include <stdlib.h>

#include "tunnel/backend_ops.h"

struct wr_backend_item {
	struct wr_key peer;
	bool is_shook; /* else heard, from there */
	struct wr_endpoint from;
};

#define FIRST_ROOM 8
/* Between two turns of the loop; more is left out: a path is tried again, and that a handshake is
 * through also shows in the sight. */
#define NEWS_MAX 4096

static bool make_room(struct wr_backend_news *news)
{
	size_t room = news->room ? news->room * 2 : FIRST_ROOM;
	struct wr_backend_item *items;

	if (news->count < news->room)
		return true;
	if (news->count >= NEWS_MAX)
		return false;
	items = reallocarray(news->items, room, sizeof(*items));
	if (!items)
		return false;
	news->items = items;
	news->room = room;
	return true;
}

static void add(struct wr_backend *backend, const struct wr_backend_item *item)
{
	if (!make_room(&backend->news))
		return;
	backend->news.items[backend->news.count++] = *item;
	wr_backend_soon(backend);
}

void wr_backend_tell_heard(struct wr_backend *backend, const struct wr_key *peer,
			   const struct wr_endpoint *from)
{
	if (backend->heard)
		add(backend, &(struct wr_backend_item){ .peer = *peer, .from = *from });
}

void wr_backend_tell_shook(struct wr_backend *backend, const struct wr_key *peer)
{
	if (backend->shook)
		add(backend, &(struct wr_backend_item){ .peer = *peer, .is_shook = true });
}

void wr_backend_tell_gone(struct wr_backend *backend)
{
	backend->news.is_gone = true;
	wr_backend_soon(backend);
}

static void deliver(const struct wr_backend *backend, const struct wr_backend_item *item)
{
	if (item->is_shook)
		backend->shook(backend->context, &item->peer);
	else
		backend->heard(backend->context, &item->peer, &item->from);
}

void wr_backend_deliver(struct wr_backend *backend)
{
	struct wr_backend_news *news = &backend->news;
	struct wr_backend_item *items = news->items;
	size_t count = news->count;

	/* Who is told may well cause more of it. */
	news->items = NULL;
	news->count = news->room = 0;
	for (size_t i = 0; i < count; i++)
		deliver(backend, &items[i]);
	free(items);
	if (!news->is_gone || news->has_told_gone)
		return;
	news->has_told_gone = true;
	if (backend->gone)
		backend->gone(backend->context);
}

void wr_backend_drop_news(struct wr_backend *backend)
{
	free(backend->news.items);
	backend->news = (struct wr_backend_news){ 0 };
}
