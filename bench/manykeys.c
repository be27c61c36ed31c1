/* One port that speaks for many keys: what an initiation costs it, from a stranger each.
 *
 *   manykeys KEYS INITIATIONS      prints a line of JSON, initiations a second of CPU time
 *
 * "matched": genuine initiations for keys drawn at random, at a port under load, which answers with
 * a cookie in the name of the key that it found.  "named": the same at a port without load, which
 * goes on to find out who the sender is, a Diffie-Hellman; it is nobody's peer.  "garbage": a mac1
 * that fits no key.  The port is fed by hand, without a network, and time passes between two
 * initiations so that no budget refuses them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "wg/port.h"
#include "wire/message.h"

#define MOST 100000

struct initiation {
	uint8_t bytes[WR_INITIATION_LEN];
	struct wr_endpoint from;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "manykeys: %s\n", what);
	exit(1);
}

static uint64_t cpu_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static uint32_t random_below(uint32_t bound)
{
	uint32_t number;

	wr_random(&number, sizeof(number));
	return number % bound;
}

static struct wr_key new_private_key(void)
{
	struct wr_key key;

	wr_random(&key, sizeof(key));
	wr_x25519_clamp(&key);
	return key;
}

static struct wr_endpoint new_endpoint(void)
{
	struct wr_endpoint endpoint = { .ip.family = WR_IPV4, .port = 51820 };

	wr_random(endpoint.ip.bytes, 4);
	return endpoint;
}

/* A port with `count` devices; their public keys are in *ret_keys, which is the caller's. */
static struct wr_port *new_port(uint32_t count, struct wr_key **ret_keys)
{
	struct wr_key *keys = calloc(count, sizeof(*keys));
	struct wr_siphash_key hash_key;

	wr_random(&hash_key, sizeof(hash_key));
	struct wr_port *port = wr_port_new(&wr_timing_paper, &hash_key);

	if (!keys || !port)
		die("no memory");
	for (uint32_t i = 0; i < count; i++) {
		struct wr_device *device = wr_device_new(port);
		struct wr_key private = new_private_key();

		if (!device || wr_device_set_private_key(device, &private) < 0)
			die("no memory");
		keys[i] = device->identity.public_key;
		wr_device_set_up(device, true, (struct wr_instant){ 1 });
	}
	*ret_keys = keys;
	return port;
}

static void make_matched(struct initiation *initiation, const struct wr_identity *stranger,
			 const struct wr_key *responder)
{
	static const uint8_t timestamp[WR_TAI64N_LEN] = { 0x40 };
	struct wr_key ephemeral = new_private_key();
	struct wr_handshake handshake = { 0 };
	struct wr_initiation message;
	struct wr_cookie_jar jar;

	if (!wr_x25519(&stranger->private_key, responder, &handshake.static_static) ||
	    !wr_handshake_initiate(&handshake, stranger, responder, &ephemeral, timestamp,
				   &message))
		die("no initiation can be made");
	message.sender = 1;
	wr_initiation_write(&message, initiation->bytes);
	wr_cookie_jar_init(&jar, responder);
	wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, initiation->bytes, WR_INITIATION_LEN);
	initiation->from = new_endpoint();
}

static void make_garbage(struct initiation *initiation)
{
	static const uint8_t type[4] = { WR_MESSAGE_INITIATION, 0, 0, 0 };

	wr_random(initiation->bytes, WR_INITIATION_LEN);
	memcpy(initiation->bytes, type, sizeof(type));
	initiation->from = new_endpoint();
}

/* Feeds them all, expects `verdict` of each, and returns how many a second. */
static double feed(struct wr_port *port, const struct initiation *initiations, uint32_t count,
		   bool is_under_load, enum wr_verdict verdict)
{
	/* Goes on from call to call: the port's time must not run backwards. */
	static struct wr_moment moment = { { UINT64_C(1000000000000) },
					   { UINT64_C(1700000000000000000) } };
	struct wr_entropy entropy;
	struct wr_output output;

	wr_random(&entropy, sizeof(entropy));
	uint64_t start = cpu_now();

	for (uint32_t i = 0; i < count; i++) {
		struct wr_bytes datagram = { initiations[i].bytes, WR_INITIATION_LEN };
		enum wr_verdict got = wr_port_input(port, datagram, &initiations[i].from,
						    is_under_load, &moment, &entropy, &output);

		if (got != verdict) {
			fprintf(stderr, "manykeys: %s instead of %s\n", wr_verdict_name(got),
				wr_verdict_name(verdict));
			exit(1);
		}
		moment.now = wr_after(moment.now, WR_SPAN_S(1));
		moment.wall.ns += WR_SPAN_S(1).ns;
	}
	return (double)count * 1e9 / (double)(cpu_now() - start);
}

static int run(uint32_t key_count, uint32_t count)
{
	struct wr_key *keys, private = new_private_key();
	struct wr_port *port = new_port(key_count, &keys);
	struct initiation *initiations = calloc(count, sizeof(*initiations));
	struct wr_identity stranger;

	if (!initiations)
		die("no memory");
	wr_identity_set(&stranger, &private);
	for (uint32_t i = 0; i < count; i++)
		make_matched(&initiations[i], &stranger, &keys[random_below(key_count)]);
	double named = feed(port, initiations, count, false, WR_DROP_PEER);

	/* From elsewhere: the port remembers what key a source used last. */
	for (uint32_t i = 0; i < count; i++)
		initiations[i].from = new_endpoint();
	double matched = feed(port, initiations, count, true, WR_DROP_COOKIE);

	for (uint32_t i = 0; i < count; i++)
		make_garbage(&initiations[i]);
	double garbage = feed(port, initiations, count, false, WR_DROP_MAC1);

	printf("{\"matched\": %.1f, \"named\": %.1f, \"garbage\": %.1f}\n", matched, named,
	       garbage);
	wr_port_free(port);
	free(initiations);
	free(keys);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t keys = argc == 3 ? (uint32_t)atoi(argv[1]) : 0,
		 count = argc == 3 ? (uint32_t)atoi(argv[2]) : 0;

	if (keys < 1 || keys > MOST || count < 1 || count > MOST) {
		fprintf(stderr, "usage: manykeys KEYS INITIATIONS    (1 to 100,000 each)\n");
		return 2;
	}
	if (wr_crypto_start() < 0)
		die("the crypto library does not start");
	return run(keys, count);
}
