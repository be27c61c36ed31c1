#include "mesh/enforce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "mesh/enforce_hosts.h"
#include "mesh/enforce_table.h"

struct wr_enforcer {
	char interface[IF_NAMESIZE];
	struct wr_backend *backend; /* NULL: there is none now */
	struct wr_enforce_slots slots;
	/* Of the last map: a backend may come back as the other kind. */
	struct wr_enforce_hosts hosts;
	bool has_hosts;
	struct wr_guard *guard; /* the engine's */
	struct wr_table *table; /* the kernel's */
	int error;              /* of the last map */
	char trouble[200];
};

static bool is_kernel(const struct wr_enforcer *enforcer)
{
	return enforcer->backend && wr_backend_kind(enforcer->backend) == WR_BACKEND_KERNEL;
}

static bool is_engine(const struct wr_enforcer *enforcer)
{
	return enforcer->backend && !is_kernel(enforcer);
}

static void fail(struct wr_enforcer *enforcer, int error, const char *trouble)
{
	enforcer->error = error;
	snprintf(enforcer->trouble, sizeof(enforcer->trouble), "%s", trouble);
}

/* --- Putting it in force. --- */

static void guard_engine(struct wr_enforcer *enforcer)
{
	struct wr_retire_list *retired = wr_backend_retired(enforcer->backend);
	struct wr_retire_list own = { NULL };
	int status = wr_enforce_guard(&enforcer->hosts, enforcer->guard, retired ? retired : &own);

	if (status < 0)
		fail(enforcer, status, "out of memory");
	wr_retire_free_all(&own);
}

static void tell_kernel(struct wr_enforcer *enforcer)
{
	char why[200];
	char *script = wr_enforce_script(&enforcer->hosts, enforcer->interface, why);

	if (script)
		wr_table_want(enforcer->table, script);
	else
		fail(enforcer, -EINVAL, why);
}

static void enforce(struct wr_enforcer *enforcer)
{
	if (!enforcer->has_hosts || !enforcer->backend)
		return;
	fail(enforcer, 0, "");
	if (is_kernel(enforcer))
		tell_kernel(enforcer);
	else
		guard_engine(enforcer);
}

static int use_backend(struct wr_enforcer *enforcer, struct wr_backend *backend)
{
	enforcer->backend = backend;
	enforce(enforcer);
	if (is_kernel(enforcer))
		return wr_table_begin(enforcer->table);
	if (!is_engine(enforcer))
		return 0;
	wr_table_end(enforcer->table);
	return wr_backend_set_guard(backend, enforcer->guard);
}

void wr_enforcer_set_backend(struct wr_enforcer *enforcer, struct wr_backend *backend)
{
	/* What is wrong with the table is the table's to tell. */
	if (use_backend(enforcer, backend) < 0 && !is_kernel(enforcer))
		fail(enforcer, -EINVAL, "the engine takes no filter");
}

void wr_enforcer_set_map(struct wr_enforcer *enforcer, const struct wr_netmap *map)
{
	struct wr_enforce_hosts hosts;
	char why[200];
	int status = wr_enforce_hosts_init(&hosts, &enforcer->slots, map, why);

	if (status < 0) {
		fail(enforcer, status, why);
		return;
	}
	wr_enforce_hosts_done(&enforcer->hosts);
	enforcer->hosts = hosts;
	enforcer->has_hosts = true;
	enforce(enforcer);
}

char *wr_enforcer_nft(const struct wr_netmap *map, const char *interface, char ret_why[200])
{
	struct wr_enforce_slots slots = { 0 };
	struct wr_enforce_hosts hosts;
	char *script;

	if (wr_enforce_hosts_init(&hosts, &slots, map, ret_why) < 0)
		return NULL;
	script = wr_enforce_script(&hosts, interface, ret_why);
	wr_enforce_hosts_done(&hosts);
	wr_enforce_slots_done(&slots);
	return script;
}

/* --- Looking. --- */

/* The engine's guard is ours alone. */
bool wr_enforcer_mend(struct wr_enforcer *enforcer)
{
	return is_kernel(enforcer) && wr_table_mend(enforcer->table);
}

int wr_enforcer_look(const struct wr_enforcer *enforcer, char ret_trouble[200])
{
	int error;

	snprintf(ret_trouble, 200, "%s", enforcer->trouble);
	if (enforcer->error || !is_kernel(enforcer))
		return enforcer->error;
	error = wr_table_look(enforcer->table, ret_trouble);
	return error == -EINPROGRESS ? 0 : error;
}

/* --- Its life. --- */

static int open_parts(struct wr_enforcer *enforcer, uv_loop_t *loop, struct wr_backend *backend)
{
	uint8_t secret[16];
	int status = wr_table_new(loop, enforcer->interface, &enforcer->table);

	if (status < 0)
		return status;
	wr_random(secret, sizeof(secret));
	enforcer->guard = wr_guard_new(secret);
	return enforcer->guard ? use_backend(enforcer, backend) : -ENOMEM;
}

int wr_enforcer_new(uv_loop_t *loop, struct wr_backend *backend, const char *interface,
		    struct wr_enforcer **ret_enforcer)
{
	struct wr_enforcer *enforcer;
	int status;

	if (strlen(interface) >= IF_NAMESIZE)
		return -EINVAL;
	enforcer = calloc(1, sizeof(*enforcer));
	if (!enforcer)
		return -ENOMEM;
	strcpy(enforcer->interface, interface);
	status = open_parts(enforcer, loop, backend);
	if (status < 0) {
		wr_enforcer_free(enforcer);
		return status;
	}
	*ret_enforcer = enforcer;
	return 0;
}

struct wr_enforcer *wr_enforcer_free(struct wr_enforcer *enforcer)
{
	if (!enforcer)
		return NULL;
	/* The interface goes down first: nothing passes unjudged. */
	if (enforcer->backend)
		(void)!wr_backend_set_up(enforcer->backend, false);
	if (is_engine(enforcer))
		(void)wr_backend_set_guard(enforcer->backend, NULL);
	wr_table_free(enforcer->table);
	wr_guard_free(enforcer->guard);
	wr_enforce_hosts_done(&enforcer->hosts);
	wr_enforce_slots_done(&enforcer->slots);
	free(enforcer);
	return NULL;
}
