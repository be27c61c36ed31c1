/* Members of JSON objects, until the first fault. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"

void wr_netmap_fault(struct wr_netmap_reader *reader, const char *member, const char *format, ...)
{
	char what[WR_NETMAP_WHY];
	const char *dot = reader->place[0] && member ? "." : "";
	va_list values;

	if (reader->has_fault)
		return;
	reader->has_fault = true;
	va_start(values, format);
	vsnprintf(what, sizeof(what), format, values);
	va_end(values);
	snprintf(reader->why, WR_NETMAP_WHY, "%s%s%s%s%.100s", reader->place, dot,
		 member ? member : "", reader->place[0] || member ? ": " : "", what);
}

/* --- Values of each kind. --- */

const json_t *wr_netmap_object(struct wr_netmap_reader *reader, const json_t *object,
			       const char *member)
{
	const json_t *value = json_object_get(object, member);

	if (!value || json_is_object(value))
		return value;
	wr_netmap_fault(reader, member, "is no object");
	return NULL;
}

size_t wr_netmap_list(struct wr_netmap_reader *reader, const json_t *object, const char *member,
		      bool is_needed, size_t max, const json_t **ret_list)
{
	const json_t *value = json_object_get(object, member);

	*ret_list = NULL;
	if (!value && !is_needed)
		return 0;
	if (!json_is_array(value)) {
		wr_netmap_fault(reader, member, value ? "is no list" : "is missing");
		return 0;
	}
	if (json_array_size(value) > max) {
		wr_netmap_fault(reader, member, "has more than %zu", max);
		return 0;
	}
	*ret_list = value;
	return json_array_size(value);
}

const char *wr_netmap_text(struct wr_netmap_reader *reader, const json_t *object,
			   const char *member)
{
	const json_t *value = json_object_get(object, member);

	if (json_is_string(value))
		return json_string_value(value);
	wr_netmap_fault(reader, member, value ? "is no text" : "is missing");
	return "";
}

void wr_netmap_word(struct wr_netmap_reader *reader, const json_t *object, const char *member,
		    bool (*is_good)(const char *text), const char *what, char *ret_text,
		    size_t size)
{
	const char *text = wr_netmap_text(reader, object, member);

	if (reader->has_fault)
		return;
	if (strlen(text) >= size || !is_good(text))
		wr_netmap_fault(reader, member, "is no %s", what);
	else
		strcpy(ret_text, text);
}

uint64_t wr_netmap_number(struct wr_netmap_reader *reader, const json_t *object, const char *member,
			  uint64_t max)
{
	const json_t *value = json_object_get(object, member);

	if (json_is_integer(value) && json_integer_value(value) >= 0 &&
	    (uint64_t)json_integer_value(value) <= max)
		return (uint64_t)json_integer_value(value);
	wr_netmap_fault(reader, member, value ? "is no number that it could be" : "is missing");
	return 0;
}

void wr_netmap_key(struct wr_netmap_reader *reader, const json_t *object, struct wr_key *ret_key)
{
	const char *text = wr_netmap_text(reader, object, "public_key");
	struct wr_key key;

	if (reader->has_fault)
		return;
	if (!wr_key_from_base64(text, &key) || wr_key_is_zero(&key))
		wr_netmap_fault(reader, "public_key", "is no WireGuard key");
	else
		*ret_key = key;
}

/* --- Addresses. --- */

/* One that a host can have. */
static bool is_host(const struct wr_ip *ip)
{
	static const struct wr_ip none4 = { .family = WR_IPV4 }, none6 = { .family = WR_IPV6 };

	if (ip->family == WR_IPV4)
		return ip->bytes[0] != 127 && ip->bytes[0] < 224 && !wr_ip_equal(ip, &none4);
	return ip->bytes[0] != 0xff && !wr_ip_equal(ip, &none6);
}

