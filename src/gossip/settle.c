#include "gossip/settle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Who goes first. --- */

bool wr_settle_allows(const char *certified, const char *name)
{
	size_t len = certified ? strlen(certified) : 0;

	if (len == 0)
		return true;
	if (strncmp(name, certified, len) != 0)
		return false;
	name += len;
	return !*name ||
	       (*name == '-' && name[1] && name[1 + strspn(name + 1, "0123456789")] == '\0');
}

/* That the founder gave it this very name. */
static bool is_certified(const struct wr_claim *claim)
{
	return claim->certified_name && strcmp(claim->certified_name, claim->record->name) == 0;
}

static bool claims_name(const struct wr_claim *claim)
{
	const struct wr_record *record = claim->record;

	return record && record->name[0] && wr_settle_allows(claim->certified_name, record->name);
}

static bool claims_v4(const struct wr_claim *claim)
{
	static const uint8_t none[4];

	return claim->record && memcmp(claim->record->v4, none, sizeof(none)) != 0;
}

static int by_age(const struct wr_claim *a, uint64_t a_since, const struct wr_claim *b,
		  uint64_t b_since)
{
	if (a_since != b_since)
		return a_since < b_since ? -1 : 1;
	return memcmp(a->identity, b->identity, sizeof(*a->identity));
}

static int by_name(const void *a_place, const void *b_place)
{
	const struct wr_claim *a = *(struct wr_claim *const *)a_place;
	const struct wr_claim *b = *(struct wr_claim *const *)b_place;
	int order = strcmp(a->record->name, b->record->name);

	if (order == 0)
		order = is_certified(b) - is_certified(a);
	return order ? order : by_age(a, a->record->name_since, b, b->record->name_since);
}

static int by_v4(const void *a_place, const void *b_place)
{
	const struct wr_claim *a = *(struct wr_claim *const *)a_place;
	const struct wr_claim *b = *(struct wr_claim *const *)b_place;
	int order = memcmp(a->record->v4, b->record->v4, sizeof(a->record->v4));

	return order ? order : by_age(a, a->record->v4_since, b, b->record->v4_since);
}

/* --- Settling. --- */

/* Sorts those who claim anything; the first of each run has what the run claims. */
static void settle_names(struct wr_claim **order, size_t count)
{
	qsort(order, count, sizeof(struct wr_claim *), by_name);
	for (size_t i = 0; i < count; i++)
		order[i]->has_name = i == 0 || strcmp(order[i]->record->name,
						      order[i - 1]->record->name) != 0;
}

static void settle_v4s(struct wr_claim **order, size_t count)
{
	qsort(order, count, sizeof(struct wr_claim *), by_v4);
	for (size_t i = 0; i < count; i++)
		order[i]->has_v4 = i == 0 || memcmp(order[i]->record->v4, order[i - 1]->record->v4,
						    sizeof(order[i]->record->v4)) != 0;
}

int wr_settle(struct wr_claim *claims, size_t count)
{
	struct wr_claim **order = calloc(count ? count : 1, sizeof(struct wr_claim *));
	size_t names = 0, v4s = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		claims[i].has_name = claims[i].has_v4 = false;
		if (claims_name(&claims[i]))
			order[names++] = &claims[i];
	}
	settle_names(order, names);
	for (size_t i = 0; i < count; i++)
		if (claims_v4(&claims[i]))
			order[v4s++] = &claims[i];
	settle_v4s(order, v4s);
	free(order);
	return 0;
}
