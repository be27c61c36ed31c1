#include "wg/allowedips.h"

#include <pthread.h>

#include "unit.h"
#include "wg/peer.h"

#define PEERS 8

struct table {
	struct wr_allowedips trie;
	struct wr_peer peers[PEERS]; /* told apart by address only */
	struct wr_retire_list retire;
};

static struct table *table_new(void)
{
	struct table *table = aligned_alloc(_Alignof(struct table), sizeof(*table));

	assert_non_null(table);
	memset(table, 0, sizeof(*table));
	return table;
}

static void table_free(struct table *table)
{
	wr_retire_free_all(&table->retire);
	wr_allowedips_done(&table->trie);
	free(table);
}

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

static void add_prefix(struct table *table, const struct wr_prefix *prefix, size_t peer)
{
	assert_int_equal(wr_allowedips_add(&table->trie, prefix, &table->peers[peer],
					   &table->peers[peer].allowed, &table->retire),
			 0);
}

static void add(struct table *table, const char *text, size_t peer)
{
	struct wr_prefix prefix = prefix_of(text);

	add_prefix(table, &prefix, peer);
}

static void take(struct table *table, const char *text, size_t peer)
{
	struct wr_prefix prefix = prefix_of(text);

	wr_allowedips_remove(&table->trie, &prefix, &table->peers[peer], &table->retire);
}

/* The number of the peer, or -1. */
static int find_ip(const struct table *table, const struct wr_ip *ip)
{
	struct wr_peer *peer = wr_allowedips_find(&table->trie, ip->family, ip->bytes);

	return peer ? (int)(peer - table->peers) : -1;
}

static int find(const struct table *table, const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return find_ip(table, &ip);
}

static void test_allowedips_find_gives_the_longest_prefix(void **state)
{
	static const char *const prefixes[] = {
		"0.0.0.0/0", "10.0.0.0/8",    "10.1.0.0/16",       "10.1.2.3/32",
		"::/0",      "2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:0:1::7/128",
	};
	static const struct {
		const char *ip;
		int want;
	} cases[] = {
		{ "1.2.3.4", 0 },         { "10.2.3.4", 1 },
		{ "10.1.255.255", 2 },    { "10.1.2.3", 3 },
		{ "10.1.2.2", 2 },        { "255.255.255.255", 0 },
		{ "0.0.0.0", 0 },         { "::1", 4 },
		{ "2001:db8:1::", 5 },    { "2001:db8:0:1::8", 6 },
		{ "2001:db8:0:1::7", 7 }, { "2001:db8:0:2::7", 5 },
		{ "ffff::", 4 },
	};
	struct table *table = table_new();

	(void)state;
	assert_int_equal(find(table, "10.1.2.3"), -1);
	assert_int_equal(find(table, "2001:db8::"), -1);
	for (size_t i = 0; i < WR_ARRAY_LEN(prefixes); i++)
		add(table, prefixes[i], i);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].ip);
		assert_int_equal(find(table, cases[i].ip), cases[i].want);
	}
	table_free(table);
}

static void test_allowedips_add_moves_a_prefix(void **state)
{
	struct table *table = table_new();

	(void)state;
	add(table, "10.0.0.0/8", 1);
	add(table, "10.0.0.0/8", 2);
	assert_int_equal(find(table, "10.0.0.1"), 2);
	assert_null(table->peers[1].allowed.first);
	assert_non_null(table->peers[2].allowed.first);
	/* Who does not have it any more cannot give it away. */
	take(table, "10.0.0.0/8", 1);
	assert_int_equal(find(table, "10.0.0.1"), 2);
	take(table, "10.0.0.0/8", 2);
	assert_int_equal(find(table, "10.0.0.1"), -1);
	table_free(table);
}

static void test_allowedips_remove_takes_only_the_exact_prefix(void **state)
{
	struct table *table = table_new();

	(void)state;
	add(table, "10.0.0.0/8", 1);
	add(table, "10.1.0.0/16", 1);
	take(table, "10.0.0.0/9", 1);
	take(table, "10.1.0.0/24", 1);
	take(table, "0.0.0.0/0", 1);
	assert_int_equal(find(table, "10.1.0.1"), 1);
	take(table, "10.0.0.0/8", 1);
	assert_int_equal(find(table, "10.2.0.1"), -1);
	assert_int_equal(find(table, "10.1.0.1"), 1);
	table_free(table);
}

