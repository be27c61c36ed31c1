/* What happens, as it happens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/simple.h"
#include "cli/verbs.h"
#include "linux/files.h"

/* The server sends something every 15 s. */
#define SILENCE_SECONDS 60

static const struct wr_option options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 'a', "all", "of the whole server, not of an organisation" },
	{ 0, "type", "only this, as machine.online", "TYPE" },
};

struct watching {
	const struct wr_arguments *arguments;
	const char *type; /* NULL: any */
	bool is_json;
	unsigned status; /* other than 200: a refusal, in `refusal` */
	json_t *refusal;
};

/* What a thing is called by people; itself where it has no such member. */
static const json_t *called(const json_t *value)
{
	static const char *const names[] = { "login", "label", "name" };

	for (size_t i = 0; i < WR_ARRAY_LEN(names); i++) {
		const json_t *name = json_object_get(value, names[i]);

		if (name)
			return name;
	}
	return value;
}

static void print_member(const json_t *event, const char *name)
{
	const json_t *value = called(json_object_get(event, name));
	char *text;

	if (!value || json_is_null(value))
		return;
	text = wr_look_text(value, WR_LOOK_TEXT, 0);
	printf("  %s", text);
	free(text);
}

/* What a name is called differs from event to event. */
static void print_event(const json_t *event)
{
	static const char *const shown[] = { "org", "machine", "name", "user", "version", "actor" };
	char *when = wr_look_text(json_object_get(event, "time"), WR_LOOK_TIME, 0);
	char *type = wr_look_text(json_object_get(event, "type"), WR_LOOK_TEXT, 0);

	printf("%s  %-18s", when, type);
	for (size_t i = 0; i < WR_ARRAY_LEN(shown); i++)
		print_member(event, shown[i]);
	putchar('\n');
	free(when);
	free(type);
}

static void take_data(const struct watching *watching, const char *text)
{
	WR_AUTO(wr_json_freep) json_t *event = json_loads(text, 0, NULL);
	const char *type = wr_json_text(event, "type");

	if (!event || (watching->type && (!type || strcmp(type, watching->type) != 0)))
		return;
	if (watching->is_json)
		puts(text);
	else
		print_event(event);
	fflush(stdout);
}

/* Lines of text/event-stream; of them only the data is wanted, which is one line. */
static bool take_line(void *context, unsigned status, const char *text)
{
	struct watching *watching = context;

	watching->status = status;
	if (status != 200) {
		json_decref(watching->refusal);
		watching->refusal = json_loads(text, 0, NULL);
		return true;
	}
	if (strncmp(text, "data:", 5) == 0)
		take_data(watching, text + 5 + (text[5] == ' '));
	return ferror(stdout) == 0;
}

static int follow(struct wr_api *api, const char *path, struct watching *watching)
{
	WR_AUTO(wr_text_freep) char *whole = wr_text_new("/api/v1%s", path);
	struct wr_http_ask ask = {
		.method = "GET",
		.path = whole,
		.authorization = api->authorization,
		.timeout_seconds = SILENCE_SECONDS,
	};
	char why[200] = "";
	int status = wr_http_follow(&api->target, &ask, take_line, watching, why);

	if (status < 0)
		return wr_complain(watching->arguments, "cannot follow: %s",
				   *why ? why : strerror(-status));
	api->status = watching->status;
	if (watching->status != 200)
		return wr_api_refused(api, watching->refusal);
	return wr_complain(watching->arguments, "the server ended the stream");
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_text_freep) char *path = NULL;
	struct watching watching = {
		.arguments = arguments,
		.type = wr_value_of(arguments, "type"),
		.is_json = wr_is_given(arguments, "json"),
	};
	bool is_all = wr_is_given(arguments, "all");
	int status = is_all ? wr_api_open(arguments, &api) : wr_api_open_org(arguments, &api);

	if (status != WR_EXIT_DONE)
		return status;
	path = is_all ? wr_api_path("/events") : wr_api_path("/orgs/{}/events", api.org);
	status = follow(&api, path, &watching);
	json_decref(watching.refusal);
	return status;
}

const struct wr_verb wr_verb_events = {
	.name = "events",
	.summary = "what happens, as it happens; until it is interrupted",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
