#include "cli/tables.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

#include "cli/terminal.h"
#include "linux/files.h"

#define BETWEEN 2

struct wr_table wr_table_of(const struct wr_column *columns, size_t count)
{
	return (struct wr_table){ columns, count, time(NULL), wr_terminal_has_colour(stdout) };
}

/* "user.login": the member of a member. */
static const json_t *find_member(const json_t *object, const char *path)
{
	const char *dot = strchr(path, '.');
	WR_AUTO(wr_text_freep) char *first = NULL;

	if (!dot)
		return json_object_get(object, path);
	first = wr_text_new("%.*s", (int)(dot - path), path);
	return find_member(json_object_get(object, first), dot + 1);
}

static char *cell_text(const struct wr_table *table, const json_t *item, size_t column)
{
	const struct wr_column *of = &table->columns[column];

	return wr_look_text(find_member(item, of->member), of->look, table->now);
}

/* In cells of a terminal: wide characters take two, combining ones none. */
static int width_of(const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;
	int width;

	if (u8_check(bytes, strlen(text)))
		return (int)strlen(text);
	width = u8_strwidth(bytes, "UTF-8");
	return width > 0 ? width : 0;
}

static const char *colour_of(const char *state)
{
	static const struct {
		const char *state, *colour;
	} colours[] = {
		{ "online", "\033[32m" },   { "allow", "\033[32m" },   { "ok", "\033[32m" },
		{ "disabled", "\033[31m" }, { "expired", "\033[31m" }, { "bad", "\033[31m" },
		{ "offline", "\033[33m" },  { "never", "\033[2m" },    { "note", "\033[33m" },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(colours); i++) {
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].colour;
	}
	return NULL;
}

/* `owed`: blanks that come before the next text, so that none stand at the end of a line. */
static void write_cell(const struct wr_table *table, size_t column, const char *text, int width,
		       int *owed, FILE *to)
{
	enum wr_look look = table->columns[column].look;
	bool is_right = look == WR_LOOK_NUMBER || look == WR_LOOK_SIZE;
	int padding = width - width_of(text);
	const char *colour = table->has_colour && look == WR_LOOK_STATE ? colour_of(text) : NULL;

	if (*text)
		fprintf(to, "%*s%s%s%s", *owed + (is_right ? padding : 0), "", colour ? colour : "",
			text, colour ? "\033[0m" : "");
	*owed = (*text ? 0 : *owed) + BETWEEN + (is_right && *text ? 0 : padding);
	if (column + 1 == table->count) {
		fputc('\n', to);
		*owed = 0;
	}
}

/* All cells, row by row; the titles are the first row. */
static char **make_cells(const struct wr_table *table, const json_t *items)
{
	size_t rows = json_array_size(items) + 1;
	char **cells = calloc(rows * table->count, sizeof(*cells));

	if (!cells)
		abort();
	for (size_t column = 0; column < table->count; column++) {
		cells[column] = wr_text_new("%s", table->columns[column].title);
		for (size_t row = 1; row < rows; row++)
			cells[row * table->count + column] =
				cell_text(table, json_array_get(items, row - 1), column);
	}
	return cells;
}

static int column_width(const struct wr_table *table, char *const *cells, size_t rows,
			size_t column)
{
	int widest = 0;

	for (size_t row = 0; row < rows; row++) {
		int width = width_of(cells[row * table->count + column]);

		widest = width > widest ? width : widest;
	}
	return widest;
}

void wr_table_print(const struct wr_table *table, const json_t *items, FILE *to)
{
	size_t rows = json_array_size(items) + 1;
	char **cells;
	int widths[16], owed = 0;

	assert(table->count <= WR_ARRAY_LEN(widths));
	if (rows == 1) {
		if (isatty(fileno(to)))
			fputs("(none)\n", to);
		return;
	}
	cells = make_cells(table, items);
	for (size_t column = 0; column < table->count; column++)
		widths[column] = column_width(table, cells, rows, column);
	for (size_t i = 0; i < rows * table->count; i++) {
		size_t column = i % table->count;

		write_cell(table, column, cells[i], widths[column], &owed, to);
		free(cells[i]);
	}
	free(cells);
}

void wr_table_print_one(const struct wr_table *table, const json_t *object, FILE *to)
{
	int width = 0;

	for (size_t i = 0; i < table->count; i++) {
		int title = width_of(table->columns[i].title);

		width = title > width ? title : width;
	}
	for (size_t i = 0; i < table->count; i++) {
		WR_AUTO(wr_text_freep) char *text = cell_text(table, object, i);
		const char *title = table->columns[i].title;

		fprintf(to, "%s%*s%s\n", title, width - width_of(title) + BETWEEN, "", text);
	}
}
