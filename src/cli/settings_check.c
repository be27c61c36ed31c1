#include "cli/settings_check.h"

#include <string.h>
#include <strings.h>

#include "base/ip.h"
#include "base/number.h"
#include "engine/engine.h"

static bool is_number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t number;

	return wr_number_parse(text, strlen(text), max, &number) && number >= min;
}

/* "host:port", "[::1]:port". */
static bool is_host_port(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text || strpbrk(text, " \t/") || !is_number(colon + 1, 0, 65535))
		return false;
	if (text[0] == '[')
		return colon[-1] == ']';
	return strchr(text, ':') == colon;
}

const char *wr_check_any(const char *value)
{
	return *value ? NULL : "something";
}

const char *wr_check_listen(const char *value)
{
	struct wr_endpoint endpoint;

	if (strcmp(value, "none") == 0)
		return NULL;
	return is_host_port(value) && wr_endpoint_parse(value, strlen(value), &endpoint)
		       ? NULL
		       : "address and port, as 127.0.0.1:8443 or [::]:8443; or none";
}

const char *wr_check_endpoint(const char *value)
{
	return is_host_port(value) ? NULL : "host and port, as vpn.example.com:51820";
}

const char *wr_check_port_or_none(const char *value)
{
	return is_number(value, 0, 65535) ? NULL : "a port from 1 to 65535, or 0 for none";
}

const char *wr_check_port(const char *value)
{
	return is_number(value, 1, 65535) ? NULL : "a port from 1 to 65535";
}

const char *wr_check_network(const char *value)
{
	struct wr_prefix prefix;

	if (!strchr(value, '/') || !wr_prefix_parse(value, strlen(value), &prefix) ||
	    prefix.length + 2u > wr_ip_bits(prefix.ip.family))
		return "a range with room for machines, as 10.100.0.0/16";
	return NULL;
}

const char *wr_check_flag(const char *value)
{
	static const char *const words[] = { "yes", "no", "true", "false", "on", "off", "1", "0" };

	for (size_t i = 0; i < WR_ARRAY_LEN(words); i++) {
		if (strcasecmp(value, words[i]) == 0)
			return NULL;
	}
	return "yes or no";
}

const char *wr_check_sign_up(const char *value)
{
	if (strcmp(value, "closed") == 0 || strcmp(value, "invite") == 0 ||
	    strcmp(value, "open") == 0)
		return NULL;
	return "closed, invite or open";
}

const char *wr_check_workers(const char *value)
{
	_Static_assert(WR_ENGINE_MAX_WORKERS == 16, "told below");
	return is_number(value, 1, WR_ENGINE_MAX_WORKERS) ? NULL : "a number from 1 to 16";
}
