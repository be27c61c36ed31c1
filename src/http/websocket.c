#include "http/websocket.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "http/address.h"
#include "http/websocket_state.h"

/* RFC 6455 section 5.5: a control frame holds 125 bytes, of which two are the code. */
#define REASON_LEN 123
/* The longest header of a frame; what an empty message counts as, too. */
#define HEADER_LEN 14

/* --- Why. --- */

/* Another's words: one line, and nothing that moves a cursor. */
static void make_harmless(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

void wr_websocket_say_why(struct wr_websocket *websocket, const char *format, ...)
{
	char text[WR_WEBSOCKET_WHY_LEN];
	va_list arguments;

	if (websocket->why)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	make_harmless(text);
	websocket->why = strdup(text);
}

/* --- Its life. --- */

struct wr_websocket *wr_websocket_new(const struct wr_websocket_carrier *carrier, void *carried,
				      const struct wr_websocket_limits *limits,
				      const struct wr_websocket_handlers *handlers, void *context)
{
	struct wr_websocket *websocket = calloc(1, sizeof(*websocket));

	if (!websocket)
		return NULL;
	websocket->carrier = carrier;
	websocket->carried = carried;
	websocket->limits = *limits;
	websocket->handlers = *handlers;
	websocket->context = context;
	return websocket;
}

struct wr_websocket *wr_websocket_free(struct wr_websocket *websocket)
{
	if (!websocket)
		return NULL;
	if (websocket->frames)
		wslay_event_context_free(websocket->frames);
	wr_buffer_done(&websocket->message);
	free(websocket->why);
	free(websocket);
	return NULL;
}

void wr_websocket_gone(struct wr_websocket *websocket, unsigned status)
{
	if (websocket->is_idle)
		wr_websocket_say_why(websocket, "nothing came for %u seconds",
				     websocket->limits.idle_seconds);
	wr_websocket_say_why(websocket, "the connection was cut");
	websocket->handlers.closed(websocket->context, status,
				   websocket->why ? websocket->why : "out of memory");
	wr_websocket_free(websocket);
}

/* --- For whoever uses it. --- */

size_t wr_websocket_unsent(const struct wr_websocket *websocket)
{
	size_t len = websocket->carrier->unsent(websocket);

	if (websocket->frames)
		len += wslay_event_get_queued_msg_length(websocket->frames) +
		       HEADER_LEN * wslay_event_get_queued_msg_count(websocket->frames);
	return len;
}

bool wr_websocket_is_full(const struct wr_websocket *websocket)
{
	return wr_websocket_unsent(websocket) > websocket->limits.unsent;
}

static bool queue(struct wr_websocket *websocket, uint8_t opcode, const void *data, size_t len)
{
	struct wslay_event_msg message = { opcode, data, len };

	if (!websocket->is_open || websocket->is_closing || websocket->is_broken ||
	    !wr_websocket_wake(websocket) ||
	    wslay_event_queue_msg(websocket->frames, &message) != 0)
		return false;
	websocket->carrier->write(websocket);
	return true;
}

bool wr_websocket_send(struct wr_websocket *websocket, bool is_text, const void *data, size_t len)
{
	size_t limit = websocket->limits.unsent;

	if (len > limit || wr_websocket_unsent(websocket) > limit - len)
		return false;
	return queue(websocket, is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, data, len);
}

void wr_websocket_ping(struct wr_websocket *websocket)
{
	if (!wr_websocket_is_full(websocket))
		queue(websocket, WSLAY_PING, NULL, 0);
}

/* Not in the midst of a character: RFC 6455 wants UTF-8 there. */
static size_t reason_len(const char *why)
{
	size_t len = strlen(why);

	if (len <= REASON_LEN)
		return len;
	len = REASON_LEN;
	while (len && ((unsigned char)why[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void wr_websocket_close(struct wr_websocket *websocket, unsigned code, const char *why)
{
	if (websocket->is_closing)
		return;
	wr_websocket_say_why(websocket, "%s", why);
	if (websocket->is_open && wr_websocket_wake(websocket) &&
	    wslay_event_queue_close(websocket->frames, (uint16_t)code, (const uint8_t *)why,
				    reason_len(why)) != 0)
		websocket->is_broken = true;
	wr_websocket_begin_closing(websocket);
	if (websocket->is_open)
		websocket->carrier->write(websocket);
}

const struct wr_ip *wr_websocket_remote(const struct wr_websocket *websocket)
{
	return &websocket->remote;
}

bool wr_websocket_local(const struct wr_websocket *websocket, struct wr_ip *ret_ip)
{
	struct sockaddr_storage address = { 0 };

	if (!websocket->carrier->local(websocket, &address))
		return false;
	*ret_ip = wr_address_ip(&address);
	return ret_ip->family != WR_FAMILY_NONE;
}

/* --- Texts of the handshake. --- */

void wr_websocket_answer_key(const char *key, char ret_accept[WR_WEBSOCKET_ACCEPT_LEN + 1])
{
	char text[100];
	uint8_t digest[SHA_DIGEST_LENGTH];
	int len = snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
			   WR_WEBSOCKET_KEY_LEN, key);

	SHA1((const uint8_t *)text, (size_t)len, digest);
	EVP_EncodeBlock((unsigned char *)ret_accept, digest, sizeof(digest));
}

bool wr_websocket_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		const char *start = list + strspn(list, " \t,");
		size_t span = strcspn(start, " \t,");

		if (span == len && strncasecmp(start, word, len) == 0)
			return true;
		list = start + span;
	}
	return false;
}
