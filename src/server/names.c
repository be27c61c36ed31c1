#include "server/names.h"

#include <errno.h>
#include <idn2.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* '-' and the digits of a number. */
#define SUFFIX_LEN 21

/* --- Names. --- */

/* U+200E/F, U+202A-E and U+2066-9 change the order of what stands around the name. */
static bool is_override(ucs4_t point)
{
	return point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

static bool is_of(ucs4_t point, uint32_t categories)
{
	return uc_is_general_category_withtable(point, categories);
}

/* Spaces and characters without a shape of their own. */
static bool is_visible(ucs4_t point)
{
	return !is_of(point, UC_CATEGORY_MASK_Z | UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_M) &&
	       !uc_is_property_default_ignorable_code_point(point);
}

static const char *point_fault(ucs4_t point)
{
	if (is_of(point, UC_CATEGORY_MASK_Cc))
		return "has a control character";
	if (is_of(point, UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp))
		return "has a line end";
	if (is_override(point))
		return "has a character that changes the direction of text";
	if (uc_is_property_not_a_character(point))
		return "has a code point that is no character";
	return NULL;
}

static const char *ends_fault(const uint8_t *text, size_t len)
{
	ucs4_t first, last = 0;

	u8_mbtouc(&first, text, len);
	u8_prev(&last, text + len, text);
	if (uc_is_property_white_space(first) || uc_is_property_white_space(last))
		return "has a space at its beginning or end";
	return NULL;
}

const char *wr_name_fault(const char *text, size_t len)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t points = 0, visible = 0;

	if (!len)
		return "is empty";
	if (u8_check(at, len))
		return "is not UTF-8";
	for (size_t left = len; left; points++) {
		ucs4_t point;
		int used = u8_mbtouc(&point, at, left);
		const char *fault = point_fault(point);

		if (fault)
			return fault;
		visible += is_visible(point);
		at += used;
		left -= (size_t)used;
	}
	if (points > WR_NAME_POINTS)
		return "is longer than 63 characters";
	if (!visible)
		return "has nothing to see";
	return ends_fault((const uint8_t *)text, len);
}

/* --- Labels. --- */

static bool is_plain(ucs4_t point)
{
	return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9');
}

bool wr_label_is_good(const char *text, size_t len)
{
	if (!len || len > WR_LABEL_LEN || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '-' && !is_plain((unsigned char)text[i]))
			return false;
	}
	return true;
}

/* What a label is made of: letters, digits and single '-'s between them. */
struct stem {
	uint32_t points[WR_LABEL_LEN];
	size_t count;
	bool is_ascii;
};

static void stem_add(struct stem *stem, ucs4_t point)
{
	bool is_open = stem->count && stem->points[stem->count - 1] != '-';

	if (stem->count == WR_LABEL_LEN)
		return;
	if (is_plain(point)) {
		stem->points[stem->count++] = point;
	} else if (point >= 0x80 && (is_of(point, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_Nd) ||
				     (is_of(point, UC_CATEGORY_MASK_M) && is_open))) {
		stem->points[stem->count++] = point;
		stem->is_ascii = false;
	} else if (is_open) {
		stem->points[stem->count++] = '-';
	}
}

static struct stem stem_of(const char *name)
{
	struct stem stem = { .is_ascii = true };
	size_t len = 0;
	uint8_t *lower = u8_tolower((const uint8_t *)name, strlen(name), NULL, UNINORM_NFKC, NULL,
				    &len);

	for (size_t at = 0; lower && at < len;) {
		ucs4_t point;

		at += (size_t)u8_mbtouc(&point, lower + at, len - at);
		stem_add(&stem, point);
	}
	free(lower);
	return stem;
}

/* The same without what is not ASCII. */
static struct stem stem_ascii(const struct stem *stem)
{
	struct stem ascii = { .is_ascii = true };

	for (size_t i = 0; i < stem->count; i++)
		stem_add(&ascii, stem->points[i] < 0x80 ? stem->points[i] : '-');
	return ascii;
}

