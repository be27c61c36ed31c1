/* Which line of the policy decides. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "server/machines.h"
#include "server/policy_run.h"

/* The label of a machine that is named by uid or label. */
static int find_label(struct wr_call *call, const char *name, const char *pointer, char label[64])
{
	struct wr_machine machine = { 0 };
	int found = wr_machine_find(call->db, call->org, wr_call_text(call, name), &machine);

	snprintf(label, 64, "%s", machine.label);
	wr_machine_done(&machine);
	if (found < 0)
		return wr_call_fail_db(call, found);
	return found ? 0
		     : wr_call_fault(call, pointer,
				     "is no machine of this organisation, by identifier or label");
}

static uint8_t protocol_of(const char *text, const struct wr_ip *ip)
{
	if (strcmp(text, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(text, "udp") == 0)
		return IPPROTO_UDP;
	return ip->family == WR_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* A port that nobody listens to in particular. */
#define SOURCE_PORT 50000

static struct wr_opening opening_of(struct wr_call *call, const struct wr_member *from,
				    const struct wr_member *to)
{
	bool is_v4 = from->v4.family != WR_FAMILY_NONE && to->v4.family != WR_FAMILY_NONE;
	struct wr_opening opening = {
		.src = is_v4 ? from->v4 : from->v6,
		.dst = is_v4 ? to->v4 : to->v6,
	};

	opening.protocol = protocol_of(wr_call_text(call, "protocol"), &opening.src);
	if (opening.protocol == IPPROTO_TCP || opening.protocol == IPPROTO_UDP) {
		opening.src_port = SOURCE_PORT;
		opening.dst_port =
			(uint16_t)json_integer_value(json_object_get(call->body, "port"));
	}
	return opening;
}

/* A line of a text, without blanks at its ends. */
static json_t *line_of(const char *text, unsigned line)
{
	size_t len;

	if (!line)
		return json_null();
	while (--line && (text = strchr(text, '\n')))
		text++;
	if (!text)
		return json_null();
	text += strspn(text, " \t");
	len = strcspn(text, "\r\n");
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return json_stringn(text, len);
}

static json_t *why_text(struct wr_call *call, bool is_allowed, unsigned line)
{
	const struct wr_policy_job *job = call->state;
	const char *verb = is_allowed ? "may" : "may not";
	int port = (int)json_integer_value(json_object_get(call->body, "port"));
	char by[64] = "by the default of a policy without a default line";
	char what[32];

	snprintf(what, sizeof(what), "%s%s%.0d", wr_call_text(call, "protocol"), port ? " " : "",
		 port);
	if (line)
		snprintf(by, sizeof(by), "by line %u", line);
	return json_sprintf("%s %s open %s to %s, %s.", job->names[0], verb, what, job->names[1],
			    by);
}

static int answer_why(struct wr_call *call, const struct wr_policy_job *job)
{
	const struct wr_member *from = wr_roster_find(job->roster, job->names[0]);
	const struct wr_member *to = wr_roster_find(job->roster, job->names[1]);
	struct wr_opening opening;
	unsigned line = 0;
	bool is_allowed;

	if (!job->is_good)
		return wr_call_fail(call, 409, "policy",
				    "The saved policy is not good for the machines there are: "
				    "line %u: %s",
				    job->faults.faults[0].line, job->faults.faults[0].text);
	if (!from || !to)
		return wr_call_fail(call, 409, "conflict",
				    "A machine was changed meanwhile. Ask again.");
	opening = opening_of(call, from, to);
	is_allowed = wr_ruleset_why(job->ruleset, from->slot, to->slot, &opening, &line);
	call->result = json_pack("{s:b, s:i, s:o, s:o, s:I}", "is_allowed", is_allowed, "line",
				 (int)line, "rule", line_of(job->text, line), "text",
				 why_text(call, is_allowed, line), "version",
				 (json_int_t)job->number);
	return 0;
}

/* The policy in force, to be compiled. */
static struct wr_policy_job *begin_why(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	struct wr_policy_job *job = NULL;
	int64_t number;

	if (!wr_policy_run_number(call, &number) && !wr_policy_run_version(call, number, &version))
		job = wr_policy_run_keep_job(call, WR_TAKE(version.text));
	if (job) {
		job->number = number;
		job->keeps_ruleset = true;
	}
	wr_policy_version_done(&version);
	return job;
}

static int check_why(struct wr_call *call)
{
	bool has_port = wr_call_has(call, "port");
	bool is_icmp = strcmp(wr_call_text(call, "protocol"), "icmp") == 0;

	if (is_icmp && has_port)
		return wr_call_fault(call, "/port", "is not for icmp");
	if (!is_icmp && !has_port)
		return wr_call_fault(call, "/port", "is missing: tcp and udp have one");
	return 0;
}

int wr_policy_why_run(struct wr_call *call)
{
	struct wr_policy_job *job = call->state;
	int bad;

	if (!job) {
		bad = check_why(call);
		job = begin_why(call);
		if (!job)
			return -1;
		bad |= find_label(call, "from", "/from", job->names[0]);
		bad |= find_label(call, "to", "/to", job->names[1]);
		if (bad)
			return -1;
	}
	switch (wr_policy_job_run(call, job)) {
	case WR_JOB_FAILED: return -1;
	case WR_JOB_POOL: return wr_call_pool(call, wr_policy_job_work);
	case WR_JOB_DONE: break;
	}
	return answer_why(call, job);
}
