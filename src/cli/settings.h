/* The server's settings: flags over environment over file over defaults, and where each
 * came from.
 *
 * Floor 10.  Source: docs/man/warren-serve.8. */
#pragma once

#include "base/base.h"
#include "cli/verb.h"

#define WR_SETTINGS_FILE "/etc/warren/warren.conf"

enum wr_setting {
	WR_SET_DATA,
	WR_SET_API,
	WR_SET_API_ENDPOINT,
	WR_SET_HUB_PORT,
	WR_SET_STUN_PORT,
	WR_SET_NO_STUN,
	WR_SET_ENDPOINT,
	WR_SET_NETWORK,
	WR_SET_CERT,
	WR_SET_KEY,
	WR_SET_PLAIN,
	WR_SET_BEHIND_PROXY,
	WR_SET_SIGN_UP,
	WR_SET_ORG,
	WR_SET_WORKERS,
	WR_SET_UNLOCK_FILE,
	WR_SETTING_COUNT
};

#define WR_SETTING_ALIASES 2

/* One row of the table. */
struct wr_setting_row {
	const char *flag;                        /* "hub-port": the flag; "HubPort" in the file */
	const char *environment;                 /* "WARREN_HUB_PORT" */
	const char *aliases[WR_SETTING_ALIASES]; /* other programs' names for it; NULL: none */
	const char *fallback;                    /* NULL: none */
	/* NULL where the value is good; else what it must be. */
	const char *(*check)(const char *value);
};
extern const struct wr_setting_row wr_setting_rows[WR_SETTING_COUNT];

/* The flags of those rows, for the tables of verbs. */
#define WR_SETTING_OPTIONS \
	{ 0, "config", "file of settings", "FILE" }, \
		{ 0, "data", "folder of all that is kept", "DIR" }, \
		{ 0, "api", "where the API listens", "HOST:PORT" }, \
		{ 0, "api-endpoint", "the API, as machines reach it", "HOST:PORT" }, \
		{ 0, "hub-port", "UDP port of the hub", "PORT" }, \
		{ 0, "stun-port", "second UDP port for STUN; 0: none", "PORT" }, \
		{ 0, "no-stun", "tell nobody what address he comes from" }, \
		{ 0, "endpoint", "the hub, as machines reach it", "HOST:PORT" }, \
		{ 0, "network", "range of new organisations", "CIDR" }, \
		{ 0, "cert", "certificate for HTTPS, PEM", "FILE" }, \
		{ 0, "key", "its private key, PEM", "FILE" }, \
		{ 0, "plain", "HTTP in the clear, on loopback only" }, \
		{ 0, "behind-proxy", "a proxy does the TLS, and says who asks" }, \
		{ 0, "sign-up", "who may: closed, invite or open", "closed|invite|open" }, \
		{ 0, "org", "organisation to make at the first start", "NAME" }, \
		{ 0, "workers", "threads that carry packets", "N" }, \
	{ \
		0, "unlock-file", "file with the unlock secret", "FILE" \
	}

struct wr_setting_value {
	char *text;   /* NULL: not set */
	char *origin; /* "flag --data", "environment WARREN_DATA", "FILE:3", "default" */
};

struct wr_settings {
	struct wr_setting_value values[WR_SETTING_COUNT];
	char *file; /* that was read; NULL: none */
};

/* Reads them; `arguments` are those of a verb with WR_SETTING_OPTIONS. `get` is getenv(3) but in
 * tests. Returns the exit status; what is wrong is told on standard error. */
int wr_settings_read(const struct wr_arguments *arguments, char *(*get)(const char *name),
		     struct wr_settings *ret_settings) WR_MUST_CHECK;
/* The data folder alone, without flags; faults elsewhere do not matter. A new string. */
char *wr_settings_data(char *(*get)(const char *name));
void wr_settings_done(struct wr_settings *settings);

/* NULL if not set. */
const char *wr_setting_text(const struct wr_settings *settings, enum wr_setting setting);
bool wr_setting_is_on(const struct wr_settings *settings, enum wr_setting setting);
/* 0 if not set. */
unsigned wr_setting_number(const struct wr_settings *settings, enum wr_setting setting);

/* --- For settings.c: the file. --- */

/* Calls `take` for each "Key = value" of section [Server] in `text`; `take` returns NULL or what is
 * wrong. NULL, or what is wrong, with the line in *ret_line. Changes `text`. */
const char *wr_settings_parse(char *text,
			      const char *(*take)(void *context, unsigned line, const char *key,
						  const char *value),
			      void *context, unsigned *ret_line);
/* "HubPort", "hub-port" and "hub_port" are one. */
bool wr_settings_is_key(const char *flag, const char *key);
