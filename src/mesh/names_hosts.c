#include "mesh/names_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "linux/files.h"

#define MARK_LEN 64
/* Of one extended attribute (a label, an access list). */
#define ATTRIBUTE_MAX 4096

/* --- The text. --- */

struct piece {
	const char *data;
	size_t len;
};

/* Where the owner's block is. */
struct place {
	size_t start, end; /* both markers included */
	bool has_line_end; /* the line end before it is ours */
};

/* The line that begins at `at`, without its end; where the next one begins. */
static size_t line_at(const struct piece *text, size_t at, struct piece *ret_line)
{
	const char *end = memchr(text->data + at, '\n', text->len - at);
	size_t stop = end ? (size_t)(end - text->data) : text->len;

	*ret_line = (struct piece){ text->data + at, stop - at };
	return end ? stop + 1 : text->len;
}

static bool is_line(const struct piece *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->data, text, line->len) == 0;
}

/* The end of a block whose inside begins at `at`; of one that has none, that is its end. */
static size_t end_of(const struct piece *text, size_t at, const char *owner)
{
	char mark[MARK_LEN];
	struct piece line;
	size_t inside = at;

	snprintf(mark, sizeof(mark), "# END warren %s", owner);
	while (at < text->len) {
		at = line_at(text, at, &line);
		if (is_line(&line, mark))
			return at;
		if (line.len >= 8 && memcmp(line.data, "# BEGIN ", 8) == 0)
			break;
	}
	return inside;
}

static bool find_block(const struct piece *text, size_t from, const char *owner,
		       struct place *ret_place)
{
	char mark[MARK_LEN], mark_line_end[MARK_LEN + 2];
	struct piece line;
	size_t at = from;

	snprintf(mark, sizeof(mark), "# BEGIN warren %s", owner);
	snprintf(mark_line_end, sizeof(mark_line_end), "%s +", mark);
	while (at < text->len) {
		size_t start = at;

		at = line_at(text, at, &line);
		if (is_line(&line, mark) || is_line(&line, mark_line_end)) {
			ret_place->start = start;
			ret_place->end = end_of(text, at, owner);
			ret_place->has_line_end = is_line(&line, mark_line_end);
			return true;
		}
	}
	return false;
}

/* Pieces one after the other, as a new text with a NUL behind it. */
static char *join(const struct piece *pieces, size_t count, size_t *ret_len)
{
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		len += pieces[i].len;
	text = malloc(len + 1);
	if (!text)
		return NULL;
	*ret_len = len;
	len = 0;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].len)
			memcpy(text + len, pieces[i].data, pieces[i].len);
		len += pieces[i].len;
	}
	text[len] = '\0';
	return text;
}

static struct piece piece_of(const char *text)
{
	return (struct piece){ text, strlen(text) };
}

/* Its place is filled by nothing. The line end before it goes too, if it was ours and nothing
 * follows; if another network's block follows, that has it from now on. */
static char *without(const struct piece *text, const struct place *place, size_t *ret_len)
{
	struct piece head = { text->data, place->start };
	struct piece tail = { text->data + place->end, text->len - place->end };
	struct piece pieces[4] = { head, tail, { NULL, 0 }, { NULL, 0 } };
	struct piece line;

	if (place->has_line_end && tail.len == 0 && head.len > 0 && head.data[head.len - 1] == '\n')
		pieces[0].len--;
	if (place->has_line_end && tail.len >= 15 &&
	    memcmp(tail.data, "# BEGIN warren ", 15) == 0) {
		(void)line_at(&tail, 0, &line);
		pieces[1] = line;
		pieces[2] = piece_of(" +");
		pieces[3] = (struct piece){ tail.data + line.len, tail.len - line.len };
	}
	return join(pieces, 4, ret_len);
}

static char *with(const struct piece *text, const struct place *place, const char *owner,
		  const char *block, size_t *ret_len)
{
	struct piece pieces[] = {
		{ text->data, place->start },
		piece_of("# BEGIN warren "),
		piece_of(owner),
		piece_of(place->has_line_end ? " +\n" : "\n"),
		piece_of(block),
		piece_of("# END warren "),
		piece_of(owner),
		piece_of("\n"),
		{ text->data + place->end, text->len - place->end },
	};

	return join(pieces, WR_ARRAY_LEN(pieces), ret_len);
}

static char *appended(const struct piece *text, const char *owner, const char *block,
		      size_t *ret_len)
{
	bool lacks_line_end = text->len > 0 && text->data[text->len - 1] != '\n';
	struct place end = { text->len, text->len, lacks_line_end };
	struct piece whole[] = { *text, { "\n", lacks_line_end } }, longer;
	char *ended = join(whole, 2, &longer.len), *result;

	if (!ended)
		return NULL;
	longer.data = ended;
	end.start = end.end = longer.len;
	result = with(&longer, &end, owner, block, ret_len);
	free(ended);
	return result;
}

/* Blocks after the first: somebody copied it. */
static char *with_one_block(const char *data, size_t len, const char *owner, size_t *ret_len)
{
	struct piece text = { data, len };
	struct place first, more;
	char *now = join(&text, 1, ret_len), *next;

	while (now) {
		text = (struct piece){ now, *ret_len };
		if (!find_block(&text, 0, owner, &first) ||
		    !find_block(&text, first.end, owner, &more))
			break;
		next = without(&text, &more, ret_len);
		free(now);
		now = next;
	}
	return now;
}

