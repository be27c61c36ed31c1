/* A hostile neighbour, for tests in the lab: it hears knocks on a LAN, and sends such that are
 * forged, replayed, of another mesh, of members that are none, or no knocks at all; at a rate, from
 * many ports, identities and (made-up) addresses. At the end it prints one line of JSON: what it
 * sent, and what came back to it.
 *
 * usage: intruder --interface NAME [--mesh NAME] [--secret TEXT] [--to ADDRESS:PORT] [--rate N]
 *                 [--seconds N] [--identities N] [--spoof PREFIX] WHAT
 *
 * - listen: prints a line of JSON for each knock heard
 * - announce: asks, as a member of the mesh with this name and secret would: with the wrong ones it
 *   is a stranger
 * - claim: the same, in the name of a mesh whose tag it heard: right tag, wrong key
 * - forge: what it heard, with a byte changed
 * - replay: what it heard, again
 * - garbage: anything
 *
 * `claim`, `forge` and `replay` first hear until there is a knock, and go on hearing. Without --to
 * all goes by multicast, IPv4 and IPv6. Exits with 1 where nothing could be heard or sent. */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "intruder_send.h"
#include "linux/clock.h"
#include "linux/multicast.h"
#include "linux/udp.h"
#include "zeroconf/discovery.h"

#define HEARD_MAX 1024
#define BATCH_NS UINT64_C(5000000)
/* For the first knock: members announce themselves once a minute or more often. */
#define HEAR_S 90

struct intruder {
	const char *what;
	uint32_t interface;
	struct wr_mesh_keys keys;
	struct intruder_sender sender;
	double rate, seconds;
	unsigned identities;
	int ears[2];
	struct wr_udp_receiver *receiver;
	uint8_t heard[HEARD_MAX][WR_KNOCK_LEN];
	uint64_t heard_count;    /* the last ones are kept */
	uint64_t answers, other; /* that came back: knocks, anything else */
	uint64_t made;           /* datagrams of its own */
};

static uint64_t draw(void)
{
	uint64_t random;

	wr_random(&random, sizeof(random));
	return random;
}

/* --- Hearing. --- */

static void print_knock(const struct wr_udp_burst *burst)
{
	struct wr_bytes datagram = { burst->data, burst->len };
	char from[WR_ENDPOINT_TEXT_LEN], identity[WR_KEY_BASE64_LEN + 1];
	struct wr_key key;

	if (datagram.len != WR_KNOCK_LEN)
		return;
	memcpy(key.bytes, datagram.data + 14, sizeof(key.bytes));
	wr_key_to_base64(&key, identity);
	wr_endpoint_format(&burst->remote, from);
	printf("{\"from\": \"%s\", \"identity\": \"%s\", \"flags\": %u, \"signed\": %s}\n", from,
	       identity, datagram.data[5], wr_knock_check(datagram) ? "true" : "false");
}

/* Its own come back to it: they are of identities that it made up, or in `heard` already. */
static void take(struct intruder *intruder, const struct wr_udp_burst *burst)
{
	if (strcmp(intruder->what, "listen") == 0)
		print_knock(burst);
	if (burst->len != WR_KNOCK_LEN ||
	    (strcmp(intruder->what, "listen") != 0 &&
	     !wr_knock_check((struct wr_bytes){ burst->data, burst->len })))
		return;
	memcpy(intruder->heard[intruder->heard_count++ % HEARD_MAX], burst->data, WR_KNOCK_LEN);
}

static void take_answer(struct intruder *intruder, const struct wr_udp_burst *burst)
{
	if (burst->len == WR_KNOCK_LEN && burst->data[0] == WR_KNOCK_FIRST)
		intruder->answers++;
	else
		intruder->other++;
}

static void read_socket(struct intruder *intruder, int fd, bool is_ear)
{
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	int count;

	while (fd >= 0 && (count = wr_udp_receive(fd, intruder->receiver, bursts)) > 0) {
		for (int i = 0; i < count; i++) {
			if (is_ear)
				take(intruder, &bursts[i]);
			else
				take_answer(intruder, &bursts[i]);
		}
	}
}

