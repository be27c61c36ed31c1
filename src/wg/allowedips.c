#include "wg/allowedips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An address or prefix as a number, most significant bit first: IPv4 in the
 * upper half of `high`. */
struct bits {
	uint64_t high, low;
};

/* A branch, a prefix that belongs to a peer, or both. Readers touch what stands
 * before `parent`, one cache line. */
struct wr_allowed_node {
	struct bits key; /* bits past `length` are zero */
	_Atomic(struct wr_allowed_node *) child[2];
	_Atomic(struct wr_peer *) peer; /* NULL: only a branch, with two children */
	uint8_t length;

	struct wr_allowed_node *parent;
	struct wr_allowed_list *list; /* that `entry` is in */
	union {
		struct wr_allowed_entry entry;
		struct wr_retired retired; /* once no list and no parent has it */
	};
};

static_assert(offsetof(struct wr_allowed_node, parent) <= WR_CACHE_LINE, "readers touch one line");

static uint64_t load64(const uint8_t *bytes)
{
	uint64_t big_endian;

	memcpy(&big_endian, bytes, sizeof(big_endian));
	return __builtin_bswap64(big_endian);
}

static struct bits bits4(const uint8_t *address)
{
	uint32_t big_endian;

	memcpy(&big_endian, address, sizeof(big_endian));
	return (struct bits){ .high = (uint64_t)__builtin_bswap32(big_endian) << 32 };
}

static struct bits bits6(const uint8_t *address)
{
	return (struct bits){ load64(address), load64(address + 8) };
}

/* The first `length` bits of a half; 0 to 64. */
static uint64_t cut(uint64_t half, unsigned length)
{
	return length ? half & UINT64_MAX << (64 - length) : 0;
}

static struct bits cut_bits(struct bits bits, unsigned length)
{
	return (struct bits){ cut(bits.high, length < 64 ? length : 64),
			      cut(bits.low, length > 64 ? length - 64 : 0) };
}

static struct bits bits_of_prefix(const struct wr_prefix *prefix)
{
	const uint8_t *bytes = prefix->ip.bytes;

	return cut_bits(prefix->ip.family == WR_IPV4 ? bits4(bytes) : bits6(bytes), prefix->length);
}

/* The bit after the first `position`; position is below 128. */
static unsigned bit_at(struct bits bits, unsigned position)
{
	uint64_t half = position < 64 ? bits.high : bits.low;

	return (unsigned)(half >> (63 - position % 64) & 1);
}

/* How many leading bits two halves have in common. */
static unsigned common_half(uint64_t a, uint64_t b)
{
	return a == b ? 64 : (unsigned)__builtin_clzll(a ^ b);
}

static unsigned common(struct bits a, struct bits b)
{
	unsigned high = common_half(a.high, b.high);

	return high < 64 ? high : 64 + common_half(a.low, b.low);
}

static struct wr_allowed_node *load(const _Atomic(struct wr_allowed_node *) *slot)
{
	return atomic_load_explicit(slot, memory_order_acquire);
}

static void publish(_Atomic(struct wr_allowed_node *) *slot, struct wr_allowed_node *node)
{
	atomic_store_explicit(slot, node, memory_order_release);
}

/* --- For readers. --- */

/* IPv4 has its own loop: half of the comparison, and no second half of a key. */
static struct wr_peer *find4(const struct wr_allowed_node *node, uint64_t key)
{
	struct wr_peer *best = NULL;

	while (node && common_half(node->key.high, key) >= node->length) {
		struct wr_peer *peer = atomic_load_explicit(&node->peer, memory_order_acquire);

		best = peer ? peer : best;
		if (node->length == 32)
			break;
		node = load(&node->child[key >> (63 - node->length) & 1]);
	}
	return best;
}

static struct wr_peer *find6(const struct wr_allowed_node *node, struct bits key)
{
	struct wr_peer *best = NULL;

