#include "mesh/masquerade.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/nft.h"

#define PATIENCE WR_SPAN_S(10)
/* After a failure, in looks: some 60 s. */
#define LOOKS_BETWEEN_TRIES 12
/* A line of the script: a rule with two prefixes. */
#define RULE_LEN 320
#define TABLE_LEN (IF_NAMESIZE + 16)

struct wr_masquerade {
	uv_loop_t *loop;
	char interface[IF_NAMESIZE];
	char table[TABLE_LEN];
	char *wanted;         /* the script; NULL: no table */
	char *applied;        /* that is in force; NULL: none of this process */
	uint64_t fingerprint; /* of the table then */
	unsigned looks;       /* since a failure */
	int error;            /* of the last try */
	char said[WR_NFT_ERROR_LEN];

	uv_work_t work;
	bool is_busy;
	char *script; /* at work */
	int status;
	uint64_t work_fingerprint;
	char work_said[WR_NFT_ERROR_LEN];
};

/* --- The script. --- */

/* Its name: of what an interface may be called, a table may not be called everything. */
static void name_table(const char *interface, char ret_name[TABLE_LEN])
{
	snprintf(ret_name, TABLE_LEN, "warren-nat-%s", interface);
	for (char *at = ret_name; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			*at = '_';
	}
}

static const struct wr_prefix *range_of(const struct wr_netmap *map, const struct wr_prefix *route)
{
	const struct wr_prefix *range = route->ip.family == WR_IPV4 ? &map->range4 : &map->range6;

	return range->ip.family == WR_FAMILY_NONE ? NULL : range;
}

/* From the network to what is behind us. */
static void write_rule(const struct wr_netmap *map, const struct wr_prefix *route,
		       const char *interface, char ret_rule[RULE_LEN])
{
	const struct wr_prefix *range = range_of(map, route);
	const char *family = route->ip.family == WR_IPV4 ? "ip" : "ip6";
	char from[WR_ENDPOINT_TEXT_LEN], to[WR_ENDPOINT_TEXT_LEN];

	ret_rule[0] = '\0';
	if (!range)
		return;
	wr_prefix_format(range, from);
	wr_prefix_format(route, to);
	snprintf(ret_rule, RULE_LEN, "\t\toifname != \"%s\" %s saddr %s %s daddr %s masquerade\n",
		 interface, family, from, family, to);
}

char *wr_masquerade_script(const struct wr_netmap *map, const char *interface)
{
	size_t room = 512 + map->route_count * RULE_LEN, len;
	char table[TABLE_LEN], *script;

	/* Inside of quotes. */
	if (map->route_count == 0 || strpbrk(interface, "\"\\"))
		return NULL;
	name_table(interface, table);
	script = malloc(room);
	if (!script)
		return NULL;
	/* Made before it is deleted, so that it need not be there; all of it in one step. */
	len = (size_t)snprintf(script, room,
			       "table inet %s\ndelete table inet %s\ntable inet %s {\n"
			       "\tchain after {\n"
			       "\t\ttype nat hook postrouting priority srcnat; policy accept;\n",
			       table, table, table);
	for (size_t i = 0; i < map->route_count; i++) {
		write_rule(map, &map->routes[i], interface, script + len);
		len += strlen(script + len);
	}
	snprintf(script + len, room - len, "\t}\n}\n");
	return script;
}

static void write_removal(const struct wr_masquerade *masquerade, char ret_script[128])
{
	snprintf(ret_script, 128, "table inet %s\ndelete table inet %s\n", masquerade->table,
		 masquerade->table);
}

/* --- Work. --- */

static void do_work(uv_work_t *work)
{
	struct wr_masquerade *masquerade = work->data;
	int status = wr_nft_run(masquerade->script, PATIENCE, masquerade->work_said);

	/* None where the table was removed; then it is not compared. */
	if (status == 0 &&
	    wr_nft_fingerprint(WR_NFT_INET, masquerade->table, &masquerade->work_fingerprint) < 0)
		masquerade->work_fingerprint = 0;
	masquerade->status = status;
}

