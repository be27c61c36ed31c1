#include "server/quick.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"

/* As wg-quick sets it where nothing else is known: room for IPv6 and PPPoE below. */
#define MTU 1420
/* Answers find their way back through NAT (WireGuard's own advice). */
#define KEEPALIVE 25

void wr_quick_keys(struct wr_key *ret_private, struct wr_key *ret_public)
{
	wr_random(ret_private, sizeof(*ret_private));
	wr_x25519_clamp(ret_private);
	*ret_public = wr_x25519_public(ret_private);
}

bool wr_quick_parse_key(const char *text, struct wr_key *ret_key)
{
	static const struct wr_key any = { .bytes = { 8, [31] = 0x40 } };
	struct wr_key key, shared;

	if (!wr_key_from_base64(text, &key) || !wr_x25519(&any, &key, &shared))
		return false;
	*ret_key = key;
	return true;
}

/* --- The text. --- */

/* A text that grows; its old copies are wiped. */
struct text {
	char *bytes;
	size_t len, capacity;
	bool is_short; /* of memory */
};

static bool make_room(struct text *text, size_t more)
{
	size_t capacity = 2 * (text->len + more) + 1024;
	char *bytes;

	if (text->len + more < text->capacity)
		return true;
	bytes = malloc(capacity);
	if (!bytes)
		return false;
	if (text->bytes)
		memcpy(bytes, text->bytes, text->len);
	wr_wipe(text->bytes, text->len);
	free(text->bytes);
	text->bytes = bytes;
	text->capacity = capacity;
	return true;
}

WR_PRINTF(2, 3) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text->is_short |= len < 0 || !make_room(text, (size_t)len + 1);
	if (text->is_short)
		return;
	va_start(args, format);
	vsnprintf(text->bytes + text->len, (size_t)len + 1, format, args);
	va_end(args);
	text->len += (size_t)len;
}

static void add_field(struct text *text, const char *name, const char *value)
{
	add(text, "%-19s = %s\n", name, value);
}

static void add_key(struct text *text, const char *name, const struct wr_key *key)
{
	char base64[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(key, base64);
	add_field(text, name, base64);
	wr_wipe(base64, sizeof(base64));
}

static void add_prefixes(struct text *text, const char *name, const struct wr_prefix *prefixes,
			 size_t count)
{
	const char *before = "";

	add(text, "%-19s = ", name);
	for (size_t i = 0; i < count; i++) {
		char one[WR_ENDPOINT_TEXT_LEN];

		if (prefixes[i].ip.family == WR_FAMILY_NONE)
			continue;
		wr_prefix_format(&prefixes[i], one);
		add(text, "%s%s", before, one);
		before = ", ";
	}
	add(text, "\n");
}

static void add_interface(struct text *text, const struct wr_quick *quick)
{
	struct wr_prefix addresses[] = { quick->address4, quick->address6 };
	char base64[WR_KEY_BASE64_LEN + 1];

	add(text, "# WireGuard config for machine \"%s\"\n[Interface]\n", quick->machine);
	wr_key_to_base64(quick->public_key, base64);
	if (quick->private_key)
		add_key(text, "PrivateKey", quick->private_key);
	else
		add(text, "# Put in here the private key that belongs to %s\n%-19s =\n", base64,
		    "# PrivateKey");
	add_prefixes(text, "Address", addresses, WR_ARRAY_LEN(addresses));
	add(text, "%-19s = %d\n\n", "MTU", MTU);
}

static void add_peer(struct text *text, const struct wr_quick *quick)
{
	add(text, "[Peer]\n# Warren hub for \"%s\"\n", quick->org);
	add_key(text, "PublicKey", &quick->hub_key);
	if (quick->preshared_key)
		add_key(text, "PresharedKey", quick->preshared_key);
	add_field(text, "Endpoint", quick->endpoint);
	add_prefixes(text, "AllowedIPs", quick->allowed, quick->allowed_count);
	add(text, "%-19s = %d\n", "PersistentKeepalive", KEEPALIVE);
}

char *wr_quick_text(const struct wr_quick *quick)
{
	struct text text = { 0 };

	add_interface(&text, quick);
	add_peer(&text, quick);
	return text.is_short ? wr_quick_free(text.bytes) : text.bytes;
}

char *wr_quick_free(char *text)
{
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
	return NULL;
}
