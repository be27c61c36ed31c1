#include "http/websocket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
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

/* --- What libwslay asks for. --- */

static ssize_t give_bytes(wslay_event_context_ptr frames, uint8_t *data, size_t room, int flags,
			  void *context)
{
	struct wr_websocket *websocket = context;
	size_t len = websocket->coming_len < room ? websocket->coming_len : room;

	(void)flags;
	if (!len) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(data, websocket->coming, len);
	websocket->coming += len;
	websocket->coming_len -= len;
	websocket->given += len;
	return (ssize_t)len;
}

static ssize_t take_bytes(wslay_event_context_ptr frames, const uint8_t *data, size_t len,
			  int flags, void *context)
{
	struct wr_websocket *websocket = context;
	size_t room = websocket->piece_room - websocket->piece_len;

	(void)flags;
	if (len > room)
		len = room;
	if (!len) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(websocket->piece + websocket->piece_len, data, len);
	websocket->piece_len += len;
	return (ssize_t)len;
}

static int make_mask(wslay_event_context_ptr frames, uint8_t *mask, size_t len, void *context)
{
	(void)frames;
	(void)context;
	return RAND_bytes(mask, (int)len) == 1 ? 0 : -1;
}

/* Its length is written in the shortest way; libwslay takes no other. */
static uint64_t header_len(const struct wr_websocket *websocket, uint64_t payload)
{
	uint64_t len = payload < 126 ? 2 : payload < 65536 ? 4 : 10;

	return len + (websocket->carrier->is_server ? 4 : 0);
}

static void on_frame(wslay_event_context_ptr frames,
		     const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
	struct wr_websocket *websocket = context;

	(void)frames;
	websocket->used += header_len(websocket, frame->payload_length) + frame->payload_length;
	websocket->opcode = frame->opcode;
	if (!wslay_is_ctrl_frame(frame->opcode))
		websocket->is_fragmented = !frame->fin;
}

static void refuse(struct wr_websocket *websocket, uint16_t code, const char *why)
{
	wr_websocket_say_why(websocket, "%s", why);
	wslay_event_queue_close(websocket->frames, code, NULL, 0);
	wslay_event_shutdown_read(websocket->frames);
}

/* One byte more, for the NUL. */
static void on_payload(wslay_event_context_ptr frames,
		       const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *context)
{
	struct wr_websocket *websocket = context;
	struct wr_buffer *message = &websocket->message;

	(void)frames;
	if (wslay_is_ctrl_frame(websocket->opcode) || websocket->is_closing)
		return;
	if (chunk->data_length > websocket->limits.message - message->len)
		refuse(websocket, WSLAY_CODE_MESSAGE_TOO_BIG,
		       "the other side sent too long a message");
	else if (!wr_buffer_reserve(message, chunk->data_length + 1) ||
		 !wr_buffer_add(message, chunk->data, chunk->data_length))
		refuse(websocket, WSLAY_CODE_INTERNAL_SERVER_ERROR, "out of memory");
}

static void tell_message(struct wr_websocket *websocket, bool is_text)
{
	struct wr_buffer message = websocket->message;
	uint8_t *end;

	websocket->message = (struct wr_buffer){ 0 };
	end = wr_buffer_reserve(&message, 1);
	if (end && !websocket->is_closing && wslay_event_get_read_enabled(websocket->frames)) {
		*end = '\0';
		websocket->handlers.received(websocket->context, is_text, message.data,
					     message.len);
	}
	wr_buffer_done(&message);
}

static void note_goodbye(struct wr_websocket *websocket,
			 const struct wslay_event_on_msg_recv_arg *message)
{
	if (message->msg_length > 2)
		wr_websocket_say_why(websocket, "the other side closed it: %.*s (%u)",
				     (int)message->msg_length - 2, (const char *)message->msg + 2,
				     message->status_code);
	else
		wr_websocket_say_why(websocket, "the other side closed it (%u)",
				     message->status_code);
}

