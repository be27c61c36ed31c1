#include "gossip/admission.h"

#include "crypto/crypto.h"
#include "mesh_items.h"

/* Seeds by number: members from 1, founders from 100. */
#define FOUNDER 100
#define OTHER_FOUNDER 101

#define DAY UINT64_C(86400)
#define NOW (20000 * DAY)

static struct wr_wall at(uint64_t seconds)
{
	return (struct wr_wall){ seconds * UINT64_C(1000000000) };
}

static struct wr_admission *make(void)
{
	struct wr_admission *admission = wr_admission_new(mesh_tag, NULL);

	assert_non_null(admission);
	return admission;
}

static bool check(struct wr_admission *admission, struct mesh_item item)
{
	return wr_admission_check(admission, mesh_bytes(&item));
}

/* Checks and takes; what changed. */
static unsigned take(struct wr_admission *admission, struct mesh_item item)
{
	assert_true(check(admission, item));
	return wr_admission_take(admission, mesh_bytes(&item));
}

static struct wr_admission *make_closed(void)
{
	struct wr_admission *admission = make();

	assert_int_equal(take(admission, mesh_charter(FOUNDER, 1, true)), WR_ADMISSION_MEMBERS);
	return admission;
}

static enum wr_admitted admits(const struct wr_admission *admission, uint8_t member,
			       uint64_t seconds)
{
	struct wr_key identity = mesh_identity(member);

	return wr_admission_admits(admission, &identity, at(seconds));
}

static struct wr_admission_figures look(const struct wr_admission *admission)
{
	struct wr_admission_figures figures;

	wr_admission_look(admission, &figures);
	return figures;
}

/* --- The founder. --- */

static void test_admission_without_a_charter_admits_all(void **state)
{
	struct wr_admission *admission = make();

	(void)state;
	assert_null(wr_admission_founder(admission));
	assert_false(wr_admission_is_closed(admission));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW)).ns, UINT64_MAX);
	assert_true(check(admission, mesh_record(1, 1, "db")));
	/* Nobody is the founder yet: who could have signed these? */
	assert_false(check(admission, mesh_certificate(FOUNDER, 1, 1, 0)));
	assert_false(check(admission, mesh_revocation(FOUNDER, 1, 1, 0)));
	assert_int_equal(look(admission).forged, 0);
	wr_admission_free(admission);
	wr_admission_free(NULL);
}

static void test_admission_first_charter_makes_the_founder(void **state)
{
	struct wr_key founder = mesh_identity(FOUNDER);
	struct wr_admission *admission = make();

	(void)state;
	/* Checking is enough: a second one does not pass before the first is taken. */
	assert_true(check(admission, mesh_charter(FOUNDER, 1, true)));
	assert_memory_equal(wr_admission_founder(admission), &founder, sizeof(founder));
	assert_false(wr_admission_is_closed(admission));
	assert_false(check(admission, mesh_charter(OTHER_FOUNDER, 1, true)));
	assert_int_equal(look(admission).other_founders, 1);
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 1, true)), WR_ADMISSION_MEMBERS);
	assert_true(wr_admission_is_closed(admission));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_NOT);
	wr_admission_free(admission);
}

static void test_admission_pinned_founder_stays(void **state)
{
	struct wr_key founder = mesh_identity(FOUNDER);
	struct wr_admission *admission = wr_admission_new(mesh_tag, &founder);

	(void)state;
	assert_false(check(admission, mesh_charter(OTHER_FOUNDER, 9, false)));
	assert_false(check(admission, mesh_certificate(OTHER_FOUNDER, 1, 9, 0)));
	assert_false(check(admission, mesh_revocation(OTHER_FOUNDER, 1, 9, 0)));
	assert_int_equal(look(admission).other_founders, 1);
	assert_int_equal(look(admission).forged, 2);
	/* Before its charter, too. */
	assert_int_equal(take(admission, mesh_certificate(FOUNDER, 1, 1, 0)), WR_ADMISSION_MEMBERS);
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 2, true)), WR_ADMISSION_MEMBERS);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_memory_equal(wr_admission_founder(admission), &founder, sizeof(founder));
	wr_admission_free(admission);
}

