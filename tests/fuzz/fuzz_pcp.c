/* What a router, or who pretends to be one, answers to a request for a port. */
#include "fuzz.h"
#include "wire/pcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_pcp_map map = { .client = { .family = WR_IPV4, .bytes = { 10, 0, 0, 1 } },
				  .nonce = "0123456789a",
				  .port = 51820,
				  .seconds = 7200 };
	struct wr_pcp_answer answer = { .result = 77 };
	uint8_t request[WR_PCP_MAP_LEN];

	if (wr_pcp_answer_read((struct wr_bytes){ data, size }, &map, &answer)) {
		FUZZ_CHECK(answer.result || (answer.external.port && size >= WR_PCP_MAP_LEN));
		FUZZ_CHECK(answer.result || answer.external.ip.family);
	} else {
		FUZZ_CHECK(answer.result == 77);
	}
	wr_pcp_map_write(&map, request);
	FUZZ_CHECK(
		!wr_pcp_answer_read((struct wr_bytes){ request, sizeof(request) }, &map, &answer));
	return 0;
}
