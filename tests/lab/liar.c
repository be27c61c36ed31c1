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
 *
 * The rate is that of frames to each. Exits with 1 where nothing could be asked for or sent. */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "gossip/blob.h"
#include "linux/clock.h"
#include "wire/frame.h"
#include "wire/mesh_key.h"

#define VICTIMS_MAX 8
#define UDP_HEAD_LEN 8
#define UDP_CHECKSUM_AT 6
/* For an answer; then it asks again. */
#define ANSWER_MS 200
#define ASK_TIMES 50
/* What it says is dead is asked for again after so many frames: it objects. */
#define LOOK_EACH 10

struct liar {
	const char *what, *path;
	int fd;
	struct sockaddr_in6 own, victims[VICTIMS_MAX];
	unsigned victim_count;
	struct wr_key about, seed;
	struct wr_mesh_keys keys;
	double rate, seconds;
	uint8_t record[WR_ITEM_MAX_LEN];
	size_t record_len;
	struct wr_frame_writer frame;
	uint64_t made, sent, refused;
};

/* --- Sending and hearing. --- */

/* The port is the daemon's own: a raw socket may use it, too. The kernel makes the checksum. */
static int open_socket(struct liar *liar)
{
	int at = UDP_CHECKSUM_AT;

	liar->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	if (liar->fd < 0 || setsockopt(liar->fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof(at)) < 0)
		return -errno;
	return bind(liar->fd, (const struct sockaddr *)&liar->own, sizeof(liar->own)) < 0 ? -errno
											  : 0;
}

