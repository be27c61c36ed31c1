/* Display names and public keys as people type them: of a good name comes a label, and the
 * same with any number; a key that is taken is written as the same text. */
#include "base/key.h"
#include "fuzz.h"
#include "server/names.h"
#include "server/quick.h"

static void check_label(const char *name, uint64_t number)
{
	char label[WR_LABEL_LEN + 1], again[WR_LABEL_LEN + 1];

	wr_label_make(name, "machine", number, label);
	FUZZ_CHECK(wr_label_is_good(label, strlen(label)));
	/* A label that is plain is its own. */
	if (number < 2 && !strstr(label, "--")) {
		wr_label_make(label, "machine", 0, again);
		FUZZ_CHECK(strcmp(label, again) == 0);
	}
}

static void check_key(const char *text)
{
	char again[WR_KEY_BASE64_LEN + 1];
	struct wr_key key;

	if (!wr_quick_parse_key(text, &key))
		return;
	wr_key_to_base64(&key, again);
	FUZZ_CHECK(strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!wr_name_fault(text, size)) {
		FUZZ_CHECK(strlen(text) == size);
		check_label(text, 0);
		check_label(text, 2);
		check_label(text, UINT64_MAX);
	}
	check_key(text);
	return 0;
}
