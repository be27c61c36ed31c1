#include "wg/early.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct wr_early *early, struct wr_early_message *message)
{
	if (message->is_called)
		early->called--;
	memset(message, 0, sizeof(*message));
}

void wr_early_done(struct wr_early *early)
{
	free(early->messages);
	*early = (struct wr_early){ .messages = NULL };
}

static struct wr_early_message *find(const struct wr_early *early, const struct wr_key *key)
{
	for (size_t i = 0; early->messages && i < WR_EARLY_ENTRIES; i++)
		if (wr_key_equal(&early->messages[i].from_key, key))
			return &early->messages[i];
	return NULL;
}

/* A free place has no time, and so is the oldest. */
static struct wr_early_message *oldest(const struct wr_early *early)
{
	struct wr_early_message *oldest = early->messages;

	for (size_t i = 1; i < WR_EARLY_ENTRIES; i++)
		if (early->messages[i].until.ns < oldest->until.ns)
			oldest = &early->messages[i];
	return oldest;
}

void wr_early_keep(struct wr_early *early, const struct wr_key *from_key, struct wr_bytes datagram,
		   const struct wr_endpoint *from, struct wr_instant until)
{
	struct wr_early_message *message;

	assert(datagram.len == WR_INITIATION_LEN);
	if (!early->messages)
		early->messages = calloc(WR_EARLY_ENTRIES, sizeof(*early->messages));
	if (!early->messages)
		return;
	message = find(early, from_key);
	if (!message)
		message = oldest(early);
	drop(early, message);
	message->from_key = *from_key;
	message->from = *from;
	message->until = until;
	memcpy(message->datagram, datagram.data, datagram.len);
}

void wr_early_call(struct wr_early *early, const struct wr_key *key)
{
	struct wr_early_message *message = find(early, key);

	if (!message || message->is_called || !message->until.ns)
		return;
	message->is_called = true;
	early->called++;
}

bool wr_early_take(struct wr_early *early, struct wr_instant now, struct wr_early_message *ret)
{
	for (size_t i = 0; early->called && i < WR_EARLY_ENTRIES; i++) {
		struct wr_early_message *message = &early->messages[i];
		bool is_good = message->is_called && !wr_is_past(message->until, now);

		if (!message->is_called)
			continue;
		*ret = *message;
		drop(early, message);
		if (is_good)
			return true;
	}
	return false;
}