/* Until then, at most; what comes is taken. */
static void hear_until(struct intruder *intruder, struct wr_instant until)
{
	struct pollfd fds[] = { { .fd = intruder->ears[0], .events = POLLIN },
				{ .fd = intruder->ears[1], .events = POLLIN } };
	uint64_t now = wr_clock_now().ns;
	struct timespec patience = { 0 };

	if (until.ns > now)
		patience = (struct timespec){ (time_t)((until.ns - now) / 1000000000),
					      (long)((until.ns - now) % 1000000000) };
	ppoll(fds, 2, &patience, NULL);
	read_socket(intruder, intruder->ears[0], true);
	read_socket(intruder, intruder->ears[1], true);
	for (int i = 0; i < INTRUDER_PORTS; i++) {
		read_socket(intruder, intruder->sender.v4[i], false);
		read_socket(intruder, intruder->sender.v6[i], false);
	}
}

static bool hear_first(struct intruder *intruder)
{
	struct wr_instant end = wr_after(wr_clock_now(), WR_SPAN_S(HEAR_S));

	while (!intruder->heard_count && !wr_is_past(end, wr_clock_now()))
		hear_until(intruder, end);
	return intruder->heard_count > 0;
}

static const uint8_t *any_heard(const struct intruder *intruder)
{
	uint64_t kept = intruder->heard_count < HEARD_MAX ? intruder->heard_count : HEARD_MAX;

	return intruder->heard[draw() % kept];
}

/* --- What it sends. --- */

static size_t make_knock(struct intruder *intruder, uint8_t *ret)
{
	uint16_t port = intruder_sender_port(&intruder->sender);
	unsigned member = (unsigned)(intruder->made % intruder->identities);
	struct wr_key seed = { { 0xba, 0xd0 } };
	struct wr_knock knock = {
		.flags = WR_KNOCK_ASKS,
		.port = port,
		.knock_port = port,
		.epoch = wr_clock_wall().ns,
		.sequence = (uint32_t)(intruder->made / intruder->identities) + 1,
	};

	memcpy(seed.bytes + 2, &member, sizeof(member));
	knock.identity = wr_sign_public(&seed);
	memcpy(knock.mesh, intruder->keys.tag, sizeof(knock.mesh));
	wr_knock_write(&knock, &seed, &intruder->keys.mac, ret);
	return WR_KNOCK_LEN;
}

/* Behind magic, version, flags and the tag, which it leaves. */
static size_t make_forged(const struct intruder *intruder, uint8_t *ret)
{
	memcpy(ret, any_heard(intruder), WR_KNOCK_LEN);
	ret[14 + draw() % (WR_KNOCK_LEN - 14)] ^= (uint8_t)(1 + draw() % 255);
	return WR_KNOCK_LEN;
}

static size_t make_garbage(uint8_t *ret)
{
	static const uint8_t magic[] = { 'W', 'R', 'N', 'K', 1 };
	size_t len = 1 + draw() % 1400;

	wr_random_many(ret, len);
	if (len >= sizeof(magic) && draw() % 2)
		memcpy(ret, magic, sizeof(magic));
	return draw() % 4 ? len : WR_KNOCK_LEN;
}

static size_t make(struct intruder *intruder, uint8_t *ret)
{
	if (strcmp(intruder->what, "forge") == 0)
		return make_forged(intruder, ret);
	if (strcmp(intruder->what, "garbage") == 0)
		return make_garbage(ret);
	if (strcmp(intruder->what, "replay") == 0) {
		memcpy(ret, any_heard(intruder), WR_KNOCK_LEN);
		return WR_KNOCK_LEN;
	}
	return make_knock(intruder, ret);
}

/* All that is due by now, and hears meanwhile what comes back. */
static void attack(struct intruder *intruder)
{
	struct wr_instant begin = wr_clock_now();
	uint64_t wanted = (uint64_t)(intruder->rate * intruder->seconds);
	uint8_t datagram[1500] = { 0 };

	if (wanted == 0)
		wanted = 1;
	while (intruder->made < wanted) {
		double elapsed = (double)(wr_clock_now().ns - begin.ns) / 1e9;

		while (intruder->made < wanted &&
		       (double)intruder->made <= elapsed * intruder->rate) {
			size_t len = make(intruder, datagram);

			intruder->made++;
			intruder_send(&intruder->sender, (struct wr_bytes){ datagram, len });
		}
		hear_until(intruder, wr_after(wr_clock_now(), (struct wr_span){ BATCH_NS }));
	}
}

static void hear_for(struct intruder *intruder, double seconds)
{
	struct wr_instant end = wr_after(wr_clock_now(),
					 (struct wr_span){ (uint64_t)(seconds * 1e9) });

	while (!wr_is_past(end, wr_clock_now()))
		hear_until(intruder, wr_sooner(end, wr_after(wr_clock_now(), WR_SPAN_MS(20))));
}