static void send_frame(struct liar *liar, const struct sockaddr_in6 *to)
{
	uint8_t datagram[UDP_HEAD_LEN + WR_FRAME_MAX_LEN] = { 0 };
	size_t len = UDP_HEAD_LEN + liar->frame.len;
	uint16_t head[] = { htons(WR_GOSSIP_PORT), htons(WR_GOSSIP_PORT), htons((uint16_t)len), 0 };

	memcpy(datagram, head, sizeof(head));
	memcpy(datagram + UDP_HEAD_LEN, liar->frame.bytes, liar->frame.len);
	if (sendto(liar->fd, datagram, len, 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		liar->refused++;
	else
		liar->sent++;
}

/* If the record that is looked for is in it: kept. */
static bool take_record(struct liar *liar, struct wr_bytes frame)
{
	struct wr_reader reader;
	struct wr_frame_part part;
	struct wr_item_head head;

	if (!wr_frame_check(frame))
		return false;
	reader = wr_frame_parts(frame);
	while (wr_frame_next(&reader, &part)) {
		if (part.kind != WR_FRAME_ITEM || !wr_item_peek(part.item, &head) ||
		    head.kind != WR_ITEM_RECORD || !wr_key_equal(head.subject, &liar->about))
			continue;
		memcpy(liar->record, part.item.data, part.item.len);
		liar->record_len = part.item.len;
		return true;
	}
	return false;
}

static bool hear_record(struct liar *liar)
{
	struct wr_instant end = wr_after(wr_clock_now(), WR_SPAN_MS(ANSWER_MS));
	uint8_t datagram[2048];

	while (!wr_is_past(end, wr_clock_now())) {
		struct pollfd waiting = { .fd = liar->fd, .events = POLLIN };
		ssize_t len;

		if (poll(&waiting, 1, ANSWER_MS) <= 0)
			return false;
		len = recv(liar->fd, datagram, sizeof(datagram), MSG_DONTWAIT);
		if (len > UDP_HEAD_LEN &&
		    take_record(liar, (struct wr_bytes){ datagram + UDP_HEAD_LEN,
							 (size_t)len - UDP_HEAD_LEN }))
			return true;
	}
	return false;
}

/* Its daemon hears the answer as well, and knows it already. */
static bool fetch(struct liar *liar)
{
	struct wr_frame_mark mark = { .key = wr_gossip_key(WR_ITEM_RECORD, &liar->about) };

	for (int i = 0; i < ASK_TIMES; i++) {
		wr_frame_begin(&liar->frame);
		if (!wr_frame_add_mark(&liar->frame, WR_FRAME_WANT, mark))
			abort();
		send_frame(liar, &liar->victims[0]);
		if (hear_record(liar))
			return true;
	}
	return false;
}

/* --- Lies. --- */

static struct wr_bytes record_of(const struct liar *liar)
{
	return (struct wr_bytes){ liar->record, liar->record_len };
}

static void add_item(struct liar *liar, bool is_gone, struct wr_bytes item)
{
	if (!wr_frame_add_item(&liar->frame, is_gone, is_gone ? 1 : 0, item))
		abort();
}

static void add_signed(struct liar *liar, struct wr_item *item)
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;

	memcpy(item->mesh, liar->keys.tag, sizeof(item->mesh));
	len = wr_item_write(item, &liar->seed, bytes);
	if (!len)
		abort();
	add_item(liar, false, (struct wr_bytes){ bytes, len });
}

/* In the liar's own name, or in that of the other, who did not sign it. */
static void forge(struct liar *liar)
{
	struct wr_item item;
	struct wr_item_head head;
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;

	if (!wr_item_read(record_of(liar), &item))
		abort();
	item.version += 1 + liar->made;
	snprintf(item.record.name, sizeof(item.record.name), "forged");
	item.subject = wr_sign_public(&liar->seed);
	len = wr_item_write(&item, &liar->seed, bytes);
	if (!len || !wr_item_peek((struct wr_bytes){ bytes, len }, &head))
		abort();
	memcpy(bytes + (head.subject->bytes - bytes), &liar->about, sizeof(liar->about));
	if (liar->made % 2)
		memcpy(bytes + (head.signer->bytes - bytes), &liar->about, sizeof(liar->about));
	add_item(liar, false, (struct wr_bytes){ bytes, len });
}

static void replay(struct liar *liar)
{
	add_item(liar, liar->made % 2, record_of(liar));
}

/* All that a member may say of another that is dead. */
static void call_dead(struct liar *liar)
{
	struct wr_gossip_blob *blob;
	struct wr_frame_mark mark;

	if (liar->made % LOOK_EACH == 0 && !fetch(liar))
		abort();
	blob = wr_gossip_blob_new(record_of(liar));
	if (!blob)
		abort();
	mark = (struct wr_frame_mark){ blob->key,
				       (uint32_t)(blob->digest >> 32) | WR_FRAME_PRINT_DEAD };
	wr_gossip_blob_unref(blob);
	wr_frame_begin(&liar->frame);
	if (!wr_frame_add_mark(&liar->frame, WR_FRAME_SUSPECT, mark) ||
	    !wr_frame_add_mark(&liar->frame, WR_FRAME_CALLED, mark) ||
	    !wr_frame_add_mark(&liar->frame, WR_FRAME_HAVE, mark) ||
	    !wr_frame_add_death(&liar->frame, (struct wr_frame_death){ mark, 1 }))
		abort();
	add_item(liar, true, record_of(liar));
}

static void found(struct liar *liar)
{
	static const char policy[] = "default deny\n";
	struct wr_key founder = wr_sign_public(&liar->seed);
	struct wr_item item = { .kind = WR_ITEM_CHARTER, .version = 1 + liar->made };

	switch (liar->made % 4) {
	case 0:
		item.subject = founder;
		item.charter.is_closed = true;
		break;
	case 1:
		item.kind = WR_ITEM_CERTIFICATE;
		item.subject = liar->about;
		break;
	case 2:
		item.kind = WR_ITEM_REVOCATION;
		item.subject = liar->about;
		break;
	default:
		item.kind = WR_ITEM_POLICY;
		item.policy.count = 1;
		item.policy.text = (struct wr_bytes){ (const uint8_t *)policy, strlen(policy) };
		break;
	}
	add_signed(liar, &item);
}

static void tell_of_another_mesh(struct liar *liar)
{
	struct wr_item item = { .kind = WR_ITEM_RECORD, .version = 1 };

	item.subject = wr_sign_public(&liar->seed);
	add_signed(liar, &item);
}

static void promise(struct liar *liar)
{
	struct wr_frame_mark mark;

	do {
		wr_random(&mark, sizeof(mark));
	} while (wr_frame_add_mark(&liar->frame, WR_FRAME_HAVE, mark));
}

static const struct lie {
	const char *what;
	bool needs_record;
	void (*make)(struct liar *liar);
} lies[] = {
	{ "forge", true, forge },      { "replay", false, replay },
	{ "dead", true, call_dead },   { "found", false, found },
	{ "promise", false, promise }, { "foreign", false, tell_of_another_mesh },
};

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
			send_frame(liar, &liar->victims[i]);
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
			"fetch|forge|replay|dead|found|foreign|promise\n");
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

static const struct lie *find_lie(const char *what)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(lies); i++)
		if (strcmp(lies[i].what, what) == 0)
			return &lies[i];
	return NULL;
}

static int run(struct liar *liar)
{
	bool is_fetching = strcmp(liar->what, "fetch") == 0;
	const struct lie *lie = find_lie(liar->what);
	struct wr_item item;

	if (!lie && !is_fetching)
		usage();
	if ((is_fetching || lie->needs_record) && !fetch(liar)) {
		fprintf(stderr, "liar: there is no answer\n");
		return 1;
	}
	if (liar->path && !(is_fetching ? write_file(liar) : read_file(liar))) {
		fprintf(stderr, "liar: %s: %s\n", liar->path, strerror(errno));
		return 1;
	}
	if (lie)
		tell(liar, lie);
	if (!liar->record_len || !wr_item_read(record_of(liar), &item))
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
		status = open_socket(&liar);
	if (status < 0) {
		fprintf(stderr, "liar: %s\n", strerror(-status));
		return 1;
	}
	status = run(&liar);
	close(liar.fd);
	return status;
}
