#include "gates.h"

#include <errno.h>
#include <unistd.h>

#include "linux/setup.h"

#define MTU 1420

/* --- Waiting. --- */

static void on_late(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void on_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

void gates_wait(uv_loop_t *loop, const bool *is_so)
{
	bool is_late = false, is_gone = false;
	uv_timer_t timer;

	uv_timer_init(loop, &timer);
	timer.data = &is_late;
	uv_timer_start(&timer, on_late, 10000, 0);
	while (!*is_so && !is_late)
		uv_run(loop, UV_RUN_ONCE);
	timer.data = &is_gone;
	uv_close((uv_handle_t *)&timer, on_closed);
	while (!is_gone)
		uv_run(loop, UV_RUN_ONCE);
	if (!*is_so)
		fail_msg("waited for ten seconds");
}

/* --- Opening. --- */

static bool find(void *context, const char *label, struct wr_ip *ret_v4, struct wr_ip *ret_v6)
{
	struct gate *gate = context;

	if (strcmp(label, "db") != 0)
		return false;
	*ret_v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 7, (uint8_t)gate->number } };
	*ret_v6 = (struct wr_ip){ WR_IPV6, { 0xfd, 0x42, [15] = (uint8_t)gate->number } };
	return true;
}

static bool name(void *context, const struct wr_ip *ip, char ret_label[WR_DNS_LABEL_MAX + 1])
{
	struct wr_ip v4, v6;

	if (!find(context, "db", &v4, &v6) || (!wr_ip_equal(ip, &v4) && !wr_ip_equal(ip, &v6)))
		return false;
	strcpy(ret_label, "db");
	return true;
}

static void on_opened(void *context, struct wr_gateway *gateway, int status, struct wr_tun *tun)
{
	struct gate *gate = context;

	assert_ptr_equal(gateway, gate->gateway);
	assert_false(gate->is_opened);
	assert_int_equal(status == 0, tun != NULL);
	gate->is_opened = true;
	gate->status = status;
	gate->tun = tun;
}

static void on_damaged(void *context, struct wr_gateway *gateway)
{
	struct gate *gate = context;

	(void)gateway;
	gate->damages++;
}

struct gate *gate_begin(uv_loop_t *loop, uint64_t number, const char *label)
{
	struct gate *gate = calloc(1, sizeof(*gate));
	struct wr_gateway_config config = {
		.tag = GATES_TAG,
		.number = number,
		.label = label,
		.suffix = "warren",
		.address4 = { WR_IPV4, { 10, 100, 0, 1 } },
		.address6 = { WR_IPV6, { 0xfd, 0x42, [15] = 1 } },
		.range4 = { { WR_IPV4, { 10, 100 } }, 16 },
		.range6 = { { WR_IPV6, { 0xfd, 0x42 } }, 64 },
		.mtu = MTU,
		.source = { find, name, gate },
		.opened = on_opened,
		.damaged = on_damaged,
		.context = gate,
	};

	gate->loop = loop;
	gate->number = number;
	assert_int_equal(wr_gateway_open(loop, &config, &gate->gateway), 0);
	return gate;
}

struct gate *gate_open(uv_loop_t *loop, uint64_t number, const char *label)
{
	struct gate *gate = gate_begin(loop, number, label);

	gates_wait(loop, &gate->is_opened);
	if (gate->status < 0)
		fail_msg("a gateway: %s (it needs root and /dev/net/tun)", strerror(-gate->status));
	return gate;
}

/* --- Its machine. --- */

static void carry(const struct wr_tun *from, const struct wr_tun *to, unsigned *count)
{
	static uint8_t packet[WR_TUN_HEADER_LEN + 65536];
	ssize_t len;

	while ((len = read(from->queues[0], packet, sizeof(packet))) > 0) {
		assert_int_equal(write(to->queues[0], packet, (size_t)len), len);
		(*count)++;
	}
	assert_true(len < 0 && (errno == EAGAIN || errno == EBADFD));
}

static void on_to_gateway(uv_poll_t *poll, int status, int events)
{
	struct gate *gate = poll->data;
	unsigned count = 0;

	(void)events;
	if (status == 0)
		carry(gate->machine_tun, gate->tun, &count);
}

static void on_to_machine(uv_poll_t *poll, int status, int events)
{
	struct gate *gate = poll->data;

	(void)events;
	if (status == 0)
		carry(gate->tun, gate->machine_tun, &gate->carried);
}

