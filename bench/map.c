/* What a network map costs its member: reading it, making the host equal to it, and the same again
 * when one peer of it changed. In a network namespace of its own; needs root.
 *
 *   map PEERS [kernel]
 *
 * Prints one line of JSON. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "mesh/reconcile.h"

#define LINK "bench0"

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "map: %s: %s\n", what, strerror(-result));
	exit(1);
}

static double ms_since(struct wr_instant start)
{
	return (double)(wr_clock_now().ns - start.ns) / 1000000;
}

/* --- A network. --- */

static void key_text(unsigned number, char ret_text[WR_KEY_BASE64_LEN + 1])
{
	struct wr_key key = { .bytes = { 9, [30] = 1, [31] = 0x11 } };

	memcpy(key.bytes + 4, &number, sizeof(number));
	wr_key_to_base64(&key, ret_text);
}

static json_t *peer_json(unsigned number, const char *endpoint)
{
	char key[WR_KEY_BASE64_LEN + 1];

	key_text(number, key);
	return json_pack("{s:o s:o s:s s:[o] s:[] s:s s:[i] s:b s:[{s:s s:s}]}", "machine",
			 json_sprintf("m%05u", number), "name", json_sprintf("host-%u", number),
			 "public_key", key, "addresses",
			 json_sprintf("10.77.%u.%u", number >> 8, number & 255), "routes", "way",
			 "direct", "marks", 1, "online", 1, "candidates", "kind", "observed",
			 "endpoint", endpoint);
}

static json_t *map_json(unsigned peers)
{
	char own[WR_KEY_BASE64_LEN + 1], hub[WR_KEY_BASE64_LEN + 1];
	json_t *list = json_array();

	key_text(65535, own);
	key_text(65534, hub);
	for (unsigned i = 0; i < peers; i++)
		json_array_append_new(list, peer_json(256 + i, "198.51.100.7:40123"));
	return json_pack(
		"{s:s s:s s:i s:s s:{s:s s:s s:s s:[s]} s:{s:s s:s s:[s]} s:{s:s s:[s] s:[s]} s:s s:o "
		"s:[]}",
		"type", "map", "epoch", "e1", "generation", 1, "version", "v1", "self", "machine",
		"m1", "name", "self", "public_key", own, "addresses", "10.77.0.2", "network",
		"name", "acme", "suffix", "acme.warren", "ranges", "10.77.0.0/16", "hub",
		"public_key", hub, "addresses", "10.77.0.1", "endpoints", "203.0.113.1:51820",
		"policy", "allow tag:m1 -> self\ndefault deny\n", "peers", list, "records");
}

static struct wr_netmap *parse(unsigned peers, double *ret_ms)
{
	json_t *json = map_json(peers);
	char *text = json_dumps(json, JSON_COMPACT), why[200];
	struct wr_instant start = wr_clock_now();
	json_t *message = json_loads(text, 0, NULL);
	struct wr_netmap *map = wr_netmap_parse(message, why);

	*ret_ms = ms_since(start);
	if (!map) {
		fprintf(stderr, "map: %s\n", why);
		exit(1);
	}
	json_decref(message);
	json_decref(json);
	free(text);
	return map;
}

/* One peer has a tunnel of its own no more. */
static struct wr_netmap *patch(const struct wr_netmap *map, double *ret_ms)
{
	json_t *peer = peer_json(256, "198.51.100.7:40123");
	json_t *delta = json_pack("{s:s s:s s:s s:i s:[o]}", "type", "delta", "from", "v1",
				  "version", "v2", "generation", 2, "peers", peer);
	struct wr_instant start = wr_clock_now();
	struct wr_netmap *patched;
	char why[200] = "";
	int error = 0;

	json_object_set_new(peer, "way", json_string("hub"));
	patched = wr_netmap_patch(map, delta, &error, why);
	*ret_ms = ms_since(start);
	if (!patched) {
		fprintf(stderr, "map: %s\n", why);
		exit(1);
	}
	json_decref(delta);
	return patched;
}

/* --- A member. --- */

static struct wr_backend *open_backend(uv_loop_t *loop, bool is_kernel)
{
	const struct wr_backend_config config = {
		.name = LINK,
		.kind = is_kernel ? WR_BACKEND_KERNEL : WR_BACKEND_ENGINE,
		.private_key.bytes = { 8, [31] = 0x40 },
		.mtu = 1280,
		.workers = 1,
		.aead = wr_aead_pick(NULL),
	};
	struct wr_backend *backend = NULL;
	char why[200] = "";
	int status = wr_backend_open(loop, &config, &backend, why);

	check(status, why);
	return backend;
}

static struct wr_reconciler_sight look(struct wr_reconciler *reconciler)
{
	struct wr_reconciler_sight sight;

	wr_reconciler_look(reconciler, &sight);
	if (sight.error) {
		fprintf(stderr, "map: %s\n", sight.trouble);
		exit(1);
	}
	return sight;
}

static double set(struct wr_reconciler *reconciler, const struct wr_netmap *map,
		  uint64_t *ret_count)
{
	uint64_t before = look(reconciler).operations;
	struct wr_instant start = wr_clock_now();
	double ms;

	wr_reconciler_set_map(reconciler, map);
	ms = ms_since(start);
	*ret_count = look(reconciler).operations - before;
	return ms;
}

int main(int argc, char **argv)
{
	unsigned peers = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
	double parse_ms, patch_ms, apply_ms, again_ms, change_ms;
	uint64_t applied, again, changed;
	struct wr_reconciler *reconciler;
	struct wr_netmap *map, *patched;
	struct wr_backend *backend;
	uv_loop_t loop;

	check(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "unshare");
	check(wr_crypto_start(), "crypto");
	check(uv_loop_init(&loop), "loop");
	backend = open_backend(&loop, argc > 2);
	const struct wr_reconciler_config config = {
		.backend = backend, .interface = LINK, .accepts_routes = true, .keepalive = 8
	};
	check(wr_reconciler_new(&loop, &config, &reconciler), "reconciler");
	map = parse(peers, &parse_ms);
	patched = patch(map, &patch_ms);
	apply_ms = set(reconciler, map, &applied);
	again_ms = set(reconciler, map, &again);
	change_ms = set(reconciler, patched, &changed);
	printf("{\"peers\": %u, \"parse_ms\": %.1f, \"patch_ms\": %.1f, \"apply_ms\": %.1f, "
	       "\"operations\": %llu, \"again_ms\": %.1f, \"again_operations\": %llu, "
	       "\"change_ms\": %.1f, \"change_operations\": %llu}\n",
	       peers, parse_ms, patch_ms, apply_ms, (unsigned long long)applied, again_ms,
	       (unsigned long long)again, change_ms, (unsigned long long)changed);
	wr_reconciler_free(reconciler);
	wr_backend_free(backend);
	wr_netmap_free(map);
	wr_netmap_free(patched);
	return uv_loop_close(&loop) == 0 ? 0 : 1;
}
