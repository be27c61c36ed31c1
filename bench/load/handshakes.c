/* Many peers that shake hands with one responder: what does a handshake cost it?
 *
 *   handshakes keys PEERS                               prints the peers' public keys, a line each
 *   handshakes run ADDRESS PORT RESPONDER PEERS TOTAL   RESPONDER: its public key in hexadecimal
 *
 * The peers are the same in every run, so the responder can be configured with them first.  Each
 * handshake is whole: the response is verified, and a keepalive confirms the keys to the responder.
 * Peers take turns, one handshake after the other, so that no rate limit and no cookie comes into
 * play.  Prints a line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "wire/message.h"

/* At a time, so that the figure is of handshakes and not of waking up; too few for anybody to count
 * as load and ask for cookies, which would make it another handshake (wireguard-go: 128). */
#define WINDOW 8
#define ANSWER_MS 1000
#define MOST_TRIES 5
/* wireguard-go refuses a peer's second initiation within 20 ms; the peers' turns must be longer. */
#define FEWEST_PEERS 100
#define MOST_PEERS 65536

struct initiator {
	struct wr_identity self;
	struct wr_handshake handshake;
};

struct load {
	int fd;
	struct wr_key responder;
	struct wr_cookie_jar jar;
	struct initiator *initiators;
	uint32_t peers, total, turn;
	uint32_t started, completed, repeated;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "handshakes: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct wr_wall wall_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (struct wr_wall){ (uint64_t)time.tv_sec * UINT64_C(1000000000) +
				 (uint64_t)time.tv_nsec };
}

/* The peer's private key: no secret, the same in every run. */
static struct wr_key private_key(uint32_t number)
{
	static const char label[] = "warren bench peer";
	struct wr_hash hash =
		wr_hash2((struct wr_bytes){ (const uint8_t *)label, sizeof(label) },
			 (struct wr_bytes){ (const uint8_t *)&number, sizeof(number) });
	struct wr_key key;

	memcpy(key.bytes, hash.bytes, sizeof(key.bytes));
	wr_x25519_clamp(&key);
	return key;
}

static int print_keys(uint32_t peers)
{
	for (uint32_t i = 0; i < peers; i++) {
		struct wr_key private = private_key(i), public = wr_x25519_public(&private);
		char text[WR_KEY_BASE64_LEN + 1];

		wr_key_to_base64(&public, text);
		puts(text);
	}
	return 0;
}

static void initiator_init(struct initiator *initiator, uint32_t number,
			   const struct wr_key *responder)
{
	struct wr_key private = private_key(number);

	wr_identity_set(&initiator->self, &private);
	/* The number is the index that the responder answers to. */
	initiator->handshake.index.index = number;
	if (!wr_x25519(&private, responder, &initiator->handshake.static_static))
		die("the responder's key is of low order");
}

static int connect_to(const char *address, const char *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
		die("not an IPv4 address");
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		die(strerror(errno));
	return fd;
}

static void send_bytes(const struct load *load, const uint8_t *bytes, size_t len)
{
	if (send(load->fd, bytes, len, 0) < 0)
		die(strerror(errno));
}

static void initiate(const struct load *load, struct initiator *initiator)
{
	struct wr_handshake *handshake = &initiator->handshake;
	uint8_t timestamp[WR_TAI64N_LEN], bytes[WR_INITIATION_LEN];
	struct wr_initiation message;
	struct wr_key ephemeral;

	wr_random(&ephemeral, sizeof(ephemeral));
	wr_x25519_clamp(&ephemeral);
	wr_tai64n(wall_now(), handshake->sent_timestamp, timestamp);
	if (!wr_handshake_initiate(handshake, &initiator->self, &load->responder, &ephemeral,
				   timestamp, &message))
		die("no initiation can be made");
	memcpy(handshake->sent_timestamp, timestamp, sizeof(timestamp));
	message.sender = handshake->index.index;
	wr_initiation_write(&message, bytes);
	wr_cookie_jar_sign(&load->jar, (struct wr_instant){ 1 }, bytes, sizeof(bytes));
	send_bytes(load, bytes, sizeof(bytes));
}

