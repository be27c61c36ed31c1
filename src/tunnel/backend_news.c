/* What is to be told, until the loop comes round. */
#include <stdlib.h>
#include <string.h>

#include "tunnel/backend_ops.h"

struct wr_backend_item {
	struct wr_key peer;
	bool is_shook, is_wanted; /* else heard, or who knocked, from there */
	struct wr_endpoint from;
	uint8_t *knock; /* a copy; NULL: it is none */
	size_t knock_len;
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

static bool add(struct wr_backend *backend, const struct wr_backend_item *item)
{
	if (!make_room(&backend->news))
		return false;
	backend->news.items[backend->news.count++] = *item;
	wr_backend_soon(backend);
	return true;
}

void wr_backend_tell_heard(struct wr_backend *backend, const struct wr_key *peer,
			   const struct wr_endpoint *from)
{
	if (backend->heard)
		(void)add(backend, &(struct wr_backend_item){ .peer = *peer, .from = *from });
}

void wr_backend_tell_wanted(struct wr_backend *backend, const struct wr_key *peer)
{
	if (backend->wanted)
		(void)add(backend, &(struct wr_backend_item){ .peer = *peer, .is_wanted = true });
}

/* Whom memory is too short for knocks again. */
void wr_backend_tell_knocked(struct wr_backend *backend, struct wr_bytes datagram,
			     const struct wr_endpoint *from)
{
	uint8_t *knock = malloc(datagram.len);

	if (!knock)
		return;
	memcpy(knock, datagram.data, datagram.len);
	if (!add(backend, &(struct wr_backend_item){
				  .from = *from, .knock = knock, .knock_len = datagram.len }))
		free(knock);
}

void wr_backend_tell_shook(struct wr_backend *backend, const struct wr_key *peer)
{
	if (backend->shook)
		(void)add(backend, &(struct wr_backend_item){ .peer = *peer, .is_shook = true });
}

void wr_backend_tell_gone(struct wr_backend *backend)
{
	backend->news.is_gone = true;
	wr_backend_soon(backend);
}

static void deliver(const struct wr_backend *backend, const struct wr_backend_item *item)
{
	if (item->knock)
		backend->knocked(backend->context,
				 (struct wr_bytes){ item->knock, item->knock_len }, &item->from);
	else if (item->is_wanted)
		backend->wanted(backend->context, &item->peer);
	else if (item->is_shook)
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
	for (size_t i = 0; i < count; i++) {
		deliver(backend, &items[i]);
		free(items[i].knock);
	}
	free(items);
	if (!news->is_gone || news->has_told_gone)
		return;
	news->has_told_gone = true;
	if (backend->gone)
		backend->gone(backend->context);
}

void wr_backend_drop_news(struct wr_backend *backend)
{
	for (size_t i = 0; i < backend->news.count; i++)
		free(backend->news.items[i].knock);
	free(backend->news.items);
	backend->news = (struct wr_backend_news){ 0 };
}
