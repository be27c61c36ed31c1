/* The steps in which a server opens, each undone by wr_server_close().
 *
 * Floor 8.  On the loop's thread, before the ledger's is there. Each returns 0, or a
 * negative errno after a log line that says what and what to do. */
#pragma once

#include "server/state.h"

/* Copies the configuration. */
int wr_server_configure(struct wr_server *server, const struct wr_server_config *config)
	WR_MUST_CHECK;
/* Frees what was copied, and the folder's lock. */
void wr_server_unconfigure(struct wr_server *server);
/* Makes the data folder, and locks it against a second server (-EBUSY). */
int wr_server_open_folder(struct wr_server *server) WR_MUST_CHECK;
/* Opens the database, with the key that seals what is in it: -EKEYREJECTED where the unlock
 * secret is wrong, before anything is changed; then brings the tables up to date. */
int wr_server_open_database(struct wr_server *server, struct wr_bytes unlock) WR_MUST_CHECK;
/* Makes the administrator, and the organisation that is wished for, where nobody is there yet. */
int wr_server_first_start(struct wr_server *server, struct wr_first_start *ret_first) WR_MUST_CHECK;
/* Opens the hub, and tells it everything. */
int wr_server_open_hub(struct wr_server *server) WR_MUST_CHECK;
/* Opens the API: certificate, sockets. */
int wr_server_open_api(struct wr_server *server) WR_MUST_CHECK;
/* Ends what is open, however little that is; then calls back, if it is to, and frees it. */
void wr_server_end(struct wr_server *server);

/* Writes the wrapped key for POST /server/unlock. On the thread that has the database. */
struct wr_wrapped;
int wr_server_save_wrapped(struct wr_db *db, const struct wr_wrapped *wrapped) WR_MUST_CHECK;
/* 1, 0 where there is none, or a negative errno. */
int wr_server_load_wrapped(struct wr_db *db, struct wr_wrapped *ret_wrapped) WR_MUST_CHECK;
