/* `warren` with the cipher of its packets replaced by a copy: shows what the path costs without
 * crypto.  A tunnel of it protects nothing.
 *
 * Only script/bench builds and starts it.  The program that people run holds no such cipher: it is
 * handed to wr_cli_main() here, and has no name that anything else could ask for. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "crypto/aead.h"

struct wr_aead_context {
	char unused;
};

static struct wr_aead_context *context_new(void)
{
	return calloc(1, sizeof(struct wr_aead_context));
}

static void context_free(struct wr_aead_context *context)
{
	free(context);
}

static void copy(const struct wr_aead_job *job)
{
	if (job->dst != job->src)
		memcpy(job->dst, job->src, job->len);
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	(void)context;
	(void)key;
	for (size_t i = 0; i < count; i++) {
		copy(&jobs[i]);
		memset(jobs[i].dst + jobs[i].len, 0, WR_AEAD_TAG_LEN);
	}
}

static void open_all(struct wr_aead_context *context, const struct wr_key *key,
		     struct wr_aead_job *jobs, size_t count)
{
	(void)context;
	(void)key;
	for (size_t i = 0; i < count; i++) {
		copy(&jobs[i]);
		jobs[i].is_authentic = true;
	}
}

int main(int argc, char **argv)
{
	static const struct wr_aead nothing = {
		.name = "nothing",
		.context_new = context_new,
		.context_free = context_free,
		.seal = seal,
		.open = open_all,
	};

	return wr_cli_main(argc, argv, &nothing);
}
