#include "http/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

/* The name: "example.com", "192.0.2.1" or "[2001:db8::1]". Returns what follows, or NULL. */
static const char *read_name(const char *text, struct wr_url *url)
{
	bool has_brackets = *text == '[';
	const char *start = text + has_brackets;
	size_t len = strcspn(start, has_brackets ? "]" : ":/?#@");

	if (!len || len >= sizeof(url->name) || (has_brackets && start[len] != ']'))
		return NULL;
	memcpy(url->name, start, len);
	url->name[len] = '\0';
	return start + len + has_brackets;
}

static const char *read_port(const char *text, struct wr_url *url)
{
	uint64_t port;
	size_t len;

	strcpy(url->port, url->is_tls ? "443" : "80");
	if (*text != ':')
		return text;
	len = strcspn(++text, "/?#");
	if (!wr_number_parse(text, len, 65535, &port) || !port)
		return NULL;
	snprintf(url->port, sizeof(url->port), "%u", (unsigned)port);
	return text + len;
}

static bool read_prefix(const char *text, struct wr_url *url)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == '/')
		len--;
	if ((len && *text != '/') || strpbrk(text, "?# ") || len >= sizeof(url->prefix))
		return false;
	memcpy(url->prefix, text, len);
	url->prefix[len] = '\0';
	return true;
}

bool wr_url_parse(const char *text, struct wr_url *ret_url)
{
	const char *at, *start = strstr(text, "://");
	struct wr_url url;

	url.is_tls = strncasecmp(text, "https:", 6) == 0;
	if (!start || (!url.is_tls && strncasecmp(text, "http:", 5) != 0))
		return false;
	start += 3;
	at = read_name(start, &url);
	if (at)
		snprintf(url.host, sizeof(url.host), "%.*s", (int)strcspn(start, "/?#"), start);
	at = at ? read_port(at, &url) : NULL;
	if (!at || !read_prefix(at, &url))
		return false;
	*ret_url = url;
	return true;
}
