/* Frames: what libwslay is given, what it makes, and when it is there at all. */
#include <string.h>

#include <openssl/rand.h>

#include "http/websocket_state.h"

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

bool wr_websocket_wake(struct wr_websocket *websocket)
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

/* --- Between frames and bytes. --- */

void wr_websocket_begin_closing(struct wr_websocket *websocket)
{
	if (websocket->is_closing)
		return;
	websocket->is_closing = true;
	websocket->carrier->closing(websocket);
}

void wr_websocket_take(struct wr_websocket *websocket, const uint8_t *data, size_t len)
{
	int status;

	if (!wr_websocket_wake(websocket))
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
		wr_websocket_begin_closing(websocket);
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

bool wr_websocket_is_done(const struct wr_websocket *websocket)
{
	wslay_event_context_ptr frames = websocket->frames;

	if (websocket->is_broken)
		return true;
	return websocket->is_closing && frames && wslay_event_get_close_sent(frames) &&
	       (wslay_event_get_close_received(frames) || !wslay_event_get_read_enabled(frames));
}
