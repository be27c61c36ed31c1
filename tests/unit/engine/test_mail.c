#include "engine/mail.h"

#include "engine/worker.h"
#include "unit.h"

static struct wr_letter random_letter(struct unit_random *random, struct wr_peer *peer)
{
	struct wr_letter letter = {
		.kind = (enum wr_letter_kind)unit_random_below(random, 2),
		.peer = peer,
		.from = { .port = (uint16_t)unit_random_next(random),
			  .scope = (uint32_t)unit_random_next(random),
			  .interface = (uint32_t)unit_random_next(random) },
	};

	letter.from.ip.family = unit_random_below(random, 2) ? WR_IPV4 : WR_IPV6;
	unit_random_bytes(random, letter.from.ip.bytes, 16);
	letter.from.local.family = letter.from.ip.family;
	unit_random_bytes(random, letter.from.local.bytes, 16);
	return letter;
}

static void assert_letter(const struct wr_letter *got, const struct wr_letter *want)
{
	assert_int_equal(got->kind, want->kind);
	assert_ptr_equal(got->peer, want->peer);
	assert_true(wr_endpoint_equal(&got->from, &want->from));
}

static void test_mail_brings_a_letter_as_it_was_sent(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	struct wr_ring *ring = wr_ring_new(WR_MAIL_LEN);
	static uint8_t body[2048];
	struct wr_peer *peer = (struct wr_peer *)(void *)body;
	const struct wr_letter *got = NULL;
	struct wr_bytes got_body;

	(void)state;
	unit_random_bytes(&random, body, sizeof(body));
	assert_false(wr_mail_peek(ring, &got, &got_body));
	for (unsigned i = 0; i < 20000; i++) {
		struct wr_letter letter = random_letter(&random, peer);
		size_t len = unit_random_below(&random, sizeof(body) + 1);

		assert_true(wr_mail_push(ring, &letter, (struct wr_bytes){ body, len }));
		assert_true(wr_mail_peek(ring, &got, &got_body));
		assert_letter(got, &letter);
		assert_int_equal(got_body.len, len);
		assert_memory_equal(got_body.data, body, len);
		wr_ring_pop(ring);
		assert_false(wr_mail_peek(ring, &got, &got_body));
	}
	wr_ring_free(ring);
}

/* An empty letter, and one with the longest IP packet. */
static void test_mail_takes_bodies_of_any_length(void **state)
{
	static uint8_t body[65535];
	struct wr_ring *ring = wr_ring_new(WR_PACKET_MAIL_LEN);
	struct wr_letter letter = { .kind = WR_LETTER_PACKET };
	const struct wr_letter *got = NULL;
	struct wr_bytes got_body;

	(void)state;
	memset(body, 7, sizeof(body));
	for (unsigned i = 0; i < 20; i++) {
		assert_true(wr_mail_push(ring, &letter, (struct wr_bytes){ body, sizeof(body) }));
		assert_true(wr_mail_push(ring, &letter, (struct wr_bytes){ 0 }));
		assert_true(wr_mail_peek(ring, &got, &got_body));
		assert_int_equal(got_body.len, sizeof(body));
		assert_memory_equal(got_body.data, body, sizeof(body));
		wr_ring_pop(ring);
		assert_true(wr_mail_peek(ring, &got, &got_body));
		assert_int_equal(got_body.len, 0);
		assert_int_equal(got->kind, WR_LETTER_PACKET);
		wr_ring_pop(ring);
	}
	wr_ring_free(ring);
}

/* What worker.h says: some 500 of handshake datagrams. */
static void test_mail_is_refused_when_the_ring_is_full(void **state)
{
	struct wr_ring *ring = wr_ring_new(WR_MAIL_LEN);
	struct wr_letter letter = { .kind = WR_LETTER_HANDSHAKE };
	static uint8_t body[148];
	const struct wr_letter *got = NULL;
	struct wr_bytes got_body;
	unsigned count = 0, read = 0;

	(void)state;
	for (; wr_mail_push(ring, &letter, (struct wr_bytes){ body, sizeof(body) }); count++)
		letter.from.port++;
	assert_in_range(count, 450, 700);
	for (; wr_mail_peek(ring, &got, &got_body); read++) {
		assert_int_equal(got->from.port, read);
		wr_ring_pop(ring);
	}
	assert_int_equal(read, count);
	wr_ring_free(ring);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_brings_a_letter_as_it_was_sent),
		cmocka_unit_test(test_mail_takes_bodies_of_any_length),
		cmocka_unit_test(test_mail_is_refused_when_the_ring_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
