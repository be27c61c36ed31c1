#include "mesh/reconcile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/clock.h"
#include "linux/setup.h"
#include "mesh/prefixes.h"
#include "mesh/reconcile_state.h"

#define PERIOD_MS 5000
/* Seconds. RFC 4787 REQ-5: a NAT's mapping lives two minutes; many forget after 30 s. */
#define KEPT_KEEPALIVE 20
/* News comes in bursts, some of it our own. */
#define SOON_MS 50
/* Of one run; the rest is counted. */
#define DRIFT_LINES 8

/* --- What a run finds. --- */

void wr_reconcile_did(struct wr_reconciler *reconciler, const char *format, ...)
{
	char text[200];
	va_list values;

	reconciler->sight.operations++;
	if (reconciler->expects)
		return;
	reconciler->sight.mended++;
	if (!reconciler->config.drifted || reconciler->told++ >= DRIFT_LINES)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	reconciler->config.drifted(reconciler->config.context, text);
}

void wr_reconcile_trouble(struct wr_reconciler *reconciler, int error, const char *format, ...)
{
	va_list values;

	if (reconciler->error)
		return;
	reconciler->error = error;
	va_start(values, format);
	vsnprintf(reconciler->trouble, sizeof(reconciler->trouble), format, values);
	va_end(values);
}

/* --- A run. --- */

static void mend_filter(struct wr_reconciler *reconciler)
{
	char trouble[200] = "";
	int error;

	if (wr_enforcer_mend(reconciler->enforcer))
		wr_reconcile_did(reconciler, "the filter's rules were gone");
	error = wr_enforcer_look(reconciler->enforcer, trouble);
	if (error)
		wr_reconcile_trouble(reconciler, error, "%s", trouble);
}

/* These know by themselves what is new, and what was so before. */
static void count(struct wr_reconciler *reconciler, enum wr_mend mend, const char *what)
{
	if (mend == WR_MEND_DRIFT)
		wr_reconcile_did(reconciler, "%s", what);
	else if (mend == WR_MEND_MADE)
		reconciler->sight.operations++;
}

static void mend_forwarding(struct wr_reconciler *reconciler)
{
	const char *trouble;

	count(reconciler, wr_forwarding_run(reconciler->forwarding),
	      "forwarding or masquerading was off");
	trouble = wr_forwarding_trouble(reconciler->forwarding);
	if (trouble[0])
		wr_reconcile_trouble(reconciler, -EHOSTUNREACH, "%s", trouble);
}

/* Families in which the network's range is routed to it: another network may have the same. */
static struct wr_families reached_families(const struct wr_reconciler *reconciler)
{
	struct wr_families reached = { 0 };

	for (size_t i = 0; i < reconciler->want.route_count; i++) {
		const struct wr_want_route *route = &reconciler->want.routes[i];

		if (!route->is_range || !route->is_taken)
			continue;
		reached.v4 |= route->to.ip.family == WR_IPV4;
		reached.v6 |= route->to.ip.family == WR_IPV6;
	}
	return reached;
}

static void mend_names(struct wr_reconciler *reconciler)
{
	struct wr_families reached = reached_families(reconciler);
	const char *trouble;

	if (reconciler->is_renamed || reached.v4 != reconciler->named.v4 ||
	    reached.v6 != reconciler->named.v6)
		wr_names_set_map(reconciler->names, reconciler->map, reached);
	reconciler->is_renamed = false;
	reconciler->named = reached;

	count(reconciler, wr_names_run(reconciler->names), "names were missing");
	trouble = wr_names_trouble(reconciler->names);
	if (trouble[0])
		wr_reconcile_trouble(reconciler, -EIO, "%s", trouble);
}

static void end_run(struct wr_reconciler *reconciler)
{
	struct wr_reconciler_sight *sight = &reconciler->sight;

	reconciler->expects = false;
	sight->runs++;
	sight->last_run = wr_clock_now();
	sight->error = reconciler->error;
	memcpy(sight->trouble, reconciler->trouble, sizeof(sight->trouble));
}

