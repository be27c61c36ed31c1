/* The policy in an editor. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/rulebook.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"
#include "policy/policy.h"

#define EDITOR "vi"

static const struct wr_option options[] = {
	WR_POLICY_OPTIONS,
	{ 'm', "comment", "what changed, for the history", "TEXT" },
};

/* The editor's variable may hold arguments: a shell splits them, as others' programs do. */
static int run_editor(const struct wr_arguments *arguments, const char *path)
{
	const char *editor = getenv("VISUAL");
	WR_AUTO(wr_text_freep) char *command = NULL;
	pid_t child;
	int status;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	command = wr_text_new("%s \"$1\"", editor && *editor ? editor : EDITOR);
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return wr_complain(arguments,
				   "the editor failed (EDITOR says which one): nothing was "
				   "saved; your text is in %s",
				   path);
	return WR_EXIT_DONE;
}

/* A file for the editor; its path as a new string. */
static int make_file(const struct wr_arguments *arguments, const char *text, char **ret_path)
{
	const char *folder = getenv("TMPDIR");
	char *path = wr_text_new("%s/warren-XXXXXX.policy", folder && *folder ? folder : "/tmp");
	WR_AUTO(wr_fd_closep) int fd = mkostemps(path, (int)strlen(".policy"), O_CLOEXEC);
	int status = fd < 0 ? -errno : wr_file_write(fd, text, strlen(text));

	*ret_path = path;
	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot write %s: %s", path, strerror(-status));
}

/* Tells why; the text stays. */
static int refused(const struct wr_rulebook *book, const json_t *problem, const char *path)
{
	wr_rulebook_refused(book, problem);
	fprintf(stderr, "Your text is kept: %s (then: warren policy set %s)\n", path, path);
	return WR_EXIT_FAILED;
}

static int save(struct wr_rulebook *book, const char *path, const char *text, const char *etag)
{
	WR_AUTO(wr_json_freep) json_t *saved = NULL;
	int status = wr_rulebook_put(book, text, wr_value_of(book->arguments, "comment"),
				     *etag ? etag : NULL, &saved);

	if (status != WR_EXIT_DONE)
		return refused(book, NULL, path);
	if (book->status >= 400)
		return refused(book, saved, path);
	unlink(path);
	wr_rulebook_tell(book, saved);
	return WR_EXIT_DONE;
}

static int edit(struct wr_rulebook *book, const char *before, const char *etag)
{
	WR_AUTO(wr_text_freep) char *path = NULL;
	WR_AUTO(wr_text_freep) char *after = NULL;
	int status = make_file(book->arguments, before, &path);

	if (status == WR_EXIT_DONE)
		status = run_editor(book->arguments, path);
	if (status != WR_EXIT_DONE)
		return status;
	status = wr_file_read(path, WR_POLICY_TEXT_MAX, &after);
	if (status < 0)
		return wr_complain(book->arguments, "cannot read %s: %s", path, strerror(-status));
	if (strcmp(before, after) != 0)
		return save(book, path, after, etag);
	unlink(path);
	fprintf(stderr, "policy of %s: nothing was changed\n", book->of);
	return WR_EXIT_DONE;
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_rulebook_done) struct wr_rulebook book = { .arguments = arguments };
	WR_AUTO(wr_json_freep) json_t *policy = NULL;
	char etag[sizeof(book.etag)];
	const char *text;
	int status = wr_rulebook_open(arguments, &book);

	if (status == WR_EXIT_DONE)
		status = wr_rulebook_get(&book, &policy);
	if (status != WR_EXIT_DONE)
		return status;
	memcpy(etag, book.etag, sizeof(etag));
	text = wr_json_text(policy, "text");
	return edit(&book, text ? text : "", etag);
}

const struct wr_verb wr_verb_policy_edit = {
	.group = "policy",
	.name = "edit",
	.summary = "change the policy in your editor, and put it in force",
	.about = "What is refused is kept in a file, which is named.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
