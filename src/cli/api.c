#include "cli/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "cli/terminal.h"
#include "linux/files.h"

#define TIMEOUT_SECONDS 60
#define PAGE "500"

/* --- A call. --- */

static int explain(const struct wr_api *api, int error, const char *why)
{
	if (!api->socket)
		return wr_complain(api->arguments, "cannot ask %s: %s", api->target.url, why);
	if (error == -ENOENT || error == -ECONNREFUSED)
		return wr_complain(
			api->arguments,
			"no server answers at %s (start it: warren serve; or use another's: "
			"warren login URL, --socket PATH)",
			api->socket);
	if (error == -EACCES || error == -EPERM)
		return wr_complain(api->arguments,
				   "may not use %s (be root, or the user whose server it is; or: "
				   "warren login URL)",
				   api->socket);
	return wr_complain(api->arguments, "cannot ask %s: %s", api->socket, why);
}

static int take_answer(struct wr_api *api, const struct wr_http_answer *answer, json_t **ret_result)
{
	json_t *result = NULL;

	api->status = answer->status;
	snprintf(api->etag, sizeof(api->etag), "%s", answer->etag ? answer->etag : "");
	if (answer->body && answer->len > 0)
		result = json_loadb(answer->body, answer->len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
				    NULL);
	if (!result && answer->status < 400 && answer->status != 204)
		return wr_complain(api->arguments,
				   "the answer is no JSON (status %u): is %s a Warren server?",
				   answer->status, api->socket ? api->socket : api->target.url);
	if (ret_result)
		*ret_result = result;
	else
		json_decref(result);
	return WR_EXIT_DONE;
}

static int send_ask(struct wr_api *api, const char *method, const char *path, const char *body,
		    json_t **ret_result)
{
	WR_AUTO(wr_text_freep) char *whole = wr_text_new("/api/v1%s", path);
	struct wr_http_ask ask = {
		.method = method,
		.path = whole,
		.authorization = api->authorization,
		.if_match = api->if_match,
		.content_type = body ? "application/json" : NULL,
		.body = { (const uint8_t *)body, body ? strlen(body) : 0 },
		.timeout_seconds = TIMEOUT_SECONDS,
	};
	struct wr_http_answer answer = { 0 };
	char why[200] = "";
	int status = wr_http_call(&api->target, &ask, &answer, why);

	api->if_match = NULL;
	if (status < 0)
		return explain(api, status, *why ? why : strerror(-status));
	status = take_answer(api, &answer, ret_result);
	if (answer.body)
		wr_wipe(answer.body, answer.len);
	wr_http_answer_done(&answer);
	return status;
}

int wr_api_ask(struct wr_api *api, const char *method, char *path, json_t *body,
	       json_t **ret_result)
{
	WR_AUTO(wr_text_freep) char *taken = path;
	WR_AUTO(wr_password_freep) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return send_ask(api, method, taken, text, ret_result);
}

int wr_api_call(struct wr_api *api, const char *method, char *path, json_t *body,
		json_t **ret_result)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = wr_api_ask(api, method, path, body, &result);

	if (status == WR_EXIT_DONE && api->status >= 400)
		status = wr_api_refused(api, result);
	if (status == WR_EXIT_DONE && ret_result)
		*ret_result = WR_TAKE(result);
	return status;
}

/* --- A refusal. --- */

static void write_fault(FILE *to, const json_t *fault, bool is_first)
{
	const char *pointer = wr_json_text(fault, "pointer");
	const char *reason = wr_json_text(fault, "reason");

	if (!is_first)
		fputs("; ", to);
	/* A policy's faults name their lines. */
	if (pointer && strcmp(pointer, "/text") != 0)
		fprintf(to, "%s: ", pointer + (*pointer == '/' || *pointer == '?'));
	fputs(reason ? reason : "wrong", to);
}

/* "name: is too long; tags/0: ..." */
static char *faults_text(const json_t *faults)
{
	char *text = NULL;
	size_t len, i;
	FILE *to = open_memstream(&text, &len);
	json_t *fault;

	if (!to)
		abort();
	json_array_foreach(faults, i, fault) write_fault(to, fault, i == 0);
	fclose(to);
	return text;
}

/* What to do, where the server cannot know how it was asked. */
static const char *hint(const struct wr_api *api)
{
	if (api->status == 401 && api->authorization)
		return " (log in again: warren login URL)";
	return "";
}

int wr_api_refused(const struct wr_api *api, const json_t *problem)
{
	const json_t *faults = json_object_get(problem, "faults");
	const char *detail = wr_json_text(problem, "detail");
	WR_AUTO(wr_text_freep) char *named = NULL;

	detail = detail ? detail : wr_json_text(problem, "title");
	if (json_array_size(faults) > 0) {
		named = faults_text(faults);
		return wr_complain(api->arguments, "refused: %s", named);
	}
	if (!detail)
		return wr_complain(api->arguments, "refused with status %u%s", api->status,
				   hint(api));
	return wr_complain(api->arguments, "%s%s", detail, hint(api));
}

/* --- Listings. --- */

/* Adds the page's items; a new string: where the next page begins, NULL for the last. */
static char *take_page(const json_t *page, json_t *items)
{
	const char *next = wr_json_text(page, "next");

	json_array_extend(items, json_object_get(page, "items"));
	return next ? wr_text_new("%s", next) : NULL;
}

static char *page_path(const char *path, const char *cursor, size_t most)
{
	char *page = wr_text_new("%s", path);
	WR_AUTO(wr_text_freep) char *limit = wr_text_new("%zu", most);

	wr_api_query(&page, "limit", most > 0 && most < 500 ? limit : PAGE);
	wr_api_query(&page, "cursor", cursor);
	return page;
}

int wr_api_list(struct wr_api *api, char *path, size_t most, json_t **ret_items)
{
	WR_AUTO(wr_text_freep) char *taken = path;
	WR_AUTO(wr_text_freep) char *cursor = NULL;
	WR_AUTO(wr_json_freep) json_t *items = json_array();

	do {
		WR_AUTO(wr_json_freep) json_t *page = NULL;
		int status = wr_api_call(api, "GET", page_path(taken, cursor, most), NULL, &page);

		if (status != WR_EXIT_DONE)
			return status;
		free(cursor);
		cursor = take_page(page, items);
	} while (cursor && (most == 0 || json_array_size(items) < most));
	while (most > 0 && json_array_size(items) > most)
		json_array_remove(items, json_array_size(items) - 1);
	*ret_items = WR_TAKE(items);
	return WR_EXIT_DONE;
}

void wr_api_print(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}