char *wr_hosts_text(const char *data, size_t len, const char *owner, const char *block,
		    size_t *ret_len)
{
	size_t now_len = 0;
	char *now = with_one_block(data, len, owner, &now_len), *result;
	struct piece text = { now, now_len };
	struct place place;

	if (!now)
		return NULL;
	if (!find_block(&text, 0, owner, &place)) {
		if (block)
			result = appended(&text, owner, block, ret_len);
		else
			result = join(&text, 1, ret_len);
	} else {
		result = block ? with(&text, &place, owner, block, ret_len)
			       : without(&text, &place, ret_len);
	}
	free(now);
	return result;
}

/* --- The file. --- */

/* One that may be a link to another. */
struct file {
	char path[PATH_MAX]; /* the one that is written */
	int fd;              /* of it */
	int folder;          /* locked */
	struct stat status;
	char *text;
	size_t len;
};

static int read_text(struct file *file)
{
	size_t got = 0;

	if (!S_ISREG(file->status.st_mode))
		return -EINVAL;
	if (file->status.st_size > WR_HOSTS_FILE_MAX)
		return -EFBIG;
	file->text = malloc((size_t)file->status.st_size + 1);
	if (!file->text)
		return -ENOMEM;
	while (got < (size_t)file->status.st_size) {
		ssize_t more = read(file->fd, file->text + got, (size_t)file->status.st_size - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	file->len = got;
	return 0;
}

static int lock_folder(struct file *file)
{
	char folder[PATH_MAX];
	char *slash;

	strcpy(folder, file->path);
	slash = strrchr(folder, '/');
	assert(slash); /* realpath(3) gave it */
	slash[1] = '\0';
	file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->folder < 0)
		return -errno;
	return flock(file->folder, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static int open_file(const char *path, struct file *file)
{
	int status;

	if (!realpath(path, file->path))
		return -errno;
	status = lock_folder(file);
	if (status < 0)
		return status;
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &file->status) < 0)
		return -errno;
	return read_text(file);
}

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->folder >= 0)
		close(file->folder);
	free(file->text);
}

/* Labels and access lists, as far as may be. */
static void copy_attributes(int from, int to)
{
	char names[ATTRIBUTE_MAX], value[ATTRIBUTE_MAX];
	ssize_t len = flistxattr(from, names, sizeof(names));

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(from, names + at, value, sizeof(value));

		if (size >= 0)
			(void)fsetxattr(to, names + at, value, (size_t)size, 0);
	}
}

static int fill_new(const struct file *file, int fd, const char *text, size_t len)
{
	int status;

	if (fchown(fd, file->status.st_uid, file->status.st_gid) < 0 ||
	    fchmod(fd, file->status.st_mode & 07777) < 0)
		return -errno;
	copy_attributes(file->fd, fd);
	status = wr_file_write(fd, text, len);
	return status == 0 && fsync(fd) < 0 ? -errno : status;
}

/* In one step, but it is another file then. */
static int replace(const struct file *file, const char *text, size_t len)
{
	char beside[PATH_MAX + 8];
	int status;

	if (file->status.st_nlink > 1)
		return -EMLINK;
	snprintf(beside, sizeof(beside), "%s.XXXXXX", file->path);
	WR_AUTO(wr_fd_closep) int fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	status = fill_new(file, fd, text, len);
	if (status == 0 && rename(beside, file->path) < 0)
		status = -errno;
	if (status < 0)
		unlink(beside);
	return status;
}

/* From the first byte that is another one. */
static int overwrite(const struct file *file, const char *text, size_t len)
{
	WR_AUTO(wr_fd_closep) int fd = open(file->path, O_WRONLY | O_CLOEXEC);
	size_t at = 0;

	if (fd < 0)
		return -errno;
	while (at < len && at < file->len && text[at] == file->text[at])
		at++;
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return -errno;
	int status = wr_file_write(fd, text + at, len - at);
	if (status == 0 && (ftruncate(fd, (off_t)len) < 0 || fsync(fd) < 0))
		status = -errno;
	return status;
}

static int write_file(const struct file *file, const char *text, size_t len)
{
	int status = replace(file, text, len);

	return status == 0 ? 0 : overwrite(file, text, len);
}

int wr_hosts_put(const char *path, const char *owner, const char *block, bool *ret_changed)
{
	struct file file = { .fd = -1, .folder = -1 };
	int status = open_file(path, &file);
	size_t len = 0;
	char *text;

	if (status < 0) {
		close_file(&file);
		return status;
	}
	text = wr_hosts_text(file.text, file.len, owner, block, &len);
	*ret_changed = text && (len != file.len || memcmp(text, file.text, len) != 0);
	if (!text)
		status = -ENOMEM;
	else if (*ret_changed)
		status = write_file(&file, text, len);
	free(text);
	close_file(&file);
	return status;
}

struct wr_hosts_stamp wr_hosts_look(const char *path)
{
	struct wr_hosts_stamp stamp = { 0 };

	stamp.is_there = stat(path, &stamp.status) == 0;
	return stamp;
}

bool wr_hosts_is_same(const struct wr_hosts_stamp *a, const struct wr_hosts_stamp *b)
{
	const struct stat *x = &a->status, *y = &b->status;

	if (a->is_there != b->is_there || !a->is_there)
		return a->is_there == b->is_there;
	return x->st_dev == y->st_dev && x->st_ino == y->st_ino && x->st_size == y->st_size &&
	       x->st_mtim.tv_sec == y->st_mtim.tv_sec && x->st_mtim.tv_nsec == y->st_mtim.tv_nsec &&
	       x->st_ctim.tv_sec == y->st_ctim.tv_sec && x->st_ctim.tv_nsec == y->st_ctim.tv_nsec;
}
