/* The server: API, organisations, machines, policies, and the hub that carries them out.
 *
 * Floor 8.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "crypto/aead.h"
#include "crypto/unlock.h"
#include "http/server.h"
#include "hub/hub.h"
#include "store/ledger.h"

struct wr_server_config {
	const char *data;                 /* folder; made, mode 0700 */
	const char *api_listen;           /* "127.0.0.1:8443"; NULL: only the Unix socket */
	const char *cert_file, *key_file; /* NULL: our own, self-signed, under `data` */
	bool is_plain; /* HTTP in the clear: loopback only, unless `is_behind_proxy` */
	bool is_behind_proxy;
	uint16_t hub_port;
	bool has_no_stun;         /* the hub's port tells nobody what address it sees */
	uint16_t stun_port;       /* a second one that does; 0: none */
	const char *api_endpoint; /* host:port by which machines reach the API; NULL: api_listen,
				   * where it is one that they can reach */
	const char *hub_endpoint; /* host:port that machines are told; NULL: guessed */
	const char *network;      /* default range of new organisations: "10.100.0.0/16" */
	const char *first_org; /* name of an organisation to make at the first start; NULL: none */
	enum {
		WR_SIGN_UP_CLOSED,
		WR_SIGN_UP_INVITE,
		WR_SIGN_UP_OPEN
	} sign_up;
	unsigned workers;
	const struct wr_aead *aead;
	struct wr_bytes unlock; /* the unlock secret; wiped by the caller when opened */
};

struct wr_server;

/* What the first start made, to be told once. All "" at later starts. */
struct wr_first_start {
	char admin_login[32], admin_password[64];
};

/* Opens all of it. 0, or a negative errno after a log line that says what and what to do
 * (-EKEYREJECTED: the unlock secret is wrong; nothing was touched). */
int wr_server_open(uv_loop_t *loop, const struct wr_server_config *config,
		   struct wr_first_start *ret_first, struct wr_server **ret_server) WR_MUST_CHECK;
/* Answers what is under way, ends all, calls back. */
void wr_server_close(struct wr_server *server, void (*closed)(void *context), void *context);
/* Reads the certificate's files again. 0, or a negative errno after a log line: then the old
 * one stays. */
int wr_server_reload(struct wr_server *server) WR_MUST_CHECK;
/* Path of the Unix socket, port of the API, SHA-256 pin of the certificate (base64), for the
 * lines that `warren serve` prints. */
const char *wr_server_socket(const struct wr_server *server);
uint16_t wr_server_port(const struct wr_server *server);
const char *wr_server_pin(const struct wr_server *server);
