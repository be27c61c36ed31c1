/* Many machines of a hub in one process, as many as no host could run WireGuard programs.
 *
 *   machines ADDRESS PORT FIRST       the hub's, and the address of the first machine, the next
 * one's is the next; reads commands from standard input, a line each:
 *
 *   shake NAME PRIVATE HUB                          a machine shakes hands with the hub
 *   pair NAME HUB PRIVATE ADDRESS PRIVATE ADDRESS   two do, then the first sends the second packets
 *                                                   through the hub, until one arrives
 *
 * Keys are in hexadecimal. Prints "NAME MICROSECONDS" when a command has come to its end, which it
 * tries until it does. Each machine has a socket of its own; the protocol's timers are not kept:
 * who has shaken hands is silent. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "wire/message.h"

#define NAME_LEN 64
#define LINE_LEN 512
/* A hub takes one initiation of a peer in 20 ms (WireGuard paper, section 5.1). */
#define SHAKE_AGAIN 0.25
#define SEND_AGAIN 0.02
#define TICK_MS 10
/* IPv4, UDP and 20 bytes, already a multiple of 16: no padding. */
#define INNER_LEN 48
#define PORT 7000

struct task;

struct machine {
	int fd;
	struct task *task;
	struct wr_key hub;
	struct wr_identity self;
	struct wr_handshake handshake;
	struct wr_cookie_jar jar;
	struct wr_transport_keys keys;
	struct in_addr address;
	uint32_t receiver; /* the hub's index of the session */
	uint64_t counter;
	bool has_session;
};

struct task {
	char name[NAME_LEN];
	struct machine machines[2];
	unsigned count;
	double began, again;
	struct task *next;
};

struct load {
	struct sockaddr_in hub;
	uint32_t next_address; /* in host order */
	int epoll;
	struct task *tasks; /* that are under way */
	char line[LINE_LEN];
	size_t line_len;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "machines: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct wr_instant instant_now(void)
{
	return (struct wr_instant){ (uint64_t)(now() * 1e9) };
}

static struct wr_wall wall_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (struct wr_wall){ (uint64_t)time.tv_sec * UINT64_C(1000000000) +
				 (uint64_t)time.tv_nsec };
}

/* What is lost on the way is sent again. */
static void send_bytes(const struct machine *machine, const uint8_t *bytes, size_t len)
{
	(void)!send(machine->fd, bytes, len, 0);
}

/* ---- WireGuard, as much as is needed ---- */

static void initiate(struct machine *machine)
{
	struct wr_handshake *handshake = &machine->handshake;
	uint8_t timestamp[WR_TAI64N_LEN], bytes[WR_INITIATION_LEN];
	struct wr_initiation message;
	struct wr_key ephemeral;

	wr_random(&ephemeral, sizeof(ephemeral));
	wr_x25519_clamp(&ephemeral);
	wr_tai64n(wall_now(), handshake->sent_timestamp, timestamp);
	if (!wr_handshake_initiate(handshake, &machine->self, &machine->hub, &ephemeral, timestamp,
				   &message))
		die("no initiation can be made");
	memcpy(handshake->sent_timestamp, timestamp, sizeof(timestamp));
	message.sender = (uint32_t)machine->fd;
	wr_initiation_write(&message, bytes);
	wr_cookie_jar_sign(&machine->jar, instant_now(), bytes, sizeof(bytes));
	memcpy(handshake->sent_mac1.bytes, bytes + WR_INITIATION_LEN - 2 * WR_MAC_LEN, WR_MAC_LEN);
	send_bytes(machine, bytes, sizeof(bytes));
}

static void send_data(struct machine *machine, const uint8_t *inner, size_t len)
{
	uint8_t bytes[WR_DATA_OVERHEAD + INNER_LEN];
	static const struct wr_bytes nothing = { (const uint8_t *)"", 0 };

	wr_data_header_write(bytes, machine->receiver, machine->counter);
	wr_seal_field(&machine->keys.send, machine->counter++, (struct wr_bytes){ inner, len },
		      nothing, bytes + WR_DATA_HEADER_LEN);
	send_bytes(machine, bytes, WR_DATA_OVERHEAD + len);
}

