#include "mesh/names.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mesh/names_hosts.h"
#include "mesh/names_resolved.h"

/* After a failure, in looks: some 60 s. */
#define LOOKS_BETWEEN_TRIES 12
/* At the end, while another network's agent writes the same file. */
#define LAST_TRIES 40
#define LAST_TRY_US 25000

struct wr_names {
	uv_loop_t *loop;
	enum wr_names_kind kind;
	char interface[IF_NAMESIZE];
	char *hosts_file;
	char *lines; /* for the hosts file; NULL: none */
	struct wr_hosts_stamp stamp;
	bool is_written; /* the lines are in the file */
	bool has_block;  /* something of ours may be there */
	unsigned looks;  /* since the last failure */
	int error;
	bool is_cut;
	struct wr_resolved *resolved; /* NULL: the hosts file */
	char trouble[200];
};

/* --- Lines. --- */

struct lines {
	struct wr_families reached;
	char *text;
	size_t len, room, count;
	bool is_short, is_cut;
};

static void add_line(struct lines *lines, const struct wr_ip *ip, const char *name,
		     const char *suffix)
{
	char text[WR_ENDPOINT_TEXT_LEN], line[WR_ENDPOINT_TEXT_LEN + 2 * 256 + 4];
	size_t len;

	if (!wr_families_have(lines->reached, ip->family))
		return;
	if (lines->count == WR_NAMES_LINES) {
		lines->is_cut = true;
		return;
	}
	wr_ip_format(ip, text);
	len = (size_t)snprintf(line, sizeof(line), "%s\t%s%s%s\n", text, name, suffix ? "." : "",
			       suffix ? suffix : "");
	if (lines->len + len + 1 > lines->room) {
		size_t room = 2 * (lines->len + len + 1);
		char *larger = realloc(lines->text, room);

		lines->is_short |= !larger;
		if (!larger)
			return;
		lines->text = larger;
		lines->room = room;
	}
	memcpy(lines->text + lines->len, line, len + 1);
	lines->len += len;
	lines->count++;
}

/* "git.acme.warren" is below "acme.warren". */
static bool is_below(const char *name, const char *suffix)
{
	size_t name_len = strlen(name), suffix_len = strlen(suffix);

	return name_len > suffix_len + 1 && name[name_len - suffix_len - 1] == '.' &&
	       strcmp(name + name_len - suffix_len, suffix) == 0;
}

static void add_own(struct lines *lines, const struct wr_netmap *map)
{
	add_line(lines, &map->v4, map->name, map->suffix);
	add_line(lines, &map->v6, map->name, map->suffix);
	if (strcmp(map->name, "hub") != 0 && !wr_netmap_find_name(map, "hub")) {
		add_line(lines, &map->hub_v4, "hub", map->suffix);
		add_line(lines, &map->hub_v6, "hub", map->suffix);
	}
}

static void add_records(struct lines *lines, const struct wr_netmap *map)
{
	for (size_t i = 0; i < map->record_count; i++) {
		if (is_below(map->records[i].name, map->suffix))
			add_line(lines, &map->records[i].ip, map->records[i].name, NULL);
	}
}

static void add_peers(struct lines *lines, const struct wr_netmap *map)
{
	for (size_t i = 0; i < map->peer_count; i++) {
		const struct wr_netmap_peer *peer = map->peers[i];

		/* Who is dead in a mesh has lost its name. */
		if (peer->name[0] == '\0')
			continue;
		add_line(lines, &peer->v4, peer->name, map->suffix);
		add_line(lines, &peer->v6, peer->name, map->suffix);
	}
}

static char *finish(struct lines *lines, bool *ret_is_cut)
{
	if (lines->is_short) {
		free(lines->text);
		return NULL;
	}
	*ret_is_cut = lines->is_cut;
	return lines->text ? lines->text : strdup("");
}

char *wr_names_lines(const struct wr_netmap *map, struct wr_families reached, bool *ret_is_cut)
{
	struct lines lines = { .reached = reached };

	add_own(&lines, map);
	add_records(&lines, map);
	add_peers(&lines, map);
	return finish(&lines, ret_is_cut);
}

/* The hub's DNS answers for machines; records besides are known to the map only, and
 * systemd-resolved reads the hosts file too. */
static char *record_lines(const struct wr_netmap *map, struct wr_families reached, bool *ret_is_cut)
{
	struct lines lines = { .reached = reached };

	add_records(&lines, map);
	return finish(&lines, ret_is_cut);
}

/* --- The hosts file. --- */

static const char *reason(int error)
{
	switch (error) {
	case -EROFS:
	case -EACCES:
	case -EPERM: return "it cannot be written";
	case -ENOENT: return "it is not there";
	case -EFBIG: return "it is too large";
	default: return strerror(-error);
	}
}

