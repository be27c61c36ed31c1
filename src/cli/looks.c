/* How single values look. */
#include <stdlib.h>
#include <string.h>

#include "cli/tables.h"
#include "linux/files.h"

#define MINUTE 60
#define HOUR 3600
#define DAY 86400

bool wr_look_parse_time(const char *text, time_t *ret_time)
{
	struct tm parts = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

	if (!end)
		return false;
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (strcmp(end, "Z") != 0)
		return false;
	*ret_time = timegm(&parts);
	return true;
}

/* "3 min ago", "in 3 min". */
static char *ago_text(time_t seconds)
{
	static const struct {
		time_t below, unit;
		const char *name;
	} steps[] = { { 2 * MINUTE, 1, "s" }, { 2 * HOUR, MINUTE, "min" }, { 2 * DAY, HOUR, "h" } };
	bool is_ahead = seconds < 0;
	time_t span = is_ahead ? -seconds : seconds;
	time_t unit = DAY;
	const char *name = "days";

	if (span < 2)
		return wr_text_new("now");
	for (size_t i = WR_ARRAY_LEN(steps); i > 0; i--) {
		if (span < steps[i - 1].below) {
			unit = steps[i - 1].unit;
			name = steps[i - 1].name;
		}
	}
	return wr_text_new("%s%lld %s%s", is_ahead ? "in " : "", (long long)(span / unit), name,
			   is_ahead ? "" : " ago");
}

static char *time_text(time_t seconds)
{
	char text[32];
	struct tm parts;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &parts));
	return wr_text_new("%s", text);
}

static char *look_time(const json_t *value, bool is_ago, time_t now)
{
	const char *text = json_string_value(value);
	time_t seconds;

	if (!text || !wr_look_parse_time(text, &seconds))
		return wr_text_new("%s", text ? text : "never");
	return is_ago ? ago_text(now - seconds) : time_text(seconds);
}

static char *look_size(double bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	if (bytes < 1024)
		return wr_text_new("%.0f B", bytes);
	for (bytes /= 1024; bytes >= 1023.95 && unit + 1 < WR_ARRAY_LEN(units); unit++)
		bytes /= 1024;
	return wr_text_new("%.1f %s", bytes, units[unit]);
}

static char *look_any(const json_t *value)
{
	if (json_is_string(value))
		return wr_text_new("%s", json_string_value(value));
	if (json_is_integer(value))
		return wr_text_new("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_boolean(value))
		return wr_text_new("%s", json_is_true(value) ? "yes" : "no");
	if (!value || json_is_null(value))
		return wr_text_new("-");
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static char *look_list(const json_t *list)
{
	char *text = NULL;
	size_t len, i;
	FILE *to = open_memstream(&text, &len);
	json_t *item;

	if (!to)
		abort();
	json_array_foreach(list, i, item)
		fprintf(to, "%s%s", i > 0 ? " " : "", json_string_value(item));
	if (json_array_size(list) == 0)
		fputc('-', to);
	fclose(to);
	return text;
}

/* A name, an endpoint or a line of the audit log must not steer the terminal: control
 * characters, of the C1 set too (U+0080 to U+009F: C2 80 to C2 9F), become '?'. */
static char *make_harmless(char *text)
{
	for (char *c = text; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		bool is_c1 = byte == 0xc2 && ((unsigned char)c[1] & 0xe0) == 0x80;

		if (byte < 0x20 || byte == 0x7f)
			*c = '?';
		if (is_c1)
			c[0] = c[1] = '?';
	}
	return text;
}

char *wr_look_text(const json_t *value, enum wr_look look, time_t now)
{
	switch (look) {
	case WR_LOOK_SIZE: return look_size(json_number_value(value));
	case WR_LOOK_AGO: return make_harmless(look_time(value, true, now));
	case WR_LOOK_TIME: return make_harmless(look_time(value, false, now));
	case WR_LOOK_YES: return wr_text_new("%s", json_is_true(value) ? "yes" : "");
	case WR_LOOK_LIST: return make_harmless(look_list(value));
	case WR_LOOK_TEXT:
	case WR_LOOK_NUMBER:
	case WR_LOOK_STATE:
	default: return make_harmless(look_any(value));
	}
}

/* "90s", "15m", "1h", "7d": seconds; 0 if it is none. */
static time_t span_seconds(const char *text)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = { { 's', 1 }, { 'm', MINUTE }, { 'h', HOUR }, { 'd', DAY } };
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || number > 100000 || !*end || end[1])
		return 0;
	for (size_t i = 0; i < WR_ARRAY_LEN(units); i++) {
		if (units[i].unit == *end)
			return (time_t)number * units[i].seconds;
	}
	return 0;
}

static void write_time(time_t when, char ret_text[32])
{
	struct tm parts;

	strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
}

json_t *wr_look_time(time_t time)
{
	char written[32];

	write_time(time, written);
	return json_string(written);
}

char *wr_look_since(const char *text, time_t now)
{
	time_t span = span_seconds(text);
	time_t when = now - span;
	char written[32];

	if (span == 0 && !wr_look_parse_time(text, &when))
		return NULL;
	write_time(when, written);
	return wr_text_new("%s", written);
}
