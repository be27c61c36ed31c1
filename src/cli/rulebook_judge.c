/* What a mesh's policy says, judged here: nobody else has to be asked. Members are those that the
 * daemon knows of now. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cli/rulebook.h"
#include "linux/files.h"
#include "policy/policy.h"
#include "policy/ruleset.h"

/* A port that nobody listens to in particular. */
#define SOURCE_PORT 50000

/* Members as a policy sees them: names and tags are the status'. */
struct roster {
	json_t *status;
	struct wr_member *members;
	const char **names; /* as people see them: rules may not know them */
	size_t count;
};

static void rosterp_done(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		free((void *)(uintptr_t)roster->members[i].tags);
	free(roster->members);
	free(roster->names);
	json_decref(roster->status);
}

static void take_addresses(const json_t *addresses, struct wr_member *member)
{
	const json_t *value;
	size_t i;

	json_array_foreach(addresses, i, value)
	{
		const char *text = json_string_value(value);
		struct wr_ip ip;

		if (!text || !wr_ip_parse(text, strlen(text), &ip))
			continue;
		if (ip.family == WR_IPV4)
			member->v4 = ip;
		else
			member->v6 = ip;
	}
}

static void take_tags(const json_t *tags, struct wr_member *member)
{
	const char **names = calloc(json_array_size(tags) + 1, sizeof(*names));
	const json_t *tag;
	size_t i;

	if (!names)
		abort();
	json_array_foreach(tags, i, tag)
	{
		if (json_is_string(tag))
			names[member->tag_count++] = json_string_value(tag);
	}
	member->tags = names;
}

static void add_member(struct roster *roster, const json_t *object, const json_t *tags)
{
	struct wr_member *member = &roster->members[roster->count];
	const char *name = wr_json_text(object, "rule_name");

	if (!name || !*name)
		return;
	*member = (struct wr_member){ .slot = (uint32_t)roster->count, .name = name };
	take_addresses(json_object_get(object, "addresses"), member);
	take_tags(tags, member);
	roster->names[roster->count++] = wr_json_text(object, "name");
}

static int read_roster(struct wr_rulebook *book, struct roster *ret_roster)
{
	const json_t *peers, *peer;
	size_t i;
	int status = wr_membership_ask(&book->membership, "GET", "/status", NULL,
				       &ret_roster->status);

	if (status != WR_EXIT_DONE)
		return status;
	peers = json_object_get(ret_roster->status, "peers");
	ret_roster->members = calloc(json_array_size(peers) + 1, sizeof(*ret_roster->members));
	ret_roster->names = calloc(json_array_size(peers) + 1, sizeof(*ret_roster->names));
	if (!ret_roster->members || !ret_roster->names)
		abort();
	json_array_foreach(peers, i, peer)
		add_member(ret_roster, peer, json_object_get(peer, "tags"));
	add_member(ret_roster, ret_roster->status,
		   json_object_get(json_object_get(ret_roster->status, "mesh"), "tags"));
	return WR_EXIT_DONE;
}

static struct wr_policy *parse(const char *text, struct wr_policy_faults *ret_faults)
{
	return wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) },
			       ret_faults);
}

/* --- Faults. --- */

static json_t *faults_json(const struct wr_policy_faults *faults)
{
	json_t *array = json_array();

	for (size_t i = 0; i < faults->count && i < WR_POLICY_FAULTS; i++)
		json_array_append_new(array,
				      json_pack("{s:i, s:s}", "line", (int)faults->faults[i].line,
						"reason", faults->faults[i].text));
	return array;
}

int wr_rulebook_check(struct wr_rulebook *book, const char *text, json_t **ret_result)
{
	WR_AUTO(rosterp_done) struct roster roster = { .count = 0 };
	struct wr_policy_faults faults = { .count = 0 };
	struct wr_ruleset *ruleset = NULL;
	struct wr_policy *policy;
	int status = read_roster(book, &roster);

	if (status != WR_EXIT_DONE)
		return status;
	policy = parse(text, &faults);
	if (policy)
		ruleset = wr_ruleset_compile(policy, roster.members, roster.count,
					     (uint32_t)roster.count, 1, &faults);
	*ret_result = json_pack("{s:b, s:o}", "is_good", ruleset != NULL, "faults",
				faults_json(&faults));
	wr_ruleset_free(ruleset);
	wr_policy_free(policy);
	return WR_EXIT_DONE;
}

/* --- Why. --- */

