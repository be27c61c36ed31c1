#include "hub/gateway_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "hub/gateway.h"

#define PREFIX "warren-"

static_assert(sizeof(PREFIX) + WR_GATEWAY_TAG_LEN + 1 + 20 <= WR_NETNS_NAME_LEN,
	      "any tag and number fit");

static bool is_tag(const char *tag)
{
	size_t len = strlen(tag);

	return len > 0 && len <= WR_GATEWAY_TAG_LEN &&
	       strspn(tag, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

int wr_gateway_name_of(const char *tag, uint64_t number, char ret_name[WR_NETNS_NAME_LEN])
{
	if (!is_tag(tag))
		return -EINVAL;
	snprintf(ret_name, WR_NETNS_NAME_LEN, PREFIX "%s-%" PRIu64, tag, number);
	return 0;
}

struct leftovers {
	size_t prefix_len;
	int count;
};

/* The number alone comes after the prefix: "warren-a-1-2" is of the tag "a-1". */
static void clear_leftover(void *context, const char *name)
{
	struct leftovers *leftovers = context;
	const char *number = name + leftovers->prefix_len;
	uint64_t value;

	if (wr_number_parse(number, strlen(number), UINT64_MAX, &value) &&
	    wr_netns_delete(name) == 0)
		leftovers->count++;
}

int wr_gateway_clear_leftovers(const char *tag)
{
	char prefix[sizeof(PREFIX) + WR_GATEWAY_TAG_LEN + 1];
	struct leftovers leftovers = { 0 };
	int status;

	if (!is_tag(tag))
		return -EINVAL;
	leftovers.prefix_len = (size_t)snprintf(prefix, sizeof(prefix), PREFIX "%s-", tag);
	status = wr_netns_list(prefix, clear_leftover, &leftovers);
	return status < 0 ? status : leftovers.count;
}
