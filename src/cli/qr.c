#include "cli/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

/* ISO/IEC 18004, section 9.1: four modules wide. */
#define QUIET 4

static bool is_dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return code->data[y * code->width + x] & 1;
}

static const char *block(bool is_top_dark, bool is_bottom_dark)
{
	if (is_top_dark)
		return is_bottom_dark ? " " : "▄";
	return is_bottom_dark ? "▀" : "█";
}

static void write_line(const QRcode *code, int y, bool has_colour, FILE *to)
{
	if (has_colour)
		fputs("\033[97;40m", to);
	for (int x = -QUIET; x < code->width + QUIET; x++)
		fputs(block(is_dark(code, x, y), is_dark(code, x, y + 1)), to);
	fputs(has_colour ? "\033[0m\n" : "\n", to);
}

int wr_qr_write(const char *text, bool has_colour, FILE *to)
{
	QRcode *code = QRcode_encodeData((int)strlen(text), (const unsigned char *)text, 0,
					 QR_ECLEVEL_L);

	if (!code)
		return errno == ERANGE ? -E2BIG : -ENOMEM;
	for (int y = -QUIET; y < code->width + QUIET; y += 2)
		write_line(code, y, has_colour, to);
	memset(code->data, 0, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	return 0;
}
