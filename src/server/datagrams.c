#include "server/datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/map.h"
#include "wire/message.h"

#define MOST 4096
#define IDLE_SECONDS 180
#define DATAGRAM_MAX 65507

/* 127.64.0.0/10: loopback, and nobody else's. */
#define OWN_NET 0x7f400000u
#define OWN_MASK 0xffc00000u

struct place {
	uv_udp_t socket;
	struct wr_member_datagrams *all;
	int64_t machine;
	uint64_t used; /* uv_now() */
};

struct wr_member_datagrams {
	uv_loop_t *loop;
	struct wr_member_datagrams_config config;
	struct wr_map places; /* by machine */
	uv_timer_t timer;
	unsigned handles; /* not closed yet, the timer's with them */
	bool is_closing;
	char datagram[DATAGRAM_MAX]; /* for one read at a time */
};

/* --- The end. --- */

static void look_closed(struct wr_member_datagrams *all)
{
	if (--all->handles)
		return;
	wr_map_done(&all->places);
	free(all);
}

static void on_place_closed(uv_handle_t *handle)
{
	struct place *place = handle->data;
	struct wr_member_datagrams *all = place->all;

	free(place);
	look_closed(all);
}

static void on_timer_closed(uv_handle_t *handle)
{
	look_closed(handle->data);
}

static void place_close(struct place *place)
{
	wr_map_take(&place->all->places, (uint64_t)place->machine);
	uv_close((uv_handle_t *)&place->socket, on_place_closed);
}

/* The map must not change while it is walked. */
static struct place *next_idle(struct wr_member_datagrams *all, uint64_t since)
{
	struct place *place;
	size_t at = 0;

	while ((place = wr_map_next(&all->places, &at)) && place->used > since)
		;
	return place;
}

static void on_sweep(uv_timer_t *timer)
{
	struct wr_member_datagrams *all = timer->data;
	uint64_t patience = (uint64_t)all->config.idle_seconds * 1000;
	uint64_t now = uv_now(all->loop);
	struct place *place;

	while (now > patience && (place = next_idle(all, now - patience)))
		place_close(place);
	if (!all->places.count)
		uv_timer_stop(&all->timer);
}

/* --- From the hub. --- */

static void allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct place *place = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(place->all->datagram, sizeof(place->all->datagram));
}

static void on_datagram(uv_udp_t *socket, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct place *place = socket->data;
	struct wr_bytes datagram = { (const uint8_t *)buffer->base, len > 0 ? (size_t)len : 0 };

	if (len <= 0 || !from || flags & UV_UDP_PARTIAL ||
	    wr_message_type(datagram) == WR_MESSAGE_NONE)
		return;
	place->all->config.send(place->all->config.context, place->machine, datagram);
}

/* --- To the hub. --- */

static struct sockaddr_in loopback(uint32_t ip, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(ip);
	return address;
}

static int place_start(struct place *place)
{
	uint32_t host = (uint32_t)place->machine & ~OWN_MASK;
	struct sockaddr_in own = loopback(OWN_NET | host, 0);
	struct sockaddr_in hub = loopback(INADDR_LOOPBACK, place->all->config.hub_port);
	int status = uv_udp_bind(&place->socket, (const struct sockaddr *)&own, 0);

	if (!status)
		status = uv_udp_connect(&place->socket, (const struct sockaddr *)&hub);
	return status ? status : uv_udp_recv_start(&place->socket, allocate, on_datagram);
}

static uint64_t sweep_ms(const struct wr_member_datagrams *all)
{
	return (uint64_t)all->config.idle_seconds * 250;
}

static struct place *place_new(struct wr_member_datagrams *all, int64_t machine)
{
	struct place *place;

	if (all->places.count >= all->config.most)
		return NULL;
	place = calloc(1, sizeof(*place));
	if (!place || !wr_map_put(&all->places, (uint64_t)machine, place)) {
		free(place);
		return NULL;
	}
	place->all = all;
	place->machine = machine;
	if (uv_udp_init(all->loop, &place->socket) < 0) {
		wr_map_take(&all->places, (uint64_t)machine);
		free(place);
		return NULL;
	}
	all->handles++;
	place->socket.data = place;
	if (place_start(place)) {
		place_close(place);
		return NULL;
	}
	if (!uv_is_active((uv_handle_t *)&all->timer))
		uv_timer_start(&all->timer, on_sweep, sweep_ms(all), sweep_ms(all));
	return place;
}

void wr_member_datagrams_take(struct wr_member_datagrams *all, int64_t machine,
			      struct wr_bytes datagram)
{
	struct place *place;
	uv_buf_t buffer;

	if (wr_message_type(datagram) == WR_MESSAGE_NONE || datagram.len > DATAGRAM_MAX)
		return;
	place = wr_map_get(&all->places, (uint64_t)machine);
	if (!place)
		place = place_new(all, machine);
	if (!place)
		return;
	place->used = uv_now(all->loop);
	buffer = uv_buf_init((char *)(uintptr_t)datagram.data, (unsigned)datagram.len);
	/* What the kernel has no room for is lost, as it is on a wire. */
	(void)uv_udp_try_send(&place->socket, &buffer, 1, NULL);
}

void wr_member_datagrams_end(struct wr_member_datagrams *all, int64_t machine)
{
	struct place *place = wr_map_get(&all->places, (uint64_t)machine);

	if (place)
		place_close(place);
}

size_t wr_member_datagrams_count(const struct wr_member_datagrams *all)
{
	return all->places.count;
}

bool wr_member_datagrams_is_own(const struct wr_ip *ip)
{
	return ip->family == WR_IPV4 && ip->bytes[0] == 127;
}

/* --- The whole. --- */

int wr_member_datagrams_open(uv_loop_t *loop, const struct wr_member_datagrams_config *config,
			     struct wr_member_datagrams **ret_datagrams)
{
	struct wr_member_datagrams *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->loop = loop;
	all->config = *config;
	if (!all->config.most)
		all->config.most = MOST;
	if (!all->config.idle_seconds)
		all->config.idle_seconds = IDLE_SECONDS;
	uv_timer_init(loop, &all->timer);
	all->timer.data = all;
	all->handles = 1;
	*ret_datagrams = all;
	return 0;
}

struct wr_member_datagrams *wr_member_datagrams_close(struct wr_member_datagrams *all)
{
	struct place *place;
	size_t at;

	if (!all)
		return NULL;
	while ((at = 0, place = wr_map_next(&all->places, &at)))
		place_close(place);
	uv_close((uv_handle_t *)&all->timer, on_timer_closed);
	return NULL;
}