static bool write_ascii(const uint32_t *points, size_t count, char ret_label[WR_LABEL_LEN + 1])
{
	if (!count || count > WR_LABEL_LEN)
		return false;
	for (size_t i = 0; i < count; i++)
		ret_label[i] = (char)points[i];
	ret_label[count] = '\0';
	return true;
}

static bool write_idna(const uint32_t *points, size_t count, char ret_label[WR_LABEL_LEN + 1])
{
	char *ascii = NULL;
	bool is_good = idn2_to_ascii_4i2(points, count, &ascii, IDN2_NONTRANSITIONAL) == IDN2_OK &&
		       wr_label_is_good(ascii, strlen(ascii));

	if (is_good)
		strcpy(ret_label, ascii);
	idn2_free(ascii);
	return is_good;
}

/* The first `count` points and the suffix. */
static bool write_part(const struct stem *stem, size_t count, const char *suffix,
		       char ret_label[WR_LABEL_LEN + 1])
{
	uint32_t points[WR_LABEL_LEN + SUFFIX_LEN];

	while (count && stem->points[count - 1] == '-')
		count--;
	if (!count)
		return false;
	memcpy(points, stem->points, count * sizeof(*points));
	for (; *suffix; suffix++)
		points[count++] = (unsigned char)*suffix;
	return stem->is_ascii ? write_ascii(points, count, ret_label)
			      : write_idna(points, count, ret_label);
}

/* As much of it as fits and IDNA allows. */
static bool write_stem(const struct stem *stem, const char *suffix,
		       char ret_label[WR_LABEL_LEN + 1])
{
	for (size_t count = stem->count; count; count--) {
		if (write_part(stem, count, suffix, ret_label))
			return true;
	}
	return false;
}

void wr_label_make(const char *name, const char *fallback, uint64_t number,
		   char ret_label[WR_LABEL_LEN + 1])
{
	struct stem stem = stem_of(name), ascii = stem_ascii(&stem), last = stem_of(fallback);
	char suffix[SUFFIX_LEN + 1] = "";
	bool is_written;

	if (number > 1)
		snprintf(suffix, sizeof(suffix), "-%" PRIu64, number);
	is_written = write_stem(&stem, suffix, ret_label) ||
		     write_stem(&ascii, suffix, ret_label) || write_stem(&last, suffix, ret_label);
	assert(is_written);
}

/* --- One that is new. --- */

struct search {
	const char *name, *fallback;
	int (*is_taken)(void *context, const char *label);
	void *context;
};

static int try_number(const struct search *search, uint64_t number, char label[WR_LABEL_LEN + 1])
{
	wr_label_make(search->name, search->fallback, number, label);
	return search->is_taken(search->context, label);
}

/* Few of a name get the lowest number; of many, one that is free behind one that is taken. */
#define NEARBY 10

/* `low` is taken, `high` is free: the place where it changes. */
static int narrow(const struct search *search, uint64_t low, uint64_t high, uint64_t *ret_number)
{
	char label[WR_LABEL_LEN + 1];

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		int taken = try_number(search, middle, label);

		if (taken < 0)
			return taken;
		if (taken)
			low = middle;
		else
			high = middle;
	}
	*ret_number = high;
	return 0;
}

static int find_number(const struct search *search, uint64_t *ret_number)
{
	char label[WR_LABEL_LEN + 1];

	for (uint64_t low = 0, number = 1; number < UINT64_MAX / 2;) {
		int taken = try_number(search, number, label);

		if (taken < 0)
			return taken;
		if (!taken)
			return narrow(search, low, number, ret_number);
		low = number;
		number = number < NEARBY ? number + 1 : number * 2;
	}
	return -EEXIST; /* more labels than there can be rows */
}

int wr_label_choose(const char *name, const char *fallback,
		    int (*is_taken)(void *context, const char *label), void *context,
		    char ret_label[WR_LABEL_LEN + 1])
{
	struct search search = { name, fallback, is_taken, context };
	uint64_t number = 0;
	int error = find_number(&search, &number);

	if (!error)
		wr_label_make(name, fallback, number, ret_label);
	return error;
}
