#include "mesh/enforce_table.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/nft.h"
#include "mesh/enforce_hosts.h"

/* nft takes some milliseconds; where it takes this long something is wrong with the host. */
#define NFT_PATIENCE WR_SPAN_S(20)
/* Other programs change rules too: what they do while ours are looked at would be taken for ours,
 * so then all is told again. */
#define TRIES 3

struct wr_table {
	uv_loop_t *loop;
	char interface[IF_NAMESIZE];
	char name[WR_ENFORCE_TABLE_LEN];
	bool is_used;
	int error; /* of the last try */
	char trouble[200];

	char *wanted; /* a script */
	uv_work_t work;
	char *telling; /* what a thread of the pool tells nft; NULL: nothing */
	int told;      /* the outcome */
	char said[WR_NFT_ERROR_LEN];

	bool is_there; /* in the kernel: something of ours */
	/* What is wanted is what there is, as it was seen then. */
	bool is_in_force;
	uint32_t generation;
	uint64_t fingerprint;
	bool has_mended; /* and was not asked about it */

	uv_poll_t watch; /* on changes of rules, by whomever */
	int watch_fd;
	bool has_watch;
};

static void tell(struct wr_table *table);

static void fail(struct wr_table *table, int error, const char *trouble)
{
	table->error = error;
	snprintf(table->trouble, sizeof(table->trouble), "%s", trouble);
}

/* --- Telling nft. --- */

static int look_after(struct wr_table *table, uint32_t before, bool *ret_is_sure)
{
	uint32_t after = before;
	int status = wr_nft_generation(&table->generation);

	if (status == 0)
		status = wr_nft_fingerprint(WR_NFT_INET, table->name, &table->fingerprint);
	if (status == 0)
		status = wr_nft_generation(&after);
	*ret_is_sure = table->generation == before + 1 && after == before + 1;
	return status;
}

static int tell_once(struct wr_table *table, bool *ret_is_sure)
{
	uint32_t before = 0;
	int status = wr_nft_generation(&before);

	if (status == 0) {
		status = wr_nft_run(table->telling, NFT_PATIENCE, table->said);
		if (status < 0)
			return status;
		status = look_after(table, before, ret_is_sure);
	}
	if (status < 0)
		snprintf(table->said, sizeof(table->said),
			 "the kernel does not show its nftables rules: %s", strerror(-status));
	return status;
}

/* On a thread of the pool, or while nothing is told there. */
static void tell_nft(struct wr_table *table)
{
	bool is_sure = false;

	for (unsigned i = 0; i < TRIES && !is_sure; i++) {
		table->told = tell_once(table, &is_sure);
		if (table->told < 0)
			return;
	}
}

static void take_outcome(struct wr_table *table)
{
	bool is_newest = table->wanted && strcmp(table->telling, table->wanted) == 0;

	free(table->telling);
	table->telling = NULL;
	table->is_there |= table->told == 0;
	table->is_in_force = table->told == 0 && is_newest;
	fail(table, table->told, table->said);
}

static void take_away(struct wr_table *table)
{
	char script[3 * WR_ENFORCE_TABLE_LEN];

	if (!table->is_there)
		return;
	snprintf(script, sizeof(script), "table inet %s\ndelete table inet %s\n", table->name,
		 table->name);
	(void)!wr_nft_run(script, NFT_PATIENCE, table->said);
	table->is_there = table->is_in_force = false;
}

static void do_work(uv_work_t *work)
{
	tell_nft(work->data);
}

static void on_told(uv_work_t *work, int status)
{
	struct wr_table *table = work->data;
	int told;

	if (status < 0)
		table->told = status;
	told = table->told;
	take_outcome(table);
	if (!table->is_used)
		take_away(table);
	else if (told == 0 && !table->is_in_force)
		tell(table);
}

static char *copy_wanted(struct wr_table *table)
{
	char *copy = table->wanted ? strdup(table->wanted) : NULL;

	if (!copy)
		fail(table, -ENOMEM, "out of memory");
	return copy;
}

/* What is wanted now. Nothing if something is told already: then when that is over. */
static void tell(struct wr_table *table)
{
	if (!table->is_used || table->telling)
		return;
	table->telling = copy_wanted(table);
	/* It only fails without a function. */
	if (table->telling)
		(void)uv_queue_work(table->loop, &table->work, do_work, on_told);
}

