#include "http/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* What TLS makes of a piece, and what it is given at once. */
#define PIECE (16 << 10)

int wr_dial_fail(struct wr_dial *dial, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(dial->why, WR_WHY_LEN, format, arguments);
	va_end(arguments);
	return error;
}

/* --- Time. --- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void wr_dial_allow(struct wr_dial *dial, unsigned seconds)
{
	dial->deadline = now_ms() + (uint64_t)seconds * 1000;
}

static int wait_for(struct wr_dial *dial, short events)
{
	struct pollfd pollfd = { .fd = dial->fd, .events = events };
	uint64_t now = now_ms();
	uint64_t left = dial->deadline > now ? dial->deadline - now : 0;
	int count = poll(&pollfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);

	if (count < 0)
		return wr_dial_fail(dial, -errno, "%s", strerror(errno));
	if (count == 0)
		return wr_dial_fail(dial, -ETIMEDOUT, "no answer in time");
	return 0;
}

/* --- Bytes. --- */

static int send_raw(struct wr_dial *dial, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t sent = send(dial->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return wr_dial_fail(dial, -errno, "sending: %s", strerror(errno));
		if (sent >= 0) {
			data += sent;
			len -= (size_t)sent;
			continue;
		}
		if (errno == EAGAIN && wait_for(dial, POLLOUT))
			return -ETIMEDOUT;
	}
	return 0;
}

static ssize_t receive_raw(struct wr_dial *dial, uint8_t *data, size_t room)
{
	for (;;) {
		ssize_t len = recv(dial->fd, data, room, MSG_DONTWAIT);
		int status;

		if (len >= 0)
			return len;
		if (errno != EAGAIN && errno != EINTR)
			return wr_dial_fail(dial, -errno, "receiving: %s", strerror(errno));
		status = wait_for(dial, POLLIN);
		if (status)
			return status;
	}
}

static int flush_tls(struct wr_dial *dial)
{
	uint8_t piece[PIECE];
	size_t len;
	int status = 0;

	while (!status && (len = wr_tls_take(dial->tls, piece, sizeof(piece))))
		status = send_raw(dial, piece, len);
	return status;
}

int wr_dial_send(struct wr_dial *dial, const void *data, size_t len)
{
	const uint8_t *at = data;
	int status = 0;

	if (!dial->tls)
		return send_raw(dial, at, len);
	while (len && !status) {
		size_t piece = len < PIECE ? len : PIECE;

		if (!wr_tls_write(dial->tls, at, piece))
			return wr_dial_fail(dial, -EPROTO, "TLS: cannot send");
		status = flush_tls(dial);
		at += piece;
		len -= piece;
	}
	return status;
}

static int feed_tls(struct wr_dial *dial)
{
	uint8_t piece[PIECE];
	ssize_t len = receive_raw(dial, piece, sizeof(piece));

	if (len < 0)
		return (int)len;
	if (len == 0)
		return wr_dial_fail(dial, -ECONNRESET, "the connection was cut");
	return wr_tls_feed(dial->tls, piece, (size_t)len) ? 0 : -ENOMEM;
}

static ssize_t receive_tls(struct wr_dial *dial, uint8_t *data, size_t room)
{
	for (;;) {
		size_t len;
		enum wr_tls_result result = wr_tls_read(dial->tls, data, room, &len);
		int status = flush_tls(dial);

		if (result == WR_TLS_SOME)
			return (ssize_t)len;
		if (result == WR_TLS_END)
			return 0;
		if (result == WR_TLS_BROKEN)
			return wr_dial_fail(dial, -EPROTO,
					    "TLS: the other side speaks none, or other");
		if (!status)
			status = feed_tls(dial);
		if (status)
			return status;
	}
}

ssize_t wr_dial_receive(struct wr_dial *dial, uint8_t *data, size_t room)
{
	return dial->tls ? receive_tls(dial, data, room) : receive_raw(dial, data, room);
}

/* --- Trust. --- */

