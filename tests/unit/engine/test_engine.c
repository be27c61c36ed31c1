/* Two engines on two machines, each with its thread of control and its workers, and
 * real packets between them while everything about them changes.
 *
 * This is what the thread sanitizer looks at. */
#include "engine/engine.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "lab.h"
#include "linux/clock.h"
#include "packets.h"
#include "traffic.h"
#include "unit.h"

/* Keys last 2 s, and are used 3 s at the most. */
#define TIME_FACTOR 60
#define MARK 0x77
/* Bytes of each direction of each connection between two changes. */
#define STRIDE (256 << 10)

static const unsigned worker_counts[2] = { 3, 2 };

/* --- A machine's engine and its control thread. --- */

struct machine {
	const struct lab_host *host;
	struct wr_engine *engine;
	struct wr_device *devices[LAB_DEVICES];
	struct wr_key private_keys[LAB_DEVICES], public_keys[LAB_DEVICES];
	const struct machine *other;
	unsigned number;

	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;
	pthread_cond_t is_done;
	void (*job)(struct machine *machine, uintptr_t argument); /* NULL: none */
	uintptr_t argument;
	bool is_over;
};

static void set_up_device(struct machine *machine, unsigned number)
{
	struct wr_port *port = wr_engine_port(machine->engine);
	struct wr_device *device = wr_device_new(port);

	PACKET_CHECK(device);
	machine->devices[number] = device;
	PACKET_CHECK(wr_device_set_private_key(device, &machine->private_keys[number]) == 0);
	PACKET_CHECK(wr_engine_attach(machine->engine, device, machine->host->tuns[number]) == 0);
	wr_engine_set_mtu(machine->engine, device, LAB_MTU);
	wr_device_set_up(device, true, wr_clock_now());
}

static void start_engine(struct machine *machine)
{
	struct wr_engine_config config = {
		.workers = worker_counts[machine->number],
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_scaled(TIME_FACTOR),
	};

	lab_enter(machine->host);
	PACKET_CHECK(wr_engine_new(&config, &machine->engine) == 0);
	for (unsigned i = 0; i < LAB_DEVICES; i++)
		set_up_device(machine, i);
	PACKET_CHECK(wr_engine_start(machine->engine) == 0);
	PACKET_CHECK(wr_engine_listen(machine->engine, 0, 0) == 0);
}

static int ms_until(struct wr_instant due)
{
	struct wr_instant now = wr_clock_now();

	if (wr_is_past(due, now))
		return 0;
	return due.ns - now.ns > WR_SPAN_S(1).ns ? 1000 : (int)((due.ns - now.ns) / 1000000 + 1);
}

/* True if the machine goes on. */
static bool do_job(struct machine *machine)
{
	bool is_over;

	pthread_mutex_lock(&machine->lock);
	if (machine->job) {
		machine->job(machine, machine->argument);
		machine->job = NULL;
		pthread_cond_signal(&machine->is_done);
	}
	is_over = machine->is_over;
	pthread_mutex_unlock(&machine->lock);
	return !is_over;
}

static void *run_machine(void *context)
{
	struct machine *machine = context;
	uint64_t wakes;

	start_engine(machine);
	while (do_job(machine)) {
		struct wr_instant due = wr_engine_run(machine->engine);
		struct pollfd fds[2] = {
			{ .fd = wr_engine_fd(machine->engine), .events = POLLIN },
			{ .fd = machine->wake_fd, .events = POLLIN },
		};

		poll(fds, 2, ms_until(due));
		if (fds[1].revents)
			eventfd_read(machine->wake_fd, &wakes);
	}
	wr_engine_free(machine->engine);
	return NULL;
}

/* Has the machine's control thread do `job`, and waits until it is done. */
static void tell(struct machine *machine, void (*job)(struct machine *, uintptr_t),
		 uintptr_t argument)
{
	pthread_mutex_lock(&machine->lock);
	machine->job = job;
	machine->argument = argument;
	eventfd_write(machine->wake_fd, 1);
	while (machine->job)
		pthread_cond_wait(&machine->is_done, &machine->lock);
	pthread_mutex_unlock(&machine->lock);
}

static void nothing(struct machine *machine, uintptr_t argument)
{
	(void)machine;
	(void)argument;
}

