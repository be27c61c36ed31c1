/* What is due when: a heap of four children a node, whose events lie in it. */
#include "gossip_world.h"

#define CHILDREN 4

static const uint32_t rooms[] = { 160, 480, WR_FRAME_MAX_LEN };

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void grow(struct queue *queue)
{
	queue->room = queue->room ? queue->room * 2 : 1024;
	queue->events = reallocarray(queue->events, queue->room, sizeof(struct event));
	assert(queue->events);
}

void queue_push(struct queue *queue, struct event event)
{
	size_t at = queue->count++;

	if (queue->count > queue->room)
		grow(queue);
	event.order = queue->order++;
	while (at > 0 && is_before(&event, &queue->events[(at - 1) / CHILDREN])) {
		queue->events[at] = queue->events[(at - 1) / CHILDREN];
		at = (at - 1) / CHILDREN;
	}
	queue->events[at] = event;
}

static size_t soonest_child(const struct queue *queue, size_t at)
{
	size_t first = at * CHILDREN + 1, best = first;
	size_t end = first + CHILDREN < queue->count ? first + CHILDREN : queue->count;

	for (size_t i = first + 1; i < end; i++)
		if (is_before(&queue->events[i], &queue->events[best]))
			best = i;
	return best;
}

/* The first one, if it is due by then. */
bool queue_pop(struct queue *queue, uint64_t until, struct event *ret_event)
{
	struct event last;
	size_t at = 0;

	if (!queue->count || queue->events[0].at > until)
		return false;
	*ret_event = queue->events[0];
	last = queue->events[--queue->count];
	while (at * CHILDREN + 1 < queue->count) {
		size_t child = soonest_child(queue, at);

		if (!is_before(&queue->events[child], &last))
			break;
		queue->events[at] = queue->events[child];
		at = child;
	}
	queue->events[at] = last;
	return true;
}

void queue_done(struct queue *queue)
{
	free(queue->events);
	*queue = (struct queue){ 0 };
}

static size_t class_of(size_t len)
{
	size_t class = 0;

	while (rooms[class] < len)
		class ++;
	return class;
}

struct packet *packet_new(struct world *world, size_t len)
{
	size_t class = class_of(len);
	struct packet *packet = world->free_packets[class];

	if (packet) {
		world->free_packets[class] = packet->next;
	} else {
		packet = malloc(sizeof(*packet) + rooms[class]);
		assert(packet);
		packet->room = rooms[class];
	}
	packet->next = NULL;
	packet->len = (uint32_t)len;
	return packet;
}

void packet_free(struct world *world, struct packet *packet)
{
	size_t class = class_of(packet->room);

	packet->next = world->free_packets[class];
	world->free_packets[class] = packet;
}
