#include "server/format.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/ip.h"
#include "base/number.h"

#define WORD_MAX 63
#define HOST_MAX 253
#define SPAN_MAX (INT64_C(100) * 366 * 24 * 3600)

/* Decodes one code point; returns its length, or 0 if it is none. Source: RFC 3629. */
static size_t decode(const uint8_t *at, size_t len, uint32_t *ret_point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need = *at < 0x80       ? 1
		      : *at >> 5 == 6  ? 2
		      : *at >> 4 == 14 ? 3
		      : *at >> 3 == 30 ? 4
				       : 0;
	uint32_t point;

	if (need == 0 || need > len)
		return 0;
	point = need == 1 ? *at : *at & (0xffu >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < least[need] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret_point = point;
	return need;
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

static bool is_line(uint32_t point)
{
	return point == '\t' || point == '\n' || point == '\r';
}

static bool is_text(const char *text, size_t len, bool has_lines)
{
	const uint8_t *at = (const uint8_t *)text;
	uint32_t point;

	while (len > 0) {
		size_t step = decode(at, len, &point);

		if (step == 0 || (is_control(point) && !(has_lines && is_line(point))))
			return false;
		at += step;
		len -= step;
	}
	return true;
}

bool wr_format_is_text(const char *text, size_t len)
{
	return is_text(text, len, false);
}

bool wr_format_is_long_text(const char *text, size_t len)
{
	return is_text(text, len, true);
}

size_t wr_format_length(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((uint8_t)text[i] & 0xc0) != 0x80;
	return count;
}

static bool is_word(const char *text, size_t len, const char *letters)
{
	if (len == 0 || len > WORD_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' || !strchr(letters, text[i]))
			return false;
	}
	return true;
}

bool wr_format_is_tag(const char *text, size_t len)
{
	return is_word(text, len, "abcdefghijklmnopqrstuvwxyz0123456789-_");
}

static int base64_value(char letter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? (int)(found - letters) : -1;
}

/* 43 letters of 6 bits are 2 bits more than 32 bytes: those are zero. */
bool wr_format_is_key(const char *text, size_t len)
{
	int any = 0;

	if (len != 44 || text[43] != '=')
		return false;
	for (size_t i = 0; i < 43; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return false;
		any |= value;
	}
	return (base64_value(text[42]) & 3) == 0 && any != 0;
}

static bool is_host(const char *text, size_t len)
{
	size_t begin = 0;

	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (!is_word(text + begin, i - begin,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ||
		    text[begin] == '-' || text[i - 1] == '-')
			return false;
		begin = i + 1;
	}
	return true;
}

bool wr_format_is_endpoint(const char *text, size_t len)
{
	const char *colon = memrchr(text, ':', len);
	struct wr_endpoint endpoint;
	uint64_t port;
	size_t host_len;

	if (!colon)
		return false;
	host_len = (size_t)(colon - text);
	if (!wr_number_parse(colon + 1, len - host_len - 1, 65535, &port) || port == 0)
		return false;
	return wr_endpoint_parse(text, len, &endpoint) || is_host(text, host_len);
}

/* --- Times. --- */
static bool read_digits(const char *text, size_t count, int *ret_number)
{
	uint64_t number;

	if (!wr_number_parse(text, count, INT32_MAX, &number))
		return false;
	*ret_number = (int)number;
	return true;
}

/* "Z", "+00:00", or the same behind a fraction of a second. */
static bool is_utc(const char *text, size_t len)
{
	size_t at = 0;

	if (len > 0 && text[0] == '.') {
		for (at = 1; at < len && text[at] >= '0' && text[at] <= '9'; at++)
			;
		if (at == 1)
			return false;
	}
	text += at;
	len -= at;
	return (len == 1 && (*text == 'Z' || *text == 'z')) ||
	       (len == 6 && memcmp(text, "+00:00", 6) == 0);
}

bool wr_time_parse(const char *text, size_t len, int64_t *ret_seconds)
{
	struct tm tm = { 0 }, same;
	time_t seconds;

	if (len < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') ||
	    text[13] != ':' || text[16] != ':' || !is_utc(text + 19, len - 19))
		return false;
	if (!read_digits(text, 4, &tm.tm_year) || !read_digits(text + 5, 2, &tm.tm_mon) ||
	    !read_digits(text + 8, 2, &tm.tm_mday) || !read_digits(text + 11, 2, &tm.tm_hour) ||
	    !read_digits(text + 14, 2, &tm.tm_min) || !read_digits(text + 17, 2, &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	same = tm;
	seconds = timegm(&same);
	/* A day that there is not, as February 30, comes back as another. */
	if (same.tm_mday != tm.tm_mday || same.tm_mon != tm.tm_mon || same.tm_hour != tm.tm_hour ||
	    same.tm_min != tm.tm_min || same.tm_sec != tm.tm_sec)
		return false;
	*ret_seconds = (int64_t)seconds;
	return true;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 3600;
	case 'd': return 24 * 3600;
	default: return 0;
	}
}

bool wr_span_parse(const char *text, size_t len, int64_t *ret_seconds)
{
	uint64_t number;
	int64_t unit;

	if (len < 2)
		return false;
	unit = unit_seconds(text[len - 1]);
	if (unit == 0 || !wr_number_parse(text, len - 1, (uint64_t)(SPAN_MAX / unit), &number))
		return false;
	*ret_seconds = (int64_t)number * unit;
	return true;
}
