/* A member gone bad, for tests in the lab: run on a real member's host, it sends gossip's frames
 * from that member's own address, so they come through its tunnel, like those of its daemon. At the
 * end it prints one line of JSON: how many frames it sent, and what it asked for.
 *
 * usage: liar --from ADDRESS --to ADDRESS [--to ADDRESS...] [--about IDENTITY] [--mesh NAME]
 *             [--file PATH] [--rate N] [--seconds N] WHAT
 *
 * - fetch: asks the first for the record of the member --about, and keeps it in the file
 * - forge: that member's record with another name and a higher version, half of them signed by the
 *   liar, and half in the other's name with that signature
 * - replay: what is in the file, as of the living and as of the dead
 * - dead: that member, whatever its record says now, has not answered, is called dead, is dead
 * - found: a charter, a certificate, a revocation and a policy of a founder of its own
 * - foreign: a record of another mesh
 * - promise: it has items that do not exist
 * - refuse: the door's word, to that member: it was shut out
 *
 * The rate is that of frames to each. Exits with 1 where nothing could be asked for or sent. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "liar.h"
#include "linux/clock.h"

static void tell(struct liar *liar, const struct lie *lie)
{
	struct wr_instant begin = wr_clock_now();
	uint64_t wanted = (uint64_t)(liar->rate * liar->seconds);

	while (liar->made < wanted) {
		uint64_t due = begin.ns + (uint64_t)((double)liar->made / liar->rate * 1e9);
		uint64_t now = wr_clock_now().ns;

		if (due > now)
			poll(NULL, 0, (int)((due - now) / 1000000 + 1));
		wr_frame_begin(&liar->frame);
		lie->make(liar);
		for (unsigned i = 0; i < liar->victim_count; i++)
			liar_send(liar, &liar->victims[i]);
		liar->made++;
	}
}

/* --- Beginning. --- */

static bool read_file(struct liar *liar)
{
	FILE *file = fopen(liar->path, "rb");

	if (!file)
		return false;
	liar->record_len = fread(liar->record, 1, sizeof(liar->record), file);
	fclose(file);
	return liar->record_len > 0;
}

static bool write_file(const struct liar *liar)
{
	FILE *file = fopen(liar->path, "wb");
	bool is_written = file && fwrite(liar->record, liar->record_len, 1, file) == 1;

	return file && fclose(file) == 0 && is_written;
}

static void usage(void)
{
	fprintf(stderr, "usage: liar --from ADDRESS --to ADDRESS [--to ADDRESS...] "
			"[--about IDENTITY] [--mesh NAME] [--file PATH] [--rate N] [--seconds N] "
			"fetch|forge|replay|dead|found|foreign|promise|refuse\n");
	exit(2);
}

static bool read_address(const char *text, struct sockaddr_in6 *ret)
{
	struct wr_ip ip;

	if (!wr_ip_parse(text, strlen(text), &ip) || ip.family != WR_IPV6)
		return false;
	*ret = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	memcpy(&ret->sin6_addr, ip.bytes, sizeof(ret->sin6_addr));
	return true;
}

static bool read_option(struct liar *liar, int option, const char **mesh)
{
	switch (option) {
	case 'f': return read_address(optarg, &liar->own);
	case 't':
		return liar->victim_count < VICTIMS_MAX &&
		       read_address(optarg, &liar->victims[liar->victim_count++]);
	case 'a': return wr_key_from_base64(optarg, &liar->about);
	case 'm': *mesh = optarg; return true;
	case 'p': liar->path = optarg; return true;
	case 'r': liar->rate = atof(optarg); return liar->rate > 0;
	case 'n': liar->seconds = atof(optarg); return true;
	default: return false;
	}
}

static void read_arguments(struct liar *liar, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "about", required_argument, NULL, 'a' },
		{ "mesh", required_argument, NULL, 'm' },
		{ "file", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	const char *mesh = "home";
	struct wr_key root;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!read_option(liar, option, &mesh))
			usage();
	if (optind + 1 != argc || !liar->own.sin6_family || !liar->victim_count)
		usage();
	liar->what = argv[optind];
	if (strcmp(liar->what, "foreign") == 0)
		mesh = "elsewhere";
	if (wr_mesh_root(mesh, (struct wr_bytes){ 0 }, &root) < 0)
		abort();
	wr_mesh_keys(&root, &liar->keys);
}

static int run(struct liar *liar)
{
	bool is_fetching = strcmp(liar->what, "fetch") == 0;
	const struct lie *lie = liar_find(liar->what);
	struct wr_item item;

	if (!lie && !is_fetching)
		usage();
	if ((is_fetching || lie->needs_record) && !liar_fetch(liar)) {
		fprintf(stderr, "liar: there is no answer\n");
		return 1;
	}
	if (liar->path && !(is_fetching ? write_file(liar) : read_file(liar))) {
		fprintf(stderr, "liar: %s: %s\n", liar->path, strerror(errno));
		return 1;
	}
	if (lie)
		tell(liar, lie);
	if (!liar->record_len || !wr_item_read(liar_record(liar), &item))
		item = (struct wr_item){ 0 };
	printf("{\"sent\": %llu, \"refused\": %llu, \"version\": %llu, \"name\": \"%s\", "
	       "\"left\": %s}\n",
	       (unsigned long long)liar->sent, (unsigned long long)liar->refused,
	       (unsigned long long)item.version, item.record.name,
	       item.record.flags & WR_RECORD_LEFT ? "true" : "false");
	return !liar->sent;
}

int main(int argc, char **argv)
{
	static struct liar liar = { .rate = 50, .seconds = 2 };
	int status = wr_crypto_start();

	read_arguments(&liar, argc, argv);
	wr_random(&liar.seed, sizeof(liar.seed));
	if (status == 0)
		status = liar_open(&liar);
	if (status < 0) {
		fprintf(stderr, "liar: %s\n", strerror(-status));
		return 1;
	}
	status = run(&liar);
	close(liar.fd);
	return status;
}
