#include "live.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "unit.h"
#include "wire/join_key.h"

/* --- The server's thread. --- */
static void on_closed(void *context)
{
	struct live *live = context;

	live->server = NULL;
}

static void on_stop(uv_async_t *async)
{
	struct live *live = async->data;

	uv_close((uv_handle_t *)&live->stop, NULL);
	wr_server_close(live->server, on_closed, live);
}

static void *run(void *context)
{
	struct live *live = context;

	uv_run(&live->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void open_server(struct live *live)
{
	const struct wr_server_config config = {
		.data = live->data,
		.api_listen = "127.0.0.1:0",
		.is_plain = true,
		.api_endpoint = "api.example:8443",
		.hub_endpoint = "hub.example:51820",
		.network = "10.100.0.0/16",
		.first_org = "Acme",
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.unlock = { (const uint8_t *)LIVE_UNLOCK, strlen(LIVE_UNLOCK) },
	};

	assert_int_equal(uv_loop_init(&live->loop), 0);
	assert_int_equal(wr_server_open(&live->loop, &config, &live->first, &live->server), 0);
	snprintf(live->socket, sizeof(live->socket), "%s", wr_server_socket(live->server));
	live->port = wr_server_port(live->server);
	assert_int_equal(uv_async_init(&live->loop, &live->stop, on_stop), 0);
	live->stop.data = live;
	assert_int_equal(pthread_create(&live->thread, NULL, run, live), 0);
}

void live_start(struct live *live)
{
	*live = (struct live){ .data = "/tmp/warren-test-XXXXXX" };
	assert_int_equal(wr_crypto_start(), 0);
	assert_non_null(mkdtemp(live->data));
	open_server(live);
}

void live_start_again(struct live *live)
{
	open_server(live);
}

static void remove_folder(const char *path)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
}

void live_stop(struct live *live, bool stays)
{
	uv_async_send(&live->stop);
	pthread_join(live->thread, NULL);
	assert_null(live->server);
	/* Nothing is left open. */
	assert_int_equal(uv_loop_close(&live->loop), 0);
	if (!stays)
		remove_folder(live->data);
}

/* --- Asking. --- */
static int dial(const struct live *live)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", live->socket);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int dial_tcp(const struct live *live)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(live->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

		assert_true(sent > 0);
		text += sent;
		len -= (size_t)sent;
	}
}

/* Until the other side ends. */
static char *read_all(int fd)
{
	size_t len = 0, room = 4096;
	char *text = malloc(room);
	ssize_t got;

	while ((got = read(fd, text + len, room - len - 1)) > 0) {
		len += (size_t)got;
		if (room - len < 2)
			text = realloc(text, room *= 2);
		assert_non_null(text);
	}
	text[len] = '\0';
	return text;
}

static void split(struct live_answer *answer, char *text)
{
	char *body = strstr(text, "\r\n\r\n");

	assert_non_null(body);
	*body = '\0';
	snprintf(answer->head, sizeof(answer->head), "%s\r\n", text);
	answer->status = (unsigned)strtoul(text + strlen("HTTP/1.1 "), NULL, 10);
	answer->body = strdup(body + 4);
	answer->json = json_loads(answer->body, JSON_REJECT_DUPLICATES, NULL);
}

static struct live_answer ask(int fd, const char *method, const char *path, const char *head,
			      const char *body)
{
	struct live_answer answer = { 0 };
	char *request, *text;
	int len = asprintf(&request,
			   "%s %s HTTP/1.1\r\nHost: warren.test\r\nConnection: close\r\n"
			   "Content-Length: %zu\r\n%s%s\r\n%s",
			   method, path, body ? strlen(body) : 0,
			   body ? "Content-Type: application/json\r\n" : "", head ? head : "",
			   body ? body : "");

	assert_true(len > 0);
	send_all(fd, request, (size_t)len);
	text = read_all(fd);
	split(&answer, text);
	close(fd);
	free(text);
	free(request);
	return answer;
}

struct live_answer live_ask(const struct live *live, const char *method, const char *path,
			    const char *head, const char *body)
{
	return ask(dial(live), method, path, head, body);
}

struct live_answer live_ask_tcp(const struct live *live, const char *method, const char *path,
				const char *head, const char *body)
{
	return ask(dial_tcp(live), method, path, head, body);
}

void live_answer_done(struct live_answer *answer)
{
	free(answer->body);
	json_decref(answer->json);
	*answer = (struct live_answer){ 0 };
}

unsigned live_status(const struct live *live, const char *method, const char *path,
		     const char *head, const char *body)
{
	struct live_answer answer = live_ask(live, method, path, head, body);
	unsigned status = answer.status;

	live_answer_done(&answer);
	return status;
}

char *live_text(const struct live_answer *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer->json, name));

	if (!text)
		fail_msg("%u without %s: %s", answer->status, name, answer->body);
	return strdup(text);
}

const char *live_pointer(const struct live_answer *answer)
{
	json_t *faults = json_object_get(answer->json, "faults");
	size_t count = json_array_size(faults);
	json_t *last = count ? json_array_get(faults, count - 1) : NULL;
	const char *pointer = json_string_value(json_object_get(last, "pointer"));

	return pointer ? pointer : "";
}

/* --- Agents. --- */

static void secret_of(const char *key_text, char ret_secret[28])
{
	struct wr_join_key key;
	char why[200];

	assert_int_equal(wr_join_key_parse(key_text, &key, why), 0);
	sodium_bin2base64(ret_secret, 28, key.secret, sizeof(key.secret),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static char *ask_for(const struct live *live, const char *path, const char *body,
		     const char *member)
{
	struct live_answer answer = live_ask(live, "POST", path, NULL, body);
	char *text;

	assert_int_equal(answer.status, 201);
	text = live_text(&answer, member);
	live_answer_done(&answer);
	return text;
}

void live_join(const struct live *live, const char *name, char ret_head[160])
{
	char *key = ask_for(live, "/api/v1/orgs/acme/keys", "{}", "key"), *token;
	char secret[28], public_text[WR_KEY_BASE64_LEN + 1], body[300];
	struct wr_key key_pair;

	secret_of(key, secret);
	wr_random(&key_pair, sizeof(key_pair));
	wr_x25519_clamp(&key_pair);
	key_pair = wr_x25519_public(&key_pair);
	wr_key_to_base64(&key_pair, public_text);
	snprintf(body, sizeof(body),
		 "{\"secret\": \"%s\", \"name\": \"%s\", \"public_key\": \"%s\"}", secret, name,
		 public_text);
	token = ask_for(live, "/api/v1/join", body, "token");
	snprintf(ret_head, 160, "authorization: Bearer %s\r\n", token);
	free(token);
	free(key);
}