static bool is_called(const struct roster *roster, size_t i, const char *word)
{
	const struct wr_member *member = &roster->members[i];
	struct wr_ip ip;

	if (strcmp(member->name, word) == 0 ||
	    (roster->names[i] && strcmp(roster->names[i], word) == 0))
		return true;
	return wr_ip_parse(word, strlen(word), &ip) &&
	       (wr_ip_equal(&ip, &member->v4) || wr_ip_equal(&ip, &member->v6));
}

/* NULL, told, if there is none. */
static const struct wr_member *find(const struct wr_rulebook *book, const struct roster *roster,
				    const char *word)
{
	for (size_t i = 0; i < roster->count; i++)
		if (is_called(roster, i, word))
			return &roster->members[i];
	wr_complain(book->arguments, "%s is no member of %s that is there now (warren peers)", word,
		    book->of);
	return NULL;
}

static int make_opening(const struct wr_rulebook *book, const json_t *question,
			const struct wr_member *from, const struct wr_member *to,
			struct wr_opening *ret_opening)
{
	const char *protocol = wr_json_text(question, "protocol");
	const json_t *port = json_object_get(question, "port");
	bool is_v4 = from->v4.family != WR_FAMILY_NONE && to->v4.family != WR_FAMILY_NONE;
	bool is_icmp = strcmp(protocol, "icmp") == 0;

	*ret_opening = (struct wr_opening){ .src = is_v4 ? from->v4 : from->v6,
					    .dst = is_v4 ? to->v4 : to->v6,
					    .protocol = is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6 };
	if (!is_icmp && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)
		return wr_misuse(book->arguments, "a protocol is tcp, udp or icmp");
	if (is_icmp != !port)
		return wr_misuse(book->arguments, is_icmp ? "icmp has no port"
							  : "tcp and udp have a port: say which");
	if (is_icmp)
		return WR_EXIT_DONE;
	ret_opening->protocol = strcmp(protocol, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	ret_opening->src_port = SOURCE_PORT;
	ret_opening->dst_port = (uint16_t)json_integer_value(port);
	return WR_EXIT_DONE;
}

static json_t *rule_json(const struct wr_policy *policy, unsigned line)
{
	struct wr_bytes rule = wr_policy_line(policy, line);

	return rule.len ? json_stringn((const char *)rule.data, rule.len) : json_string("");
}

/* A mesh without a policy lets all reach all. */
static int decide(const struct wr_rulebook *book, const json_t *saved, const struct roster *roster,
		  const struct wr_member *from, const struct wr_member *to,
		  const struct wr_opening *opening, json_t **ret_answer)
{
	const char *text = wr_json_text(saved, "text");
	bool has_policy = json_integer_value(json_object_get(saved, "version")) > 0;
	struct wr_policy_faults faults;
	struct wr_policy *policy = parse(has_policy && text ? text : "default allow\n", &faults);
	struct wr_ruleset *ruleset = NULL;
	unsigned line = 0;
	bool is_allowed;

	if (policy)
		ruleset = wr_ruleset_compile_saved(policy, roster->members, roster->count,
						   (uint32_t)roster->count, 1, &faults);
	if (ruleset) {
		is_allowed = wr_ruleset_why(ruleset, from->slot, to->slot, opening, &line);
		*ret_answer = json_pack("{s:b, s:i, s:o}", "is_allowed", (int)is_allowed, "line",
					has_policy ? (int)line : 0, "rule",
					rule_json(policy, line));
	}
	wr_ruleset_free(ruleset);
	wr_policy_free(policy);
	return *ret_answer ? WR_EXIT_DONE
			   : wr_complain(book->arguments, "the policy in force: %s",
					 faults.faults[0].text);
}

int wr_rulebook_why(struct wr_rulebook *book, const json_t *question, json_t **ret_answer)
{
	WR_AUTO(rosterp_done) struct roster roster = { .count = 0 };
	WR_AUTO(wr_json_freep) json_t *saved = NULL;
	const struct wr_member *from, *to;
	struct wr_opening opening;
	int status = read_roster(book, &roster);

	if (status != WR_EXIT_DONE)
		return status;
	from = find(book, &roster, wr_json_text(question, "from"));
	to = from ? find(book, &roster, wr_json_text(question, "to")) : NULL;
	if (!to)
		return WR_EXIT_FAILED;
	status = make_opening(book, question, from, to, &opening);
	if (status == WR_EXIT_DONE)
		status = wr_rulebook_get(book, &saved);
	if (status != WR_EXIT_DONE)
		return status;
	return decide(book, saved, &roster, from, to, &opening, ret_answer);
}
