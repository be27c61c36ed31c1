#include "nat.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/netcheck.h"
#include "node/portmap.h"

struct run {
	uv_loop_t loop;
	uv_timer_t guard;
	struct wr_portmap *portmap;
	unsigned changes;
	unsigned ticks;
};

/* Twenty seconds. */
#define TICK_MS 50
#define TICKS 400

static void on_changed(void *context)
{
	struct run *run = context;

	run->changes++;
}

static void on_guard(uv_timer_t *timer)
{
	struct run *run = timer->data;

	run->ticks++;
}

static void start(struct run *run, uint16_t port)
{
	struct wr_portmap_config config = { .port = port, .changed = on_changed, .context = run };

	memset(run, 0, sizeof(*run));
	uv_loop_init(&run->loop);
	uv_timer_init(&run->loop, &run->guard);
	run->guard.data = run;
	assert_int_equal(wr_portmap_open(&run->loop, &config, &run->portmap), 0);
}

/* Until it is no longer looking, and mapped or not as wanted. */
static struct wr_portmap_sight wait_for(struct run *run, bool is_mapped)
{
	struct wr_portmap_sight sight;

	run->ticks = 0;
	uv_timer_start(&run->guard, on_guard, TICK_MS, TICK_MS);
	do {
		uv_run(&run->loop, UV_RUN_ONCE);
		wr_portmap_look(run->portmap, &sight);
	} while (run->ticks < TICKS &&
		 (sight.is_looking || is_mapped != (sight.method != WR_PORTMAP_NONE)));
	assert_in_range(run->ticks, 0, TICKS - 1);
	uv_timer_stop(&run->guard);
	return sight;
}

static void stop(struct run *run)
{
	assert_null(wr_portmap_close(run->portmap));
	uv_close((uv_handle_t *)&run->guard, NULL);
	uv_run(&run->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&run->loop), 0);
}

static bool has_rule_now(const char *part)
{
	char *rules = nat_list_rules();
	bool has = strstr(rules, part);

	free(rules);
	return has;
}

/* True if the rules of the router have the text, and soon. */
static bool has_rule(const char *part, bool wanted)
{
	for (unsigned i = 0; i < 1000 && has_rule_now(part) != wanted; i++)
		usleep(20000);
	return has_rule_now(part);
}

