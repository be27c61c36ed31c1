/* What `warren wg` was asked to do, by its arguments and environment.
 *
 * Floor 10. */
#pragma once

#include "base/base.h"
#include "base/log.h"
#include "cli/daemon.h"
#include "crypto/aead.h"
#include "tunnel/tunnel.h"

struct wr_wg_settings {
	const char *name; /* of the interface */
	bool in_foreground;
	enum wr_log_level log_level;
	bool keeps_output;   /* in the background too: LOG_LEVEL was given */
	int tun_fd, uapi_fd; /* -1: none was given */
	unsigned workers;
	bool keeps_low_ports;       /* `wg` may ask for one below 1024 at any time */
	uint32_t time_scale;        /* timers are divided by it; 1 but in builds with
				     * test hooks */
	const struct wr_aead *aead; /* NULL: by the CPU */
};

/* True if the kernel takes it as the name of an interface (net/core/dev.c,
 * dev_valid_name()), or it is one that ends in "%d". */
bool wr_wg_is_name(const char *name);

/* A CPU each, but no more than bring something. */
unsigned wr_wg_default_workers(void);

/* Reads the environment through `get` (getenv(3) but in tests) into *ret_settings,
 * whose name, foreground and aead are the caller's to set. False, and a line on
 * standard error, where a value is bad. */
bool wr_wg_read_environment(char *(*get)(const char *name), struct wr_wg_settings *ret_settings)
	WR_MUST_CHECK;

/* Runs the interface until it ends; `daemon` is told when it is usable. Returns the exit status;
 * all faults are told on standard error. */
int wr_wg_run(const struct wr_wg_settings *settings, struct wr_daemon *daemon);

/* Tells on standard error why a step failed with the negative errno, and what to
 * do about it. */
void wr_wg_explain(const struct wr_wg_settings *settings, enum wr_tunnel_step step, int error);

/* Prints the counters of a running interface. Returns the exit status. */
int wr_wg_stats(const char *name, bool as_json);
