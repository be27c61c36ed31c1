#include "cli/trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/terminal.h"
#include "http/client.h"
#include "linux/files.h"

#define TIMEOUT_SECONDS 30

static bool is_loopback_url(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };

	for (size_t i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (strncmp(url + strlen("http://"), hosts[i], len) == 0 &&
		    strchr(":/", url[strlen("http://") + len]))
			return true;
	}
	return false;
}

int wr_trust_url(const struct wr_arguments *arguments, const char *url)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return WR_EXIT_DONE;
	if (strncasecmp(url, "http://", 7) != 0)
		return wr_misuse(arguments, "a URL is https://HOST:PORT, not %s", url);
	if (is_loopback_url(url))
		return WR_EXIT_DONE;
	return wr_complain(arguments, "a password would go in the clear: use https://");
}

/* The pin stands at the end of what is said about a certificate that nobody vouches for. */
static const char *pin_in(const char *why)
{
	const char *pin = strstr(why, ": pin ");

	return pin ? pin + strlen(": pin ") : NULL;
}

static bool accepts(const char *url, const char *pin)
{
	WR_AUTO(wr_text_freep)
	char *question =
		wr_text_new("Nobody vouches for the certificate of %s. Its pin is\n\n  %s\n\n"
			    "The server told its own when it started. Is this it? (y/N) ",
			    url, pin);

	return wr_terminal_confirm(question);
}

/* Asks the server for its certificate. *ret_pin is NULL where the system's authorities vouch
 * for it. Exit status. */
static int find_pin(const struct wr_arguments *arguments, const char *url, char **ret_pin)
{
	const struct wr_http_target target = { .url = url };
	const struct wr_http_ask ask = {
		.method = "GET",
		.path = "/livez",
		.timeout_seconds = TIMEOUT_SECONDS,
	};
	struct wr_http_answer answer = { 0 };
	char why[200] = "";
	int status = wr_http_call(&target, &ask, &answer, why);
	const char *pin = pin_in(why);

	wr_http_answer_done(&answer);
	if (status == 0)
		return WR_EXIT_DONE;
	if (status != -EKEYREJECTED || !pin)
		return wr_complain(arguments, "cannot ask %s: %s", url,
				   *why ? why : strerror(-status));
	if (!wr_terminal_can_ask())
		return wr_complain(
			arguments,
			"nobody vouches for its certificate: say --pin %s if that is the "
			"pin that the server told when it started",
			pin);
	if (!accepts(url, pin))
		return wr_complain(arguments, "not signed in");
	*ret_pin = wr_text_new("%s", pin);
	return WR_EXIT_DONE;
}

int wr_trust_pin(const struct wr_arguments *arguments, const char *url, char **ret_pin)
{
	const char *given = wr_value_of(arguments, "pin");

	if (!given)
		return find_pin(arguments, url, ret_pin);
	*ret_pin = wr_text_new("%s", given);
	return WR_EXIT_DONE;
}
