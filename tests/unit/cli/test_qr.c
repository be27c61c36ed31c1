/* What is written is read again by another program, zbarimg (Debian package zbar-tools). */
#include "cli/qr.h"

#include <errno.h>
#include <unistd.h>

#include "unit.h"

#define SCALE 4

/* A module is light where its half of the character is a block. */
static const struct {
	const char *block;
	bool is_top_light, is_bottom_light;
} blocks[] = {
	{ "\xe2\x96\x88", true, true },
	{ "\xe2\x96\x80", true, false },
	{ "\xe2\x96\x84", false, true },
	{ " ", false, false },
};

struct picture {
	bool is_dark[256][256];
	unsigned width, height;
};

static const char *draw_block(struct picture *picture, unsigned x, unsigned y, const char *text)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(blocks); i++) {
		size_t len = strlen(blocks[i].block);

		if (strncmp(text, blocks[i].block, len) == 0) {
			picture->is_dark[y][x] = !blocks[i].is_top_light;
			picture->is_dark[y + 1][x] = !blocks[i].is_bottom_light;
			return text + len;
		}
	}
	fail_msg("no half block: %.10s", text);
	return text;
}

static void draw(struct picture *picture, const char *text)
{
	*picture = (struct picture){ .width = 0 };
	for (; *text; text++, picture->height += 2) {
		unsigned x = 0;

		while (*text != '\n')
			text = draw_block(picture, x++, picture->height, text);
		assert_true(picture->width == 0 || picture->width == x);
		picture->width = x;
	}
}

static void save(const struct picture *picture, const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "P1 %u %u\n", picture->width * SCALE, picture->height * SCALE);
	for (unsigned y = 0; y < picture->height * SCALE; y++) {
		for (unsigned x = 0; x < picture->width * SCALE; x++)
			fputs(picture->is_dark[y / SCALE][x / SCALE] ? "1 " : "0 ", file);
		fputc('\n', file);
	}
	fclose(file);
}

static void read_with_zbar(const char *path, char ret_text[4096])
{
	char command[256];
	FILE *pipe;
	size_t len;

	snprintf(command, sizeof(command), "zbarimg --quiet --raw -Sbinary %s", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	len = fread(ret_text, 1, 4095, pipe);
	ret_text[len] = '\0';
	if (pclose(pipe) != 0)
		fail_msg("zbarimg reads nothing (Debian package zbar-tools): %s", command);
}

static void assert_reads_back(const char *text)
{
	static struct picture picture;
	char path[] = "/tmp/warren-qr-XXXXXX.pbm";
	char got[4096];
	char *written = NULL;
	size_t len;
	FILE *to = open_memstream(&written, &len);
	int fd = mkstemps(path, 4);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(wr_qr_write(text, false, to), 0);
	fclose(to);
	draw(&picture, written);
	save(&picture, path);
	read_with_zbar(path, got);
	unlink(path);
	free(written);
	assert_string_equal(got, text);
}

static void test_qr_is_read_by_others(void **state)
{
	(void)state;
	assert_reads_back("a");
	assert_reads_back("# WireGuard config for machine \"\xe6\x9d\xb1\xe4\xba\xac\"\n"
			  "[Interface]\n"
			  "PrivateKey          = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
			  "Address             = 10.100.0.2/16, fd00:1:2:3::2/64\n"
			  "MTU                 = 1420\n"
			  "\n"
			  "[Peer]\n"
			  "# Warren hub for \"acme-networks\"\n"
			  "PublicKey           = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
			  "Endpoint            = vpn.example.com:51820\n"
			  "AllowedIPs          = 10.100.0.0/16, fd00:1:2:3::/64\n"
			  "PersistentKeepalive = 25\n");
}

static void test_qr_is_black_on_white_with_colours(void **state)
{
	char *written = NULL;
	size_t len;
	FILE *to = open_memstream(&written, &len);

	(void)state;
	assert_int_equal(wr_qr_write("a", true, to), 0);
	fclose(to);
	assert_int_equal(strncmp(written, "\033[97;40m", 8), 0);
	assert_string_equal(written + len - 5, "\033[0m\n");
	free(written);
}

static void test_qr_has_a_limit(void **state)
{
	char text[4000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(wr_qr_write(text, false, stdout), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qr_is_read_by_others),
		cmocka_unit_test(test_qr_is_black_on_white_with_colours),
		cmocka_unit_test(test_qr_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
