/* Gateways for a test, each with one machine: another namespace with a TUN, whose packets
 * the loop carries to the gateway's and back, as the engine would. Commands run while the
 * loop does. */
#pragma once

#include <uv.h>

#include "hub/gateway.h"
#include "linux/netns.h"
#include "unit.h"

#define GATES_TAG "test"

struct gate {
	uv_loop_t *loop;
	struct wr_gateway *gateway;
	uint64_t number;
	bool is_opened, is_closed;
	int status; /* as it was opened */
	unsigned damages;
	struct wr_tun *tun;

	/* Its machine, 10.100.0.2 and fd42::2. */
	struct wr_netns machine;
	struct wr_tun *machine_tun;
	uv_poll_t to_gateway, to_machine;
	bool is_joined;
	unsigned carried; /* packets to the machine */
};

/* Runs the loop until it is so; fails after ten seconds. */
void gates_wait(uv_loop_t *loop, const bool *is_so);

/* Begins to open one: 10.100.0.0/16 and fd42::/64, "acme" or whatever the label is. */
struct gate *gate_begin(uv_loop_t *loop, uint64_t number, const char *label);
/* The same, and waits until it is open. */
struct gate *gate_open(uv_loop_t *loop, uint64_t number, const char *label);
/* Makes its machine, in namespace "machineNUMBER". */
void gate_join(struct gate *gate);
/* Closes it, and its machine, waits, and frees it. */
void gate_close(struct gate *gate);

/* Runs a shell command while the loop runs; its output, to be freed, which must hold
 * `want` (NULL: whatever it says). The command must succeed. */
char *gates_run(uv_loop_t *loop, const char *want, const char *format, ...) WR_PRINTF(3, 4);
/* The same and nothing returned. */
#define gates_say(...) free(gates_run(__VA_ARGS__))
