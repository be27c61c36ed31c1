#include "members.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/udp.h"

/* Nothing that is waited for takes as long, also where the kernel is busy with others' namespaces:
 * a carrier is told of late then. */
#define PATIENCE_S 60

/* --- In its thread. --- */

static void on_knocked(void *context, const struct wr_knock *knock, const struct wr_endpoint *from)
{
	struct member *member = context;

	pthread_mutex_lock(&member->mutex);
	if (member->sight_count < MEMBER_SIGHTS)
		member->sights[member->sight_count++] = (struct sight){ *knock, *from };
	pthread_cond_broadcast(&member->news);
	pthread_mutex_unlock(&member->mutex);
}

static bool is_news(void *context, const struct wr_knock *knock, const struct wr_endpoint *from)
{
	const struct member *member = context;

	(void)from;
	return !member->knows || !wr_key_equal(&member->knows->identity, &knock->identity);
}

static int on_send(void *context, struct wr_bytes datagram, const struct wr_endpoint *to)
{
	struct member *member = context;
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(to->port),
		.sin6_scope_id = to->scope,
	};

	if (to->ip.family == WR_IPV4) {
		memset(address.sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(address.sin6_addr.s6_addr + 12, to->ip.bytes, 4);
	} else {
		memcpy(&address.sin6_addr, to->ip.bytes, 16);
	}
	return sendto(member->wireguard_fd, datagram.data, datagram.len, 0,
		      (struct sockaddr *)&address, sizeof(address)) < 0
		       ? -errno
		       : 0;
}

static void on_wireguard(uv_poll_t *poll, int status, int events)
{
	struct member *member = poll->data;
	struct sockaddr_in6 address;
	socklen_t len = sizeof(address);
	uint8_t bytes[2000];
	ssize_t got = recvfrom(member->wireguard_fd, bytes, sizeof(bytes), 0,
			       (struct sockaddr *)&address, &len);
	struct wr_endpoint from = { .ip.family = WR_IPV6 };

	(void)status;
	(void)events;
	if (got < 0)
		return;
	from.port = ntohs(address.sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
		from.ip.family = WR_IPV4;
		memcpy(from.ip.bytes, address.sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(from.ip.bytes, &address.sin6_addr, 16);
		from.scope = address.sin6_scope_id;
	}
	wr_discovery_take(member->discovery, (struct wr_bytes){ bytes, (size_t)got }, &from);
}

static uint16_t port_of(const struct member *member)
{
	return (uint16_t)(52000 + member->number);
}

static void open_wireguard(struct member *member)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	int both = 0;

	address.sin6_port = member->is_behind_nat ? 0 : htons(port_of(member));
	member->wireguard_fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(member->wireguard_fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both));
	if (bind(member->wireguard_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	uv_poll_init(&member->loop, &member->wireguard, member->wireguard_fd);
	member->wireguard.data = member;
	if (!member->is_kernel)
		uv_poll_start(&member->wireguard, UV_READABLE, on_wireguard);
}

static void open_discovery(struct member *member)
{
	struct wr_discovery_config config = {
		.keys = member->keys,
		.seed = { { 0x5e, 0xed, (uint8_t)member->number } },
		.epoch = member->epoch ? member->epoch : 1,
		.has_lan = !member->has_no_lan,
		.send = member->is_kernel ? NULL : on_send,
		.own_port = member->own_port,
		.knocked = on_knocked,
		.is_news = is_news,
		.context = member,
	};

	member->identity = wr_sign_public(&config.seed);
	member->open_status = wr_discovery_open(&member->loop, &config, &member->discovery,
						member->why);
	if (member->open_status == 0)
		wr_discovery_set_port(member->discovery, port_of(member));
}

static void obey(struct member *member)
{
	switch (member->order) {
	case ORDER_NONE: break;
	case ORDER_LOOK: wr_discovery_look(member->discovery, &member->figures); break;
	case ORDER_HURRY: wr_discovery_hurry(member->discovery); break;
	case ORDER_SIZE: wr_discovery_set_size(member->discovery, member->size); break;
	case ORDER_KNOCK:
		member->knock_status = wr_discovery_knock(member->discovery, &member->to);
		break;
	case ORDER_CLOSE:
		member->discovery = wr_discovery_close(member->discovery);
		uv_poll_stop(&member->wireguard);
		uv_close((uv_handle_t *)&member->wireguard, NULL);
		uv_close((uv_handle_t *)&member->wake, NULL);
		break;
	}
	member->order = ORDER_NONE;
}

static void on_wake(uv_async_t *wake)
{
	struct member *member = wake->data;

	pthread_mutex_lock(&member->mutex);
	obey(member);
	pthread_cond_broadcast(&member->news);
	pthread_mutex_unlock(&member->mutex);
}

static void *run(void *data)
{
	struct member *member = data;
	struct wr_netns_visit visit;

	if (wr_netns_enter(member->netns, &visit) != 0)
		abort();
	pthread_mutex_lock(&member->mutex);
	uv_loop_init(&member->loop);
	uv_async_init(&member->loop, &member->wake, on_wake);
	member->wake.data = member;
	open_wireguard(member);
	open_discovery(member);
	pthread_cond_broadcast(&member->news);
	if (member->open_status < 0)
		member->order = ORDER_CLOSE;
	else
		member->order = ORDER_NONE;
	if (member->order == ORDER_CLOSE)
		obey(member);
	pthread_mutex_unlock(&member->mutex);
	uv_run(&member->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&member->loop) != 0)
		abort();
	close(member->wireguard_fd);
	wr_netns_leave(&visit);
	return NULL;
}

