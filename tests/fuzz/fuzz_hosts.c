/* A hosts file, whatever stands in it: a block is put in and taken out again, beside another
 * network's, and every byte is as it was. */
#include "fuzz.h"
#include "mesh/names_hosts.h"

#define BLOCK "10.77.0.9\tdb.acme.warren\n"

struct text {
	char *data;
	size_t len;
};

static struct text put(struct text text, const char *owner, const char *block)
{
	struct text made = { 0 };

	made.data = wr_hosts_text(text.data, text.len, owner, block, &made.len);
	FUZZ_CHECK(made.data != NULL && made.data[made.len] == '\0');
	free(text.data);
	return made;
}

static struct text copy(struct text text)
{
	struct text made = { malloc(text.len + 1), text.len };

	memcpy(made.data, text.data, text.len);
	return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text given = { (char *)(uintptr_t)data, size }, host, now, again;

	/* What an older block of ours leaves is no part of the host's. */
	host = put(put(copy(given), "w0", NULL), "w1", NULL);
	now = put(put(copy(host), "w0", BLOCK), "w1", BLOCK BLOCK);
	FUZZ_CHECK(memmem(now.data, now.len, BLOCK, strlen(BLOCK)) != NULL);
	again = put(put(copy(now), "w0", BLOCK), "w1", BLOCK BLOCK);
	FUZZ_CHECK(again.len == now.len && memcmp(again.data, now.data, now.len) == 0);
	again = put(put(again, "w0", NULL), "w1", NULL);
	FUZZ_CHECK(again.len == host.len && memcmp(again.data, host.data, host.len) == 0);
	now = put(put(now, "w1", NULL), "w0", NULL);
	FUZZ_CHECK(now.len == host.len && memcmp(now.data, host.data, host.len) == 0);
	free(again.data);
	free(now.data);
	free(host.data);
	return 0;
}