static void machine_start(struct machine *machine, const struct lab *lab, unsigned number)
{
	machine->host = &lab->hosts[number];
	machine->number = number;
	machine->wake_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&machine->lock, NULL);
	pthread_cond_init(&machine->is_done, NULL);
	for (unsigned i = 0; i < LAB_DEVICES; i++) {
		wr_random(&machine->private_keys[i], sizeof(struct wr_key));
		wr_x25519_clamp(&machine->private_keys[i]);
		machine->public_keys[i] = wr_x25519_public(&machine->private_keys[i]);
	}
	assert_int_equal(pthread_create(&machine->thread, NULL, run_machine, machine), 0);
	tell(machine, nothing, 0);
}

static void machine_stop(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	machine->is_over = true;
	eventfd_write(machine->wake_fd, 1);
	pthread_mutex_unlock(&machine->lock);
	assert_int_equal(pthread_join(machine->thread, NULL), 0);
	pthread_cond_destroy(&machine->is_done);
	pthread_mutex_destroy(&machine->lock);
	close(machine->wake_fd);
}

/* --- What control threads are told to do. --- */

static void get_port(struct machine *machine, uintptr_t argument)
{
	*(uint16_t *)argument = wr_engine_listen_port(machine->engine);
}

static uint16_t port_of(const struct machine *machine)
{
	uint16_t port;

	tell((struct machine *)(uintptr_t)machine, get_port, (uintptr_t)&port);
	return port;
}

static void get_counters(struct machine *machine, uintptr_t argument)
{
	wr_engine_counters(machine->engine, (struct wr_counters *)argument);
}

static struct wr_counters counters_of(struct machine *machine)
{
	struct wr_counters counters;

	tell(machine, get_counters, (uintptr_t)&counters);
	return counters;
}

/* Where the other machine is, for a device: the last over IPv6, the others each over
 * a subnet of its own. */
static struct wr_endpoint endpoint_of(const struct machine *machine, unsigned device, uint16_t port)
{
	uint8_t host = (uint8_t)(machine->number + 1);
	struct wr_endpoint endpoint = { .port = port };

	if (device == LAB_DEVICES - 1)
		endpoint.ip = (struct wr_ip){ WR_IPV6, { 0xfd, 0x77, [15] = host } };
	else
		endpoint.ip = (struct wr_ip){ WR_IPV4, { 10, 77, (uint8_t)device, host } };
	return endpoint;
}

/* A device and the other's port; port 0: the peer is not told where the other is. */
static uintptr_t peer_argument(unsigned device, uint16_t port)
{
	return (uintptr_t)device << 16 | port;
}

static void add_peer(struct machine *machine, uintptr_t argument)
{
	unsigned device = (unsigned)(argument >> 16);
	uint16_t port = (uint16_t)argument;
	struct wr_endpoint endpoint = endpoint_of(machine->other, device, port);
	struct wr_prefix prefix = { { WR_IPV4, { 10, 88, (uint8_t)device, 0 } }, 24 };
	struct wr_peer *peer = wr_device_add_peer(machine->devices[device],
						  &machine->other->public_keys[device]);

	PACKET_CHECK(peer);
	if (port)
		wr_peer_set_endpoint(peer, &endpoint);
	PACKET_CHECK(wr_peer_allow(peer, &prefix) == 0);
	if (device % 2)
		wr_peer_set_keepalive(peer, 1, wr_clock_now());
}

static struct wr_peer *peer_of(const struct machine *machine, unsigned device)
{
	return wr_device_find_peer(machine->devices[device], &machine->other->public_keys[device]);
}

static void replace_peer(struct machine *machine, uintptr_t argument)
{
	wr_peer_remove(peer_of(machine, (unsigned)(argument >> 16)));
	add_peer(machine, argument);
}

static void move_prefixes(struct machine *machine, uintptr_t device)
{
	struct wr_peer *peer = peer_of(machine, (unsigned)device);

	for (unsigned length = 8; length <= 32; length++) {
		struct wr_prefix prefix = { { WR_IPV4, { 10 } }, (uint8_t)length };

		PACKET_CHECK(wr_peer_allow(peer, &prefix) == 0);
		if (length % 3)
			wr_peer_disallow(peer, &prefix);
	}
}

