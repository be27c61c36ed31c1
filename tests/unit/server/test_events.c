#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/call.h"
#include "server/events.h"
#include "server/health.h"

/* A server on this thread's loop, spoken to in HTTP/1.0, which has no chunks: GET /ORG listens to
 * that organisation. */
struct house {
	uv_loop_t loop;
	struct wr_http_server *server;
	struct wr_events *events;
	struct wr_health health;
	char folder[40], path[64];
	unsigned closed;
};

static void handle(void *context, struct wr_http_request *request)
{
	struct house *house = context;
	struct wr_events_reader reader = { .org = atoi(wr_http_path(request) + 1),
					   .kind = WR_CALLER_USER,
					   .user = 10 + atoi(wr_http_path(request) + 1) };

	if (wr_health_serve(&house->health, request))
		return;
	if (wr_events_subscribe(house->events, request, &reader,
				wr_http_header(request, "last-event-id")))
		wr_http_respond(request, &(struct wr_http_response){ .status = 503 });
}

static void house_open(struct house *house)
{
	struct wr_http_config config = { .limits = { 1000, 2000, 2000, 100 },
					 .handle = handle,
					 .context = house };

	memset(house, 0, sizeof(*house));
	strcpy(house->folder, "/tmp/warren-events-XXXXXX");
	assert_non_null(mkdtemp(house->folder));
	snprintf(house->path, sizeof(house->path), "%s/s", house->folder);
	config.unix_path = house->path;
	uv_loop_init(&house->loop);
	assert_int_equal(wr_http_server_open(&house->loop, &config, &house->server), 0);
	assert_int_equal(wr_events_open(&house->loop, &house->events), 0);
}

static void on_closed(void *context)
{
	((struct house *)context)->closed++;
}

static void house_close(struct house *house)
{
	wr_events_close(house->events, on_closed, house);
	wr_http_server_close(house->server, WR_SPAN_S(1), on_closed, house);
	uv_run(&house->loop, UV_RUN_DEFAULT);
	assert_int_equal(house->closed, 2);
	assert_int_equal(uv_loop_close(&house->loop), 0);
	assert_int_equal(rmdir(house->folder), 0);
}

static int dial(const struct house *house, const char *path, const char *last_id)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char request[256];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n%s%s%s\r\n", path,
			   last_id ? "Last-Event-ID: " : "", last_id ? last_id : "",
			   last_id ? "\r\n" : "");

	strcpy(address.sun_path, house->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, request, (size_t)len, 0), len);
	return fd;
}

static void turn(struct house *house)
{
	for (unsigned i = 0; i < 20; i++)
		uv_run(&house->loop, UV_RUN_NOWAIT);
}

