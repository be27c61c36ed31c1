#include "server/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/format.h"

#define SEGMENTS 10

struct place {
	const struct wr_operation *operation;
	unsigned count;
	struct {
		const char *text;
		size_t len;
		bool is_value;
	} segments[SEGMENTS];
};

struct wr_router {
	struct place *places;
	size_t count;
};

static void add_place(struct wr_router *router, const struct wr_operation *operation)
{
	struct place *place = &router->places[router->count++];
	const char *at = operation->path;

	place->operation = operation;
	while (*at == '/') {
		const char *begin = at + 1;

		assert(place->count < SEGMENTS);
		at = begin + strcspn(begin, "/");
		place->segments[place->count].text = begin;
		place->segments[place->count].len = (size_t)(at - begin);
		place->segments[place->count++].is_value = *begin == '{';
	}
	assert(*at == '\0');
}

static size_t count_operations(const struct wr_operation *const *tables)
{
	size_t count = 0;

	for (; *tables; tables++) {
		for (const struct wr_operation *at = *tables; at->id; at++)
			count++;
	}
	return count;
}

struct wr_router *wr_router_new(const struct wr_operation *const *tables)
{
	struct wr_router *router = calloc(1, sizeof(*router));

	if (!router)
		return NULL;
	router->places = calloc(count_operations(tables) + 1, sizeof(*router->places));
	if (!router->places)
		return wr_router_free(router);
	for (; *tables; tables++) {
		for (const struct wr_operation *at = *tables; at->id; at++)
			add_place(router, at);
	}
	return router;
}

struct wr_router *wr_router_free(struct wr_router *router)
{
	if (router)
		free(router->places);
	free(router);
	return NULL;
}

/* --- Looking. --- */
struct split {
	unsigned count;
	char *segments[SEGMENTS];
};

/* Splits `path`, copied to `text`, at its slashes; decoding comes after, so that an encoded
 * slash is a letter of its name. */
static enum wr_route_kind split_path(const char *path, char *text, size_t room,
				     struct split *ret_split)
{
	size_t len = strlen(path);

	if (len == 0 || len >= room || path[0] != '/')
		return WR_ROUTE_NOWHERE;
	memcpy(text, path, len + 1);
	*ret_split = (struct split){ 0 };
	for (char *at = text; at;) {
		char *next = strchr(at + 1, '/');

		if (ret_split->count == SEGMENTS)
			return WR_ROUTE_NOWHERE;
		ret_split->segments[ret_split->count++] = at + 1;
		if (next)
			*next = '\0';
		at = next;
	}
	return WR_ROUTE_FOUND;
}

static enum wr_route_kind decode(struct split *split)
{
	for (unsigned i = 0; i < split->count; i++) {
		char *segment = split->segments[i];

		if (!wr_http_unescape(segment) || !wr_format_is_text(segment, strlen(segment)))
			return WR_ROUTE_BAD_PATH;
		if (*segment == '\0' || strlen(segment) > WR_PATH_VALUE_LEN)
			return WR_ROUTE_NOWHERE;
	}
	return WR_ROUTE_FOUND;
}

/* How well it fits: a bit for each word, the first the highest; -1: it does not. */
static int fits(const struct place *place, const struct split *split)
{
	int worth = 0;

	if (place->count != split->count)
		return -1;
	for (unsigned i = 0; i < place->count; i++) {
		const char *text = split->segments[i];
		size_t len = place->segments[i].len;

		worth *= 2;
		if (place->segments[i].is_value)
			continue;
		if (strlen(text) != len || memcmp(text, place->segments[i].text, len) != 0)
			return -1;
		worth++;
	}
	return worth;
}

const char *wr_method_text(enum wr_http_method method)
{
	switch (method) {
	case WR_HTTP_GET: return "GET";
	case WR_HTTP_HEAD: return "HEAD";
	case WR_HTTP_POST: return "POST";
	case WR_HTTP_PUT: return "PUT";
	case WR_HTTP_PATCH: return "PATCH";
	case WR_HTTP_DELETE: return "DELETE";
	case WR_HTTP_OPTIONS: return "OPTIONS";
	case WR_HTTP_OTHER: return NULL;
	}
	return NULL;
}

static void allow(struct wr_route *route, enum wr_http_method method)
{
	size_t len = strlen(route->allow);

	snprintf(route->allow + len, sizeof(route->allow) - len, "%s%s%s", len ? ", " : "",
		 wr_method_text(method), method == WR_HTTP_GET ? ", HEAD" : "");
}

static void take_values(const struct place *place, const struct split *split,
			struct wr_route *route)
{
	unsigned count = 0;

	for (unsigned i = 0; i < place->count; i++) {
		if (place->segments[i].is_value) {
			assert(count < WR_PATH_VALUES);
			route->values[count++] = split->segments[i];
		}
	}
}

/* The best that fits, whatever its method: a word before a value. */
static int best_worth(const struct wr_router *router, const struct split *split)
{
	int best = -1;

	for (size_t i = 0; i < router->count; i++) {
		int worth = fits(&router->places[i], split);

		best = worth > best ? worth : best;
	}
	return best;
}

static void choose(const struct wr_router *router, enum wr_http_method method,
		   const struct split *split, struct wr_route *route)
{
	int best = best_worth(router, split);

	route->kind = best < 0 ? WR_ROUTE_NOWHERE : WR_ROUTE_OTHER_METHOD;
	for (size_t i = 0; best >= 0 && i < router->count; i++) {
		const struct place *place = &router->places[i];

		if (fits(place, split) != best)
			continue;
		allow(route, place->operation->method);
		if (place->operation->method != method)
			continue;
		route->kind = WR_ROUTE_FOUND;
		route->operation = place->operation;
		take_values(place, split, route);
	}
}

void wr_router_find(const struct wr_router *router, enum wr_http_method method, const char *path,
		    struct wr_route *ret_route)
{
	static const char prefix[] = WR_API_PREFIX;
	size_t prefix_len = sizeof(prefix) - 1;
	struct split split;

	memset(ret_route, 0, sizeof(*ret_route));
	ret_route->kind = WR_ROUTE_NOWHERE;
	if (strncmp(path, prefix, prefix_len) != 0)
		return;
	ret_route->kind = split_path(path + prefix_len, ret_route->text, sizeof(ret_route->text),
				     &split);
	if (ret_route->kind == WR_ROUTE_FOUND)
		ret_route->kind = decode(&split);
	if (ret_route->kind == WR_ROUTE_FOUND)
		choose(router, method == WR_HTTP_HEAD ? WR_HTTP_GET : method, &split, ret_route);
}

unsigned wr_router_names(const char *path, const char *ret_names[WR_PATH_VALUES],
			 size_t ret_lens[WR_PATH_VALUES])
{
	unsigned count = 0;

	while ((path = strchr(path, '{')) != NULL) {
		assert(count < WR_PATH_VALUES);
		ret_names[count] = ++path;
		ret_lens[count++] = strcspn(path, "}");
	}
	return count;
}
