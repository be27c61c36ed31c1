/* POST /server/unlock: slow, so on the thread pool. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "server/server_steps.h"
#include "server/server_work.h"

struct unlocking {
	struct wr_wrapped wrapped;
	int error;
};

static void free_unlocking(void *state)
{
	wr_wipe(state, sizeof(struct unlocking));
	free(state);
}

static struct wr_bytes secret_of(const struct wr_call *call, const char *name)
{
	const char *text = wr_call_text(call, name);

	return (struct wr_bytes){ (const uint8_t *)text, strlen(text) };
}

static void work_unlocking(struct wr_call *call)
{
	struct unlocking *unlocking = call->state;
	struct wr_vault vault;

	unlocking->error = wr_vault_open(secret_of(call, "current"), &unlocking->wrapped, &vault);
	if (unlocking->error == 0)
		unlocking->error = wr_vault_rewrap(&vault, secret_of(call, "new"),
						   &unlocking->wrapped);
	wr_wipe(&vault, sizeof(vault));
}

static int begin_unlocking(struct wr_call *call)
{
	struct unlocking *unlocking;
	int found;

	if (call->caller.kind != WR_CALLER_LOCAL)
		return wr_call_fail(call, 403, "local-only",
				    "Only a local process may do this, over the Unix socket.");
	unlocking = calloc(1, sizeof(*unlocking));
	if (!unlocking)
		return wr_call_fail_db(call, -ENOMEM);
	call->state = unlocking;
	call->state_free = free_unlocking;
	found = wr_server_load_wrapped(call->db, &unlocking->wrapped);
	if (found <= 0)
		return wr_call_fail_db(call, found < 0 ? found : -EBADMSG);
	return wr_call_pool(call, work_unlocking);
}

static int end_unlocking(struct wr_call *call)
{
	const struct unlocking *unlocking = call->state;
	int error;

	if (unlocking->error == -EKEYREJECTED)
		return wr_call_fault(call, "/current", "is not the unlock secret");
	if (unlocking->error < 0)
		return wr_call_fail_db(call, unlocking->error);
	error = wr_server_save_wrapped(call->db, &unlocking->wrapped);
	if (error < 0)
		return wr_call_fail_db(call, error);
	wr_call_audit(call, NULL, "unlock secret", NULL, NULL);
	return 0;
}

int wr_server_change_unlock(struct wr_call *call)
{
	return call->step == 0 ? begin_unlocking(call) : end_unlocking(call);
}
