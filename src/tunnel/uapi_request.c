/* What the requests of the configuration protocol mean. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "tunnel/uapi_apply.h"
#include "tunnel/uapi_get.h"
#include "tunnel/uapi_server.h"

/* What `request` asks for, and the rest of it: true if it begins with `word`. */
static bool begins_with(struct wr_bytes request, const char *word, struct wr_bytes *ret_rest)
{
	size_t len = strlen(word);

	if (request.len < len || memcmp(request.data, word, len) != 0)
		return false;
	*ret_rest = (struct wr_bytes){ request.data + len, request.len - len };
	return true;
}

/* The value is never shown: it may be a key. */
static int set(struct wr_interface *interface, struct wr_bytes lines)
{
	size_t line = 0;
	int status = wr_uapi_set(interface, lines, &line);

	if (line)
		wr_log_error("configuration refused: line=%zu error=%s", line + 1,
			     strerror(-status));
	else if (status < 0)
		wr_log_error("configuration failed: error=%s", strerror(-status));
	return status;
}

typedef void write_lines(const struct wr_interface *interface, struct wr_text *answer);

static int tell(const struct wr_interface *interface, write_lines *write, struct wr_bytes rest,
		struct wr_text *answer)
{
	/* Only the empty line that ends it. */
	if (rest.len != 1)
		return -EINVAL;
	write(interface, answer);
	return 0;
}

bool wr_uapi_is_set(struct wr_bytes request)
{
	struct wr_bytes rest;

	return begins_with(request, "set=1\n", &rest);
}

enum wr_uapi_request_kind wr_uapi_answer_request(struct wr_interface *interface,
						 struct wr_bytes request, struct wr_text *answer)
{
	enum wr_uapi_request_kind kind = WR_UAPI_ASKS_TO_TELL;
	struct wr_bytes rest;
	int status = -EINVAL;

	if (begins_with(request, "set=1\n", &rest)) {
		kind = WR_UAPI_ASKS_TO_SET;
		status = set(interface, (struct wr_bytes){ rest.data, rest.len - 1 });
	} else if (begins_with(request, "get=1\n", &rest)) {
		status = tell(interface, wr_uapi_get, rest, answer);
	} else if (begins_with(request, "stats=1\n", &rest)) {
		status = tell(interface, wr_uapi_stats, rest, answer);
	} else {
		kind = WR_UAPI_ASKS_NONSENSE;
	}
	wr_uapi_write_errno(answer, status);
	return kind;
}