/* Items that come from elsewhere than check(), the disk say, do no harm. */
static void test_admission_takes_only_what_its_founder_signed(void **state)
{
	struct wr_admission *admission = make_closed();
	struct mesh_item items[] = { mesh_certificate(OTHER_FOUNDER, 1, 1, 0),
				     mesh_charter(OTHER_FOUNDER, 9, false), mesh_record(1, 1, "db"),
				     mesh_record(FOUNDER, 1, "db") };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(items); i++)
		assert_int_equal(wr_admission_take(admission, mesh_bytes(&items[i])), 0);
	assert_int_equal(wr_admission_take(admission, (struct wr_bytes){ items[0].bytes, 10 }), 0);
	assert_true(wr_admission_is_closed(admission));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_NOT);
	wr_admission_free(admission);
}

static void test_admission_older_charters_change_nothing(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 1, false)), 0);
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 0, false)), 0);
	assert_true(wr_admission_is_closed(admission));
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 5, true)), 0);
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 4, false)), 0);
	assert_true(wr_admission_is_closed(admission));
	assert_int_equal(take(admission, mesh_charter(FOUNDER, 6, false)), WR_ADMISSION_MEMBERS);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	wr_admission_free(admission);
}

/* --- What is refused. --- */

static void test_admission_counts_what_it_refuses(void **state)
{
	struct wr_admission *admission = make_closed();
	struct mesh_item item = mesh_record(1, 1, "db");

	(void)state;
	item.bytes[item.len - 1] ^= 1;
	assert_false(check(admission, item));
	assert_int_equal(look(admission).forged, 1);
	item = mesh_certificate(FOUNDER, 1, 1, 0);
	item.bytes[item.len - 1] ^= 1;
	assert_false(check(admission, item));
	assert_int_equal(look(admission).forged, 2);
	item = mesh_record(1, 1, "db");
	item.bytes[1] ^= 1; /* the mesh's tag */
	assert_false(check(admission, item));
	assert_int_equal(look(admission).foreign, 1);
	item = mesh_record(1, 1, "db");
	item.bytes[86] = '_'; /* the name */
	assert_false(check(admission, item));
	item.len = 10;
	assert_false(check(admission, item));
	assert_int_equal(look(admission).malformed, 2);
	wr_admission_free(admission);
}

/* The item for another subject. Its signature is of no use any more, which check() looks at last
 * and take() not at all: twenty thousand signatures take their time. */
static struct mesh_item *for_number(struct mesh_item *item, size_t number)
{
	uint8_t *subject = item->bytes + 1 + WR_MESH_TAG_LEN + WR_KEY_LEN;

	memset(subject, 0, WR_KEY_LEN);
	memcpy(subject, &number, sizeof(number));
	return item;
}

static unsigned take_for(struct wr_admission *admission, struct mesh_item *item, size_t number)
{
	return wr_admission_take(admission, mesh_bytes(for_number(item, number)));
}

