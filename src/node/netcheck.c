/* The look itself: asks, waits, listens. What it means is in netcheck_judge.c. */
#include "node/netcheck.h"

#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "node/netcheck_look.h"

#define TICK_MS 50
/* RFC 8489 section 6.2.1 would take 39.5 s in all; who loses three of three is no use. */
#define ASK_TIMES \
	{ \
		0, 300, 800, 1400 \
	}
#define ASK_MS 2000
#define COLD_MS 400
#define WARM_MS 600
#define PORTMAP_MS 7000

/* --- Asking. --- */

static void ask_servers(struct wr_netcheck *look)
{
	for (size_t i = 0; i < look->question_count; i++) {
		struct wr_netcheck_question *question = &look->questions[i];

		if (question->mapped.ip.family)
			continue;
		question->sent_ns = uv_hrtime();
		wr_netcheck_send(&look->sockets[question->socket], &question->id,
				 &question->server);
	}
}

/* Where the server saw the socket; the first answer's. */
static const struct wr_endpoint *mapped_of(const struct wr_netcheck *look, unsigned socket)
{
	for (size_t i = 0; i < look->question_count; i++) {
		if (look->questions[i].socket == socket && look->questions[i].mapped.ip.family)
			return &look->questions[i].mapped;
	}
	return NULL;
}

/* From the second socket of the family to where the first is seen; and the other way too. */
static void send_hairpins(struct wr_netcheck *look, bool both_ways)
{
	for (unsigned first = 0; first < WR_NETCHECK_SOCKETS; first += 2) {
		const struct wr_endpoint *to = mapped_of(look, first);
		const struct wr_endpoint *back = mapped_of(look, first + 1);
		struct wr_netcheck_socket *socket = &look->sockets[first];

		if (!to || !back || wr_ip_equal(&to->ip, &socket->local.ip))
			continue;
		if (both_ways)
			wr_netcheck_send(socket, &look->ignored, back);
		wr_netcheck_send(&look->sockets[first + 1],
				 both_ways ? &socket->warm : &socket->cold, to);
	}
}

/* --- The end. --- */

static void on_closed(uv_handle_t *handle)
{
	struct wr_netcheck_socket *socket = handle->data;
	struct wr_netcheck *look = socket->look;

	if (--look->handles == 0)
		free(look);
}

static void close_all(struct wr_netcheck *look)
{
	look->done = NULL;
	look->portmap = wr_portmap_close(look->portmap);
	for (unsigned i = 0; i < WR_NETCHECK_SOCKETS + 1; i++) {
		if (look->sockets[i].is_open)
			uv_close((uv_handle_t *)&look->sockets[i].udp, on_closed);
	}
	look->timer.data = &look->sockets[0];
	uv_close((uv_handle_t *)&look->timer, on_closed);
}

static void finish(struct wr_netcheck *look)
{
	void (*done)(void *context, const struct wr_netcheck_report *report) = look->done;
	void *context = look->context;
	struct wr_netcheck_report *report = &look->report;

	wr_netcheck_judge(look);
	if (look->portmap) {
		report->has_portmap = true;
		wr_portmap_look(look->portmap, &report->portmap);
	}
	close_all(look);
	/* What it is told lives until the handles are closed. */
	done(context, report);
}

/* --- Step after step. --- */

static bool is_answered(const struct wr_netcheck *look)
{
	for (size_t i = 0; i < look->question_count; i++) {
		if (!look->questions[i].mapped.ip.family)
			return false;
	}
	return true;
}

static bool is_portmap_done(const struct wr_netcheck *look, uint64_t spent)
{
	struct wr_portmap_sight sight;

	if (!look->portmap || spent > PORTMAP_MS)
		return true;
	wr_portmap_look(look->portmap, &sight);
	return !sight.is_looking;
}

static void next_step(struct wr_netcheck *look, enum wr_netcheck_step step)
{
	look->step = step;
	look->step_ms = 0;
	look->sent = 0;
}

static void tick_asking(struct wr_netcheck *look)
{
	static const unsigned times[] = ASK_TIMES;

	if (is_answered(look) || look->step_ms >= ASK_MS)
		next_step(look, WR_NETCHECK_COLD);
	else if (look->sent < WR_ARRAY_LEN(times) && look->step_ms >= times[look->sent]) {
		look->sent++;
		ask_servers(look);
	}
}