/* The first packet under the new keys, an empty one, tells the responder that we have them. */
static void confirm(const struct load *load, uint32_t receiver, const struct wr_key *key)
{
	static const struct wr_bytes nothing = { (const uint8_t *)"", 0 };
	uint8_t bytes[WR_KEEPALIVE_LEN];

	wr_data_header_write(bytes, receiver, 0);
	wr_seal_field(key, 0, nothing, nothing, bytes + WR_DATA_HEADER_LEN);
	send_bytes(load, bytes, sizeof(bytes));
}

static void finish(struct load *load, const struct wr_response *response)
{
	static const struct wr_key no_preshared_key;
	struct wr_transport_keys keys;
	struct initiator *initiator;

	if (response->receiver >= load->peers)
		die("a response for an index that was never sent");
	initiator = &load->initiators[response->receiver];
	if (initiator->handshake.state != WR_HANDSHAKE_INITIATED)
		return; /* the answer to what was repeated */
	if (!wr_handshake_finish(&initiator->handshake, &initiator->self, &no_preshared_key,
				 response, &keys))
		return; /* the late answer to what was repeated */
	wr_handshake_clear(&initiator->handshake);
	confirm(load, response->sender, &keys.send);
	load->completed++;
}

static void take(struct load *load)
{
	uint8_t bytes[2048];
	ssize_t len = recv(load->fd, bytes, sizeof(bytes), 0);
	struct wr_bytes datagram = { bytes, len > 0 ? (size_t)len : 0 };
	struct wr_response response;

	if (len < 0)
		die(strerror(errno));
	if (wr_message_type(datagram) == WR_MESSAGE_COOKIE)
		die("the responder asks for a cookie: it counts itself under load");
	if (wr_response_read(datagram, &response))
		finish(load, &response);
}

static void repeat(struct load *load)
{
	for (uint32_t i = 0; i < load->peers; i++)
		if (load->initiators[i].handshake.state == WR_HANDSHAKE_INITIATED) {
			initiate(load, &load->initiators[i]);
			load->repeated++;
		}
}

static void await_answer(struct load *load)
{
	struct pollfd poll_fd = { .fd = load->fd, .events = POLLIN };

	for (int tries = 0; poll(&poll_fd, 1, ANSWER_MS) <= 0; tries++) {
		if (tries == MOST_TRIES)
			die("the responder does not answer");
		repeat(load);
	}
	take(load);
}

/* The one whose turn it is; one that still waits for its last answer loses its turn. */
static struct initiator *next(struct load *load)
{
	struct initiator *initiator;

	do
		initiator = &load->initiators[load->turn++ % load->peers];
	while (initiator->handshake.state == WR_HANDSHAKE_INITIATED);
	return initiator;
}

static void shake_hands(struct load *load)
{
	while (load->completed < load->total) {
		for (; load->started < load->total && load->started - load->completed < WINDOW;
		     load->started++)
			initiate(load, next(load));
		await_answer(load);
	}
}

static int run(char **arguments)
{
	struct load load = { .peers = (uint32_t)atoi(arguments[3]),
			     .total = (uint32_t)atoi(arguments[4]) };

	if (load.peers < FEWEST_PEERS || load.peers > MOST_PEERS)
		die("100 to 65,536 peers");
	if (!wr_key_from_hex(arguments[2], strlen(arguments[2]), &load.responder))
		die("not a key in hexadecimal");
	load.initiators = calloc(load.peers, sizeof(*load.initiators));
	if (!load.initiators)
		die("no memory");
	for (uint32_t i = 0; i < load.peers; i++)
		initiator_init(&load.initiators[i], i, &load.responder);
	wr_cookie_jar_init(&load.jar, &load.responder);
	load.fd = connect_to(arguments[0], arguments[1]);

	double start = now();

	shake_hands(&load);
	printf("{\"completed\": %u, \"repeated\": %u, \"seconds\": %.3f}\n", load.completed,
	       load.repeated, now() - start);
	return 0;
}

int main(int argc, char **argv)
{
	if (wr_crypto_start() < 0)
		die("the crypto library does not start");
	if (argc == 3 && strcmp(argv[1], "keys") == 0)
		return print_keys((uint32_t)atoi(argv[2]));
	if (argc == 7 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	fprintf(stderr, "usage: handshakes keys PEERS\n"
			"       handshakes run ADDRESS PORT RESPONDER PEERS TOTAL\n");
	return 2;
}
