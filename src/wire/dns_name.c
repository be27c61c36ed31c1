#include <string.h>

#include "wire/dns.h"

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

/* Lengths of labels are no letters, so they need no exception. */
static bool is_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

static bool add_label(struct wr_dns_name *name, const char *label, size_t len)
{
	/* One more for the root. */
	if (len == 0 || len > WR_DNS_LABEL_MAX || name->len + 1 + len + 1 > WR_DNS_NAME_MAX)
		return false;
	name->bytes[name->len] = (uint8_t)len;
	memcpy(name->bytes + name->len + 1, label, len);
	name->len = (uint8_t)(name->len + 1 + len);
	return true;
}

bool wr_dns_name_parse(const char *text, struct wr_dns_name *ret_name)
{
	struct wr_dns_name name = { .len = 0 };

	while (*text) {
		size_t len = strcspn(text, ".");

		if (!add_label(&name, text, len))
			return false;
		text += len;
		text += *text == '.';
	}
	name.bytes[name.len++] = 0;
	*ret_name = name;
	return true;
}

unsigned wr_dns_name_labels(const struct wr_dns_name *name)
{
	unsigned count = 0;

	for (size_t at = 0; name->bytes[at]; at += 1u + name->bytes[at])
		count++;
	return count;
}

/* Where the labels after the first `count` begin. */
static size_t skip(const struct wr_dns_name *name, unsigned count)
{
	size_t at = 0;

	for (; count > 0; count--) {
		assert(name->bytes[at]);
		at += 1u + name->bytes[at];
	}
	return at;
}

struct wr_dns_name wr_dns_name_parent(const struct wr_dns_name *name, unsigned count)
{
	size_t at = skip(name, count);
	struct wr_dns_name parent = { .len = (uint8_t)(name->len - at) };

	memcpy(parent.bytes, name->bytes + at, parent.len);
	return parent;
}

bool wr_dns_name_equal(const struct wr_dns_name *a, const struct wr_dns_name *b)
{
	return a->len == b->len && is_equal(a->bytes, b->bytes, a->len);
}

bool wr_dns_name_is_in(const struct wr_dns_name *name, const struct wr_dns_name *zone)
{
	unsigned labels = wr_dns_name_labels(name), wanted = wr_dns_name_labels(zone);
	size_t at;

	if (labels < wanted)
		return false;
	at = skip(name, labels - wanted);
	return name->len - at == zone->len && is_equal(name->bytes + at, zone->bytes, zone->len);
}

bool wr_dns_name_label(const struct wr_dns_name *name, char ret_label[WR_DNS_LABEL_MAX + 1])
{
	size_t len = name->bytes[0];

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = name->bytes[1 + i];

		if (byte <= ' ' || byte >= 0x7f)
			return false;
		ret_label[i] = (char)lower(byte);
	}
	ret_label[len] = '\0';
	return true;
}

/* --- Names of addresses. --- */

/* A number without leading zeros, at most 255. */
static bool read_octet(const uint8_t *label, uint8_t *ret_octet)
{
	unsigned value = 0;

	if (label[0] == 0 || label[0] > 3 || (label[0] > 1 && label[1] == '0'))
		return false;
	for (size_t i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
		value = value * 10 + (unsigned)(label[i] - '0');
	}
	if (value > UINT8_MAX)
		return false;
	*ret_octet = (uint8_t)value;
	return true;
}

static bool read_nibble(const uint8_t *label, uint8_t *ret_nibble)
{
	uint8_t digit = lower(label[1]);

	if (label[0] != 1)
		return false;
	if (digit >= '0' && digit <= '9')
		*ret_nibble = (uint8_t)(digit - '0');
	else if (digit >= 'a' && digit <= 'f')
		*ret_nibble = (uint8_t)(digit - 'a' + 10);
	else
		return false;
	return true;
}

/* Puts what a label says after the bits that are known; false if no address has it. */
static bool add_bits(struct wr_prefix *prefix, const uint8_t *label)
{
	uint8_t *byte = &prefix->ip.bytes[prefix->length / 8];
	uint8_t value;

	if (prefix->length == wr_ip_bits(prefix->ip.family))
		return false;
	if (prefix->ip.family == WR_IPV4) {
		if (!read_octet(label, byte))
			return false;
		prefix->length = (uint8_t)(prefix->length + 8);
		return true;
	}
	if (!read_nibble(label, &value))
		return false;
	*byte |= (uint8_t)(prefix->length % 8 ? value : value << 4);
	prefix->length = (uint8_t)(prefix->length + 4);
	return true;
}

static const struct wr_dns_name in_addr = { "\7in-addr\4arpa", 14 };
static const struct wr_dns_name ip6 = { "\3ip6\4arpa", 10 };

enum wr_dns_reverse wr_dns_reverse_read(const struct wr_dns_name *name,
					struct wr_prefix *ret_prefix)
{
	struct wr_prefix prefix = { .length = 0 };

	if (wr_dns_name_is_in(name, &in_addr))
		prefix.ip.family = WR_IPV4;
	else if (wr_dns_name_is_in(name, &ip6))
		prefix.ip.family = WR_IPV6;
	else
		return WR_DNS_NOT_REVERSE;
	/* The label next to the zone is the first of the address. */
	for (unsigned left = wr_dns_name_labels(name) - 2; left > 0; left--) {
		if (!add_bits(&prefix, name->bytes + skip(name, left - 1))) {
			*ret_prefix = prefix;
			return WR_DNS_REVERSE_ODD;
		}
	}
	*ret_prefix = prefix;
	return WR_DNS_REVERSE;
}