bool wr_netmap_is_endpoint(const struct wr_endpoint *endpoint)
{
	static const struct wr_ip loopback6 = { .family = WR_IPV6, .bytes = { [15] = 1 } };

	return endpoint->port != 0 && endpoint->scope == 0 && is_host(&endpoint->ip) &&
	       !wr_ip_equal(&endpoint->ip, &loopback6);
}

static void take_address(struct wr_netmap_reader *reader, const json_t *item, struct wr_ip *v4,
			 struct wr_ip *v6)
{
	const char *text = json_string_value(item);
	struct wr_ip ip, *place;

	if (!text || !wr_ip_parse(text, strlen(text), &ip) || !is_host(&ip)) {
		wr_netmap_fault(reader, "addresses", "has something that is no address of a host");
		return;
	}
	place = ip.family == WR_IPV4 ? v4 : v6;
	if (place->family != WR_FAMILY_NONE)
		wr_netmap_fault(reader, "addresses", "has two of one family");
	else
		*place = ip;
}

void wr_netmap_addresses(struct wr_netmap_reader *reader, const json_t *object, bool is_needed,
			 struct wr_ip *ret_v4, struct wr_ip *ret_v6)
{
	struct wr_ip v4 = { 0 }, v6 = { 0 };
	const json_t *list, *item;
	size_t i;

	if (wr_netmap_list(reader, object, "addresses", true, 2, &list) == 0 && is_needed)
		wr_netmap_fault(reader, "addresses", "is empty");
	json_array_foreach(list, i, item) take_address(reader, item, &v4, &v6);
	if (reader->has_fault)
		return;
	*ret_v4 = v4;
	*ret_v6 = v6;
}

static void take_route(struct wr_netmap_reader *reader, const json_t *item,
		       struct wr_prefix *ret_route)
{
	const char *text = json_string_value(item);

	if (!text || !wr_prefix_parse(text, strlen(text), ret_route))
		wr_netmap_fault(reader, "routes", "has something that is no prefix");
	else if (ret_route->length == 0)
		wr_netmap_fault(reader, "routes", "has a default route");
}

void wr_netmap_routes(struct wr_netmap_reader *reader, const json_t *object,
		      struct wr_prefix **ret_routes, size_t *ret_count)
{
	const json_t *list, *item;
	size_t count = wr_netmap_list(reader, object, "routes", false, WR_NETMAP_ROUTES, &list);
	struct wr_prefix *routes;
	size_t i;

	if (reader->has_fault || count == 0)
		return;
	routes = calloc(count, sizeof(*routes));
	if (!routes) {
		wr_netmap_fault(reader, "routes", "memory is short");
		return;
	}
	json_array_foreach(list, i, item) take_route(reader, item, &routes[i]);
	if (!reader->has_fault && wr_prefix_sort(routes, count) != count)
		wr_netmap_fault(reader, "routes", "has one twice");
	*ret_routes = routes;
	*ret_count = count;
}

/* --- Words. --- */

static bool is_low_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool wr_netmap_is_uid(const char *text)
{
	size_t len = 0;

	while (is_low_or_digit(text[len]))
		len++;
	return len > 0 && text[len] == '\0';
}

bool wr_netmap_is_version(const char *text)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] <= '~')
		len++;
	return len > 0 && text[len] == '\0';
}

/* RFC 1123 section 2.1; where it ends, or NULL. */
static const char *after_label(const char *text, bool takes_underscore)
{
	const char *end = text;

	while (is_low_or_digit(*end) || *end == '-' || (takes_underscore && *end == '_'))
		end++;
	if (end == text || end - text > WR_NETMAP_NAME_LEN || text[0] == '-' || end[-1] == '-')
		return NULL;
	return end;
}

bool wr_netmap_is_label(const char *text)
{
	const char *end = after_label(text, false);

	return end && *end == '\0';
}

/* RFC 1035 section 2.3.4: 253 characters. */
bool wr_netmap_is_domain(const char *text)
{
	const char *end = text;

	if (strlen(text) > 253)
		return false;
	do
		end = after_label(end, true);
	while (end && *end == '.' && *++end);
	return end && *end == '\0' && end[-1] != '.';
}