static int shake_hands(struct wr_dial *dial)
{
	while (!wr_tls_is_ready(dial->tls)) {
		uint8_t nothing;
		size_t len;
		enum wr_tls_result result = wr_tls_read(dial->tls, &nothing, 0, &len);
		int status = flush_tls(dial);

		if (wr_tls_is_ready(dial->tls))
			return status;
		if (result == WR_TLS_BROKEN)
			return wr_dial_fail(dial, -EPROTO,
					    "TLS: %s speaks none, or none that we do too",
					    dial->url.host);
		if (!status)
			status = feed_tls(dial);
		if (status)
			return status;
	}
	return 0;
}

static int start_tls(struct wr_dial *dial, const char *name, const char *pin)
{
	WR_AUTO(wr_tls_context_freep) SSL_CTX *context = wr_tls_client_context(pin != NULL);
	int status;

	dial->tls = context ? wr_tls_new(context, name) : NULL;
	if (!dial->tls)
		return wr_dial_fail(dial, -ENOMEM, "out of memory");
	status = shake_hands(dial);
	return status ? status
		      : wr_trust_check(dial->tls, dial->url.host, pin, dial->pin, dial->why);
}

/* --- Where to. --- */

static int connect_one(struct wr_dial *dial, int family, const struct sockaddr *address,
		       socklen_t len)
{
	int error = 0;
	socklen_t error_len = sizeof(error);
	int status;

	dial->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (dial->fd < 0)
		return -errno;
	if (connect(dial->fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	status = wait_for(dial, POLLOUT);
	if (!status)
		getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	return status ? status : -error;
}

static int connect_any(struct wr_dial *dial, const struct addrinfo *found)
{
	int status = -EADDRNOTAVAIL;

	for (; found && status; found = found->ai_next) {
		if (dial->fd >= 0)
			close(dial->fd);
		status = connect_one(dial, found->ai_family, found->ai_addr, found->ai_addrlen);
	}
	return status ? wr_dial_fail(dial, status, "%s: %s", dial->url.host, strerror(-status)) : 0;
}

static int connect_url(struct wr_dial *dial)
{
	const struct wr_url *url = &dial->url;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found;
	int status = getaddrinfo(url->name, url->port, &hints, &found);

	if (status)
		return wr_dial_fail(dial, -EHOSTUNREACH, "%s: %s", url->name, gai_strerror(status));
	status = connect_any(dial, found);
	freeaddrinfo(found);
	return status;
}

static int connect_unix(struct wr_dial *dial, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int status;

	strcpy(dial->url.host, "localhost");
	if (strlen(path) >= sizeof(address.sun_path))
		return wr_dial_fail(dial, -ENAMETOOLONG, "%s: the path is too long for a socket",
				    path);
	strcpy(address.sun_path, path);
	status = connect_one(dial, AF_UNIX, (const struct sockaddr *)&address, sizeof(address));
	return status ? wr_dial_fail(dial, status, "%s: %s", path, strerror(-status)) : 0;
}

static int open_url(struct wr_dial *dial, const struct wr_http_target *target)
{
	int status;

	if (!wr_url_parse(target->url, &dial->url))
		return wr_dial_fail(dial, -EINVAL, "no URL of the form https://host:port: %s",
				    target->url);
	status = connect_url(dial);
	if (status || !dial->url.is_tls)
		return status;
	return start_tls(dial, dial->url.name, target->pin);
}

int wr_dial_open(struct wr_dial *dial, const struct wr_http_target *target, unsigned seconds,
		 char why[WR_WHY_LEN])
{
	*dial = (struct wr_dial){ .fd = -1, .why = why };
	why[0] = '\0';
	wr_dial_allow(dial, seconds);
	return target->unix_path ? connect_unix(dial, target->unix_path) : open_url(dial, target);
}

void wr_dial_close(struct wr_dial *dial)
{
	dial->tls = wr_tls_free(dial->tls);
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}