/* --- In the test's. --- */

static void await_news(struct member *member, const char *what)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	if (pthread_cond_timedwait(&member->news, &member->mutex, &until) != 0)
		fail_msg("member %u: %s did not come", member->number, what);
}

void member_start(struct member *member)
{
	pthread_mutex_init(&member->mutex, NULL);
	pthread_cond_init(&member->news, NULL);
	member->open_status = 1;
	member->sight_count = 0;
	pthread_mutex_lock(&member->mutex);
	assert_int_equal(pthread_create(&member->thread, NULL, run, member), 0);
	while (member->open_status == 1)
		await_news(member, "its start");
	pthread_mutex_unlock(&member->mutex);
	if (member->open_status < 0)
		pthread_join(member->thread, NULL);
}

static void give_order(struct member *member, enum order order)
{
	member->order = order;
	uv_async_send(&member->wake);
	while (member->order != ORDER_NONE)
		await_news(member, "obedience");
}

void member_stop(struct member *member)
{
	pthread_mutex_lock(&member->mutex);
	give_order(member, ORDER_CLOSE);
	pthread_mutex_unlock(&member->mutex);
	pthread_join(member->thread, NULL);
}

struct wr_discovery_figures member_look(struct member *member)
{
	struct wr_discovery_figures figures;

	pthread_mutex_lock(&member->mutex);
	give_order(member, ORDER_LOOK);
	figures = member->figures;
	pthread_mutex_unlock(&member->mutex);
	return figures;
}

void member_hurry(struct member *member)
{
	pthread_mutex_lock(&member->mutex);
	give_order(member, ORDER_HURRY);
	pthread_mutex_unlock(&member->mutex);
}

void member_set_size(struct member *member, size_t members)
{
	pthread_mutex_lock(&member->mutex);
	member->size = members;
	give_order(member, ORDER_SIZE);
	pthread_mutex_unlock(&member->mutex);
}

int member_knock(struct member *member, const char *address, uint16_t port)
{
	int status;

	pthread_mutex_lock(&member->mutex);
	member->to = (struct wr_endpoint){ .port = port };
	assert_true(wr_ip_parse(address, strlen(address), &member->to.ip));
	give_order(member, ORDER_KNOCK);
	status = member->knock_status;
	pthread_mutex_unlock(&member->mutex);
	return status;
}

static bool is_sight(const struct sight *sight, const struct member *other, const char *from)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(&sight->from.ip, text);
	return wr_key_equal(&sight->knock.identity, &other->identity) &&
	       (!from || strcmp(from, text) == 0);
}

struct sight member_await(struct member *member, const struct member *other, const char *from)
{
	struct sight sight;

	pthread_mutex_lock(&member->mutex);
	for (;;) {
		size_t i = member->sight_count;

		while (i > 0 && !is_sight(&member->sights[i - 1], other, from))
			i--;
		if (i > 0) {
			sight = member->sights[i - 1];
			break;
		}
		await_news(member, from ? from : "the other one");
	}
	pthread_mutex_unlock(&member->mutex);
	return sight;
}

size_t member_count(struct member *member, const struct member *other)
{
	size_t count = 0;

	pthread_mutex_lock(&member->mutex);
	for (size_t i = 0; i < member->sight_count; i++)
		count += is_sight(&member->sights[i], other, NULL);
	pthread_mutex_unlock(&member->mutex);
	return count;
}