static void test_allowedips_keeps_the_order_of_a_peers_list(void **state)
{
	static const char *const want[] = { "10.0.0.0/8", "fd00::/8", "9.0.0.0/8", "10.1.0.0/16" };
	struct table *table = table_new();
	const struct wr_allowed_entry *entry;
	char text[WR_ENDPOINT_TEXT_LEN];
	size_t i = 0;

	(void)state;
	add(table, "10.0.0.0/8", 1);
	add(table, "fd00::/8", 1);
	add(table, "11.0.0.0/8", 1);
	add(table, "9.0.0.0/8", 1);
	add(table, "10.1.0.0/16", 1);
	take(table, "11.0.0.0/8", 1);
	add(table, "10.0.0.0/8", 1);
	for (entry = table->peers[1].allowed.first; entry; entry = entry->next) {
		assert_ptr_equal(entry->peer, &table->peers[1]);
		wr_prefix_format(&entry->prefix, text);
		assert_string_equal(text, want[i++]);
	}
	assert_int_equal(i, WR_ARRAY_LEN(want));
	table_free(table);
}

static void test_allowedips_remove_all_leaves_nothing_behind(void **state)
{
	struct table *table = table_new();

	(void)state;
	add(table, "10.0.0.0/8", 1);
	add(table, "10.128.0.0/9", 1);
	add(table, "10.0.0.0/9", 1);
	add(table, "::/0", 1);
	wr_allowedips_remove_all(&table->trie, &table->peers[1].allowed, &table->retire);
	assert_null(table->peers[1].allowed.first);
	assert_null(table->peers[1].allowed.last);
	/* No node is left: all memory waits to be freed. */
	assert_null(atomic_load(&table->trie.root4));
	assert_null(atomic_load(&table->trie.root6));
	table_free(table);
}

/* --- Against a list that is searched from end to end. --- */

#define TWIN_PREFIXES 400

struct twin {
	struct {
		struct wr_prefix prefix;
		int peer;
	} entries[TWIN_PREFIXES];
	size_t count;
};

