#include "crypto/aead.h"

#include "crypto/crypto.h"
#include "naive_aead.h"

#define MAX_LEN 4096
#define TAG WR_AEAD_TAG_LEN

static struct wr_bytes text(const char *string)
{
	return (struct wr_bytes){ (const uint8_t *)string, strlen(string) };
}

/* RFC 8439 section 2.8.2. */
static void test_aead_naive_twin_equals_the_rfc(void **state)
{
	static const char plain[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you "
		"only one tip for the future, sunscreen would be it.";
	uint8_t key[32], nonce[12], additional[12], want[130], got[130];
	size_t len = sizeof(plain) - 1;

	(void)state;
	unit_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", key, 32);
	unit_hex("070000004041424344454647", nonce, 12);
	unit_hex("50515253c0c1c2c3c4c5c6c7", additional, 12);
	assert_int_equal(
		unit_hex("d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6"
			 "3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36"
			 "92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc"
			 "3ff4def08e4b7a9de576d26586cec64b 6116"
			 "1ae10b594f09e26a7e902ecbd0600691",
			 want, sizeof(want)),
		len + TAG);
	naive_seal(key, nonce, text(plain), (struct wr_bytes){ additional, 12 }, got);
	assert_memory_equal(got, want, sizeof(want));
}

struct fixture {
	const struct wr_aead *aead;
	struct wr_aead_context *context;
	struct unit_random random;
};

static struct fixture begin(const struct wr_aead *aead, const char *name)
{
	struct fixture fixture = { .aead = aead, .random = unit_random_start(name) };

	print_message("backend: %s\n", aead->name);
	fixture.context = aead->context_new();
	assert_non_null(fixture.context);
	return fixture;
}

static void end(struct fixture *fixture)
{
	fixture->aead->context_free(fixture->context);
}

static void for_all(void (*run)(struct fixture *fixture), const char *name)
{
	const struct wr_aead *const *all = wr_aead_all();

	assert_non_null(all[0]);
	for (size_t i = 0; all[i]; i++) {
		struct fixture fixture = begin(all[i], name);

		run(&fixture);
		end(&fixture);
	}
}

static void counter_nonce(uint64_t counter, uint8_t ret[12])
{
	naive_store(ret, 0, 4);
	naive_store(ret + 4, counter, 8);
}

/* Room for a packet, with bytes after it that must stay. */
struct packet {
	uint8_t bytes[MAX_LEN + TAG + 32];
};

static void guard(struct packet *packet, size_t len)
{
	memset(packet->bytes + len, 0xa5, 32);
}

static void assert_guarded(const struct packet *packet, size_t len)
{
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(packet->bytes[len + i], 0xa5);
}

static void seal_and_open(struct fixture *f, const struct wr_key *key, uint32_t len,
			  uint64_t counter, bool is_in_place)
{
	static struct packet plain, sealed, opened, want;
	uint8_t nonce[12];
	struct wr_aead_job job = { .len = len, .counter = counter, .dst = sealed.bytes };

	unit_random_bytes(&f->random, plain.bytes, len);
	counter_nonce(counter, nonce);
	naive_seal(key->bytes, nonce, (struct wr_bytes){ plain.bytes, len }, (struct wr_bytes){ 0 },
		   want.bytes);

	memset(sealed.bytes, 0, sizeof(sealed.bytes));
	memcpy(sealed.bytes, plain.bytes, len);
	guard(&sealed, len + TAG);
	job.src = is_in_place ? sealed.bytes : plain.bytes;
	f->aead->seal(f->context, key, &job, 1);
	assert_memory_equal(sealed.bytes, want.bytes, len + TAG);
	assert_guarded(&sealed, len + TAG);

	job.src = sealed.bytes;
	job.dst = is_in_place ? sealed.bytes : opened.bytes;
	if (!is_in_place)
		guard(&opened, len);
	f->aead->open(f->context, key, &job, 1);
	assert_true(job.is_authentic);
	assert_memory_equal(job.dst, plain.bytes, len);
	if (!is_in_place)
		assert_guarded(&opened, len);
}

static void run_lengths(struct fixture *f)
{
	struct wr_key key;

	for (uint32_t len = 0; len <= MAX_LEN; len += len < 600 ? 1 : 41) {
		unit_random_bytes(&f->random, key.bytes, sizeof(key.bytes));
		seal_and_open(f, &key, len, unit_random_next(&f->random), len % 2);
		seal_and_open(f, &key, len, len, !(len % 2));
	}
	seal_and_open(f, &key, MAX_LEN, UINT64_MAX, true);
}

static void test_aead_equals_its_naive_twin_at_all_lengths(void **state)
{
	(void)state;
	for_all(run_lengths, __func__);
}

#define BATCH 300

static void fill_batch(struct fixture *f, struct wr_aead_job *jobs, struct packet *packets,
		       struct packet *want, const struct wr_key *key)
{
	for (size_t i = 0; i < BATCH; i++) {
		uint8_t nonce[12];

		jobs[i] = (struct wr_aead_job){
			.src = packets[i].bytes,
			.dst = packets[i].bytes,
			.len = (uint32_t)unit_random_below(&f->random, 1500),
			.counter = 1000 + i,
		};
		unit_random_bytes(&f->random, packets[i].bytes, jobs[i].len);
		counter_nonce(jobs[i].counter, nonce);
		naive_seal(key->bytes, nonce, (struct wr_bytes){ packets[i].bytes, jobs[i].len },
			   (struct wr_bytes){ 0 }, want[i].bytes);
	}
}

/* More packets than any library holds at a time, opened with every seventh forged. */
static void run_batches(struct fixture *f)
{
	static struct packet packets[BATCH], want[BATCH];
	struct wr_aead_job jobs[BATCH];
	struct wr_key key;

	unit_random_bytes(&f->random, key.bytes, sizeof(key.bytes));
	fill_batch(f, jobs, packets, want, &key);
	f->aead->seal(f->context, &key, jobs, BATCH);
	for (size_t i = 0; i < BATCH; i++) {
		assert_memory_equal(packets[i].bytes, want[i].bytes, jobs[i].len + TAG);
		if (i % 7 == 0)
			packets[i].bytes[unit_random_below(&f->random, jobs[i].len + TAG)] ^= 1;
	}
	f->aead->open(f->context, &key, jobs, BATCH);
	for (size_t i = 0; i < BATCH; i++)
		assert_int_equal(jobs[i].is_authentic, i % 7 != 0);
	f->aead->seal(f->context, &key, jobs, 0);
	f->aead->open(f->context, &key, jobs, 0);
}

static void test_aead_takes_many_packets_at_a_time(void **state)
{
	(void)state;
	for_all(run_batches, __func__);
}

static void run_forged(struct fixture *f)
{
	uint8_t sealed[40 + TAG], tampered[sizeof(sealed)];
	struct wr_key key = { { 1, 2, 3 } };
	struct wr_aead_job job = { .src = sealed, .dst = sealed, .len = 40, .counter = 9 };

	memset(sealed, 7, sizeof(sealed));
	f->aead->seal(f->context, &key, &job, 1);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		memcpy(tampered, sealed, sizeof(sealed));
		tampered[bit / 8] ^= (uint8_t)(1 << bit % 8);
		job = (struct wr_aead_job){ .src = tampered,
					    .dst = tampered,
					    .len = 40,
					    .counter = 9,
					    .is_authentic = true };
		f->aead->open(f->context, &key, &job, 1);
		assert_false(job.is_authentic);
	}
	job = (struct wr_aead_job){ .src = sealed, .dst = tampered, .len = 40, .counter = 8 };
	f->aead->open(f->context, &key, &job, 1);
	assert_false(job.is_authentic);
	job.counter = 9;
	job.len = 39;
	f->aead->open(f->context, &key, &job, 1);
	assert_false(job.is_authentic);
	key.bytes[31] ^= 0x80;
	job.len = 40;
	f->aead->open(f->context, &key, &job, 1);
	assert_false(job.is_authentic);
}