static void take_response(struct machine *machine, const struct wr_response *response)
{
	static const struct wr_key no_preshared_key;

	if (machine->handshake.state != WR_HANDSHAKE_INITIATED ||
	    !wr_handshake_finish(&machine->handshake, &machine->self, &no_preshared_key, response,
				 &machine->keys))
		return; /* the late answer to what was repeated */
	wr_handshake_clear(&machine->handshake);
	machine->receiver = response->sender;
	machine->has_session = true;
	send_data(machine, (const uint8_t *)"", 0); /* tells the hub that we have the keys */
}

static void take_cookie(struct machine *machine, const struct wr_cookie_reply *reply)
{
	if (wr_cookie_jar_take(&machine->jar, reply, &machine->handshake.sent_mac1, instant_now(),
			       WR_SPAN_S(120)))
		initiate(machine);
}

/* ---- packets inside ---- */

static uint16_t sum_of(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* UDP over IPv4, without UDP's checksum. */
static void make_inner(const struct task *task, uint8_t inner[INNER_LEN])
{
	uint16_t sum;

	memset(inner, 0, INNER_LEN);
	inner[0] = 0x45;
	put16(inner + 2, INNER_LEN);
	inner[8] = 64;
	inner[9] = IPPROTO_UDP;
	memcpy(inner + 12, &task->machines[0].address, 4);
	memcpy(inner + 16, &task->machines[1].address, 4);
	sum = sum_of(inner, 20);
	memcpy(inner + 10, &sum, 2);
	put16(inner + 20, PORT);
	put16(inner + 22, PORT);
	put16(inner + 24, INNER_LEN - 20);
	memcpy(inner + 28, &task, sizeof(task));
}

/* True if it is the packet that the task sent. */
static bool is_ours(const struct machine *machine, const uint8_t *bytes, size_t len)
{
	static const struct wr_bytes nothing = { (const uint8_t *)"", 0 };
	uint8_t inner[2048], wanted[INNER_LEN];
	struct wr_bytes sealed = { bytes + WR_DATA_HEADER_LEN, len - WR_DATA_HEADER_LEN };

	if (!machine->has_session || sealed.len < INNER_LEN + WR_MAC_LEN ||
	    !wr_open_field(&machine->keys.receive, wr_data_counter(bytes), sealed, nothing, inner))
		return false;
	make_inner(machine->task, wanted);
	return memcmp(inner, wanted, 8) == 0 &&
	       memcmp(inner + 12, wanted + 12, INNER_LEN - 12) == 0;
}

/* ---- tasks ---- */

static void finish(struct load *load, struct task *task)
{
	struct task **at = &load->tasks;

	printf("%s %.0f\n", task->name, (now() - task->began) * 1e6);
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	for (unsigned i = 0; i < task->count; i++)
		close(task->machines[i].fd);
	free(task);
}

static bool has_sessions(const struct task *task)
{
	return task->machines[0].has_session && (task->count == 1 || task->machines[1].has_session);
}

static void send_inner(struct task *task)
{
	uint8_t inner[INNER_LEN];

	make_inner(task, inner);
	send_data(&task->machines[0], inner, sizeof(inner));
	task->again = now() + SEND_AGAIN;
}

/* What comes next for the task: true if that was all. */
static bool go_on(struct task *task)
{
	if (!has_sessions(task))
		return false;
	if (task->count == 1)
		return true;
	send_inner(task);
	return false;
}

static void take(struct load *load, struct machine *machine)
{
	uint8_t bytes[2048];
	ssize_t len = recv(machine->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct wr_bytes datagram = { bytes, len > 0 ? (size_t)len : 0 };
	struct task *task = machine->task;
	struct wr_response response;
	struct wr_cookie_reply cookie;

	if (wr_response_read(datagram, &response)) {
		take_response(machine, &response);
		if (go_on(task))
			finish(load, task);
	} else if (wr_cookie_reply_read(datagram, &cookie)) {
		take_cookie(machine, &cookie);
	} else if (wr_message_type(datagram) == WR_MESSAGE_DATA && task->count == 2 &&
		   machine == &task->machines[1] && is_ours(machine, bytes, datagram.len)) {
		finish(load, task);
	}
}

static void repeat(struct task *task)
{
	if (has_sessions(task)) {
		send_inner(task);
		return;
	}
	for (unsigned i = 0; i < task->count; i++)
		if (!task->machines[i].has_session)
			initiate(&task->machines[i]);
	task->again = now() + SHAKE_AGAIN;
}

static void tick(struct load *load)
{
	double time = now();

	for (struct task *task = load->tasks; task; task = task->next)
		if (time >= task->again)
			repeat(task);
}

/* ---- commands ---- */

/* From an address of its own: a hub under load counts handshakes by address. */
static int open_socket(struct load *load)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(load->next_address++) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    connect(fd, (struct sockaddr *)&load->hub, sizeof(load->hub)) < 0)
		die(strerror(errno));
	return fd;
}