static void set_up(struct gate *gate)
{
	struct wr_setup setup = {
		.index = gate->machine_tun->index,
		.addresses = { { WR_IPV4, { 10, 100, 0, 2 } },
			       { WR_IPV6, { 0xfd, 0x42, [15] = 2 } } },
		.address_count = 2,
		.routes = { { { WR_IPV4, { 10, 100 } }, 16 }, { { WR_IPV6, { 0xfd, 0x42 } }, 64 } },
		.route_count = 2,
	};
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&gate->machine, &visit), 0);
	assert_int_equal(wr_setup_apply(&setup), 0);
	wr_netns_leave(&visit);
}

void gate_join(struct gate *gate)
{
	char text[32];

	snprintf(text, sizeof(text), "machine%u", (unsigned)gate->number);
	assert_int_equal(wr_netns_create(text, &gate->machine), 0);
	assert_int_equal(wr_netns_open_tun(&gate->machine, "wg0", MTU, &gate->machine_tun), 0);
	set_up(gate);
	uv_poll_init(gate->loop, &gate->to_gateway, gate->machine_tun->queues[0]);
	uv_poll_init(gate->loop, &gate->to_machine, gate->tun->queues[0]);
	gate->to_gateway.data = gate->to_machine.data = gate;
	uv_poll_start(&gate->to_gateway, UV_READABLE, on_to_gateway);
	uv_poll_start(&gate->to_machine, UV_READABLE, on_to_machine);
	gate->is_joined = true;
}

static void part(struct gate *gate)
{
	bool is_gone = false;

	uv_close((uv_handle_t *)&gate->to_gateway, NULL);
	gate->to_machine.data = &is_gone;
	uv_close((uv_handle_t *)&gate->to_machine, on_closed);
	gates_wait(gate->loop, &is_gone);
	wr_tun_free(gate->machine_tun);
	assert_int_equal(wr_netns_delete(gate->machine.name), 0);
	wr_netns_close(&gate->machine);
	gate->is_joined = false;
}

static void on_gateway_closed(void *context)
{
	*(bool *)context = true;
}

void gate_close(struct gate *gate)
{
	if (gate->is_joined)
		part(gate);
	wr_gateway_close(gate->gateway, on_gateway_closed, &gate->is_closed);
	gates_wait(gate->loop, &gate->is_closed);
	free(gate);
}

/* --- Commands. --- */

struct command {
	uv_process_t process;
	uv_pipe_t pipe;
	char text[16384];
	size_t len;
	int64_t status;
	bool has_ended, is_gone;
};

static void on_exit_of(uv_process_t *process, int64_t status, int by)
{
	struct command *command = process->data;

	command->status = status ? status : by;
	uv_close((uv_handle_t *)process, NULL);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	struct command *command = handle->data;

	(void)suggested;
	*ret_buffer = uv_buf_init(command->text + command->len,
				  (unsigned)(sizeof(command->text) - 1 - command->len));
}

static void on_pipe_closed(uv_handle_t *handle)
{
	struct command *command = handle->data;

	command->is_gone = true;
}

static void on_output(uv_stream_t *pipe, ssize_t len, const uv_buf_t *buffer)
{
	struct command *command = pipe->data;

	(void)buffer;
	if (len < 0)
		uv_close((uv_handle_t *)pipe, on_pipe_closed);
	else
		command->len += (size_t)len;
}

static void start(struct command *command, uv_loop_t *loop, char *text)
{
	char sh[] = "/bin/sh", flag[] = "-c";
	char *words[] = { sh, flag, text, NULL };
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&command->pipe },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	uv_process_options_t options = {
		.file = sh, .args = words, .exit_cb = on_exit_of, .stdio = stdio, .stdio_count = 3
	};

	uv_pipe_init(loop, &command->pipe, 0);
	command->process.data = command->pipe.data = command;
	assert_int_equal(uv_spawn(loop, &command->process, &options), 0);
	uv_read_start((uv_stream_t *)&command->pipe, on_room, on_output);
}

char *gates_run(uv_loop_t *loop, const char *want, const char *format, ...)
{
	struct command *command = calloc(1, sizeof(*command));
	char text[1024], *output;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	start(command, loop, text);
	gates_wait(loop, &command->is_gone);
	while (uv_is_active((uv_handle_t *)&command->process))
		uv_run(loop, UV_RUN_ONCE);
	/* Lets the handle go. */
	uv_run(loop, UV_RUN_NOWAIT);
	output = strdup(command->text);
	if (command->status != 0 || (want && !strstr(output, want)))
		fail_msg("%s: status %d, wanted \"%s\":\n%s", text, (int)command->status,
			 want ? want : "", output);
	free(command);
	return output;
}
