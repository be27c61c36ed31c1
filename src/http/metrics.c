#include "http/metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16384

static bool make_room(struct wr_metrics *metrics, size_t len)
{
	size_t room = metrics->room ? metrics->room : FIRST_ROOM;
	char *text;

	if (metrics->is_short_of_memory)
		return false;
	while (room < metrics->len + len + 1)
		room += room;
	if (room == metrics->room)
		return true;
	text = realloc(metrics->text, room);
	if (!text) {
		metrics->is_short_of_memory = true;
		return false;
	}
	metrics->text = text;
	metrics->room = room;
	return true;
}

static void add(struct wr_metrics *metrics, const char *text, size_t len)
{
	if (!make_room(metrics, len))
		return;
	memcpy(metrics->text + metrics->len, text, len);
	metrics->len += len;
	metrics->text[metrics->len] = '\0';
}

static void add_text(struct wr_metrics *metrics, const char *text)
{
	add(metrics, text, strlen(text));
}

/* Backslash and line feed, in a label the quote too. */
static void add_escaped(struct wr_metrics *metrics, const char *text, const char *specials)
{
	while (*text) {
		size_t len = strcspn(text, specials);

		add(metrics, text, len);
		text += len;
		if (*text) {
			char escape[2] = { '\\', *text == '\n' ? 'n' : *text };

			add(metrics, escape, 2);
			text++;
		}
	}
}

void wr_metrics_family(struct wr_metrics *metrics, const char *name, const char *type,
		       const char *help)
{
	add_text(metrics, "# HELP ");
	add_text(metrics, name);
	add_text(metrics, " ");
	add_escaped(metrics, help, "\\\n");
	add_text(metrics, "\n# TYPE ");
	add_text(metrics, name);
	add_text(metrics, " ");
	add_text(metrics, type);
	add_text(metrics, "\n");
}

static void add_labels(struct wr_metrics *metrics, const struct wr_metrics_label *labels,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add_text(metrics, i ? "," : "{");
		add_text(metrics, labels[i].name);
		add_text(metrics, "=\"");
		add_escaped(metrics, labels[i].value, "\\\n\"");
		add_text(metrics, "\"");
	}
	if (count)
		add_text(metrics, "}");
}

/* And exact in a double: as people write it, without an exponent. */
static bool is_whole(double value)
{
	return value > -1e15 && value < 1e15 && (double)(int64_t)value >= value &&
	       (double)(int64_t)value <= value;
}

static void add_value(struct wr_metrics *metrics, double value)
{
	char text[40];

	if (isnan(value))
		snprintf(text, sizeof(text), "NaN");
	else if (isinf(value))
		snprintf(text, sizeof(text), "%sInf", value < 0 ? "-" : "+");
	else if (is_whole(value))
		snprintf(text, sizeof(text), "%.0f", value);
	else /* what it is in decimal, not the last bits of what it is in binary */
		snprintf(text, sizeof(text), "%.15g", value);
	add_text(metrics, text);
}

void wr_metrics_sample(struct wr_metrics *metrics, const char *name,
		       const struct wr_metrics_label *labels, size_t label_count, double value)
{
	add_text(metrics, name);
	add_labels(metrics, labels, label_count);
	add_text(metrics, " ");
	add_value(metrics, value);
	add_text(metrics, "\n");
}

void wr_metrics_single(struct wr_metrics *metrics, const char *name, const char *type,
		       const char *help, double value)
{
	wr_metrics_family(metrics, name, type, help);
	wr_metrics_sample(metrics, name, NULL, 0, value);
}

void wr_metrics_labelled(struct wr_metrics *metrics, const char *name, const char *label,
			 const char *value, double number)
{
	wr_metrics_sample(metrics, name, &(struct wr_metrics_label){ label, value }, 1, number);
}

void wr_metrics_done(struct wr_metrics *metrics)
{
	free(metrics->text);
	*metrics = (struct wr_metrics){ 0 };
}