static void listen_anew(struct machine *machine, uintptr_t argument)
{
	(void)argument;
	PACKET_CHECK(wr_engine_listen(machine->engine, 0, 0) == 0);
}

static void set_mark(struct machine *machine, uintptr_t mark)
{
	PACKET_CHECK(wr_engine_set_mark(machine->engine, (uint32_t)mark) == 0);
}

static void change_mtu(struct machine *machine, uintptr_t mtu)
{
	for (unsigned i = 0; i < LAB_DEVICES; i++)
		wr_engine_set_mtu(machine->engine, machine->devices[i], (uint32_t)mtu);
}

static void go_down_and_up(struct machine *machine, uintptr_t device)
{
	wr_device_set_up(machine->devices[device], false, wr_clock_now());
	wr_engine_run(machine->engine);
	wr_device_set_up(machine->devices[device], true, wr_clock_now());
}

/* --- Changes while traffic flows. --- */

struct world {
	struct lab lab;
	struct machine machines[2];
	struct traffic traffic;
};

static void change_ports(struct world *world)
{
	tell(&world->machines[1], listen_anew, 0);
	traffic_run(&world->traffic, world->traffic.stop + STRIDE);
	for (unsigned i = 0; i < 5; i++)
		tell(&world->machines[0], listen_anew, 0);
}

/* Not both at once: one of them must know where the other is. */
static void change_peers(struct world *world)
{
	for (unsigned i = 0; i < 2; i++) {
		struct machine *machine = &world->machines[i];
		uint16_t port = port_of(machine->other);

		for (unsigned device = 0; device < LAB_DEVICES; device++) {
			tell(machine, replace_peer, peer_argument(device, port));
			traffic_step(&world->traffic);
		}
		traffic_run(&world->traffic, world->traffic.stop + STRIDE);
	}
}

/* So many at once that removed peers and letters that name them are on their way
 * together. */
static void change_one_peer_often(struct world *world)
{
	struct machine *machine = &world->machines[0];
	uint16_t port = port_of(machine->other);

	for (unsigned i = 0; i < 100; i++) {
		tell(machine, replace_peer, peer_argument(1, port));
		if (i % 4 == 0)
			traffic_step(&world->traffic);
	}
}

static void change_prefixes(struct world *world)
{
	for (unsigned i = 0; i < 20; i++) {
		tell(&world->machines[i % 2], move_prefixes, i % LAB_DEVICES);
		tell(&world->machines[i % 2], change_mtu, 1300 + i);
		traffic_step(&world->traffic);
	}
}

/* The mark is on the packets, for a rule sees it. */
static void change_mark(struct world *world)
{
	struct machine *machine = &world->machines[0];
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_S(10));
	uint64_t before;

	lab_ip(&world->lab, machine->host, "rule add fwmark 0x77 pref 10 prohibit");
	traffic_run(&world->traffic, world->traffic.stop + STRIDE);
	before = counters_of(machine).verdicts[WR_DROP_UDP];
	tell(machine, set_mark, MARK);
	while (counters_of(machine).verdicts[WR_DROP_UDP] == before) {
		assert_false(wr_is_past(until, wr_clock_now()));
		traffic_step(&world->traffic);
	}
	tell(machine, set_mark, 0);
}

/* B changes the address that A knows; its packets leave from the new one, and A
 * follows. */
static void change_addresses(struct world *world)
{
	const struct lab_host *host = world->machines[1].host;

	for (unsigned device = 0; device < LAB_DEVICES - 1; device++) {
		lab_ip(&world->lab, host, "addr del 10.77.%u.2/24 dev wan", device);
		lab_ip(&world->lab, host, "addr add 10.77.%u.3/24 dev wan", device);
		traffic_step(&world->traffic);
	}
}

static void change_link(struct world *world)
{
	lab_ip(&world->lab, world->machines[0].host, "link set wan down");
	for (unsigned i = 0; i < 5; i++)
		traffic_step(&world->traffic);
	lab_ip(&world->lab, world->machines[0].host, "link set wan up");
	lab_ip(&world->lab, world->machines[0].host, "addr add fd77::1/64 dev wan nodad");
}

