#include "mesh/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000
/* For what it said last, where a child of it holds the pipe open. */
#define LINGER_MS 100
#define PATH_LEN 512

struct wr_command {
	uv_process_t process;
	uv_pipe_t out;
	uv_timer_t timer;
	unsigned handles; /* that are open */
	int status;
	char said[WR_COMMAND_SAID];
	size_t said_len;
	char scratch[1024];
	void (*ended)(void *context, int status, const char *said);
	void *context;
};

/* --- Its end. --- */

static void finish(struct wr_command *command)
{
	void (*ended)(void *context, int status, const char *said) = command->ended;
	char *newline = strchr(command->said, '\n');

	if (newline)
		*newline = '\0';
	if (ended)
		ended(command->context, command->status, command->said);
	free(command);
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_command *command = handle->data;

	if (--command->handles == 0)
		finish(command);
}

static void close_all(struct wr_command *command)
{
	uv_handle_t *handles[] = { (uv_handle_t *)&command->process, (uv_handle_t *)&command->out,
				   (uv_handle_t *)&command->timer };

	for (size_t i = 0; i < WR_ARRAY_LEN(handles); i++) {
		if (handles[i]->data && !uv_is_closing(handles[i]))
			uv_close(handles[i], on_closed);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct wr_command *command = timer->data;

	if (uv_is_closing((uv_handle_t *)&command->process)) {
		close_all(command);
		return;
	}
	command->status = -ETIMEDOUT;
	(void)uv_process_kill(&command->process, SIGKILL);
}

static void on_program_exit(uv_process_t *process, int64_t status, int signal)
{
	struct wr_command *command = process->data;

	if (command->status == 0)
		command->status = signal ? -EINTR : (int)status;
	/* What it said is in the pipe already. */
	uv_close((uv_handle_t *)process, on_closed);
	(void)uv_timer_start(&command->timer, on_timer, LINGER_MS, 0);
	if (uv_is_closing((uv_handle_t *)&command->out))
		close_all(command);
}

/* --- What it says. --- */

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct wr_command *command = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(command->scratch, sizeof(command->scratch));
}

static void on_said(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct wr_command *command = stream->data;
	size_t room = sizeof(command->said) - 1 - command->said_len;

	if (len > 0) {
		size_t kept = (size_t)len < room ? (size_t)len : room;

		memcpy(command->said + command->said_len, buffer->base, kept);
		command->said_len += kept;
	}
	if (len >= 0)
		return;
	uv_close((uv_handle_t *)stream, on_closed);
	if (uv_is_closing((uv_handle_t *)&command->process))
		close_all(command);
}

/* --- Its start. --- */

static bool is_program(const char *folder, size_t folder_len, const char *name,
		       char ret_path[PATH_LEN])
{
	char path[PATH_LEN];
	int len = snprintf(path, sizeof(path), "%.*s/%s", (int)folder_len, folder, name);

	if (len < 0 || len >= PATH_LEN || access(path, X_OK) < 0)
		return false;
	strcpy(ret_path, path);
	return true;
}

/* In the folders of a list with colons. */
static bool find_in(const char *folders, const char *name, char ret_path[PATH_LEN])
{
	while (folders && *folders) {
		size_t len = strcspn(folders, ":");

		if (len > 0 && is_program(folders, len, name, ret_path))
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

static int spawn(uv_loop_t *loop, struct wr_command *command, const char *const argv[],
		 const char *path)
{
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&command->out },
	};
	uv_process_options_t options = {
		.exit_cb = on_program_exit,
		.file = path,
		.args = (char **)(uintptr_t)argv,
		.stdio = stdio,
		.stdio_count = 3,
	};

	return uv_spawn(loop, &command->process, &options);
}

static void open_handles(uv_loop_t *loop, struct wr_command *command)
{
	/* None of these fails. */
	(void)uv_pipe_init(loop, &command->out, 0);
	(void)uv_timer_init(loop, &command->timer);
	command->out.data = command->timer.data = command;
	command->handles = 2;
}

int wr_command_run(uv_loop_t *loop, const char *const argv[],
		   void (*ended)(void *context, int status, const char *said), void *context)
{
	struct wr_command *command;
	char path[PATH_LEN];
	int status;

	/* Services may have a PATH without the administrator's folders. */
	if (!find_in(getenv("PATH"), argv[0], path) && !find_in("/usr/sbin:/sbin", argv[0], path))
		return -ENOENT;
	command = calloc(1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	open_handles(loop, command);
	status = spawn(loop, command, argv, path);
	/* One that did not start has a handle all the same. */
	command->process.data = command;
	command->handles++;
	if (status < 0) {
		close_all(command);
		return status;
	}
	command->ended = ended;
	command->context = context;
	(void)uv_timer_start(&command->timer, on_timer, PATIENCE_MS, 0);
	(void)uv_read_start((uv_stream_t *)&command->out, give_room, on_said);
	return 0;
}
