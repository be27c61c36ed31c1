/* The database, and the key that seals what is in it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "base/log.h"
#include "server/dispatch.h"
#include "server/schema.h"
#include "server/server_steps.h"

#define WRAPPED "vault"

/* --- The vault. --- */
int wr_server_save_wrapped(struct wr_db *db, const struct wr_wrapped *wrapped)
{
	return WR_DB_RUN(db, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
			 WR_T(WRAPPED), WR_B(wrapped->bytes, sizeof(wrapped->bytes)));
}

int wr_server_load_wrapped(struct wr_db *db, struct wr_wrapped *ret_wrapped)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT value FROM meta WHERE key = ?", WR_T(WRAPPED));
	struct wr_bytes blob;

	if (found <= 0)
		return found;
	blob = wr_row_blob(row, 0);
	if (blob.len == sizeof(ret_wrapped->bytes))
		memcpy(ret_wrapped->bytes, blob.data, blob.len);
	else
		found = -EBADMSG;
	wr_row_end(row);
	return found;
}

static int has_tables(struct wr_db *db)
{
	struct wr_row *row = NULL;
	int found = wr_db_one(db,
			      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'",
			      0, NULL, &row);

	if (found > 0)
		wr_row_end(row);
	return found;
}

/* 1: the vault is open; 0: there is none yet. */
static int open_vault(struct wr_server *server, struct wr_bytes unlock)
{
	struct wr_wrapped wrapped;
	int found = has_tables(server->db);

	if (found > 0)
		found = wr_server_load_wrapped(server->db, &wrapped);
	if (found > 0) {
		int status = wr_vault_open(unlock, &wrapped, &server->vault);

		found = status < 0 ? status : 1;
	}
	if (found != -EKEYREJECTED)
		return found;
	wr_db_leave(server->db);
	wr_log_error("unlock secret: it is not the one of this data folder: path=%s; nothing was "
		     "touched",
		     server->config.data);
	return found;
}

static int make_vault(struct wr_server *server, struct wr_bytes unlock)
{
	struct wr_wrapped wrapped;
	int status = wr_vault_new(unlock, &server->vault, &wrapped);

	if (status == 0)
		status = wr_server_save_wrapped(server->db, &wrapped);
	return status;
}

/* --- The database. --- */
static int open_file(struct wr_server *server)
{
	char *path = wr_server_path(server, WR_DATABASE);
	int status = path ? wr_db_open(path, &server->db) : -ENOMEM;

	free(path);
	return status;
}

static int open_all(struct wr_server *server, struct wr_bytes unlock)
{
	int status = open_file(server), found;

	if (status < 0)
		return status;
	found = open_vault(server, unlock);
	if (found < 0)
		return found;
	status = wr_db_migrate(server->db, wr_schema, wr_schema_len);
	if (status == 0 && found == 0)
		status = make_vault(server, unlock);
	return status;
}

int wr_server_open_database(struct wr_server *server, struct wr_bytes unlock)
{
	int status;

	if (unlock.len == 0) {
		wr_log_error(
			"unlock secret: there is none: set WARREN_UNLOCK_FILE (or WARREN_UNLOCK, "
			"or the systemd credential warren-unlock)");
		return -ENOKEY;
	}
	status = open_all(server, unlock);
	if (status == -ENOTSUP)
		wr_log_error("database: it is of a later version of this program: path=%s/%s",
			     server->config.data, WR_DATABASE);
	else if (status < 0 && status != -EKEYREJECTED)
		wr_log_error("database: cannot be opened: path=%s/%s error=%s (%s)",
			     server->config.data, WR_DATABASE, strerror(-status),
			     server->db ? wr_db_error(server->db) : "no connection");
	return status;
}

/* --- The first start. --- */
static int has_users(struct wr_db *db)
{
	struct wr_row *row = NULL;
	int found = wr_db_one(db, "SELECT 1 FROM user LIMIT 1", 0, NULL, &row);

	if (found > 0)
		wr_row_end(row);
	return found;
}

static int make_administrator(struct wr_server *server, struct wr_first_start *ret_first)
{
	json_t *result = NULL;
	int status = wr_dispatch_inside(server, server->db, "user.add",
					json_pack("{s:s, s:s, s:b}", "login", "admin", "name",
						  "Administrator", "is_site_admin", true),
					&result);
	const char *password = json_string_value(json_object_get(result, "password"));

	if (status == 0 && !password)
		status = -EIO;
	if (status == 0) {
		snprintf(ret_first->admin_login, sizeof(ret_first->admin_login), "admin");
		snprintf(ret_first->admin_password, sizeof(ret_first->admin_password), "%s",
			 password);
	}
	json_decref(result);
	return status;
}

static int make_first(struct wr_server *server, struct wr_first_start *ret_first)
{
	int status = make_administrator(server, ret_first);

	if (status == 0 && server->config.first_org)
		status = wr_dispatch_inside(server, server->db, "org.add",
					    json_pack("{s:s}", "name", server->config.first_org),
					    NULL);
	return status;
}

int wr_server_first_start(struct wr_server *server, struct wr_first_start *ret_first)
{
	struct wr_first_start first = { "", "" };
	int status = has_users(server->db);

	if (status != 0)
		return status < 0 ? status : 0;
	status = wr_db_run(server->db, "BEGIN IMMEDIATE", 0, NULL);
	if (status == 0)
		status = make_first(server, &first);
	if (status == 0)
		status = wr_db_run(server->db, "COMMIT", 0, NULL);
	if (status == 0)
		*ret_first = first;
	else
		wr_log_error("first start: failed: error=%s (%s)", strerror(-status),
			     wr_db_error(server->db));
	wr_wipe(&first, sizeof(first));
	return status;
}
