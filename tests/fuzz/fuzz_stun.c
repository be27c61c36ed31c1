/* STUN: a datagram is a question, an answer or neither; what is read as an answer is written
 * and read again as the same. */
#include "fuzz.h"
#include "wire/stun.h"

static void check_again(const struct wr_stun_id *id, const struct wr_endpoint *mapped)
{
	uint8_t again[WR_STUN_ANSWER_MAX_LEN];
	size_t len = wr_stun_answer_write(id, mapped, again);
	struct wr_endpoint other;

	FUZZ_CHECK(len <= sizeof(again));
	FUZZ_CHECK(wr_stun_answer_read((struct wr_bytes){ again, len }, id, &other));
	FUZZ_CHECK(wr_endpoint_equal(mapped, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes datagram = { data, size };
	struct wr_stun_id id, asked = { { 0 } };
	struct wr_endpoint mapped;
	bool is_question = wr_stun_request_read(datagram, &id), is_answer;

	/* The answer's own id, so that its address is looked at. */
	if (size >= WR_STUN_REQUEST_LEN)
		memcpy(asked.bytes, data + 8, WR_STUN_ID_LEN);
	is_answer = wr_stun_answer_read(datagram, &asked, &mapped);
	FUZZ_CHECK(!(is_question && is_answer));
	FUZZ_CHECK(!(is_question || is_answer) || wr_stun_is(datagram));
	if (is_question)
		FUZZ_CHECK(memcmp(id.bytes, data + 8, WR_STUN_ID_LEN) == 0);
	if (is_answer)
		check_again(&asked, &mapped);
	return 0;
}