static void after_work(uv_work_t *work, int status)
{
	struct wr_masquerade *masquerade = work->data;

	masquerade->is_busy = false;
	masquerade->error = status < 0 ? status : masquerade->status;
	if (masquerade->error) {
		snprintf(masquerade->said, sizeof(masquerade->said), "masquerading: %.170s",
			 masquerade->work_said);
		free(masquerade->script);
	} else {
		free(masquerade->applied);
		masquerade->applied = masquerade->script;
		masquerade->fingerprint = masquerade->work_fingerprint;
	}
	masquerade->script = NULL;
}

static bool begin(struct wr_masquerade *masquerade, const char *script)
{
	masquerade->script = strdup(script);
	if (!masquerade->script)
		return false;
	masquerade->looks = 0;
	masquerade->is_busy = true;
	/* It only fails without a function. */
	(void)uv_queue_work(masquerade->loop, &masquerade->work, do_work, after_work);
	return true;
}

static bool is_there(const struct wr_masquerade *masquerade, uint64_t *ret_fingerprint)
{
	return wr_nft_fingerprint(WR_NFT_INET, masquerade->table, ret_fingerprint) == 0;
}

/* It was made as it should be now. */
static bool is_made(const struct wr_masquerade *masquerade)
{
	return masquerade->wanted && masquerade->applied &&
	       strcmp(masquerade->applied, masquerade->wanted) == 0;
}

static bool is_right(const struct wr_masquerade *masquerade)
{
	uint64_t fingerprint = 0;

	if (!masquerade->wanted)
		return !is_there(masquerade, &fingerprint);
	return is_made(masquerade) && is_there(masquerade, &fingerprint) &&
	       fingerprint == masquerade->fingerprint;
}

enum wr_mend wr_masquerade_run(struct wr_masquerade *masquerade)
{
	char removal[128];

	if (masquerade->is_busy)
		return WR_MEND_NOTHING;
	if (masquerade->error && ++masquerade->looks < LOOKS_BETWEEN_TRIES)
		return WR_MEND_NOTHING;
	if (is_right(masquerade))
		return WR_MEND_NOTHING;
	write_removal(masquerade, removal);
	if (!begin(masquerade, masquerade->wanted ? masquerade->wanted : removal))
		return WR_MEND_NOTHING;
	return is_made(masquerade) ? WR_MEND_DRIFT : WR_MEND_MADE;
}

const char *wr_masquerade_trouble(const struct wr_masquerade *masquerade)
{
	return masquerade->error ? masquerade->said : "";
}

void wr_masquerade_set_map(struct wr_masquerade *masquerade, const struct wr_netmap *map)
{
	free(masquerade->wanted);
	masquerade->wanted = map ? wr_masquerade_script(map, masquerade->interface) : NULL;
	masquerade->error = 0;
}

/* --- Its life. --- */

struct wr_masquerade *wr_masquerade_new(uv_loop_t *loop, const char *interface)
{
	struct wr_masquerade *masquerade = calloc(1, sizeof(*masquerade));

	if (!masquerade)
		return NULL;
	masquerade->loop = loop;
	masquerade->work.data = masquerade;
	snprintf(masquerade->interface, sizeof(masquerade->interface), "%s", interface);
	name_table(interface, masquerade->table);
	return masquerade;
}

struct wr_masquerade *wr_masquerade_free(struct wr_masquerade *masquerade)
{
	char removal[128], said[WR_NFT_ERROR_LEN];
	uint64_t fingerprint;

	if (!masquerade)
		return NULL;
	while (masquerade->is_busy)
		uv_run(masquerade->loop, UV_RUN_ONCE);
	write_removal(masquerade, removal);
	if (is_there(masquerade, &fingerprint) && wr_nft_run(removal, PATIENCE, said) < 0)
		wr_log_error("masquerading: table %s stays behind: %s", masquerade->table, said);
	free(masquerade->wanted);
	free(masquerade->applied);
	free(masquerade);
	return NULL;
}
