#include "server/keys.h"

#include <stdio.h>
#include <string.h>

#include "crypto/unlock.h"
#include "server/state.h"

/* --- Rows. --- */

static void copy_text(const struct wr_row *row, unsigned column, char *ret_text, size_t size)
{
	const char *text = wr_row_text(row, column);

	snprintf(ret_text, size, "%s", text ? text : "");
}

static void read_key(const struct wr_row *row, struct wr_key_row *ret_key)
{
	*ret_key = (struct wr_key_row){
		.id = wr_row_int(row, 0),
		.org = wr_row_int(row, 1),
		.uses = wr_row_int(row, 4),
		.used = wr_row_int(row, 5),
		.expires = wr_row_int(row, 6),
		.ephemeral = wr_row_int(row, 7),
		.needs_approval = wr_row_int(row, 8) != 0,
		.is_revoked = !wr_row_is_null(row, 9),
		.is_org_disabled = wr_row_int(row, 10) != 0,
		.machine = wr_row_int(row, 11),
	};
	copy_text(row, 2, ret_key->uid, sizeof(ret_key->uid));
	copy_text(row, 3, ret_key->org_uid, sizeof(ret_key->org_uid));
	copy_text(row, 12, ret_key->machine_name, sizeof(ret_key->machine_name));
}

int wr_key_find(struct wr_db *db, const char *secret, struct wr_key_row *ret_key)
{
	struct wr_token_hash hash = wr_token_hash_of(secret);
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT k.id, k.organisation, k.uid, o.uid, k.uses, k.used,"
			      " k.expires, k.ephemeral, k.needs_approval, k.revoked,"
			      " o.is_disabled, k.machine, k.machine_name"
			      " FROM join_key k JOIN organisation o ON o.id = k.organisation"
			      " WHERE k.hash = ?",
			      WR_B(hash.bytes, sizeof(hash.bytes)));

	if (found > 0) {
		read_key(row, ret_key);
		wr_row_end(row);
	}
	return found;
}

int wr_key_use(struct wr_db *db, const struct wr_key_row *key, int64_t now)
{
	return WR_DB_RUN(db, "UPDATE join_key SET used = used + 1, last_used = ? WHERE id = ?",
			 WR_I(now), WR_I(key->id));
}

/* --- The address in a key. --- */

static bool is_host(const char *listen, const char *const *hosts)
{
	size_t len = (size_t)(strrchr(listen, ':') - listen);

	for (; *hosts; hosts++) {
		if (strlen(*hosts) == len && strncmp(listen, *hosts, len) == 0)
			return true;
	}
	return false;
}

static bool is_any(const char *listen)
{
	static const char *const hosts[] = { "", "0.0.0.0", "[::]", "*", NULL };

	return is_host(listen, hosts);
}

static bool is_loopback(const char *listen)
{
	static const char *const hosts[] = { "localhost", "[::1]", NULL };

	return strncmp(listen, "127.", 4) == 0 || is_host(listen, hosts);
}

static bool refuse(char ret_why[300], const char *what)
{
	snprintf(
		ret_why, 300,
		"%s Start the server with --api-endpoint HOST:PORT (or WARREN_API_ENDPOINT): where "
		"machines reach the API.",
		what);
	return false;
}

bool wr_key_address(const struct wr_server *server, uint16_t port, char ret_address[260],
		    char ret_why[300])
{
	const struct wr_server_config *config = &server->config;
	const char *listen = config->api_listen;

	if (config->api_endpoint) {
		snprintf(ret_address, 260, "%s", config->api_endpoint);
		return wr_join_address_is_good(ret_address) ||
		       refuse(ret_why, "The server's --api-endpoint is no HOST:PORT.");
	}
	if (!listen || !strrchr(listen, ':'))
		return refuse(ret_why, "The server has no API but its Unix socket, so no machine "
				       "can join.");
	if (config->is_behind_proxy)
		return refuse(ret_why, "The server is behind a proxy, and does not know its "
				       "address.");
	if (is_any(listen))
		return refuse(ret_why, "The server listens on every address, and does not know by "
				       "which machines reach it.");
	if (is_loopback(listen))
		return refuse(ret_why, "The server's API listens on loopback only, where no other "
				       "machine reaches it.");
	snprintf(ret_address, 260, "%.*s:%u", (int)(strrchr(listen, ':') - listen), listen, port);
	return wr_join_address_is_good(ret_address) ||
	       refuse(ret_why, "The address that the API listens on is no HOST:PORT.");
}
