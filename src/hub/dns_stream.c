#include "hub/dns_stream.h"

#include <stdlib.h>
#include <string.h>

#include "hub/resolver.h"
#include "hub/sockets.h"

/* RFC 7766 section 6.2.3: some seconds. Also for a query that comes byte by byte. */
#define IDLE_MS 10000
/* Answers that the client does not read: no more queries of it are read then. */
#define UNREAD_MAX 4
#define LENGTH_LEN 2

struct wr_dns_stream {
	uv_tcp_t tcp;
	uv_timer_t idle;
	const struct wr_dns_stream_owner *owner;
	struct wr_ip source;
	unsigned open_handles;
	unsigned unread; /* answers on their way */
	bool is_paused;
	size_t len; /* of what was read and not answered */
	uint8_t inbox[LENGTH_LEN + WR_DNS_STREAM_QUERY];
};

struct answer {
	uv_write_t write;
	uint8_t bytes[LENGTH_LEN + WR_RESOLVER_ANSWER_LEN];
};

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buffer);

static void on_closed(uv_handle_t *handle)
{
	struct wr_dns_stream *stream = handle->data;

	if (--stream->open_handles > 0)
		return;
	stream->owner->closed(stream->owner->context, stream);
	free(stream);
}

void wr_dns_stream_close(struct wr_dns_stream *stream)
{
	if (uv_is_closing((uv_handle_t *)&stream->idle))
		return;
	uv_close((uv_handle_t *)&stream->tcp, on_closed);
	uv_close((uv_handle_t *)&stream->idle, on_closed);
}

static void on_idle(uv_timer_t *timer)
{
	wr_dns_stream_close(timer->data);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	struct wr_dns_stream *stream = handle->data;

	(void)suggested;
	*ret_buffer = uv_buf_init((char *)stream->inbox + stream->len,
				  (unsigned)(sizeof(stream->inbox) - stream->len));
}

static void read_on(struct wr_dns_stream *stream)
{
	if (uv_read_start((uv_stream_t *)&stream->tcp, on_room, on_read) < 0)
		wr_dns_stream_close(stream);
}

/* --- Answers. --- */

static bool read_queries(struct wr_dns_stream *stream);

static void on_written(uv_write_t *write, int status)
{
	struct wr_dns_stream *stream = write->handle->data;

	free(WR_CONTAINER_OF(write, struct answer, write));
	stream->unread--;
	if (uv_is_closing((uv_handle_t *)&stream->tcp))
		return;
	if (status < 0) {
		wr_dns_stream_close(stream);
		return;
	}
	if (stream->is_paused) {
		stream->is_paused = false;
		if (read_queries(stream) && !stream->is_paused)
			read_on(stream);
	}
}

/* False: hang up. */
static bool send_answer(struct wr_dns_stream *stream, struct wr_bytes query)
{
	struct answer *answer = malloc(sizeof(*answer));
	uv_buf_t buffer;
	size_t len;

	if (!answer)
		return false;
	len = stream->owner->answer(stream->owner->context, &stream->source, query,
				    answer->bytes + LENGTH_LEN);
	answer->bytes[0] = (uint8_t)(len >> 8);
	answer->bytes[1] = (uint8_t)len;
	buffer = uv_buf_init((char *)answer->bytes, (unsigned)(LENGTH_LEN + len));
	if (len == 0 ||
	    uv_write(&answer->write, (uv_stream_t *)&stream->tcp, &buffer, 1, on_written) < 0) {
		free(answer);
		return false;
	}
	stream->unread++;
	return true;
}

/* --- Queries. --- */

static size_t next_len(const struct wr_dns_stream *stream)
{
	return (size_t)(stream->inbox[0] << 8 | stream->inbox[1]);
}

/* Waits until the client has read some of its answers. */
static bool is_too_far_ahead(struct wr_dns_stream *stream)
{
	if (stream->unread < UNREAD_MAX)
		return false;
	stream->is_paused = true;
	uv_read_stop((uv_stream_t *)&stream->tcp);
	return true;
}

static bool answer_next(struct wr_dns_stream *stream)
{
	size_t whole = LENGTH_LEN + next_len(stream);

	if (!send_answer(stream, (struct wr_bytes){ stream->inbox + LENGTH_LEN, next_len(stream) }))
		return false;
	stream->len -= whole;
	memmove(stream->inbox, stream->inbox + whole, stream->len);
	uv_timer_start(&stream->idle, on_idle, IDLE_MS, 0);
	return true;
}

/* Answers the queries that are whole. False, and it is closed, where the client cannot
 * be served. */
static bool read_queries(struct wr_dns_stream *stream)
{
	while (stream->len >= LENGTH_LEN) {
		bool is_whole = stream->len - LENGTH_LEN >= next_len(stream);

		if (next_len(stream) <= WR_DNS_STREAM_QUERY &&
		    (!is_whole || is_too_far_ahead(stream)))
			return true;
		if (next_len(stream) > WR_DNS_STREAM_QUERY || !answer_next(stream)) {
			wr_dns_stream_close(stream);
			return false;
		}
	}
	return true;
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buffer)
{
	struct wr_dns_stream *stream = tcp->data;

	(void)buffer;
	if (len < 0) {
		wr_dns_stream_close(stream);
		return;
	}
	stream->len += (size_t)len;
	(void)read_queries(stream);
}

/* --- Its beginning. --- */

static struct wr_dns_stream *stream_new(uv_loop_t *loop, const struct wr_dns_stream_owner *owner)
{
	struct wr_dns_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->owner = owner;
	/* Neither fails: no descriptor is opened yet. */
	(void)uv_tcp_init(loop, &stream->tcp);
	(void)uv_timer_init(loop, &stream->idle);
	stream->tcp.data = stream->idle.data = stream;
	stream->open_handles = 2;
	return stream;
}

/* Who it is; false if it has gone already. */
static bool greet(struct wr_dns_stream *stream)
{
	struct sockaddr_storage address;
	int len = sizeof(address);

	if (uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&address, &len) < 0)
		return false;
	stream->source = wr_ip_of_socket((const struct sockaddr *)&address);
	/* An answer does not wait until the one before was acknowledged. */
	(void)uv_tcp_nodelay(&stream->tcp, true);
	uv_timer_start(&stream->idle, on_idle, IDLE_MS, 0);
	return uv_read_start((uv_stream_t *)&stream->tcp, on_room, on_read) == 0;
}

struct wr_dns_stream *wr_dns_stream_accept(uv_stream_t *listener,
					   const struct wr_dns_stream_owner *owner)
{
	struct wr_dns_stream *stream = stream_new(listener->loop, owner);

	if (!stream)
		return NULL;
	if (uv_accept(listener, (uv_stream_t *)&stream->tcp) < 0 || !greet(stream))
		wr_dns_stream_close(stream);
	return stream;
}

const struct wr_ip *wr_dns_stream_source(const struct wr_dns_stream *stream)
{
	return &stream->source;
}