static void change_state(struct world *world)
{
	for (unsigned device = 0; device < LAB_DEVICES; device++) {
		tell(&world->machines[device % 2], go_down_and_up, device);
		traffic_step(&world->traffic);
	}
}

static const struct {
	const char *name;
	void (*change)(struct world *world);
} changes[] = {
	{ "ports", change_ports },
	{ "peers", change_peers },
	{ "one peer, often", change_one_peer_often },
	{ "prefixes and MTU", change_prefixes },
	{ "mark", change_mark },
	{ "devices down and up", change_state },
	{ "link down and up", change_link },
	{ "addresses", change_addresses },
};

static void world_open(struct world *world)
{
	assert_int_equal(wr_crypto_start(), 0);
	lab_open(&world->lab, worker_counts);
	for (unsigned i = 0; i < 2; i++) {
		world->machines[i].other = &world->machines[1 - i];
		machine_start(&world->machines[i], &world->lab, i);
	}
	/* B learns from A where it is, but for one device. */
	for (unsigned device = 0; device < LAB_DEVICES; device++) {
		tell(&world->machines[1], add_peer,
		     peer_argument(device, device ? 0 : port_of(&world->machines[0])));
		tell(&world->machines[0], add_peer,
		     peer_argument(device, port_of(&world->machines[1])));
	}
	traffic_open(&world->traffic, &world->lab);
}

static void world_close(struct world *world)
{
	traffic_close(&world->traffic);
	machine_stop(&world->machines[0]);
	machine_stop(&world->machines[1]);
	lab_close(&world->lab);
}

/* --- What the counters and the kernels say of it. --- */

static void check_counters(struct world *world)
{
	static const enum wr_verdict never[] = {
		WR_DROP_SHORT, WR_DROP_TYPE, WR_DROP_MAC1,   WR_DROP_FORGED,
		WR_DROP_INNER, WR_DROP_ECN,  WR_DROP_BUDGET,
	};
	struct wr_counters counters[2];

	for (unsigned i = 0; i < 2; i++) {
		counters[i] = counters_of(&world->machines[i]);
		for (unsigned j = 0; j < WR_VERDICTS; j++)
			if (counters[i].verdicts[j])
				print_message("%c: %s %llu\n", "AB"[i],
					      wr_verdict_name((enum wr_verdict)j),
					      (unsigned long long)counters[i].verdicts[j]);
		print_message("%c: %llu out, %llu in, %llu handshakes\n", "AB"[i],
			      (unsigned long long)counters[i].tx_packets,
			      (unsigned long long)counters[i].rx_packets,
			      (unsigned long long)counters[i].handshakes);
		for (size_t j = 0; j < WR_ARRAY_LEN(never); j++)
			assert_int_equal(counters[i].verdicts[never[j]], 0);
		assert_true(counters[i].handshakes > 2 * LAB_DEVICES);
	}
	/* Nobody took what was not sent. */
	assert_true(counters[0].rx_packets <= counters[1].tx_packets);
	assert_true(counters[1].rx_packets <= counters[0].tx_packets);
}

/* Every checksum that we made, or vouched for, was right. */
static void check_kernels(const struct world *world)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct lab_host *host = &world->lab.hosts[i];

		assert_int_equal(lab_snmp(&world->lab, host, "Tcp", "InCsumErrors"), 0);
		assert_int_equal(lab_snmp(&world->lab, host, "Udp", "InCsumErrors"), 0);
		assert_int_equal(lab_snmp(&world->lab, host, "Ip", "InHdrErrors"), 0);
	}
}

static void test_engine_carries_traffic_while_all_changes(void **state)
{
	static struct world world;

	(void)state;
	world_open(&world);
	traffic_run(&world.traffic, 4 * STRIDE);
	for (size_t i = 0; i < WR_ARRAY_LEN(changes); i++) {
		struct wr_instant begin = wr_clock_now();

		changes[i].change(&world);
		traffic_run(&world.traffic, world.traffic.stop + STRIDE);
		print_message("%s: %u ms\n", changes[i].name,
			      (unsigned)((wr_clock_now().ns - begin.ns) / 1000000));
	}
	assert_true(traffic_datagrams(&world.traffic) > 1000);
	check_counters(&world);
	check_kernels(&world);
	world_close(&world);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_engine_carries_traffic_while_all_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
