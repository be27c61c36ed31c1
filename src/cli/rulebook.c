#include "cli/rulebook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tables.h"
#include "linux/files.h"

static bool is_mesh_meant(const struct wr_arguments *arguments)
{
	if (wr_is_given(arguments, "mesh") || wr_is_given(arguments, "interface"))
		return true;
	return !wr_api_has_server(arguments) && wr_membership_has_mesh(arguments);
}

bool wr_rulebook_refuses_mesh(const struct wr_arguments *arguments)
{
	if (!is_mesh_meant(arguments))
		return false;
	wr_complain(arguments, "a mesh keeps the policy in force, and no earlier one: keep copies "
			       "of its text (warren policy show)");
	return true;
}

static int open_mesh(struct wr_rulebook *book)
{
	const struct wr_arguments *arguments = book->arguments;
	WR_AUTO(wr_text_freep) char *name = NULL;
	int status = wr_membership_find_mesh(arguments, wr_value_of(arguments, "mesh"),
					     wr_value_of(arguments, "interface"),
					     &book->membership);

	if (status != WR_EXIT_DONE)
		return status;
	name = wr_membership_mesh_name(book->membership.folder);
	book->of = wr_text_new("mesh %s", name ? name : book->membership.interface);
	return WR_EXIT_DONE;
}

int wr_rulebook_open(const struct wr_arguments *arguments, struct wr_rulebook *ret_book)
{
	int status;

	*ret_book = (struct wr_rulebook){ .arguments = arguments,
					  .is_mesh = is_mesh_meant(arguments) };
	if (ret_book->is_mesh)
		return open_mesh(ret_book);
	status = wr_api_open_org(arguments, &ret_book->api);
	if (status == WR_EXIT_DONE)
		ret_book->of = wr_text_new("%s", ret_book->api.org);
	return status;
}

void wr_rulebook_done(struct wr_rulebook *book)
{
	wr_api_done(&book->api);
	wr_membership_done(&book->membership);
	free(book->of);
}

int wr_rulebook_get(struct wr_rulebook *book, json_t **ret_policy)
{
	int status;

	if (book->is_mesh)
		return wr_membership_ask(&book->membership, "GET", "/policy", NULL, ret_policy);
	status = wr_api_call(&book->api, "GET", wr_api_path("/orgs/{}/policy", book->api.org), NULL,
			     ret_policy);
	memcpy(book->etag, book->api.etag, sizeof(book->etag));
	return status;
}

int wr_rulebook_put(struct wr_rulebook *book, const char *text, const char *comment,
		    const char *if_match, json_t **ret_result)
{
	json_t *body = json_pack("{s:s}", "text", text);
	int status;

	if (!body)
		return wr_complain(book->arguments, "the policy is no UTF-8 text");
	if (book->is_mesh)
		return wr_membership_call(&book->membership, "PUT", "/policy", body, &book->status,
					  ret_result);
	wr_json_set_text(body, "comment", comment);
	book->api.if_match = if_match ? if_match : "*";
	status = wr_api_ask(&book->api, "PUT", wr_api_path("/orgs/{}/policy", book->api.org), body,
			    ret_result);
	book->status = book->api.status;
	return status;
}

/* --- A refusal. --- */

/* "line 7: reason; line 9: reason" */
static char *faults_text(const json_t *faults)
{
	char *text = NULL;
	size_t len, i;
	FILE *to = open_memstream(&text, &len);
	json_t *fault;

	if (!to)
		abort();
	json_array_foreach(faults, i, fault)
	{
		json_int_t line = json_integer_value(json_object_get(fault, "line"));
		const char *reason = wr_json_text(fault, "text");

		fprintf(to, "%s", i > 0 ? "; " : "");
		if (line)
			fprintf(to, "line %" JSON_INTEGER_FORMAT ": ", line);
		fprintf(to, "%s", reason ? reason : "wrong");
	}
	fclose(to);
	return text;
}

int wr_rulebook_refused(const struct wr_rulebook *book, const json_t *problem)
{
	const json_t *faults = json_object_get(problem, "faults");
	const char *detail = wr_json_text(problem, "detail");
	WR_AUTO(wr_text_freep) char *named = NULL;

	if (!book->is_mesh)
		return wr_api_refused(&book->api, problem);
	named = faults_text(faults);
	if (json_array_size(faults) > 0)
		return wr_complain(book->arguments, "refused: %s", named);
	return wr_complain(book->arguments, "%s", detail ? detail : "refused");
}

void wr_rulebook_tell(const struct wr_rulebook *book, const json_t *saved)
{
	WR_AUTO(wr_text_freep)
	char *version = wr_look_text(json_object_get(saved, "version"), WR_LOOK_TEXT, 0);

	fprintf(stderr, "policy of %s: version %s is in force\n", book->of, version);
}
