#include "node/address_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/addresses.h"

#define SETTLE_MS 333
#define PATIENCE_MS 2000

/* What matters of it all. */
struct sight {
	struct wr_host_address addresses[WR_ADDRESSES_MAX];
	int count;
	struct wr_gateway v4, v6;
};

struct wr_address_watch {
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	uint32_t skip;
	uint64_t first; /* of the changes that are not told: uv_now(); 0: none */
	struct sight seen;
	void (*changed)(void *context);
	void *context;
	unsigned handles;
};

static void look_at_gateway(enum wr_family family, struct wr_gateway *ret_gateway)
{
	if (wr_addresses_gateway(family, ret_gateway))
		*ret_gateway = (struct wr_gateway){ 0 };
}

static void look(const struct wr_address_watch *watch, struct sight *ret_sight)
{
	memset(ret_sight, 0, sizeof(*ret_sight));
	ret_sight->count = wr_addresses_list(&watch->skip, 1, ret_sight->addresses);
	look_at_gateway(WR_IPV4, &ret_sight->v4);
	look_at_gateway(WR_IPV6, &ret_sight->v6);
}

static bool is_same_address(const struct wr_host_address *a, const struct wr_host_address *b)
{
	return wr_ip_equal(&a->ip, &b->ip) && a->interface == b->interface &&
	       a->is_default == b->is_default;
}

static bool is_same_gateway(const struct wr_gateway *a, const struct wr_gateway *b)
{
	return wr_ip_equal(&a->ip, &b->ip) && wr_ip_equal(&a->local, &b->local) &&
	       a->interface == b->interface;
}

static bool is_same(const struct sight *a, const struct sight *b)
{
	if (a->count != b->count || !is_same_gateway(&a->v4, &b->v4) ||
	    !is_same_gateway(&a->v6, &b->v6))
		return false;
	for (int i = 0; i < a->count; i++) {
		if (!is_same_address(&a->addresses[i], &b->addresses[i]))
			return false;
	}
	return true;
}

/* A router that says its prefix again makes news of it, each few minutes. */
static void on_settled(uv_timer_t *timer)
{
	struct wr_address_watch *watch = timer->data;
	struct sight now;

	watch->first = 0;
	look(watch, &now);
	if (is_same(&now, &watch->seen))
		return;
	watch->seen = now;
	watch->changed(watch->context);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
	struct wr_address_watch *watch = poll->data;
	uint64_t now = uv_now(poll->loop);

	(void)events;
	if (status < 0 || !wr_addresses_changed(watch->fd, watch->skip))
		return;
	if (!watch->first)
		watch->first = now;
	if (now - watch->first < PATIENCE_MS)
		uv_timer_start(&watch->timer, on_settled, SETTLE_MS, 0);
}

int wr_address_watch_open(uv_loop_t *loop, void (*changed)(void *context), void *context,
			  struct wr_address_watch **ret_watch)
{
	struct wr_address_watch *watch = calloc(1, sizeof(*watch));
	int status = watch ? wr_addresses_watch(&watch->fd) : -ENOMEM;

	if (!status) {
		status = uv_poll_init(loop, &watch->poll, watch->fd);
		if (status)
			close(watch->fd);
	}
	if (status) {
		free(watch);
		return status;
	}
	watch->changed = changed;
	watch->context = context;
	look(watch, &watch->seen);
	uv_timer_init(loop, &watch->timer);
	watch->handles = 2;
	watch->poll.data = watch->timer.data = watch;
	uv_poll_start(&watch->poll, UV_READABLE, on_news);
	*ret_watch = watch;
	return 0;
}

void wr_address_watch_skip(struct wr_address_watch *watch, uint32_t interface)
{
	watch->skip = interface;
	look(watch, &watch->seen);
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_address_watch *watch = handle->data;

	if (--watch->handles)
		return;
	close(watch->fd);
	free(watch);
}

struct wr_address_watch *wr_address_watch_close(struct wr_address_watch *watch)
{
	if (watch) {
		uv_close((uv_handle_t *)&watch->poll, on_closed);
		uv_close((uv_handle_t *)&watch->timer, on_closed);
	}
	return NULL;
}