/* --- Looking. --- */

static bool is_damaged(struct wr_table *table)
{
	uint32_t generation;
	uint64_t fingerprint;

	if (wr_nft_generation(&generation) < 0 || generation == table->generation)
		return false;
	if (wr_nft_fingerprint(WR_NFT_INET, table->name, &fingerprint) < 0 ||
	    fingerprint != table->fingerprint)
		return true;
	table->generation = generation;
	return false;
}

static void look(struct wr_table *table)
{
	if (!table->is_used || table->telling || (table->is_in_force && !is_damaged(table)))
		return;
	table->has_mended |= table->is_in_force;
	table->is_in_force = false;
	tell(table);
}

bool wr_table_mend(struct wr_table *table)
{
	bool has_mended;

	look(table);
	has_mended = table->has_mended;
	table->has_mended = false;
	return has_mended;
}

int wr_table_look(const struct wr_table *table, char ret_trouble[200])
{
	snprintf(ret_trouble, 200, "%s", table->trouble);
	if (!table->error && table->telling)
		return -EINPROGRESS;
	return table->error;
}

static void on_news(uv_poll_t *watch, int status, int events)
{
	struct wr_table *table = watch->data;
	bool has_news = wr_nft_drain(table->watch_fd);

	(void)events;
	/* A socket that ran over has an error, at which libuv stops watching it. */
	if (status < 0)
		(void)uv_poll_start(watch, UV_READABLE, on_news);
	/* What nft refused is not tried again at each change of others. */
	if ((has_news || status < 0) && table->is_in_force)
		look(table);
}

/* Without it changes are found by wr_table_mend() only. */
static void start_watching(struct wr_table *table)
{
	if (table->has_watch || wr_nft_watch(&table->watch_fd) < 0)
		return;
	if (uv_poll_init(table->loop, &table->watch, table->watch_fd) < 0) {
		close(table->watch_fd);
		return;
	}
	table->watch.data = table;
	table->has_watch = true;
	(void)uv_poll_start(&table->watch, UV_READABLE, on_news);
}

/* --- What should be. --- */

void wr_table_want(struct wr_table *table, char *script)
{
	if (table->is_in_force && strcmp(script, table->wanted) == 0) {
		free(script);
		return;
	}
	free(table->wanted);
	table->wanted = script;
	table->is_in_force = false;
	tell(table);
}

static int want_nothing(struct wr_table *table)
{
	char why[200];

	table->wanted = wr_enforce_script(NULL, table->interface, why);
	if (table->wanted)
		return 0;
	fail(table, -EINVAL, why);
	return -EINVAL;
}

int wr_table_begin(struct wr_table *table)
{
	table->is_used = true;
	start_watching(table);
	/* What is told at the moment will be there. */
	if (table->telling)
		return 0;
	if (table->is_in_force) {
		look(table);
		return 0;
	}
	if (!table->wanted && want_nothing(table) < 0)
		return table->error;
	table->telling = copy_wanted(table);
	if (!table->telling)
		return table->error;
	tell_nft(table);
	take_outcome(table);
	return table->error;
}

void wr_table_end(struct wr_table *table)
{
	table->is_used = false;
	if (!table->telling)
		take_away(table);
}

/* --- Its life. --- */

int wr_table_new(uv_loop_t *loop, const char *interface, struct wr_table **ret_table)
{
	struct wr_table *table;

	if (strlen(interface) >= IF_NAMESIZE)
		return -EINVAL;
	table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	table->loop = loop;
	table->work.data = table;
	strcpy(table->interface, interface);
	/* A name that nft cannot be told is refused by wr_enforce_script(). */
	(void)wr_enforce_table(interface, table->name);
	*ret_table = table;
	return 0;
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct wr_table *table = handle->data;

	close(table->watch_fd);
	table->has_watch = false;
}

struct wr_table *wr_table_free(struct wr_table *table)
{
	if (!table)
		return NULL;
	table->is_used = false;
	if (table->has_watch)
		uv_close((uv_handle_t *)&table->watch, on_watch_closed);
	while (table->has_watch || table->telling)
		uv_run(table->loop, UV_RUN_ONCE);
	take_away(table);
	free(table->wanted);
	free(table);
	return NULL;
}
