/* The table of operations on policies. */
#include "server/names.h"
#include "server/policy_run.h"

static const char *const protocols[] = { "tcp", "udp", "icmp", NULL };

#define VERSION_FIELDS \
	{ .name = "version", \
	  .kind = WR_KIND_NUMBER, \
	  .is_required = true, \
	  .max = INT64_MAX, \
	  .help = "Its number; 0 is what an organisation begins with" }, \
		{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "When" }, \
		{ .name = "creator", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "By whom" }, \
	{ \
		.name = "comment", .kind = WR_KIND_TEXT, .is_required = true, .can_be_null = true, \
		.max = WR_POLICY_COMMENT_MAX, .help = "Why" \
	}
#define TEXT_FIELD \
	{ \
		.name = "text", .kind = WR_KIND_LONG_TEXT, .is_required = true, \
		.max = WR_POLICY_TEXT_MAX, .help = "The policy" \
	}

static const struct wr_field policy_result[] = {
	VERSION_FIELDS,
	TEXT_FIELD,
	{ .name = "fault",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Why it cannot be put in force for the machines there are; an earlier one is" },
	{ 0 },
};
static const struct wr_field version_result[] = { VERSION_FIELDS, TEXT_FIELD, { 0 } };
static const struct wr_field versions_result[] = {
	VERSION_FIELDS,
	{ .name = "bytes",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = WR_POLICY_TEXT_MAX,
	  .help = "Length of the text" },
	{ 0 },
};

static const struct wr_field put_body[] = {
	TEXT_FIELD,
	{ .name = "comment",
	  .kind = WR_KIND_TEXT,
	  .can_be_null = true,
	  .max = WR_POLICY_COMMENT_MAX,
	  .help = "Why, for the list of versions" },
	{ 0 },
};
static const struct wr_field check_body[] = { TEXT_FIELD, { 0 } };
static const struct wr_field fault_fields[] = {
	{ .name = "line",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT32_MAX,
	  .help = "From 1; 0: the whole text" },
	{ .name = "reason",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "What is wrong and what to do" },
	{ 0 },
};
static const struct wr_field check_result[] = {
	{ .name = "is_good", .kind = WR_KIND_FLAG, .is_required = true, .help = "It can be saved" },
	{ .name = "faults",
	  .kind = WR_KIND_LIST,
	  .is_required = true,
	  .fields = fault_fields,
	  .help = "The first faults" },
	{ 0 },
};
static const struct wr_field diff_query[] = {
	{ .name = "from",
	  .kind = WR_KIND_NUMBER,
	  .max = INT64_MAX,
	  .help = "The older version; the one before `to` if not given" },
	{ .name = "to",
	  .kind = WR_KIND_NUMBER,
	  .max = INT64_MAX,
	  .help = "The newer version; the one in force if not given" },
	{ 0 },
};
static const struct wr_field diff_result[] = {
	{ .name = "from",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "The older version" },
	{ .name = "to",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "The newer version" },
	{ .name = "text",
	  .kind = WR_KIND_LONG_TEXT,
	  .is_required = true,
	  .help = "A unified diff; empty if they are equal" },
	{ 0 },
};
static const struct wr_field revert_body[] = {
	{ .name = "version",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Whose text is saved again, as a new version" },
	{ 0 },
};
static const struct wr_field why_body[] = {
	{ .name = "from",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LABEL_LEN,
	  .help = "The machine that opens, by identifier or label" },
	{ .name = "to",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LABEL_LEN,
	  .help = "The machine that is opened to" },
	{ .name = "protocol",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = protocols,
	  .help = "What" },
	{ .name = "port",
	  .kind = WR_KIND_NUMBER,
	  .min = 1,
	  .max = 65535,
	  .help = "tcp, udp: where to" },
	{ 0 },
};
static const struct wr_field why_result[] = {
	{ .name = "is_allowed", .kind = WR_KIND_FLAG, .is_required = true, .help = "It may" },
	{ .name = "line",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT32_MAX,
	  .help = "The line that decides; 0: no line, the language's default" },
	{ .name = "rule",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "What that line says" },
	{ .name = "text",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The same as a sentence" },
	{ .name = "version",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Of which version" },
	{ 0 },
};

const struct wr_operation wr_operations_policy[] = {
	{ .id = "policy.show",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy",
	  .summary = "Shows the policy in force",
	  .access = WR_ACCESS_VIEWER,
	  .result = policy_result,
	  .status = 200,
	  .run = wr_policy_show_run },
	{ .id = "policy.save",
	  .method = WR_HTTP_PUT,
	  .path = "/orgs/{org}/policy",
	  .summary = "Saves a policy; when this answers, it is in force",
	  .about = "A text with a fault, or with a test that does not hold, changes nothing.",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .needs_match = true,
	  .body = put_body,
	  .result = policy_result,
	  .status = 200,
	  .cost = 5,
	  .run = wr_policy_save_run },
	{ .id = "policy.check",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/check",
	  .summary = "Checks a policy against the machines there are, and saves nothing",
	  .access = WR_ACCESS_VIEWER,
	  .body = check_body,
	  .result = check_result,
	  .status = 200,
	  .cost = 5,
	  .run = wr_policy_check_run },
	{ .id = "policy.versions",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/versions",
	  .summary = "Lists the versions of the policy, newest first",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .result = versions_result,
	  .status = 200,
	  .run = wr_policy_versions_run },
	{ .id = "policy.version",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/versions/{version}",
	  .summary = "Shows a version of the policy",
	  .access = WR_ACCESS_VIEWER,
	  .result = version_result,
	  .status = 200,
	  .run = wr_policy_version_run },
	{ .id = "policy.diff",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/diff",
	  .summary = "Shows what differs between two versions",
	  .access = WR_ACCESS_VIEWER,
	  .query = diff_query,
	  .result = diff_result,
	  .status = 200,
	  .cost = 2,
	  .run = wr_policy_diff_run },
	{ .id = "policy.revert",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/revert",
	  .summary = "Saves the text of an earlier version again",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .body = revert_body,
	  .result = policy_result,
	  .status = 200,
	  .cost = 5,
	  .run = wr_policy_revert_run },
	{ .id = "policy.why",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/why",
	  .summary = "Says which line decides whether a machine may open something to another",
	  .access = WR_ACCESS_VIEWER,
	  .body = why_body,
	  .result = why_result,
	  .status = 200,
	  .cost = 2,
	  .run = wr_policy_why_run },
	{ 0 },
};
