/* A copy of all that the server keeps, while it runs. */
#include <errno.h>
#include <string.h>

#include "cli/simple.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = { WR_API_OPTIONS, WR_OPTION_JSON };

/* The server wrote it among its own; only on the same machine it can be fetched. */
static int fetch(const struct wr_arguments *arguments, const char *from, const char *to)
{
	int status = wr_file_copy(from, to);

	if (status == 0)
		return WR_EXIT_DONE;
	if (status == -EEXIST)
		return wr_complain(arguments, "%s is there already; the backup is in %s", to, from);
	return wr_complain(arguments, "the backup is in %s on the server; cannot copy it to %s: %s",
			   from, to, strerror(-status));
}

static int run(const struct wr_arguments *arguments)
{
	const char *to = arguments->operand_count > 0 ? arguments->operands[0] : NULL;
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = wr_simple_ask(arguments, WR_SCOPE_SITE, "POST", "/server/backup",
				   json_object(), &result);
	const char *path = wr_json_text(result, "path");

	if (status != WR_EXIT_DONE)
		return status;
	if (!path)
		return wr_complain(arguments, "the server does not say where it wrote the backup");
	if (to)
		status = fetch(arguments, path, to);
	if (status == WR_EXIT_DONE && wr_is_given(arguments, "json"))
		wr_api_print(result);
	else if (status == WR_EXIT_DONE)
		printf("%s\n", to ? to : path);
	return status;
}

const struct wr_verb wr_verb_backup = {
	.name = "backup",
	.summary = "write a backup, while the server runs; prints its name",
	.about = "It holds all that the server keeps, with keys sealed: it is worth nothing\n"
		 "without the unlock secret, which is not in it. Keep both, apart. With FILE, a\n"
		 "copy is written there.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "[FILE]",
	.max_operands = 1,
	.run = run,
};