static void tell_hosts(struct wr_names *names)
{
	names->trouble[0] = '\0';
	if (names->error && names->error != -EAGAIN)
		snprintf(names->trouble, sizeof(names->trouble), "names: %.100s: %s",
			 names->hosts_file, reason(names->error));
	else if (names->is_cut)
		snprintf(names->trouble, sizeof(names->trouble),
			 "names: only the first %d are in %.100s", WR_NAMES_LINES,
			 names->hosts_file);
}

static bool has_to_write(struct wr_names *names)
{
	struct wr_hosts_stamp now = wr_hosts_look(names->hosts_file);

	if (!wr_hosts_is_same(&now, &names->stamp))
		return true;
	if (names->error && names->error != -EAGAIN)
		return ++names->looks >= LOOKS_BETWEEN_TRIES;
	return !names->is_written;
}

static enum wr_mend run_hosts(struct wr_names *names)
{
	bool was_written = names->is_written, is_changed = false;

	if (!has_to_write(names))
		return WR_MEND_NOTHING;
	names->looks = 0;
	names->error = wr_hosts_put(names->hosts_file, names->interface, names->lines, &is_changed);
	names->is_written = names->error == 0;
	names->has_block |= names->is_written;
	names->stamp = wr_hosts_look(names->hosts_file);
	tell_hosts(names);
	if (!is_changed || names->error)
		return WR_MEND_NOTHING;
	return was_written ? WR_MEND_DRIFT : WR_MEND_MADE;
}

static void clear_hosts(struct wr_names *names)
{
	int status = 0;
	bool is_changed;

	for (unsigned i = 0; i < LAST_TRIES; i++) {
		status = wr_hosts_put(names->hosts_file, names->interface, NULL, &is_changed);
		if (status != -EAGAIN)
			break;
		usleep(LAST_TRY_US);
	}
	names->has_block = names->is_written = false;
}

/* --- Which of them. --- */

/* Without a hub there is nobody to ask. */
static bool wants_resolved(const struct wr_names *names, const struct wr_netmap *map)
{
	bool has_hub = map->hub_v4.family != WR_FAMILY_NONE || map->hub_v6.family != WR_FAMILY_NONE;

	return has_hub && (names->kind == WR_NAMES_RESOLVED ||
			   (names->kind == WR_NAMES_AUTO && wr_resolved_is_used()));
}

static void use_resolved(struct wr_names *names, const struct wr_netmap *map,
			 struct wr_families reached)
{
	if (!names->resolved)
		names->resolved = wr_resolved_new(names->loop, names->interface);
	if (names->resolved)
		wr_resolved_set_map(names->resolved, map, reached);
}

/* Takes `lines`; NULL: as before. */
static void use_hosts(struct wr_names *names, char *lines, bool is_cut)
{
	if (!lines)
		return;
	if (!names->lines || strcmp(names->lines, lines) != 0)
		names->is_written = false;
	free(names->lines);
	names->lines = lines;
	names->is_cut = is_cut;
}

/* Which one it is stays as it was found first: a service that is being restarted is no reason to
 * change it. */
void wr_names_set_map(struct wr_names *names, const struct wr_netmap *map,
		      struct wr_families reached)
{
	bool is_cut = false;

	if (names->kind == WR_NAMES_OFF)
		return;
	if (!names->resolved && (names->lines || !wants_resolved(names, map))) {
		use_hosts(names, wr_names_lines(map, reached, &is_cut), is_cut);
		return;
	}
	use_resolved(names, map, reached);
	if (map->record_count || names->has_block)
		use_hosts(names, record_lines(map, reached, &is_cut), is_cut);
}

void wr_names_set_link(struct wr_names *names)
{
	if (names->resolved)
		wr_resolved_forget(names->resolved);
}

enum wr_mend wr_names_run(struct wr_names *names)
{
	enum wr_mend hosts = names->lines ? run_hosts(names) : WR_MEND_NOTHING;
	enum wr_mend resolved = names->resolved ? wr_resolved_run(names->resolved)
						: WR_MEND_NOTHING;

	return hosts > resolved ? hosts : resolved;
}

const char *wr_names_trouble(const struct wr_names *names)
{
	const char *trouble = names->resolved ? wr_resolved_trouble(names->resolved) : "";

	return *trouble ? trouble : names->trouble;
}

bool wr_names_is_resolved(const struct wr_names *names)
{
	return names->resolved != NULL;
}

/* --- Its life. --- */

int wr_names_new(uv_loop_t *loop, const struct wr_names_config *config, struct wr_names **ret_names)
{
	struct wr_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->loop = loop;
	names->kind = config->kind;
	snprintf(names->interface, sizeof(names->interface), "%s", config->interface);
	names->hosts_file = strdup(config->hosts_file ? config->hosts_file : "/etc/hosts");
	if (!names->hosts_file) {
		free(names);
		return -ENOMEM;
	}
	*ret_names = names;
	return 0;
}

struct wr_names *wr_names_free(struct wr_names *names)
{
	if (!names)
		return NULL;
	names->resolved = wr_resolved_free(names->resolved);
	if (names->has_block)
		clear_hosts(names);
	free(names->lines);
	free(names->hosts_file);
	free(names);
	return NULL;
}
