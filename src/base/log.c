#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_LEN 1024

/* The one mutable global besides the signal flag: set once, before threads. */
static struct {
	enum wr_log_level level;
	const char *prefix;
} log_sink = { .level = WR_LOG_ERROR, .prefix = "" };

enum wr_log_level wr_log_level_parse(const char *text)
{
	if (!text)
		return WR_LOG_ERROR;
	if (strcmp(text, "verbose") == 0 || strcmp(text, "debug") == 0)
		return WR_LOG_VERBOSE;
	if (strcmp(text, "silent") == 0)
		return WR_LOG_SILENT;
	return WR_LOG_ERROR;
}

void wr_log_start(enum wr_log_level level, const char *prefix)
{
	log_sink.level = level;
	log_sink.prefix = prefix ? prefix : "";
}

bool wr_log_is_on(enum wr_log_level level)
{
	return level != WR_LOG_SILENT && level <= log_sink.level;
}

/* What a vsnprintf() into `room` bytes left there, without the NUL. */
static size_t written_len(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void WR_PRINTF(1, 0) write_line(const char *format, va_list arguments)
{
	char line[LINE_LEN];
	size_t room = sizeof(line) - 1; /* and the newline */
	size_t len = written_len(snprintf(line, room, "%s", log_sink.prefix), room);
	int saved_errno = errno;

	len += written_len(vsnprintf(line + len, room - len, format, arguments), room - len);
	line[len++] = '\n';
	/* Where standard error is gone or full there is nobody to tell. */
	if (write(STDERR_FILENO, line, len) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

void wr_log_error(const char *format, ...)
{
	va_list arguments;

	if (!wr_log_is_on(WR_LOG_ERROR))
		return;
	va_start(arguments, format);
	write_line(format, arguments);
	va_end(arguments);
}

void wr_log_verbose(const char *format, ...)
{
	va_list arguments;

	if (!wr_log_is_on(WR_LOG_VERBOSE))
		return;
	va_start(arguments, format);
	write_line(format, arguments);
	va_end(arguments);
}