/* Twice, or three times: datagrams get lost. */
static void tick_hairpin(struct wr_netcheck *look)
{
	bool is_warm = look->step == WR_NETCHECK_WARM;

	if (look->sent < 3 && look->step_ms >= look->sent * 100) {
		look->sent++;
		send_hairpins(look, is_warm);
	}
	if (look->step_ms >= (is_warm ? WARM_MS : COLD_MS))
		next_step(look, is_warm ? WR_NETCHECK_ROUTER : WR_NETCHECK_WARM);
}

static void on_tick(uv_timer_t *timer)
{
	struct wr_netcheck *look = timer->data;
	uint64_t spent = uv_now(timer->loop) - look->begun;

	switch (look->step) {
	case WR_NETCHECK_ASKING: tick_asking(look); break;
	case WR_NETCHECK_COLD:
	case WR_NETCHECK_WARM: tick_hairpin(look); break;
	case WR_NETCHECK_ROUTER:
	default:
		if (is_portmap_done(look, spent)) {
			finish(look);
			return;
		}
		break;
	}
	look->step_ms += TICK_MS;
}

/* --- The beginning. --- */

static void add_question(struct wr_netcheck *look, unsigned socket,
			 const struct wr_endpoint *server, uint16_t port)
{
	struct wr_netcheck_question *question;

	if (look->question_count == WR_NETCHECK_QUESTIONS)
		return;
	question = &look->questions[look->question_count++];
	question->socket = socket;
	question->server = *server;
	question->server.port = port;
	wr_random(&question->id, sizeof(question->id));
}

/* A host without the family has no socket of it, and no answer. */
static void add_server(struct wr_netcheck *look, const struct wr_netcheck_config *config,
		       const struct wr_endpoint *server)
{
	unsigned first = server->ip.family == WR_IPV4 ? 0 : 2;

	for (unsigned i = first; i < first + 2; i++) {
		struct wr_netcheck_socket *socket = &look->sockets[i];

		if (!socket->is_tried) {
			socket->is_tried = true;
			socket->has_server = true;
			socket->is_usable = wr_netcheck_open(look, i, server->ip.family,
							     config->mark) == 0;
			wr_netcheck_find_local(socket, server);
		}
		if (!socket->is_usable)
			continue;
		add_question(look, i, server, server->port);
		if (config->stun_port && config->stun_port != server->port)
			add_question(look, i, server, config->stun_port);
	}
}

static void ignore(void *context)
{
	(void)context;
}

static void ask_router(struct wr_netcheck *look)
{
	struct wr_portmap_config config = { .changed = ignore, .context = look };

	/* A port that nothing else is tried with: a mapping would change what is seen. */
	if (wr_netcheck_open(look, WR_NETCHECK_SOCKETS, WR_IPV4, 0) == 0) {
		config.port = look->sockets[WR_NETCHECK_SOCKETS].local.port;
		if (wr_portmap_open(look->timer.loop, &config, &look->portmap))
			look->portmap = NULL;
	}
}

static void number_sockets(struct wr_netcheck *look)
{
	wr_random(&look->ignored, sizeof(look->ignored));
	for (unsigned i = 0; i < WR_NETCHECK_SOCKETS + 1; i++) {
		look->sockets[i].look = look;
		look->sockets[i].number = i;
		wr_random(&look->sockets[i].cold, sizeof(look->sockets[i].cold));
		wr_random(&look->sockets[i].warm, sizeof(look->sockets[i].warm));
	}
}

int wr_netcheck_start(uv_loop_t *loop, const struct wr_netcheck_config *config,
		      struct wr_netcheck **ret_netcheck)
{
	struct wr_netcheck *look = calloc(1, sizeof(*look));
	size_t count = config->server_count;

	if (!look)
		return -ENOMEM;
	uv_timer_init(loop, &look->timer);
	look->timer.data = look;
	look->handles = 1;
	look->done = config->done;
	look->context = config->context;
	look->report.is_mesh = config->is_mesh;
	number_sockets(look);
	for (size_t i = 0; i < count && i < WR_NETCHECK_SERVERS; i++)
		add_server(look, config, &config->servers[i]);
	if (config->asks_router)
		ask_router(look);
	uv_update_time(loop);
	look->begun = uv_now(loop);
	uv_timer_start(&look->timer, on_tick, 0, TICK_MS);
	*ret_netcheck = look;
	return 0;
}

struct wr_netcheck *wr_netcheck_cancel(struct wr_netcheck *netcheck)
{
	if (netcheck)
		close_all(netcheck);
	return NULL;
}