/* What has come by now. */
static const char *hear(struct house *house, int fd, char text[1 << 20])
{
	size_t len = 0;
	ssize_t got;

	do {
		turn(house);
		got = recv(fd, text + len, (1 << 20) - 1 - len, 0);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	text[len] = '\0';
	return text;
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

static char heard[1 << 20];

static void test_events_reach_those_who_listen(void **state)
{
	struct wr_events_numbers numbers;
	struct house house;
	int one, two, all;

	(void)state;
	house_open(&house);
	one = dial(&house, "/1", NULL);
	two = dial(&house, "/2", NULL);
	all = dial(&house, "/0", NULL);
	turn(&house);
	wr_events_publish(house.events, 1, "machine.added", "{\"a\":1}");
	wr_events_publish(house.events, 2, "policy.saved", "{\"a\":2}");
	wr_events_publish(house.events, 0, "org.created", "{\"a\":3}");
	hear(&house, one, heard);
	assert_non_null(strstr(heard, "HTTP/1.1 200 "));
	assert_non_null(strstr(heard, "\nevent: machine.added\ndata: {\"a\":1}\n\n"));
	assert_int_equal(count_of(heard, "event: "), 1);
	hear(&house, two, heard);
	assert_non_null(strstr(heard, "event: policy.saved"));
	assert_int_equal(count_of(heard, "event: "), 1);
	hear(&house, all, heard);
	assert_int_equal(count_of(heard, "event: "), 3);
	wr_events_count(house.events, &numbers);
	assert_int_equal(numbers.readers, 3);
	assert_int_equal(numbers.published, 3);
	close(one);
	turn(&house);
	wr_events_count(house.events, &numbers);
	assert_int_equal(numbers.readers, 2);
	close(two);
	close(all);
	house_close(&house);
}

/* The id of the last event in what was heard. */
static void last_id_of(const char *text, char id[32])
{
	const char *at = text, *found = NULL;

	while ((at = strstr(at, "id: ")))
		found = at += 4;
	assert_non_null(found);
	assert_int_equal(sscanf(found, "%31[0-9]", id), 1);
}

static void test_events_tells_what_was_missed(void **state)
{
	struct house house;
	char id[32];
	int fd;

	(void)state;
	house_open(&house);
	fd = dial(&house, "/1", NULL);
	turn(&house);
	wr_events_publish(house.events, 1, "a", "0");
	last_id_of(hear(&house, fd, heard), id);
	close(fd);
	turn(&house);
	wr_events_publish(house.events, 1, "b", "1");
	wr_events_publish(house.events, 2, "c", "2");
	wr_events_publish(house.events, 1, "d", "3");
	fd = dial(&house, "/1", id);
	hear(&house, fd, heard);
	assert_int_equal(count_of(heard, "event: "), 2);
	assert_true(strstr(heard, "event: b") < strstr(heard, "event: d"));
	close(fd);
	/* Up to date, and without a number. */
	last_id_of(heard, id);
	fd = dial(&house, "/1", id);
	assert_int_equal(count_of(hear(&house, fd, heard), "event: "), 0);
	close(fd);
	fd = dial(&house, "/1", "nonsense");
	assert_int_equal(count_of(hear(&house, fd, heard), "event: "), 0);
	close(fd);
	/* Of another start, or of the future. */
	fd = dial(&house, "/1", "1");
	assert_non_null(strstr(hear(&house, fd, heard), "event: events.lost\n"));
	assert_int_equal(count_of(heard, "event: "), 4);
	close(fd);
	fd = dial(&house, "/1", "9999999999999999999");
	assert_non_null(strstr(hear(&house, fd, heard), "event: events.lost\n"));
	close(fd);
	house_close(&house);
}

static void test_events_keeps_the_last_thousand(void **state)
{
	static char long_data[4000];
	struct house house;
	char id[32];
	int fd;

	(void)state;
	house_open(&house);
	fd = dial(&house, "/1", NULL);
	turn(&house);
	wr_events_publish(house.events, 1, "first", "0");
	last_id_of(hear(&house, fd, heard), id);
	close(fd);
	for (unsigned i = 0; i < WR_EVENTS_KEPT; i++)
		wr_events_publish(house.events, 1, "a", "1");
	fd = dial(&house, "/1", id);
	assert_int_equal(count_of(hear(&house, fd, heard), "event: a\n"), WR_EVENTS_KEPT);
	assert_null(strstr(heard, "events.lost"));
	close(fd);
	wr_events_publish(house.events, 1, "last", "1");
	fd = dial(&house, "/1", id);
	assert_int_equal(count_of(hear(&house, fd, heard), "event: a\n"), WR_EVENTS_KEPT - 1);
	assert_non_null(strstr(heard, "events.lost"));
	assert_non_null(strstr(heard, "event: last\n"));
	close(fd);
	/* More than a stream takes at once: the newest of it. */
	memset(long_data, '1', sizeof(long_data) - 1);
	for (unsigned i = 0; i < WR_EVENTS_KEPT; i++)
		wr_events_publish(house.events, 1, "b", long_data);
	last_id_of(heard, id);
	fd = dial(&house, "/1", id);
	hear(&house, fd, heard);
	assert_non_null(strstr(heard, "events.lost"));
	assert_in_range(count_of(heard, "event: b\n"), 10, 100);
	close(fd);
	house_close(&house);
}

static void test_events_ends_who_is_too_slow(void **state)
{
	static char long_data[15000];
	struct wr_events_numbers numbers;
	struct house house;
	int slow, fast;

	(void)state;
	house_open(&house);
	slow = dial(&house, "/1", NULL);
	fast = dial(&house, "/1", NULL);
	turn(&house);
	memset(long_data, '1', sizeof(long_data) - 1);
	for (unsigned i = 0; i < 100; i++) {
		wr_events_publish(house.events, 1, "a", long_data);
		hear(&house, fast, heard);
	}
	wr_events_count(house.events, &numbers);
	assert_int_equal(numbers.readers, 1);
	assert_int_equal(numbers.ended_slow, 1);
	close(slow);
	close(fast);
	house_close(&house);
}

static bool is_user_11(void *context, const struct wr_events_reader *reader)
{
	(void)context;
	return reader->user == 11;
}

static void test_events_ends_whom_it_is_told_to(void **state)
{
	struct wr_events_numbers numbers;
	struct house house;
	int one, two;

	(void)state;
	house_open(&house);
	one = dial(&house, "/1", NULL);
	two = dial(&house, "/2", NULL);
	turn(&house);
	wr_events_end(house.events, is_user_11, NULL);
	hear(&house, one, heard);
	hear(&house, two, heard);
	assert_int_equal(recv(one, heard, 1, 0), 0);
	assert_int_equal(recv(two, heard, 1, 0), -1);
	wr_events_count(house.events, &numbers);
	assert_int_equal(numbers.readers, 1);
	close(one);
	close(two);
	house_close(&house);
}

static void test_events_drops_what_is_too_long(void **state)
{
	static char huge[WR_EVENT_LEN + 1];
	struct wr_events_numbers numbers;
	struct house house;

	(void)state;
	house_open(&house);
	memset(huge, '1', WR_EVENT_LEN);
	wr_events_publish(house.events, 1, "a", huge);
	wr_events_count(house.events, &numbers);
	assert_int_equal(numbers.published, 0);
	house_close(&house);
}

/* --- Health. --- */

static void test_health_answers_by_what_is_there(void **state)
{
	static const struct {
		struct wr_health health;
		unsigned live, ready, healthy;
	} cases[] = {
		{ { false, true, 0, 0 }, 200, 200, 200 },
		{ { true, true, 0, 0 }, 200, 503, 200 },
		{ { false, false, 0, 0 }, 200, 503, 503 },
		{ { false, true, -ENOSPC, 0 }, 200, 503, 503 },
		{ { false, true, 0, WR_HEALTH_WAITING + 1 }, 200, 503, 503 },
	};
	static const char *const paths[] = { "/livez", "/readyz", "/healthz" };
	struct house house;

	(void)state;
	house_open(&house);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		const unsigned expected[] = { cases[i].live, cases[i].ready, cases[i].healthy };

		house.health = cases[i].health;
		for (unsigned j = 0; j < 3; j++) {
			int fd = dial(&house, paths[j], NULL);
			unsigned status = 0;

			hear(&house, fd, heard);
			assert_int_equal(sscanf(heard, "HTTP/1.1 %u", &status), 1);
			assert_int_equal(status, expected[j]);
			assert_non_null(strstr(heard, status == 200
							      ? "{\"status\":\"ok\""
							      : "{\"status\":\"unavailable\""));
			close(fd);
		}
	}
	house_close(&house);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events_reach_those_who_listen),
		cmocka_unit_test(test_events_tells_what_was_missed),
		cmocka_unit_test(test_events_keeps_the_last_thousand),
		cmocka_unit_test(test_events_ends_who_is_too_slow),
		cmocka_unit_test(test_events_ends_whom_it_is_told_to),
		cmocka_unit_test(test_events_drops_what_is_too_long),
		cmocka_unit_test(test_health_answers_by_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
