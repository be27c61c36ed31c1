/* A member of a zero-config mesh that brings many others along, which are nowhere: so what a mesh
 * of thousands costs one real member can be measured without thousands of machines.
 *
 * usage: crowd MESH FOLDER COUNT
 *
 * It joins the open mesh MESH as `warren up` does (root; FOLDER must be empty, and is its state),
 * tells of COUNT members with records of the usual size, prints "ready" when they are told, and
 * goes on until it gets SIGTERM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

/* Some a turn: making keys and signing takes its time, and frames want to go out meanwhile. */
#define A_TURN 50
#define TURN_MS 20

struct crowd {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_signal_t signal;
	struct wr_zeroconf *zc;
	unsigned made, count;
	bool is_ended;
};

/* --- Members. --- */

/* Like the record of a laptop behind a router: two candidates, two relays. Nobody is there. */
static struct wr_record record_of(const struct crowd *crowd, const struct wr_key *identity)
{
	struct wr_record record = {
		.name_since = 1700000000 + crowd->made,
		.v4_since = 1700000000 + crowd->made,
		.candidate_count = 2,
		.program = "warren 0.1.0",
	};
	struct wr_ip v4 = wr_mesh_v4(&crowd->zc->state.range4, identity, 0);

	snprintf(record.name, sizeof(record.name), "laptop-%u", crowd->made);
	memcpy(record.v4, v4.bytes, sizeof(record.v4));
	for (unsigned i = 0; i < 2; i++) {
		struct wr_endpoint *endpoint = &record.candidates[i].endpoint;

		record.candidates[i].kind = i ? WR_CANDIDATE_OBSERVED : WR_CANDIDATE_LOCAL;
		endpoint->ip = (struct wr_ip){
			.family = WR_IPV4,
			.bytes = { 198, 18 + (uint8_t)i, (uint8_t)(crowd->made >> 8),
				   (uint8_t)crowd->made },
		};
		endpoint->port = 51820;
	}
	return record;
}

static bool add_member(struct crowd *crowd)
{
	struct wr_item item = { .kind = WR_ITEM_RECORD, .version = 1 };
	uint8_t bytes[WR_ITEM_MAX_LEN];
	struct wr_key seed;
	size_t len;

	wr_random(&seed, sizeof(seed));
	item.signer = item.subject = wr_sign_public(&seed);
	memcpy(item.mesh, crowd->zc->keys.tag, sizeof(item.mesh));
	item.record = record_of(crowd, &item.signer);
	crowd->made++;
	len = wr_item_write(&item, &seed, bytes);
	return len && wr_gossip_put(crowd->zc->gossip, (struct wr_bytes){ bytes, len }, true,
				    wr_clock_now()) == WR_GOSSIP_TAKEN;
}

static void on_turn(uv_timer_t *timer)
{
	struct crowd *crowd = WR_CONTAINER_OF(timer, struct crowd, timer);

	for (unsigned i = 0; i < A_TURN && crowd->made < crowd->count; i++)
		if (!add_member(crowd)) {
			fprintf(stderr, "crowd: member %u is not taken\n", crowd->made);
			exit(1);
		}
	zc_run_gossip(crowd->zc);
	if (crowd->made < crowd->count)
		return;
	uv_timer_stop(timer);
	printf("ready\n");
	fflush(stdout);
}

/* --- Its own life. --- */

static void on_ended(void *context, int error)
{
	struct crowd *crowd = context;

	(void)error;
	crowd->is_ended = true;
	uv_stop(&crowd->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	on_ended(signal->data, 0);
}

static int open_mesh(struct crowd *crowd, const char *mesh, const char *folder, char why[200])
{
	const struct wr_zeroconf_config config = {
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.hosts_file = "/dev/null",
		.version = "0.1.0",
		.ended = on_ended,
		.context = crowd,
	};
	struct wr_mesh_state state = {
		.folder = strdup(folder),
		.interface = "crowd0",
		.wanted_name = "crowd",
		.backend = WR_BACKEND_ENGINE,
		.names = WR_NAMES_OFF,
		.is_relay_off = true,
	};

	struct wr_mesh_keys keys;

	snprintf(state.mesh, sizeof(state.mesh), "%s", mesh);
	wr_random(&state.seed, sizeof(state.seed));
	if (!state.folder || wr_mesh_root(mesh, (struct wr_bytes){ NULL, 0 }, &state.root) < 0) {
		snprintf(why, 200, "memory is short");
		return -ENOMEM;
	}
	wr_mesh_keys(&state.root, &keys);
	state.range4 = keys.range4;
	wr_wipe(&keys, sizeof(keys));
	return wr_zeroconf_open(&crowd->loop, &config, &state, &crowd->zc, why);
}

static void live(struct crowd *crowd)
{
	uv_timer_init(&crowd->loop, &crowd->timer);
	uv_timer_start(&crowd->timer, on_turn, TURN_MS, TURN_MS);
	uv_signal_init(&crowd->loop, &crowd->signal);
	crowd->signal.data = crowd;
	uv_signal_start(&crowd->signal, on_signal, SIGTERM);
	while (!crowd->is_ended)
		uv_run(&crowd->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&crowd->timer, NULL);
	uv_close((uv_handle_t *)&crowd->signal, NULL);
}

int main(int argc, char **argv)
{
	static struct crowd crowd;
	char why[200] = "";

	if (argc != 4) {
		fprintf(stderr, "usage: crowd MESH FOLDER COUNT\n");
		return 2;
	}
	crowd.count = (unsigned)strtoul(argv[3], NULL, 10);
	if (wr_crypto_start() < 0 || uv_loop_init(&crowd.loop) < 0)
		return 1;
	if (open_mesh(&crowd, argv[1], argv[2], why) < 0) {
		fprintf(stderr, "crowd: %s\n", why);
		return 1;
	}
	live(&crowd);
	crowd.zc = wr_zeroconf_free(crowd.zc);
	return 0;
}
