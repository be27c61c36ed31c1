#include "mesh/enforce_sets.h"

#include <stdlib.h>
#include <string.h>

#include "mesh/enforce_ranges.h"

static enum wr_family family_of(unsigned index)
{
	return index == 0 ? WR_IPV4 : WR_IPV6;
}

/* --- Sets: each once, whatever asks for it. --- */

struct set {
	unsigned number;
	enum wr_family family;
	char text[]; /* its elements */
};

static uint64_t hash_of(enum wr_family family, const char *text)
{
	/* FNV-1a. */
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ family;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static const struct set *find_set(const struct wr_sets *sets, enum wr_family family,
				  const char *text, uint64_t *ret_hash)
{
	for (*ret_hash = hash_of(family, text);; ++*ret_hash) {
		const struct set *set = wr_map_get(&sets->sets, *ret_hash);

		if (!set || (set->family == family && strcmp(set->text, text) == 0))
			return set;
	}
}

static void print_set(FILE *out, const char *name, enum wr_family family, bool is_wide,
		      const char *elements)
{
	fprintf(out, "\tset %s {\n\t\ttype %s\n", name,
		family == WR_IPV4 ? "ipv4_addr" : "ipv6_addr");
	if (is_wide)
		fputs("\t\tflags interval\n", out);
	if (*elements)
		fprintf(out, "\t\telements = { %s }\n", elements);
	fputs("\t}\n", out);
}

static const struct set *new_set(struct wr_sets *sets, enum wr_family family, const char *text,
				 uint64_t hash, bool is_wide)
{
	struct set *set = malloc(sizeof(*set) + strlen(text) + 1);
	char name[24];

	if (!set || !wr_map_put(&sets->sets, hash, set)) {
		free(set);
		sets->is_out_of_memory = true;
		return NULL;
	}
	set->number = ++sets->count;
	set->family = family;
	strcpy(set->text, text);
	snprintf(name, sizeof(name), "s%u", set->number);
	print_set(sets->lines, name, family, is_wide, text);
	return set;
}

/* The number of the set with these addresses; 0 if there are none, or no memory is. */
static unsigned set_of(struct wr_sets *sets, enum wr_family family, struct wr_ranges *ranges)
{
	const struct set *set = NULL;
	uint64_t hash;
	char *text;

	wr_ranges_tidy(ranges);
	if (!ranges->count && !ranges->is_out_of_memory)
		return 0;
	text = ranges->is_out_of_memory ? NULL : wr_ranges_text(family, ranges);
	if (!text) {
		sets->is_out_of_memory = true;
		return 0;
	}
	set = find_set(sets, family, text, &hash);
	if (!set)
		set = new_set(sets, family, text, hash, wr_ranges_has_wide(ranges));
	free(text);
	return set ? set->number : 0;
}

/* --- Whom a side names. --- */

static bool is_named(const struct wr_enforce_host *host, const struct wr_term *term)
{
	const char *name = (const char *)term->name.data;

	if (term->kind == WR_TERM_ALL)
		return true;
	if (term->kind == WR_TERM_MACHINE)
		return strlen(host->name) == term->name.len &&
		       memcmp(host->name, name, term->name.len) == 0;
	for (size_t i = 0; term->kind == WR_TERM_TAG && i < host->tag_count; i++)
		if (strlen(host->tags[i]) == term->name.len &&
		    memcmp(host->tags[i], name, term->name.len) == 0)
			return true;
	return false;
}

static bool is_any_named(const struct wr_enforce_host *host, const struct wr_term *terms,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(host, &terms[i]))
			return true;
	return false;
}

static void add_own(struct wr_ranges *ranges, enum wr_family family,
		    const struct wr_enforce_host *host)
{
	const struct wr_ip *ip = family == WR_IPV4 ? &host->v4 : &host->v6;
	wr_address address;

	if (ip->family != family)
		return;
	address = wr_address_of(family, ip->bytes);
	wr_ranges_add(ranges, address, address);
}

static wr_address last_address(enum wr_family family)
{
	return family == WR_IPV4 ? (wr_address)UINT32_MAX : ~(wr_address)0;
}

/* All that is owned by hosts of which `is_wanted` is true: by place and one more. */
static void add_owned(const struct wr_sets *sets, unsigned family, const bool *is_wanted,
		      struct wr_ranges *ranges)
{
	const struct wr_intervals *owners = &sets->owners[family];

	for (size_t i = 0; i < owners->count; i++) {
		const struct wr_interval *at = &owners->items[i];
		wr_address last = i + 1 < owners->count ? at[1].start - 1
							: last_address(family_of(family));

		if (is_wanted[at->src])
			wr_ranges_add(ranges, at->start, last);
	}
}

/* What is denied holds for what is behind a machine too; what is allowed does not. */
static unsigned new_side(struct wr_sets *sets, unsigned family, bool is_allowed,
			 const struct wr_term *terms, size_t count)
{
	const struct wr_enforce_hosts *hosts = sets->hosts;
	bool *is_wanted = calloc(hosts->count + 1, sizeof(*is_wanted));
	struct wr_ranges ranges = { 0 };
	unsigned set;

	if (!is_wanted) {
		sets->is_out_of_memory = true;
		return 0;
	}
	for (size_t i = 0; i < hosts->count; i++) {
		is_wanted[i + 1] = is_any_named(&hosts->items[i], terms, count);
		if (is_allowed && is_wanted[i + 1])
			add_own(&ranges, family_of(family), &hosts->items[i]);
	}
	if (!is_allowed)
		add_owned(sets, family, is_wanted, &ranges);
	for (size_t i = 0; i < count; i++)
		if (terms[i].kind == WR_TERM_PREFIX &&
		    terms[i].prefix.ip.family == family_of(family))
			wr_ranges_add_prefix(&ranges, &terms[i].prefix);
	set = set_of(sets, family_of(family), &ranges);
	free(ranges.items);
	free(is_wanted);
	return set;
}