	while (node && common(node->key, key) >= node->length) {
		struct wr_peer *peer = atomic_load_explicit(&node->peer, memory_order_acquire);

		best = peer ? peer : best;
		if (node->length == 128)
			break;
		node = load(&node->child[bit_at(key, node->length)]);
	}
	return best;
}

struct wr_peer *wr_allowedips_find(const struct wr_allowedips *table, enum wr_family family,
				   const uint8_t *address)
{
	if (family == WR_IPV4)
		return find4(load(&table->root4), bits4(address).high);
	return find6(load(&table->root6), bits6(address));
}

/* --- For the writer: a peer's list. --- */

static void list_append(struct wr_allowed_list *list, struct wr_allowed_node *node)
{
	node->list = list;
	node->entry.next = NULL;
	node->entry.prev = list->last;
	if (list->last)
		list->last->next = &node->entry;
	else
		list->first = &node->entry;
	list->last = &node->entry;
}

static void list_remove(struct wr_allowed_node *node)
{
	struct wr_allowed_entry *entry = &node->entry;

	if (entry->prev)
		entry->prev->next = entry->next;
	else
		node->list->first = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
	else
		node->list->last = entry->prev;
	node->list = NULL;
}

/* --- For the writer: the trie. --- */

static _Atomic(struct wr_allowed_node *) *root_of(struct wr_allowedips *table,
						  enum wr_family family)
{
	return family == WR_IPV4 ? &table->root4 : &table->root6;
}

static struct wr_allowed_node *node_new(struct bits key, unsigned length)
{
	struct wr_allowed_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->key = cut_bits(key, length);
	node->length = (uint8_t)length;
	return node;
}

static void node_free(struct wr_retired *retired)
{
	free(WR_CONTAINER_OF(retired, struct wr_allowed_node, retired));
}

static void adopt(struct wr_allowed_node *parent, struct wr_allowed_node *child)
{
	publish(&parent->child[bit_at(child->key, parent->length)], child);
	child->parent = parent;
}

/* Where a prefix is in the trie, or where it has to go. */
struct place {
	_Atomic(struct wr_allowed_node *) *slot;
	struct wr_allowed_node *parent; /* of `slot`; NULL for the root */
	struct wr_allowed_node *node;   /* in `slot`; may be NULL */
	unsigned shared;                /* leading bits of node and prefix */
};

static struct place find_place(struct wr_allowedips *table, const struct wr_prefix *prefix)
{
	struct bits key = bits_of_prefix(prefix);
	struct place place = { .slot = root_of(table, prefix->ip.family) };

	for (;;) {
		place.node = load(place.slot);
		if (!place.node)
			return place;
		place.shared = common(place.node->key, key);
		if (place.shared > prefix->length)
			place.shared = prefix->length;
		if (place.shared < place.node->length || prefix->length == place.node->length)
			break;
		place.parent = place.node;
		place.slot = &place.node->child[bit_at(key, place.node->length)];
	}
	return place;
}

static bool is_exact(const struct place *place, const struct wr_prefix *prefix)
{
	return place->node && place->shared == prefix->length &&
	       place->node->length == prefix->length;
}

/* The node goes where `place` says: above what stands there, or beside it under
 * `branch` (else NULL), which has their common part. */
static void insert(const struct place *place, struct wr_allowed_node *node,
		   struct wr_allowed_node *branch)
{
	struct wr_allowed_node *top = branch ? branch : node;

	if (branch)
		adopt(branch, node);
	if (place->node)
		adopt(top, place->node);
	top->parent = place->parent;
	publish(place->slot, top);
}

/* True if neither of the prefix and what stands at its place holds the other. */
static bool needs_branch(const struct place *place, const struct wr_prefix *prefix)
{
	return place->node && place->shared < prefix->length;
}