static void test_admission_that_is_full_says_so_and_forgets_nothing(void **state)
{
	struct mesh_item certificate = mesh_certificate(FOUNDER, 1, 1, 0);
	struct mesh_item revocation = mesh_revocation(FOUNDER, 1, 1, 0);
	struct wr_admission *admission = make_closed();

	(void)state;
	take(admission, certificate);
	take(admission, revocation);
	for (size_t i = 2; i <= WR_ADMISSION_MAX; i++)
		assert_int_not_equal(take_for(admission, &certificate, i), 0);
	/* Of others: the one table's being full is not the other's. */
	for (size_t i = 2; i <= WR_ADMISSION_MAX; i++)
		assert_int_not_equal(take_for(admission, &revocation, WR_ADMISSION_MAX + i), 0);
	assert_int_equal(look(admission).certificates, WR_ADMISSION_MAX);
	assert_int_equal(look(admission).revocations, WR_ADMISSION_MAX);
	assert_int_equal(look(admission).full, 0);
	assert_int_equal(take_for(admission, &certificate, WR_ADMISSION_MAX + 1), 0);
	assert_int_equal(take_for(admission, &revocation, 2 * WR_ADMISSION_MAX + 1), 0);
	assert_false(check(admission, mesh_certificate(FOUNDER, 2, 1, 0)));
	assert_false(check(admission, mesh_revocation(FOUNDER, 2, 1, 0)));
	assert_int_equal(look(admission).full, 4);
	assert_int_equal(look(admission).certificates, WR_ADMISSION_MAX);
	assert_int_equal(look(admission).revocations, WR_ADMISSION_MAX);
	/* Newer ones of who is known find room, and who is out stays out. */
	assert_int_not_equal(take(admission, mesh_certificate(FOUNDER, 1, 2, 0)), 0);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_not_equal(take(admission, mesh_revocation(FOUNDER, 1, 2, 0)), 0);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_REVOKED);
	wr_admission_free(admission);
}

/* --- Certificates. --- */

static void test_admission_certificate_admits(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	assert_int_equal(take(admission, mesh_certificate(FOUNDER, 1, 2, 0)), WR_ADMISSION_MEMBERS);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_equal(admits(admission, 2, NOW), WR_ADMITTED_NOT);
	assert_int_equal(look(admission).certificates, 1);
	wr_admission_free(admission);
}

static void test_admission_certificate_says_name_and_tags(void **state)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CERTIFICATE, 7);
	struct wr_admission *admission = make_closed();
	struct wr_certificate certificate;
	struct wr_key identity = mesh_identity(1), other = mesh_identity(2);
	uint64_t serial;

	(void)state;
	item.subject = identity;
	item.certificate = (struct wr_certificate){
		.name = "db", .tag_count = 2, .tags = { "prod", "eu" }, .not_after = NOW
	};
	assert_string_equal(wr_admission_name(admission, &identity), "");
	assert_false(wr_admission_certificate(admission, &identity, &certificate, &serial));
	take(admission, mesh_sign(&item, FOUNDER));
	assert_true(wr_admission_certificate(admission, &identity, &certificate, &serial));
	assert_int_equal(serial, 7);
	assert_string_equal(certificate.name, "db");
	assert_int_equal(certificate.tag_count, 2);
	assert_string_equal(certificate.tags[0], "prod");
	assert_string_equal(certificate.tags[1], "eu");
	assert_int_equal(certificate.not_after, NOW);
	assert_string_equal(wr_admission_name(admission, &identity), "db");
	assert_false(wr_admission_certificate(admission, &other, &certificate, NULL));
	/* A newer one takes its place, an older one does not. */
	take(admission, mesh_certificate(FOUNDER, 1, 8, 0));
	assert_int_equal(take(admission, mesh_sign(&item, FOUNDER)), 0);
	assert_true(wr_admission_certificate(admission, &identity, &certificate, NULL));
	assert_string_equal(wr_admission_name(admission, &identity), "");
	assert_int_equal(certificate.tag_count, 0);
	/* It is there still when it is void. */
	take(admission, mesh_revocation(FOUNDER, 1, 8, 0));
	assert_true(wr_admission_certificate(admission, &identity, &certificate, &serial));
	assert_int_equal(serial, 8);
	wr_admission_free(admission);
}

