#include "server/touch.h"

#include <stdlib.h>

#include "server/state.h"

struct touch {
	struct wr_entry entry;
	struct wr_server *server;
	bool is_session;
	int64_t row, time;
};

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct touch *touch = WR_CONTAINER_OF(entry, struct touch, entry);
	const char *sql = touch->is_session ? "UPDATE session SET last_used = ?1 WHERE id = ?2 AND"
					      " coalesce(last_used, 0) < ?1"
					    : "UPDATE token SET last_used = ?1 WHERE id = ?2 AND"
					      " coalesce(last_used, 0) < ?1";

	return WR_DB_RUN(db, sql, WR_I(touch->time), WR_I(touch->row));
}

static void done(struct wr_entry *entry, int status)
{
	struct touch *touch = WR_CONTAINER_OF(entry, struct touch, entry);
	struct wr_server *server = touch->server;

	(void)status;
	free(touch);
	wr_server_call_ended(server);
}

void wr_touch(const struct wr_call *call)
{
	struct touch *touch = calloc(1, sizeof(*touch));

	if (!touch)
		return;
	*touch = (struct touch){
		.entry = { .work = work, .done = done },
		.server = call->server,
		.is_session = call->caller.kind == WR_CALLER_USER,
		.row = call->caller.credential,
		.time = wr_call_time(call),
	};
	if (wr_ledger_enter(call->server->ledger, &touch->entry) < 0)
		free(touch);
	else
		call->server->calls++;
}