/* A datagram from the server to the mapped port comes to us. */
static void assert_reachable(const struct wr_endpoint *external, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval patience = { 30, 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[WR_ENDPOINT_TEXT_LEN], got[10];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	wr_ip_format(&external->ip, text);
	namespace_run("ip netns exec server bash -c 'echo hello >/dev/udp/%s/%u'", text,
		      external->port);
	assert_int_equal(recv(fd, got, sizeof(got), 0), 6);
	close(fd);
}

/* It is up when it listens. */
static void start_miniupnpd(struct nat *nat, const char *options)
{
	nat_start_miniupnpd(nat, options);
	namespace_run("for i in $(seq 200); do ip netns exec router ss -Hlun | grep -qE "
		      "':(5351|1900) ' && exit; sleep 0.05; done; exit 1");
}

static void check_way(const char *options, enum wr_portmap_method method)
{
	struct nat nat;
	struct run run;
	struct wr_portmap_sight sight;

	nat_start(&nat);
	start_miniupnpd(&nat, options);
	start(&run, 51820);
	sight = wait_for(&run, true);
	assert_int_equal(sight.method, method);
	assert_int_equal(run.changes, 1);
	assert_int_equal(sight.external.ip.bytes[0], 11);
	assert_int_equal(sight.external.port, 51820);
	assert_true(sight.is_global);
	assert_in_range(sight.seconds, 3600, 7200);
	assert_true(has_rule("dnat ip to 192.168.44.2:51820", true));
	assert_reachable(&sight.external, 51820);

	/* The same way out: renewed, nothing is told. */
	wr_portmap_moved(run.portmap);
	wait_for(&run, true);
	assert_int_equal(run.changes, 1);

	/* Another port: the old one is given back. */
	wr_portmap_set_port(run.portmap, 40123);
	assert_int_equal(run.changes, 2);
	sight = wait_for(&run, true);
	assert_int_equal(sight.external.port, 40123);
	assert_false(has_rule("192.168.44.2:51820", false));
	assert_reachable(&sight.external, 40123);
	stop(&run);
	assert_false(has_rule("192.168.44.2:", false));
	nat_stop(&nat);
}

/* libuv's pool stays in the namespace in which it began: a process for each. */
static void in_a_child(CMUnitTestFunction check)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(check) };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(cmocka_run_group_tests_name("within", tests, NULL, NULL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What is under way when the port changes, or all ends, leaves no mapping that nobody knows of. */
static void check_overtaken(const char *options)
{
	struct nat nat;
	struct run run;

	nat_start(&nat);
	start_miniupnpd(&nat, options);
	start(&run, 51820);
	wait_for(&run, true);
	wr_portmap_moved(run.portmap);
	wr_portmap_set_port(run.portmap, 40123);
	wait_for(&run, true);
	assert_true(has_rule("192.168.44.2:40123", true));
	assert_false(has_rule("192.168.44.2:51820", false));
	wr_portmap_moved(run.portmap);
	uv_run(&run.loop, UV_RUN_NOWAIT);
	stop(&run);
	assert_false(has_rule("192.168.44.2:", false));

	/* While it is looked for. */
	start(&run, 51820);
	while (!has_rule_now("192.168.44.2:51820"))
		uv_run(&run.loop, UV_RUN_NOWAIT);
	wr_portmap_set_port(run.portmap, 40123);
	stop(&run);
	assert_false(has_rule("192.168.44.2:", false));
	nat_stop(&nat);
}

static void check_pcp(void **state)
{
	(void)state;
	check_way("enable_natpmp=yes\nenable_upnp=no", WR_PORTMAP_PCP);
}

static void check_upnp(void **state)
{
	(void)state;
	check_way("enable_natpmp=no\nenable_upnp=yes", WR_PORTMAP_UPNP);
}

static void check_pcp_overtaken(void **state)
{
	(void)state;
	check_overtaken("enable_natpmp=yes\nenable_upnp=no");
}

static void check_upnp_overtaken(void **state)
{
	(void)state;
	check_overtaken("enable_natpmp=no\nenable_upnp=yes");
}

static void test_portmap_maps_by_pcp(void **state)
{
	(void)state;
	in_a_child(check_pcp);
}

static void test_portmap_maps_by_upnp(void **state)
{
	(void)state;
	in_a_child(check_upnp);
}

static void test_portmap_leaves_nothing_when_overtaken(void **state)
{
	(void)state;
	in_a_child(check_pcp_overtaken);
	in_a_child(check_upnp_overtaken);
}

static void check_nat_pmp(void **state)
{
	struct nat nat;
	struct run run;
	struct wr_portmap_sight sight;
	char said[200] = "";
	FILE *log;

	(void)state;
	nat_start(&nat);
	nat_start_nat_pmp(&nat);
	start(&run, 51820);
	sight = wait_for(&run, true);
	assert_int_equal(sight.method, WR_PORTMAP_NAT_PMP);
	assert_int_equal(sight.external.port, 51821);
	assert_int_equal(sight.external.ip.bytes[0], 11);
	assert_int_equal(sight.seconds, 120);
	wr_portmap_moved(run.portmap);
	wait_for(&run, true);
	while (run.ticks < 40 && run.changes == 1) /* the renewal has its time */
		uv_run(&run.loop, UV_RUN_NOWAIT), usleep(1000), run.ticks++;
	assert_int_equal(run.changes, 1);
	stop(&run);
	nat_stop(&nat);
	log = fopen("/run/nat-pmp", "r");
	assert_true(fread(said, 1, sizeof(said) - 1, log) > 0);
	fclose(log);
	assert_string_equal(said, "version\naddress\nmap 51820\naddress\nmap 51820\nunmap 51820\n");
}

static void test_portmap_maps_by_nat_pmp(void **state)
{
	(void)state;
	in_a_child(check_nat_pmp);
}

/* The look at the network tells of it, and leaves nothing behind. */
static void on_done(void *context, const struct wr_netcheck_report *report)
{
	struct wr_netcheck_report *copy = context;

	*copy = *report;
}

static void check_netcheck(void **state)
{
	struct nat nat;
	struct wr_netcheck_report report = { 0 };
	struct wr_netcheck_config config = { .asks_router = true,
					     .done = on_done,
					     .context = &report };
	struct wr_netcheck *netcheck;
	uv_loop_t loop;

	(void)state;
	nat_start(&nat);
	start_miniupnpd(&nat, "enable_natpmp=yes\nenable_upnp=no");
	uv_loop_init(&loop);
	assert_int_equal(wr_netcheck_start(&loop, &config, &netcheck), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_true(report.has_portmap);
	assert_int_equal(report.portmap.method, WR_PORTMAP_PCP);
	assert_int_equal(report.portmap.external.ip.bytes[0], 11);
	assert_false(has_rule("192.168.44.2:", false));
	nat_stop(&nat);
}

static void test_portmap_is_seen_by_netcheck(void **state)
{
	(void)state;
	in_a_child(check_netcheck);
}

static void check_none(void **state)
{
	struct nat nat;
	struct run run;
	struct wr_portmap_sight sight;

	(void)state;
	nat_start(&nat);
	start(&run, 51820);
	sight = wait_for(&run, false);
	assert_string_equal(sight.why, "the router maps no ports, by PCP, NAT-PMP or UPnP");
	assert_int_equal(run.changes, 0);
	namespace_run("ip route del default");
	wr_portmap_moved(run.portmap);
	sight = wait_for(&run, false);
	assert_string_equal(sight.why, "there is no default gateway");
	namespace_run("ip addr add 11.7.7.7/24 dev lan0 && ip route add default via 11.7.7.1");
	wr_portmap_moved(run.portmap);
	sight = wait_for(&run, false);
	assert_non_null(strstr(sight.why, "none is needed"));
	assert_int_equal(sight.gateway.bytes[0], 11);
	stop(&run);
	nat_stop(&nat);
}

static void test_portmap_says_that_there_is_none(void **state)
{
	(void)state;
	in_a_child(check_none);
}

/* The router is another, or has forgotten: asked anew. */
static void check_forgotten(void **state)
{
	struct nat nat;
	struct run run;

	(void)state;
	nat_start(&nat);
	start_miniupnpd(&nat, "enable_natpmp=yes\nenable_upnp=no");
	start(&run, 51820);
	wait_for(&run, true);
	nat_stop(&nat);
	wr_portmap_moved(run.portmap);
	wait_for(&run, false);
	assert_int_equal(run.changes, 2);
	stop(&run);
}

static void test_portmap_notices_that_the_router_forgot(void **state)
{
	(void)state;
	in_a_child(check_forgotten);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portmap_maps_by_pcp),
		cmocka_unit_test(test_portmap_maps_by_nat_pmp),
		cmocka_unit_test(test_portmap_maps_by_upnp),
		cmocka_unit_test(test_portmap_leaves_nothing_when_overtaken),
		cmocka_unit_test(test_portmap_is_seen_by_netcheck),
		cmocka_unit_test(test_portmap_says_that_there_is_none),
		cmocka_unit_test(test_portmap_notices_that_the_router_forgot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