static void test_admission_name_is_taken_while_its_owner_is_in(void **state)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CERTIFICATE, 7);
	struct wr_key owner = mesh_identity(1), other = mesh_identity(2);
	struct wr_admission *admission = make_closed();

	(void)state;
	item.subject = owner;
	item.certificate = (struct wr_certificate){ .name = "db", .not_after = NOW };
	assert_false(wr_admission_is_name_taken(admission, "db", &other, at(NOW)));
	take(admission, mesh_sign(&item, FOUNDER));
	take(admission, mesh_certificate(FOUNDER, 3, 8, 0));
	assert_true(wr_admission_is_name_taken(admission, "db", &other, at(NOW)));
	assert_false(wr_admission_is_name_taken(admission, "db", &owner, at(NOW)));
	assert_false(wr_admission_is_name_taken(admission, "web", &other, at(NOW)));
	assert_false(wr_admission_is_name_taken(admission, "db", &other, at(NOW + 600)));
	take(admission, mesh_revocation(FOUNDER, 1, 7, 0));
	assert_false(wr_admission_is_name_taken(admission, "db", &other, at(NOW)));
	wr_admission_free(admission);
}

static void test_admission_expiry_has_slack(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	take(admission, mesh_certificate(FOUNDER, 1, 1, NOW));
	assert_int_equal(admits(admission, 1, 0), WR_ADMITTED);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_equal(admits(admission, 1, NOW + 599), WR_ADMITTED);
	assert_int_equal(admits(admission, 1, NOW + 600), WR_ADMITTED_EXPIRED);
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW)).ns, at(NOW + 600).ns);
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW + 600)).ns, UINT64_MAX);
	/* A newer certificate mends it. */
	take(admission, mesh_certificate(FOUNDER, 1, 2, NOW + DAY));
	assert_int_equal(admits(admission, 1, NOW + 600), WR_ADMITTED);
	/* Further than a clock counts. */
	take(admission, mesh_certificate(FOUNDER, 1, 3, UINT64_MAX));
	assert_int_equal(admits(admission, 1, 18000000000), WR_ADMITTED);
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW)).ns, UINT64_MAX);
	wr_admission_free(admission);
}

static void test_admission_next_expiry_is_the_soonest(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	for (uint8_t i = 1; i < 10; i++)
		take(admission,
		     mesh_certificate(FOUNDER, i, 1, NOW + (uint64_t)(i * 7 % 10) * DAY));
	/* Of who is out already, nothing changes. */
	take(admission, mesh_revocation(FOUNDER, 3, 1, 0));
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW)).ns,
			 at(NOW + 2 * DAY + 600).ns);
	assert_int_equal(wr_admission_next_expiry(admission, at(NOW + 2 * DAY + 600)).ns,
			 at(NOW + 3 * DAY + 600).ns);
	wr_admission_free(admission);
}

/* --- Revocations. --- */

static void test_admission_revocation_is_by_serial(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	take(admission, mesh_certificate(FOUNDER, 1, 5, 0));
	assert_int_equal(take(admission, mesh_revocation(FOUNDER, 1, 4, 0)), WR_ADMISSION_MEMBERS);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_equal(take(admission, mesh_revocation(FOUNDER, 1, 5, 0)), WR_ADMISSION_MEMBERS);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_REVOKED);
	/* The stolen certificate is no way back, nor an older revocation. */
	assert_int_equal(take(admission, mesh_certificate(FOUNDER, 1, 5, 0)), 0);
	assert_int_equal(take(admission, mesh_revocation(FOUNDER, 1, 4, 0)), 0);
	assert_int_equal(take(admission, mesh_revocation(FOUNDER, 1, 5, NOW)), 0);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_REVOKED);
	/* A newer one is. */
	take(admission, mesh_certificate(FOUNDER, 1, 6, 0));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED);
	assert_int_equal(look(admission).revocations, 1);
	assert_int_equal(look(admission).full, 0);
	wr_admission_free(admission);
}

static void test_admission_revocation_may_come_first(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	take(admission, mesh_revocation(FOUNDER, 1, 5, 0));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_REVOKED);
	take(admission, mesh_certificate(FOUNDER, 1, 5, 0));
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_REVOKED);
	wr_admission_free(admission);
}

