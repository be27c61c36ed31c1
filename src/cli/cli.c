#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/verb.h"
#include "cli/verbs.h"

const struct wr_verb *const wr_verbs[] = {
	&wr_verb_wg,          &wr_verb_serve,       &wr_verb_up,
	&wr_verb_down,        &wr_verb_invite,      &wr_verb_admit,
	&wr_verb_revoke,      &wr_verb_join,        &wr_verb_leave,
	&wr_verb_status,      &wr_verb_peers,       &wr_verb_ip,
	&wr_verb_ping,        &wr_verb_whois,       &wr_verb_netcheck,
	&wr_verb_refresh,     &wr_verb_rotate,      &wr_verb_advertise,
	&wr_verb_agent,       &wr_verb_org,         &wr_verb_machine,
	&wr_verb_key,         &wr_verb_route,       &wr_verb_dns,
	&wr_verb_policy,      &wr_verb_user,        &wr_verb_member,
	&wr_verb_invite_user, &wr_verb_token,       &wr_verb_audit,
	&wr_verb_events,      &wr_verb_login,       &wr_verb_sign_up,
	&wr_verb_logout,      &wr_verb_server,      &wr_verb_backup,
	&wr_verb_restore,     &wr_verb_config,      &wr_verb_doctor,
	&wr_verb_completion,  &wr_verb_help_of_all, NULL,
};

static void write_help(FILE *to)
{
	fprintf(to, "Warren joins machines into private networks with WireGuard.\n\n"
		    "usage: warren VERB [ARGUMENT]...\n\n");
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++)
		fprintf(to, "  %-12s %s\n", (*verb)->name, (*verb)->summary);
	fprintf(to, "\n  %-12s %s\n", "--version", "tell the version");
	fprintf(to, "\nwarren VERB --help tells more, and so does the manual: man warren\n");
}

/* The verb that the words name: "wg", "machine", "machine add". NULL, told, if there is none. */
static const struct wr_verb *find_named(const char *const *words, unsigned count)
{
	const struct wr_verb *verb = wr_verb_find(words[0]);

	if (verb && count > 1)
		verb = verb->subs ? wr_verb_find_sub(verb, words[1]) : NULL;
	if (!verb)
		fprintf(stderr, "warren help: no verb %s%s%s (try: warren help)\n", words[0],
			count > 1 ? " " : "", count > 1 ? words[1] : "");
	return verb;
}

static int run_help(const struct wr_arguments *arguments)
{
	const struct wr_verb *verb;

	if (arguments->operand_count == 0) {
		write_help(stdout);
		return WR_EXIT_DONE;
	}
	verb = find_named(arguments->operands, arguments->operand_count);
	if (!verb)
		return WR_EXIT_USAGE;
	wr_verb_help(verb, stdout);
	return WR_EXIT_DONE;
}

static const struct wr_option help_options[] = { WR_OPTION_HELP };

const struct wr_verb wr_verb_help_of_all = {
	.name = "help",
	.summary = "what there is; with a verb, how it is used",
	.usage = "  warren help [VERB [VERB]]",
	.operand = "[VERB [VERB]]",
	.options = help_options,
	.option_count = WR_ARRAY_LEN(help_options),
	.max_operands = 2,
	.run = run_help,
};

static int run_verb(const struct wr_verb *verb, int count, char *const *words,
		    const struct wr_aead *aead)
{
	struct wr_arguments arguments;

	if (!wr_verb_parse(verb, count, words, &arguments))
		return WR_EXIT_USAGE;
	arguments.aead = aead;
	if (arguments.options & WR_HELP_BIT) {
		wr_verb_help(verb, stdout);
		return WR_EXIT_DONE;
	}
	return verb->run(&arguments);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_group(const struct wr_verb *group, int count, char *const *words,
		     const struct wr_aead *aead)
{
	const struct wr_verb *verb;

	if (count == 0 || is_help(words[0])) {
		wr_verb_help(group, count == 0 ? stderr : stdout);
		return count == 0 ? WR_EXIT_USAGE : WR_EXIT_DONE;
	}
	verb = wr_verb_find_sub(group, words[0]);
	if (!verb) {
		fprintf(stderr, "warren %s: no verb %s (try: warren %s --help)\n", group->name,
			words[0], group->name);
		return WR_EXIT_USAGE;
	}
	return run_verb(verb, count - 1, words + 1, aead);
}

static int run_words(int count, char *const *words, const struct wr_aead *aead)
{
	const struct wr_verb *verb;

	if (count == 0) {
		write_help(stderr);
		return WR_EXIT_USAGE;
	}
	if (strcmp(words[0], "--version") == 0) {
		printf("warren %s\n", WR_VERSION);
		return WR_EXIT_DONE;
	}
	if (is_help(words[0])) {
		write_help(stdout);
		return WR_EXIT_DONE;
	}
	verb = wr_verb_find(words[0]);
	if (!verb) {
		fprintf(stderr, "warren: no verb %s (try: warren help)\n", words[0]);
		return WR_EXIT_USAGE;
	}
	if (verb->subs)
		return run_group(verb, count - 1, words + 1, aead);
	return run_verb(verb, count - 1, words + 1, aead);
}

/* Started as "warren-wg", which is how wg-quick is told of a program: that is
 * "warren wg". */
static bool is_named_wg(const char *program)
{
	size_t len = strlen(program);

	return len >= 3 && strcmp(program + len - 3, "-wg") == 0;
}

static bool is_version(int argc, char *const *argv)
{
	return argc == 2 && strcmp(argv[1], "--version") == 0;
}

int wr_cli_main(int argc, char **argv, const struct wr_aead *aead)
{
	int status;

	if (argc > 0 && is_named_wg(argv[0]) && !is_version(argc, argv))
		status = run_verb(&wr_verb_wg, argc - 1, argv + 1, aead);
	else
		status = run_words(argc > 0 ? argc - 1 : 0, argv + 1, aead);
	if (fflush(stdout) != 0 && status == WR_EXIT_DONE) {
		perror("warren: cannot write to standard output");
		status = WR_EXIT_FAILED;
	}
	return status;
}
