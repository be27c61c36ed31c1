#include "crypto/crypto.h"

#include "unit.h"

/* Not a test of quality: that it fills all of what it is given, anew each time. */
static void test_random_fills_memory(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };
	static const uint8_t zeros[16];

	(void)state;
	wr_random(a, 48);
	wr_random(b, 48);
	assert_memory_not_equal(a, b, 48);
	for (size_t i = 0; i < 48; i += 16)
		assert_memory_not_equal(a + i, zeros, 16);
	assert_memory_equal(a + 48, zeros, 16);
	wr_random(NULL, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_fills_memory),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
