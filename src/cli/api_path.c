/* Paths of the API. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "linux/files.h"

static void write_escaped(FILE *to, const char *text)
{
	WR_AUTO(wr_text_freep) char *escaped = wr_http_escape(text);

	if (!escaped)
		abort();
	fputs(escaped, to);
}

char *wr_api_path(const char *shape, ...)
{
	char *path = NULL;
	size_t len;
	FILE *to = open_memstream(&path, &len);
	va_list values;

	if (!to)
		abort();
	va_start(values, shape);
	for (const char *c = shape; *c; c++) {
		if (c[0] == '{' && c[1] == '}') {
			write_escaped(to, va_arg(values, const char *));
			c++;
		} else {
			fputc(*c, to);
		}
	}
	va_end(values);
	fclose(to);
	return path;
}

void wr_api_query(char **path, const char *name, const char *value)
{
	WR_AUTO(wr_text_freep) char *before = NULL;
	WR_AUTO(wr_text_freep) char *escaped = NULL;

	if (!value)
		return;
	escaped = wr_http_escape(value);
	before = *path;
	*path = wr_text_new("%s%c%s=%s", before, strchr(before, '?') ? '&' : '?', name, escaped);
}
