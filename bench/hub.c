/* A tunnel on a port that speaks for many keys at once, as a hub does: the engine with one device
 * that has a TUN and a peer, and thousands of devices beside it.
 *
 *   hub INTERFACE PORT KEYS PRIVATE PEER ALLOWED
 *
 * PRIVATE is the private key of the first device and PEER the public key of its peer, in
 * hexadecimal; ALLOWED is the peer's prefix.  Prints "ready", and runs until it is ended. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "engine/engine.h"
#include "linux/clock.h"
#include "linux/tun.h"
#include "wg/port.h"

#define MTU 1420

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "hub: %s: %s\n", what, strerror(-result));
	exit(1);
}

static struct wr_key key_of(const char *hex)
{
	struct wr_key key;

	check(wr_key_from_hex(hex, strlen(hex), &key) ? 0 : -EINVAL, hex);
	return key;
}

static struct wr_device *add_device(struct wr_engine *engine, const struct wr_key *private_key)
{
	struct wr_device *device = wr_device_new(wr_engine_port(engine));

	check(device ? 0 : -ENOMEM, "device");
	check(wr_device_set_private_key(device, private_key), "private key");
	return device;
}

static void add_peer(struct wr_device *device, const char *public_key, const char *allowed)
{
	struct wr_key key = key_of(public_key);
	struct wr_peer *peer = wr_device_add_peer(device, &key);
	struct wr_prefix prefix;

	check(peer ? 0 : -ENOMEM, "peer");
	check(wr_prefix_parse(allowed, strlen(allowed), &prefix) ? 0 : -EINVAL, allowed);
	check(wr_peer_allow(peer, &prefix), "allowed-ips");
}

static void add_others(struct wr_engine *engine, int count)
{
	for (int i = 0; i < count; i++) {
		struct wr_key key;

		wr_random(&key, sizeof(key));
		wr_x25519_clamp(&key);
		wr_device_set_up(add_device(engine, &key), true, wr_clock_now());
	}
}

static struct wr_engine *new_engine(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct wr_engine_config config = {
		.workers = cores < 4 ? (unsigned)cores : 4, /* as warren wg */
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
	};
	struct wr_engine *engine;

	check(wr_engine_new(&config, &engine), "engine");
	return engine;
}

static int wait_ms(struct wr_instant deadline)
{
	struct wr_instant now = wr_clock_now();

	if (wr_is_never(deadline))
		return -1;
	return wr_is_past(deadline, now) ? 0 : (int)((deadline.ns - now.ns) / 1000000 + 1);
}

_Noreturn static void serve(struct wr_engine *engine)
{
	struct pollfd poll_fd = { .fd = wr_engine_fd(engine), .events = POLLIN };

	puts("ready");
	fflush(stdout);
	for (;;) {
		int result = poll(&poll_fd, 1, wait_ms(wr_engine_run(engine)));

		check(result < 0 && errno != EINTR ? -errno : 0, "poll");
	}
}

int main(int argc, char **argv)
{
	struct wr_tun *tun;

	if (argc != 7) {
		fprintf(stderr, "usage: hub INTERFACE PORT KEYS PRIVATE PEER ALLOWED\n");
		return 2;
	}
	check(wr_crypto_start(), "crypto");
	struct wr_engine *engine = new_engine();
	struct wr_key private_key = key_of(argv[4]);
	struct wr_device *device = add_device(engine, &private_key);

	check(wr_tun_open(argv[1], wr_engine_workers(engine), &tun), argv[1]);
	check(wr_tun_set_mtu(tun, MTU), "mtu");
	check(wr_engine_attach(engine, device, tun), "attach");
	wr_engine_set_mtu(engine, device, MTU);
	add_peer(device, argv[5], argv[6]);
	check(wr_engine_start(engine), "start");
	check(wr_engine_listen(engine, (uint16_t)atoi(argv[2]), 0), "listen");
	wr_device_set_up(device, true, wr_clock_now());
	add_others(engine, atoi(argv[3]) - 1);
	serve(engine);
}