static void test_admission_revocation_outlives_what_it_revokes(void **state)
{
	struct wr_admission *admission = make_closed();

	(void)state;
	take(admission, mesh_certificate(FOUNDER, 1, 5, NOW));
	take(admission, mesh_revocation(FOUNDER, 1, 5, NOW));
	take(admission, mesh_certificate(FOUNDER, 2, 6, 0));
	take(admission, mesh_revocation(FOUNDER, 2, 6, 0));
	take(admission, mesh_certificate(FOUNDER, 3, 7, NOW));
	take(admission, mesh_certificate(FOUNDER, 4, 8, NOW + 300 * DAY));
	/* Revoked until earlier than it says itself: the founder erred, or lied. */
	take(admission, mesh_certificate(FOUNDER, 5, 9, NOW + 300 * DAY));
	take(admission, mesh_revocation(FOUNDER, 5, 9, NOW));
	wr_admission_forget(admission, at(0));
	wr_admission_forget(admission, at(NOW + 29 * DAY));
	assert_int_equal(look(admission).certificates, 5);
	assert_int_equal(look(admission).revocations, 3);
	wr_admission_forget(admission, at(NOW + 31 * DAY));
	assert_int_equal(look(admission).certificates, 3);
	assert_int_equal(look(admission).revocations, 2);
	assert_int_equal(admits(admission, 1, NOW), WR_ADMITTED_NOT);
	assert_int_equal(admits(admission, 2, NOW), WR_ADMITTED_REVOKED);
	assert_int_equal(admits(admission, 3, NOW), WR_ADMITTED_NOT);
	assert_int_equal(admits(admission, 4, NOW), WR_ADMITTED);
	assert_int_equal(admits(admission, 5, NOW), WR_ADMITTED_REVOKED);
	wr_admission_free(admission);
}

/* Whatever the order, the end is the same. */
static void test_admission_order_does_not_matter(void **state)
{
	struct unit_random random = unit_random_start("admission");
	struct mesh_item items[24];
	enum wr_admitted first[4] = { 0 };
	size_t count = 0;

	(void)state;
	for (uint8_t member = 1; member <= 4; member++)
		for (uint64_t serial = 1; serial <= 3; serial++) {
			items[count++] = mesh_certificate(FOUNDER, member, serial * member, 0);
			items[count++] = mesh_revocation(FOUNDER, member, serial + 3, 0);
		}
	for (unsigned round = 0; round < 30; round++) {
		struct wr_admission *admission = make_closed();

		for (size_t i = count; i > 1; i--) {
			size_t j = unit_random_below(&random, i);
			struct mesh_item swapped = items[j];

			items[j] = items[i - 1];
			items[i - 1] = swapped;
		}
		for (size_t i = 0; i < count; i++)
			wr_admission_take(admission, mesh_bytes(&items[i]));
		for (uint8_t member = 1; member <= 4; member++) {
			enum wr_admitted admitted = admits(admission, member, NOW);

			if (round == 0)
				first[member - 1] = admitted;
			assert_int_equal(admitted, first[member - 1]);
		}
		wr_admission_free(admission);
	}
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admission_without_a_charter_admits_all),
		cmocka_unit_test(test_admission_first_charter_makes_the_founder),
		cmocka_unit_test(test_admission_pinned_founder_stays),
		cmocka_unit_test(test_admission_takes_only_what_its_founder_signed),
		cmocka_unit_test(test_admission_older_charters_change_nothing),
		cmocka_unit_test(test_admission_counts_what_it_refuses),
		cmocka_unit_test(test_admission_that_is_full_says_so_and_forgets_nothing),
		cmocka_unit_test(test_admission_certificate_admits),
		cmocka_unit_test(test_admission_certificate_says_name_and_tags),
		cmocka_unit_test(test_admission_name_is_taken_while_its_owner_is_in),
		cmocka_unit_test(test_admission_expiry_has_slack),
		cmocka_unit_test(test_admission_next_expiry_is_the_soonest),
		cmocka_unit_test(test_admission_revocation_is_by_serial),
		cmocka_unit_test(test_admission_revocation_may_come_first),
		cmocka_unit_test(test_admission_revocation_outlives_what_it_revokes),
		cmocka_unit_test(test_admission_order_does_not_matter),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