static struct wr_allowed_node *insert_new(const struct place *place, const struct wr_prefix *prefix)
{
	struct bits key = bits_of_prefix(prefix);
	struct wr_allowed_node *node = node_new(key, prefix->length);
	struct wr_allowed_node *branch = NULL;

	if (node && needs_branch(place, prefix)) {
		branch = node_new(key, place->shared);
		if (!branch) {
			free(node);
			return NULL;
		}
	}
	if (node)
		insert(place, node, branch);
	return node;
}

static void give(struct wr_allowed_node *node, const struct wr_prefix *prefix, struct wr_peer *peer,
		 struct wr_allowed_list *list)
{
	if (node->list)
		list_remove(node);
	node->entry.peer = peer;
	node->entry.prefix = *prefix;
	list_append(list, node);
	atomic_store_explicit(&node->peer, peer, memory_order_release);
}

int wr_allowedips_add(struct wr_allowedips *table, const struct wr_prefix *prefix,
		      struct wr_peer *peer, struct wr_allowed_list *list,
		      struct wr_retire_list *retire)
{
	struct place place = find_place(table, prefix);
	struct wr_allowed_node *node = place.node;

	(void)retire; /* nothing that readers see leaves the trie */
	if (!is_exact(&place, prefix))
		node = insert_new(&place, prefix);
	if (!node)
		return -ENOMEM;
	if (node->list != list)
		give(node, prefix, peer, list);
	return 0;
}

static bool is_superfluous(const struct wr_allowed_node *node)
{
	return !atomic_load_explicit(&node->peer, memory_order_relaxed) &&
	       (!load(&node->child[0]) || !load(&node->child[1]));
}

/* Takes nodes that have become superfluous out, from this one upwards. A reader
 * that stands on one goes on to the child, which it holds as before. */
static void collapse(_Atomic(struct wr_allowed_node *) *root, struct wr_allowed_node *node,
		     struct wr_retire_list *retire)
{
	while (node && is_superfluous(node)) {
		struct wr_allowed_node *parent = node->parent;
		struct wr_allowed_node *child = load(&node->child[load(&node->child[0]) == NULL]);

		if (child)
			child->parent = parent;
		publish(parent ? &parent->child[bit_at(node->key, parent->length)] : root, child);
		wr_retire(retire, &node->retired, node_free);
		node = parent;
	}
}

static void take(struct wr_allowedips *table, struct wr_allowed_node *node,
		 struct wr_retire_list *retire)
{
	enum wr_family family = node->entry.prefix.ip.family;

	list_remove(node);
	atomic_store_explicit(&node->peer, NULL, memory_order_release);
	collapse(root_of(table, family), node, retire);
}

void wr_allowedips_remove(struct wr_allowedips *table, const struct wr_prefix *prefix,
			  const struct wr_peer *peer, struct wr_retire_list *retire)
{
	struct place place = find_place(table, prefix);

	if (is_exact(&place, prefix) && place.node->list && place.node->entry.peer == peer)
		take(table, place.node, retire);
}

void wr_allowedips_remove_all(struct wr_allowedips *table, struct wr_allowed_list *list,
			      struct wr_retire_list *retire)
{
	while (list->first)
		take(table, WR_CONTAINER_OF(list->first, struct wr_allowed_node, entry), retire);
}

/* Without recursion: down to a leaf, free it, back to its parent. */
static void free_all(_Atomic(struct wr_allowed_node *) *root)
{
	struct wr_allowed_node *node = load(root);

	while (node) {
		unsigned side = load(&node->child[0]) == NULL;
		struct wr_allowed_node *child = load(&node->child[side]);
		struct wr_allowed_node *parent = node->parent;

		if (child) {
			publish(&node->child[side], NULL);
			node = child;
			continue;
		}
		free(node);
		node = parent;
	}
	publish(root, NULL);
}

void wr_allowedips_done(struct wr_allowedips *table)
{
	free_all(&table->root4);
	free_all(&table->root6);
}