/* A side that was asked for before; most are, many times. */
struct side {
	unsigned set;
	char words[];
};

static void print_term(FILE *out, const struct wr_term *term)
{
	char text[WR_ENDPOINT_TEXT_LEN] = "";

	if (term->kind == WR_TERM_PREFIX)
		wr_prefix_format(&term->prefix, text);
	fprintf(out, " %u:%.*s%s", term->kind, (int)term->name.len,
		term->name.len ? (const char *)term->name.data : "", text);
}

static char *words_of(unsigned family, bool is_allowed, const struct wr_term *terms, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "%u %u", family, is_allowed);
	for (size_t i = 0; i < count; i++)
		print_term(out, &terms[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static const struct side *find_side(const struct wr_sets *sets, const char *side_words,
				    uint64_t *ret_hash)
{
	for (*ret_hash = hash_of(WR_FAMILY_NONE, side_words);; ++*ret_hash) {
		const struct side *side = wr_map_get(&sets->sides, *ret_hash);

		if (!side || strcmp(side->words, side_words) == 0)
			return side;
	}
}

static void keep_side(struct wr_sets *sets, const char *side_words, uint64_t hash, unsigned set)
{
	struct side *side = malloc(sizeof(*side) + strlen(side_words) + 1);

	if (!side || !wr_map_put(&sets->sides, hash, side)) {
		free(side);
		sets->is_out_of_memory = true;
		return;
	}
	side->set = set;
	strcpy(side->words, side_words);
}

unsigned wr_sets_side(struct wr_sets *sets, unsigned family, bool is_allowed,
		      const struct wr_term *terms, size_t count)
{
	char *side_words = words_of(family, is_allowed, terms, count);
	const struct side *side;
	uint64_t hash;
	unsigned set;

	if (!side_words) {
		sets->is_out_of_memory = true;
		return 0;
	}
	side = find_side(sets, side_words, &hash);
	set = side ? side->set : new_side(sets, family, is_allowed, terms, count);
	if (!side)
		keep_side(sets, side_words, hash, set);
	free(side_words);
	return set;
}

/* --- Whose addresses are whose. --- */

static void take_owner(void *context, size_t prefix, const struct wr_interval *around,
		       struct wr_interval *ret_interval)
{
	const uint32_t *owners = context;

	(void)around;
	ret_interval->src = owners[prefix];
}

static bool find_owners(struct wr_sets *sets)
{
	const struct wr_enforce_hosts *hosts = sets->hosts;
	size_t count = 0, at = 0;
	struct wr_prefix *prefixes;
	uint32_t *owners;
	bool is_done;

	for (size_t i = 0; i < hosts->count; i++)
		count += hosts->items[i].prefix_count;
	prefixes = calloc(count + 1, sizeof(*prefixes));
	owners = calloc(count + 1, sizeof(*owners));
	is_done = prefixes && owners;
	for (size_t i = 0; is_done && i < hosts->count; i++)
		for (size_t j = 0; j < hosts->items[i].prefix_count; j++, at++) {
			prefixes[at] = hosts->items[i].prefixes[j];
			owners[at] = (uint32_t)i + 1;
		}
	for (unsigned i = 0; is_done && i < WR_SETS_FAMILIES; i++)
		is_done = wr_intervals_build(&sets->owners[i], family_of(i), prefixes, count,
					     take_owner, owners);
	free(prefixes);
	free(owners);
	return is_done;
}

static void print_owned(struct wr_sets *sets, unsigned family, bool is_ours)
{
	const struct wr_enforce_hosts *hosts = sets->hosts;
	bool *is_wanted = calloc(hosts->count + 1, sizeof(*is_wanted));
	struct wr_ranges ranges = { 0 };
	char name[16], *text;

	if (is_wanted) {
		for (size_t i = 0; i < hosts->count; i++)
			is_wanted[i + 1] = (hosts->items[i].slot == WR_ENFORCE_SELF) == is_ours;
		add_owned(sets, family, is_wanted, &ranges);
		wr_ranges_tidy(&ranges);
	}
	text = is_wanted && !ranges.is_out_of_memory ? wr_ranges_text(family_of(family), &ranges)
						     : NULL;
	sets->is_out_of_memory |= !text;
	snprintf(name, sizeof(name), "%s%u", is_ours ? "ours" : "others", family ? 6 : 4);
	if (text)
		print_set(sets->lines, name, family_of(family), true, text);
	free(text);
	free(ranges.items);
	free(is_wanted);
}

/* --- Its life. --- */

bool wr_sets_init(struct wr_sets *sets, const struct wr_enforce_hosts *hosts, FILE *lines)
{
	*sets = (struct wr_sets){ .hosts = hosts, .lines = lines };
	if (!find_owners(sets))
		return false;
	for (unsigned family = 0; family < WR_SETS_FAMILIES; family++) {
		print_owned(sets, family, true);
		print_owned(sets, family, false);
	}
	return !sets->is_out_of_memory;
}

static void free_all(struct wr_map *map)
{
	size_t at = 0;

	for (void *value; (value = wr_map_next(map, &at));)
		free(value);
	wr_map_done(map);
}

void wr_sets_done(struct wr_sets *sets)
{
	free_all(&sets->sets);
	free_all(&sets->sides);
	for (unsigned i = 0; i < WR_SETS_FAMILIES; i++)
		free(sets->owners[i].items);
}