static void test_aead_refuses_every_flipped_bit(void **state)
{
	(void)state;
	for_all(run_forged, __func__);
}

/* Contexts keep no trace of the packets before: two, used by turns, with keys and
 * directions by turns. */
static void run_turns(struct fixture *f)
{
	struct fixture other = *f;
	struct wr_key keys[2] = { { { 1 } }, { { 2 } } };

	other.context = f->aead->context_new();
	assert_non_null(other.context);
	for (uint32_t i = 0; i < 200; i++)
		seal_and_open(i % 3 ? f : &other, &keys[i % 2], i * 7, i, i & 4);
	f->aead->context_free(other.context);
	f->aead->context_free(NULL);
}

static void test_aead_contexts_may_be_used_by_turns(void **state)
{
	(void)state;
	for_all(run_turns, __func__);
}

/* Batches of all sorts by one backend and by libcrypto, each packet at a place of its
 * own: long and short, aligned and not, in place and not, some forged. */
#define MOST_JOBS 40
#define ROOM (65535 + TAG + 64)

struct sorts {
	struct wr_key key;
	size_t count;
	struct wr_aead_job jobs[MOST_JOBS], want[MOST_JOBS];
	uint8_t *src[MOST_JOBS], *dst[MOST_JOBS], *plain[MOST_JOBS], *sealed[MOST_JOBS];
};

static uint32_t random_len(struct unit_random *random)
{
	static const uint32_t most[] = { 20, 130, 300, 1500, 1500, 1500, 4200 };

	if (unit_random_below(random, 400) == 0)
		return (uint32_t)unit_random_below(random, 65536);
	return (uint32_t)unit_random_below(random, most[unit_random_below(random, 7)] + 1);
}