/* The filter first: there is one before anything can pass. */
void wr_reconciler_run(struct wr_reconciler *reconciler)
{
	if (!reconciler->backend || !reconciler->map)
		return;
	reconciler->error = 0;
	reconciler->trouble[0] = '\0';
	reconciler->told = 0;
	mend_filter(reconciler);
	wr_reconcile_peers(reconciler);
	wr_reconcile_link(reconciler);
	wr_reconcile_network(reconciler);
	mend_forwarding(reconciler);
	mend_names(reconciler);
	end_run(reconciler);
}

/* --- When. --- */

static void on_timer(uv_timer_t *timer)
{
	wr_reconciler_run(timer->data);
}

/* A socket that ran over has an error, at which libuv stops watching it: something was
 * missed then. */
static void on_news(uv_poll_t *watch, int status, int events)
{
	struct wr_reconciler *reconciler = watch->data;
	bool has_news = wr_setup_drain(reconciler->watch_fd);

	(void)events;
	if (status < 0)
		(void)uv_poll_start(watch, UV_READABLE, on_news);
	else if (!has_news)
		return;
	if (!uv_is_active((uv_handle_t *)&reconciler->soon))
		(void)uv_timer_start(&reconciler->soon, on_timer, SOON_MS, 0);
}

static int start_timers(struct wr_reconciler *reconciler)
{
	uv_timer_t *timers[] = { &reconciler->timer, &reconciler->soon };

	for (size_t i = 0; i < WR_ARRAY_LEN(timers); i++) {
		int status = uv_timer_init(reconciler->loop, timers[i]);

		if (status < 0)
			return status;
		timers[i]->data = reconciler;
		reconciler->handles++;
	}
	return uv_timer_start(&reconciler->timer, on_timer, PERIOD_MS, PERIOD_MS);
}

static int start_watching(struct wr_reconciler *reconciler)
{
	int status = wr_setup_watch(&reconciler->watch_fd);

	if (status == 0)
		status = uv_poll_init(reconciler->loop, &reconciler->watch, reconciler->watch_fd);
	if (status < 0)
		return status;
	reconciler->watch.data = reconciler;
	reconciler->handles++;
	return uv_poll_start(&reconciler->watch, UV_READABLE, on_news);
}

/* --- Its life. --- */

static int open_parts(struct wr_reconciler *reconciler, const struct wr_reconciler_config *config)
{
	const struct wr_forwarding_config forwarding = {
		.interface = reconciler->interface,
		.may_forward = config->may_forward,
		.masquerade = config->masquerade,
	};
	const struct wr_names_config names = {
		.interface = reconciler->interface,
		.kind = config->names,
		.hosts_file = config->hosts_file,
	};
	int status = wr_enforcer_new(reconciler->loop, config->backend, reconciler->interface,
				     &reconciler->enforcer);

	if (status == 0)
		status = wr_forwarding_new(reconciler->loop, &forwarding, &reconciler->forwarding);
	if (status == 0)
		status = wr_names_new(reconciler->loop, &names, &reconciler->names);
	if (status == 0)
		status = start_timers(reconciler);
	return status < 0 ? status : start_watching(reconciler);
}

int wr_reconciler_new(uv_loop_t *loop, const struct wr_reconciler_config *config,
		      struct wr_reconciler **ret_reconciler)
{
	struct wr_reconciler *reconciler;
	int status;

	if (strlen(config->interface) >= IF_NAMESIZE)
		return -EINVAL;
	reconciler = calloc(1, sizeof(*reconciler));
	if (!reconciler)
		return -ENOMEM;
	reconciler->loop = loop;
	reconciler->config = *config;
	reconciler->config.interface = reconciler->config.hosts_file = NULL;
	strcpy(reconciler->interface, config->interface);
	reconciler->backend = config->backend;
	reconciler->watch_fd = -1;
	reconciler->expects = true;
	status = open_parts(reconciler, config);
	if (status < 0) {
		wr_reconciler_free(reconciler);
		return status;
	}
	*ret_reconciler = reconciler;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_reconciler *reconciler = handle->data;

	reconciler->handles--;
}

static void close_handles(struct wr_reconciler *reconciler)
{
	uv_handle_t *handles[] = { (uv_handle_t *)&reconciler->timer,
				   (uv_handle_t *)&reconciler->soon,
				   (uv_handle_t *)&reconciler->watch };

	for (size_t i = 0; i < WR_ARRAY_LEN(handles); i++) {
		if (handles[i]->data)
			uv_close(handles[i], on_closed);
	}
	while (reconciler->handles > 0)
		uv_run(reconciler->loop, UV_RUN_ONCE);
	if (reconciler->watch_fd >= 0)
		close(reconciler->watch_fd);
}