/* --- Beginning. --- */

static int open_ears(struct intruder *intruder)
{
	static const char *const groups[] = { WR_DISCOVERY_GROUP4, WR_DISCOVERY_GROUP6 };
	int last = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(groups); i++) {
		struct wr_endpoint group = { .port = WR_DISCOVERY_PORT,
					     .interface = intruder->interface };
		int status;

		intruder->ears[i] = -1;
		if (!wr_ip_parse(groups[i], strlen(groups[i]), &group.ip))
			abort();
		status = wr_multicast_open(&group, &intruder->ears[i]);
		last = status < 0 ? status : last;
	}
	return intruder->ears[0] < 0 && intruder->ears[1] < 0 ? last : 0;
}

static void usage(void)
{
	fprintf(stderr, "usage: intruder --interface NAME [--mesh NAME] [--secret TEXT] "
			"[--to ADDRESS:PORT] [--rate N] [--seconds N] [--identities N] "
			"[--spoof PREFIX] listen|announce|claim|forge|replay|garbage\n");
	exit(2);
}

static void read_arguments(struct intruder *intruder, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "mesh", required_argument, NULL, 'm' },
		{ "secret", required_argument, NULL, 's' },
		{ "to", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 'n' },
		{ "identities", required_argument, NULL, 'd' },
		{ "spoof", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	const char *mesh = "home", *secret = "";
	struct wr_key root;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		bool is_good = true;

		switch (option) {
		case 'i': intruder->interface = if_nametoindex(optarg); break;
		case 'm': mesh = optarg; break;
		case 's': secret = optarg; break;
		case 't':
			is_good = wr_endpoint_parse(optarg, strlen(optarg), &intruder->sender.to);
			break;
		case 'r': intruder->rate = atof(optarg); break;
		case 'n': intruder->seconds = atof(optarg); break;
		case 'd': intruder->identities = (unsigned)atoi(optarg); break;
		case 'p':
			is_good = wr_prefix_parse(optarg, strlen(optarg), &intruder->sender.spoof);
			break;
		default: is_good = false; break;
		}
		if (!is_good)
			usage();
	}
	if (optind + 1 != argc || !intruder->interface || !intruder->identities)
		usage();
	intruder->what = argv[optind];
	if (wr_mesh_root(mesh, (struct wr_bytes){ (const uint8_t *)secret, strlen(secret) },
			 &root) < 0)
		abort();
	wr_mesh_keys(&root, &intruder->keys);
}

static int run(struct intruder *intruder)
{
	bool is_listening = strcmp(intruder->what, "listen") == 0;
	bool is_claiming = strcmp(intruder->what, "claim") == 0;
	bool needs_heard = is_claiming || strcmp(intruder->what, "forge") == 0 ||
			   strcmp(intruder->what, "replay") == 0;

	if (needs_heard && !hear_first(intruder)) {
		fprintf(stderr, "intruder: nothing was heard\n");
		return 1;
	}
	if (is_claiming)
		memcpy(intruder->keys.tag, intruder->heard[0] + 6, sizeof(intruder->keys.tag));
	if (is_listening)
		hear_for(intruder, intruder->seconds);
	else
		attack(intruder);
	if (!is_listening)
		hear_for(intruder, 1);
	printf("{\"sent\": %llu, \"refused\": %llu, \"heard\": %llu, \"answers\": %llu, "
	       "\"other\": %llu}\n",
	       (unsigned long long)intruder->sender.sent,
	       (unsigned long long)intruder->sender.refused,
	       (unsigned long long)intruder->heard_count, (unsigned long long)intruder->answers,
	       (unsigned long long)intruder->other);
	return !is_listening && !intruder->sender.sent;
}

int main(int argc, char **argv)
{
	static struct intruder intruder = { .rate = 10, .seconds = 1, .identities = 1 };
	int status = wr_crypto_start();

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_arguments(&intruder, argc, argv);
	intruder.sender.interface = intruder.interface;
	intruder.receiver = wr_udp_receiver_new();
	if (status == 0)
		status = open_ears(&intruder);
	if (status == 0)
		status = intruder_sender_open(&intruder.sender);
	if (status < 0 || !intruder.receiver) {
		fprintf(stderr, "intruder: %s\n", strerror(-status));
		return 1;
	}
	status = run(&intruder);
	intruder_sender_close(&intruder.sender);
	wr_udp_receiver_free(intruder.receiver);
	return status;
}
