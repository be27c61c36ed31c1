/* What people ask of a mesh over the control socket (docs/mesh.md, "Control"). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/files.h"
#include "zeroconf/inside.h"

/* What an answer to a negative errno of the founder's functions is. */
void zc_refuse(struct wr_http_request *request, int error, const char *why)
{
	unsigned status = error == -EPERM      ? 403
			  : error == -EALREADY ? 409
			  : error == -ENOMEM   ? 503
			  : error == -ENOSPC   ? 507
					       : 422;

	wr_node_refuse(request, status, why);
}

json_t *zc_read_body(struct wr_http_request *request)
{
	struct wr_bytes body = wr_http_body(request);
	json_t *object = json_loadb((const char *)body.data, body.len, 0, NULL);

	if (json_is_object(object))
		return object;
	json_decref(object);
	wr_node_refuse(request, 400, "the body is no JSON object");
	return NULL;
}

/* --- The policy. --- */

static void get_policy(void *context, struct wr_http_request *request)
{
	const struct wr_zeroconf *zc = context;

	wr_node_answer(request, 200,
		       json_pack("{s:s, s:I}", "text", zc->policy ? zc->policy : "", "version",
				 (json_int_t)zc->policy_version));
}

static void tell_faults(struct wr_http_request *request, const struct wr_policy_faults *faults)
{
	json_t *array = json_array();

	for (size_t i = 0; i < faults->count && i < WR_POLICY_FAULTS; i++)
		json_array_append_new(array,
				      json_pack("{s:i, s:s}", "line", (int)faults->faults[i].line,
						"text", faults->faults[i].text));
	wr_node_answer(request, 422,
		       json_pack("{s:i, s:s, s:o}", "status", 422, "detail",
				 faults->count ? faults->faults[0].text : "memory is short",
				 "faults", array));
}

static bool is_good(const char *text, struct wr_policy_faults *ret_faults)
{
	struct wr_policy *policy = wr_policy_parse(
		(struct wr_bytes){ (const uint8_t *)text, strlen(text) }, ret_faults);

	wr_policy_free(policy);
	return policy != NULL;
}

static void put_policy(void *context, struct wr_http_request *request)
{
	struct wr_zeroconf *zc = context;
	json_t *body = zc_read_body(request);
	const char *text = json_string_value(json_object_get(body, "text"));
	struct wr_policy_faults faults = { .count = 0 };
	char why[200] = "text: the whole policy";
	uint64_t version = 0;
	int status = -EINVAL;

	if (!body)
		return;
	if (text && !is_good(text, &faults)) {
		tell_faults(request, &faults);
	} else {
		if (text)
			status = zc_publish_policy(zc, text, &version, why);
		if (status < 0)
			zc_refuse(request, status, why);
		else
			wr_node_answer(request, 200,
				       json_pack("{s:I}", "version", (json_int_t)version));
	}
	json_decref(body);
	zc_run_gossip(zc);
}

/* --- Others. --- */

static void post_refresh(void *context, struct wr_http_request *request)
{
	struct wr_zeroconf *zc = context;

	if (zc->discovery)
		wr_discovery_hurry(zc->discovery);
	zc->past_due = zc->knock_due = (struct wr_instant){ 0 };
	wr_reconciler_run(wr_node_reconciler(zc->node));
	wr_node_answer(request, 200, json_object());
}

const struct wr_node_call zc_calls[] = {
	{ WR_HTTP_POST, "/invite", zc_post_invite },
	{ WR_HTTP_GET, "/invitations", zc_get_invitations },
	{ WR_HTTP_POST, "/admit", zc_post_admit },
	{ WR_HTTP_POST, "/revoke", zc_post_revoke },
	{ WR_HTTP_GET, "/policy", get_policy },
	{ WR_HTTP_PUT, "/policy", put_policy },
	{ WR_HTTP_POST, "/refresh", post_refresh },
};
const size_t zc_call_count = WR_ARRAY_LEN(zc_calls);