static void fill_sorts(struct sorts *sorts, struct unit_random *random)
{
	uint64_t counter = unit_random_next(random) >> unit_random_below(random, 64);

	unit_random_bytes(random, sorts->key.bytes, sizeof(sorts->key.bytes));
	sorts->count = 1 + unit_random_below(random, unit_random_below(random, 2) ? 3 : MOST_JOBS);
	for (size_t i = 0; i < sorts->count; i++) {
		uint8_t *src = sorts->src[i] + unit_random_below(random, 64);
		uint8_t *dst = sorts->dst[i] + unit_random_below(random, 64);
		uint32_t len = random_len(random);

		unit_random_bytes(random, sorts->plain[i], len);
		memcpy(src, sorts->plain[i], len);
		sorts->jobs[i] = (struct wr_aead_job){
			.src = src,
			.dst = unit_random_below(random, 2) ? src : dst,
			.len = len,
			.counter = counter + i,
		};
		sorts->want[i] = sorts->jobs[i];
		sorts->want[i].src = sorts->plain[i];
		sorts->want[i].dst = sorts->sealed[i];
	}
}

/* What was written is read, in place or to where it came from; every fifth is forged. */
static void turn_round(struct sorts *sorts, struct unit_random *random)
{
	for (size_t i = 0; i < sorts->count; i++) {
		struct wr_aead_job *job = &sorts->jobs[i];
		uint8_t *text = job->dst;

		if (i % 5 == 4)
			text[unit_random_below(random, job->len + TAG)] ^= 0x10;
		job->dst = unit_random_below(random, 2) || job->src == text ? text : sorts->src[i];
		job->src = text;
		job->is_authentic = i % 5 == 4;
	}
}

static void compare_sorts(struct fixture *f, struct sorts *sorts, struct wr_aead_context *libcrypto)
{
	fill_sorts(sorts, &f->random);
	f->aead->seal(f->context, &sorts->key, sorts->jobs, sorts->count);
	wr_aead_pick("libcrypto")->seal(libcrypto, &sorts->key, sorts->want, sorts->count);
	for (size_t i = 0; i < sorts->count; i++)
		assert_memory_equal(sorts->jobs[i].dst, sorts->sealed[i], sorts->jobs[i].len + TAG);
	turn_round(sorts, &f->random);
	f->aead->open(f->context, &sorts->key, sorts->jobs, sorts->count);
	for (size_t i = 0; i < sorts->count; i++) {
		assert_int_equal(sorts->jobs[i].is_authentic, i % 5 != 4);
		if (sorts->jobs[i].is_authentic)
			assert_memory_equal(sorts->jobs[i].dst, sorts->plain[i],
					    sorts->jobs[i].len);
	}
}

static void run_sorts(struct fixture *f)
{
	struct wr_aead_context *libcrypto = wr_aead_pick("libcrypto")->context_new();
	struct sorts *sorts = calloc(1, sizeof(*sorts));
	uint8_t *memory = malloc((size_t)4 * MOST_JOBS * ROOM);

	assert_true(libcrypto && sorts && memory);
	for (size_t i = 0; i < MOST_JOBS; i++) {
		sorts->src[i] = memory + 4 * i * ROOM;
		sorts->dst[i] = sorts->src[i] + ROOM;
		sorts->plain[i] = sorts->dst[i] + ROOM;
		sorts->sealed[i] = sorts->plain[i] + ROOM;
	}
	for (unsigned round = 0; round < 300; round++)
		compare_sorts(f, sorts, libcrypto);
	free(memory);
	free(sorts);
	wr_aead_pick("libcrypto")->context_free(libcrypto);
}

static void test_aead_equals_libcrypto_on_batches_of_all_sorts(void **state)
{
	(void)state;
	for_all(run_sorts, __func__);
}

static void test_aead_pick_finds_by_name(void **state)
{
	const struct wr_aead *const *all = wr_aead_all();

	(void)state;
	assert_ptr_equal(wr_aead_pick(NULL), all[0]);
	assert_ptr_equal(wr_aead_pick("no such"), all[0]);
	for (size_t i = 0; all[i]; i++)
		assert_ptr_equal(wr_aead_pick(all[i]->name), all[i]);
	assert_string_equal(wr_aead_pick("libcrypto")->name, "libcrypto");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aead_naive_twin_equals_the_rfc),
		cmocka_unit_test(test_aead_equals_its_naive_twin_at_all_lengths),
		cmocka_unit_test(test_aead_takes_many_packets_at_a_time),
		cmocka_unit_test(test_aead_refuses_every_flipped_bit),
		cmocka_unit_test(test_aead_contexts_may_be_used_by_turns),
		cmocka_unit_test(test_aead_equals_libcrypto_on_batches_of_all_sorts),
		cmocka_unit_test(test_aead_pick_finds_by_name),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