static bool holds(const struct wr_prefix *prefix, const struct wr_ip *ip)
{
	if (prefix->ip.family != ip->family)
		return false;
	for (unsigned i = 0; i < prefix->length; i++) {
		unsigned difference = prefix->ip.bytes[i / 8] ^ ip->bytes[i / 8];

		if (difference >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static int twin_find(const struct twin *twin, const struct wr_ip *ip)
{
	int best = -1, length = -1;

	for (size_t i = 0; i < twin->count; i++) {
		const struct wr_prefix *prefix = &twin->entries[i].prefix;

		if (prefix->length > length && holds(prefix, ip)) {
			length = prefix->length;
			best = twin->entries[i].peer;
		}
	}
	return best;
}

static size_t twin_place(const struct twin *twin, const struct wr_prefix *prefix)
{
	size_t i = 0;

	while (i < twin->count && (twin->entries[i].prefix.length != prefix->length ||
				   !wr_ip_equal(&twin->entries[i].prefix.ip, &prefix->ip)))
		i++;
	return i;
}

static void twin_add(struct twin *twin, const struct wr_prefix *prefix, int peer)
{
	size_t i = twin_place(twin, prefix);

	twin->entries[i].prefix = *prefix;
	twin->entries[i].peer = peer;
	twin->count += i == twin->count;
}

static void twin_remove(struct twin *twin, size_t i)
{
	twin->entries[i] = twin->entries[--twin->count];
}

/* Few distinct bytes, so that prefixes nest and meet. */
static struct wr_ip random_ip(struct unit_random *random)
{
	static const uint8_t bytes[] = { 0x00, 0x0a, 0x0b, 0x80, 0xff };
	struct wr_ip ip = { .family = unit_random_below(random, 2) ? WR_IPV4 : WR_IPV6 };

	for (size_t i = 0; i < wr_ip_bits(ip.family) / 8; i++)
		ip.bytes[i] = bytes[unit_random_below(random, sizeof(bytes))];
	return ip;
}

static struct wr_prefix random_prefix(struct unit_random *random)
{
	struct wr_prefix prefix = { .ip = random_ip(random) };

	prefix.length = (uint8_t)unit_random_below(random, wr_ip_bits(prefix.ip.family) + 1);
	for (unsigned i = prefix.length; i < 128; i++)
		prefix.ip.bytes[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
	return prefix;
}

static void change(struct unit_random *random, struct table *table, struct twin *twin)
{
	size_t way = unit_random_below(random, 100);
	size_t peer = unit_random_below(random, PEERS);
	struct wr_prefix prefix = random_prefix(random);

	if (twin->count && way < 45)
		prefix = twin->entries[unit_random_below(random, twin->count)].prefix;
	if (way < 70 && twin->count < TWIN_PREFIXES) {
		add_prefix(table, &prefix, peer);
		twin_add(twin, &prefix, (int)peer);
	} else if (way < 99) {
		size_t i = twin_place(twin, &prefix);

		wr_allowedips_remove(&table->trie, &prefix, &table->peers[peer], &table->retire);
		if (i < twin->count && twin->entries[i].peer == (int)peer)
			twin_remove(twin, i);
	} else {
		wr_allowedips_remove_all(&table->trie, &table->peers[peer].allowed, &table->retire);
		for (size_t i = twin->count; i-- > 0;)
			if (twin->entries[i].peer == (int)peer)
				twin_remove(twin, i);
	}
}

static size_t list_length(const struct table *table)
{
	size_t length = 0;

	for (size_t i = 0; i < PEERS; i++)
		for (const struct wr_allowed_entry *entry = table->peers[i].allowed.first; entry;
		     entry = entry->next)
			length++;
	return length;
}

static void test_allowedips_equals_a_list(void **state)
{
	struct unit_random random = unit_random_start("allowedips");
	struct table *table = table_new();
	struct twin *twin = test_calloc(1, sizeof(*twin));

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		change(&random, table, twin);
		for (unsigned i = 0; i < 8; i++) {
			struct wr_ip ip = random_ip(&random);

			assert_int_equal(find_ip(table, &ip), twin_find(twin, &ip));
		}
		assert_int_equal(list_length(table), twin->count);
		wr_retire_free_all(&table->retire);
	}
	table_free(table);
	test_free(twin);
}

/* --- Readers meanwhile. --- */

struct reader {
	const struct table *table;
	_Atomic bool is_over;
	size_t misses;
};

static void *read_on(void *argument)
{
	static const struct {
		uint8_t ip[4];
		int want;
	} cases[] = {
		{ { 10, 1, 2, 3 }, 1 },
		{ { 10, 9, 9, 9 }, 0 },
		{ { 192, 0, 2, 1 }, 2 },
	};
	struct reader *reader = argument;

	while (!atomic_load(&reader->is_over)) {
		for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
			struct wr_ip ip = { .family = WR_IPV4 };

			memcpy(ip.bytes, cases[i].ip, sizeof(cases[i].ip));
			reader->misses += find_ip(reader->table, &ip) != cases[i].want;
		}
	}
	return NULL;
}

/* Entries beside, above and below come and go; what stays is always found. */
static void test_allowedips_find_never_misses_while_the_trie_changes(void **state)
{
	static const char *const others[] = {
		"10.1.2.0/30",  "10.1.0.0/17",  "10.1.2.2/32", "10.0.0.0/7",  "11.0.0.0/8",
		"192.0.2.0/31", "192.0.0.0/16", "128.0.0.0/1", "10.1.3.0/24",
	};
	struct table *table = table_new();
	struct reader reader = { .table = table };
	struct unit_random random = unit_random_start("allowedips readers");
	pthread_t thread;

	(void)state;
	add(table, "10.0.0.0/8", 0);
	add(table, "10.1.2.3/32", 1);
	add(table, "192.0.2.1/32", 2);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (unsigned round = 0; round < 100000; round++) {
		const char *other = others[unit_random_below(&random, WR_ARRAY_LEN(others))];

		if (unit_random_below(&random, 2))
			add(table, other, 3);
		else
			take(table, other, 3);
	}
	atomic_store(&reader.is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.misses, 0);
	table_free(table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowedips_find_gives_the_longest_prefix),
		cmocka_unit_test(test_allowedips_add_moves_a_prefix),
		cmocka_unit_test(test_allowedips_remove_takes_only_the_exact_prefix),
		cmocka_unit_test(test_allowedips_keeps_the_order_of_a_peers_list),
		cmocka_unit_test(test_allowedips_remove_all_leaves_nothing_behind),
		cmocka_unit_test(test_allowedips_equals_a_list),
		cmocka_unit_test(test_allowedips_find_never_misses_while_the_trie_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