static void on_message(wslay_event_context_ptr frames,
		       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
	struct wr_websocket *websocket = context;

	(void)frames;
	switch (message->opcode) {
	case WSLAY_TEXT_FRAME: tell_message(websocket, true); break;
	case WSLAY_BINARY_FRAME: tell_message(websocket, false); break;
	case WSLAY_CONNECTION_CLOSE: note_goodbye(websocket, message); break;
	case WSLAY_PONG:
		if (websocket->handlers.ponged && !websocket->is_closing)
			websocket->handlers.ponged(websocket->context);
		break;
	default: break;
	}
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = give_bytes,
	.send_callback = take_bytes,
	.genmask_callback = make_mask,
	.on_frame_recv_start_callback = on_frame,
	.on_frame_recv_chunk_callback = on_payload,
	.on_msg_recv_callback = on_message,
};

/* --- At work and at rest. --- */

static bool wake(struct wr_websocket *websocket)
{
	int status;

	if (websocket->frames)
		return true;
	status = websocket->carrier->is_server
			 ? wslay_event_context_server_init(&websocket->frames, &callbacks,
							   websocket)
			 : wslay_event_context_client_init(&websocket->frames, &callbacks,
							   websocket);
	if (status) {
		websocket->frames = NULL;
		websocket->is_broken = true;
		wr_websocket_say_why(websocket, "out of memory");
		return false;
	}
	/* Messages are put together here, as they come: libwslay's way takes all the room that
	 * a header asks for at once. */
	wslay_event_config_set_no_buffering(websocket->frames, 1);
	wslay_event_config_set_max_recv_msg_length(websocket->frames, websocket->limits.message);
	websocket->given = websocket->used = 0;
	return true;
}

/* A frame that is half there, or was half looked at, makes a difference of the two. */
static void rest(struct wr_websocket *websocket)
{
	if (!websocket->frames || websocket->is_busy || websocket->is_closing ||
	    websocket->is_fragmented || websocket->given != websocket->used ||
	    wslay_event_want_write(websocket->frames))
		return;
	wslay_event_context_free(websocket->frames);
	websocket->frames = NULL;
}

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

/* --- Between frames and bytes. --- */

static void begin_closing(struct wr_websocket *websocket)
{
	if (websocket->is_closing)
		return;
	websocket->is_closing = true;
	websocket->carrier->closing(websocket);
}

void wr_websocket_take(struct wr_websocket *websocket, const uint8_t *data, size_t len)
{
	int status;

	if (!wake(websocket))
		return;
	websocket->coming = data;
	websocket->coming_len = len;
	websocket->is_busy = true;
	status = wslay_event_recv(websocket->frames);
	websocket->is_busy = false;
	websocket->coming_len = 0;
	if (status == WSLAY_ERR_NOMEM)
		websocket->is_broken = true;
	if (!wslay_event_get_read_enabled(websocket->frames)) {
		wr_websocket_say_why(websocket, "what the other side sent is against the protocol");
		begin_closing(websocket);
	}
	rest(websocket);
}

size_t wr_websocket_make(struct wr_websocket *websocket, uint8_t *piece, size_t room)
{
	bool was_busy = websocket->is_busy;

	if (!websocket->frames)
		return 0;
	websocket->piece = piece;
	websocket->piece_len = 0;
	websocket->piece_room = room;
	websocket->is_busy = true;
	if (wslay_event_send(websocket->frames) != 0)
		websocket->is_broken = true;
	websocket->is_busy = was_busy;
	rest(websocket);
	return websocket->piece_len;
}

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

bool wr_websocket_is_done(const struct wr_websocket *websocket)
{
	wslay_event_context_ptr frames = websocket->frames;

	if (websocket->is_broken)
		return true;
	return websocket->is_closing && frames && wslay_event_get_close_sent(frames) &&
	       (wslay_event_get_close_received(frames) || !wslay_event_get_read_enabled(frames));
}

/* --- For whoever uses it. --- */

static bool queue(struct wr_websocket *websocket, uint8_t opcode, const void *data, size_t len)
{
	struct wslay_event_msg message = { opcode, data, len };

	if (!websocket->is_open || websocket->is_closing || websocket->is_broken ||
	    !wake(websocket) || wslay_event_queue_msg(websocket->frames, &message) != 0)
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
	if (websocket->is_open && wake(websocket) &&
	    wslay_event_queue_close(websocket->frames, (uint16_t)code, (const uint8_t *)why,
				    reason_len(why)) != 0)
		websocket->is_broken = true;
	begin_closing(websocket);
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