static void add_machine(struct load *load, struct task *task, const char *hub, const char *private,
			const char *address)
{
	struct machine *machine = &task->machines[task->count++];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = machine };
	struct wr_key key;

	if (!wr_key_from_hex(hub, strlen(hub), &machine->hub) ||
	    !wr_key_from_hex(private, strlen(private), &key) ||
	    (address && inet_pton(AF_INET, address, &machine->address) != 1))
		die("not a key in hexadecimal, or no IPv4 address");
	machine->task = task;
	wr_identity_set(&machine->self, &key);
	if (!wr_x25519(&key, &machine->hub, &machine->handshake.static_static))
		die("the hub's key is of low order");
	wr_cookie_jar_init(&machine->jar, &machine->hub);
	machine->fd = open_socket(load);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, machine->fd, &event) < 0)
		die(strerror(errno));
}

static struct task *new_task(struct load *load, const char *name)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		die("no memory");
	snprintf(task->name, sizeof(task->name), "%s", name);
	task->began = now();
	task->next = load->tasks;
	load->tasks = task;
	return task;
}

static void obey(struct load *load, char *line)
{
	char name[NAME_LEN], hub[65], a[65], b[65], ip_a[16], ip_b[16];
	struct task *task;

	if (sscanf(line, "shake %63s %64s %64s", name, a, hub) == 3) {
		task = new_task(load, name);
		add_machine(load, task, hub, a, NULL);
	} else if (sscanf(line, "pair %63s %64s %64s %15s %64s %15s", name, hub, a, ip_a, b,
			  ip_b) == 6) {
		task = new_task(load, name);
		add_machine(load, task, hub, a, ip_a);
		add_machine(load, task, hub, b, ip_b);
	} else {
		die("no such command");
	}
	repeat(task);
}

/* False at the end of the input. */
static bool read_commands(struct load *load)
{
	ssize_t len = read(0, load->line + load->line_len, sizeof(load->line) - load->line_len);
	char *end;

	if (len <= 0)
		return false;
	load->line_len += (size_t)len;
	while ((end = memchr(load->line, '\n', load->line_len)) != NULL) {
		size_t used = (size_t)(end - load->line) + 1;

		*end = '\0';
		obey(load, load->line);
		load->line_len -= used;
		memmove(load->line, load->line + used, load->line_len);
	}
	if (load->line_len == sizeof(load->line))
		die("a line is too long");
	return true;
}

static int run(struct load *load)
{
	struct epoll_event input = { .events = EPOLLIN }, events[1];
	double due = now();

	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll < 0 || epoll_ctl(load->epoll, EPOLL_CTL_ADD, 0, &input) < 0)
		die(strerror(errno));
	for (;;) {
		/* One at a time: its task may end with it, and take another's place. */
		if (epoll_wait(load->epoll, events, 1, TICK_MS) == 1) {
			if (events[0].data.ptr)
				take(load, events[0].data.ptr);
			else if (!read_commands(load))
				return 0;
		}
		if (now() >= due) {
			tick(load);
			due = now() + TICK_MS / 1e3;
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct load load = { .hub.sin_family = AF_INET };
	struct in_addr first;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &load.hub.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[3], &first) != 1) {
		fprintf(stderr, "usage: machines ADDRESS PORT FIRST\n");
		return 2;
	}
	load.next_address = ntohl(first.s_addr);
	load.hub.sin_port = htons((uint16_t)atoi(argv[2]));
	if (wr_crypto_start() < 0)
		die("the crypto library does not start");
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		die(strerror(errno));
	files.rlim_cur = files.rlim_max; /* a socket a machine */
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die(strerror(errno));
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(&load);
}