struct wr_reconciler *wr_reconciler_free(struct wr_reconciler *reconciler)
{
	if (!reconciler)
		return NULL;
	/* Nothing is mended from now on. */
	reconciler->backend = NULL;
	close_handles(reconciler);
	reconciler->names = wr_names_free(reconciler->names);
	reconciler->forwarding = wr_forwarding_free(reconciler->forwarding);
	reconciler->enforcer = wr_enforcer_free(reconciler->enforcer);
	wr_reconcile_put_back(reconciler);
	wr_want_done(&reconciler->want);
	wr_wipe(&reconciler->config.preshared_key, sizeof(reconciler->config.preshared_key));
	free(reconciler);
	return NULL;
}

/* --- What should be. --- */

static void want_kept(struct wr_reconciler *reconciler)
{
	for (size_t i = 0; i < reconciler->kept_count; i++) {
		struct wr_want_peer *peer = wr_want_find(&reconciler->want, &reconciler->kept[i]);

		if (peer)
			peer->keepalive = KEPT_KEEPALIVE;
	}
}

/* The want that is there stays until there is memory for another. */
static void take_want(struct wr_reconciler *reconciler)
{
	struct wr_want want;

	if (!wr_want_make(reconciler->map, reconciler->config.accepts_routes,
			  reconciler->config.keepalive, &want))
		return;
	wr_want_done(&reconciler->want);
	reconciler->want = want;
	want_kept(reconciler);
}

void wr_reconciler_set_kept(struct wr_reconciler *reconciler, const struct wr_key *keys,
			    size_t count)
{
	bool is_same;

	count = count < WR_RECONCILER_KEPT ? count : WR_RECONCILER_KEPT;
	is_same = count == reconciler->kept_count;

	for (size_t i = 0; i < count; i++) {
		is_same = is_same && wr_key_equal(&keys[i], &reconciler->kept[i]);
		reconciler->kept[i] = keys[i];
	}
	if (is_same)
		return;
	reconciler->kept_count = count;
	if (!reconciler->map)
		return;
	reconciler->expects = true;
	take_want(reconciler);
	wr_reconciler_run(reconciler);
}

void wr_reconciler_set_map(struct wr_reconciler *reconciler, const struct wr_netmap *map)
{
	reconciler->map = map;
	reconciler->expects = true;
	take_want(reconciler);
	wr_enforcer_set_map(reconciler->enforcer, map);
	wr_forwarding_set_map(reconciler->forwarding, map);
	reconciler->is_renamed = true;
	wr_reconciler_run(reconciler);
}

void wr_reconciler_set_backend(struct wr_reconciler *reconciler, struct wr_backend *backend)
{
	reconciler->backend = backend;
	reconciler->expects = true;
	reconciler->is_quiet = false;
	wr_enforcer_set_backend(reconciler->enforcer, backend);
	if (backend)
		wr_names_set_link(reconciler->names);
	wr_reconciler_run(reconciler);
}

void wr_reconciler_set_outside(struct wr_reconciler *reconciler, const struct wr_ip *ips,
			       size_t count)
{
	if (count > WR_RECONCILER_OUTSIDE)
		count = WR_RECONCILER_OUTSIDE;
	if (count)
		memcpy(reconciler->outside, ips, count * sizeof(*ips));
	reconciler->outside_count = count;
	reconciler->expects = true;
	wr_reconciler_run(reconciler);
}

/* --- What is. --- */

bool wr_reconciler_carries(const struct wr_reconciler *reconciler, const struct wr_ip *ip)
{
	for (size_t i = 0; i < reconciler->want.route_count; i++) {
		const struct wr_want_route *route = &reconciler->want.routes[i];

		if (route->is_taken && wr_prefix_holds_ip(&route->to, ip))
			return true;
	}
	return false;
}

void wr_reconciler_look(const struct wr_reconciler *reconciler,
			struct wr_reconciler_sight *ret_sight)
{
	*ret_sight = reconciler->sight;
}
