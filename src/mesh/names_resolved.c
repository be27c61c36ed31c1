#include "mesh/names_resolved.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "linux/files.h"
#include "mesh/command.h"

/* It is made anew when the service starts. */
#define SOCKET "/run/systemd/resolve/io.systemd.Resolve"
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536

struct wr_resolved {
	uv_loop_t *loop;
	char interface[IF_NAMESIZE];
	char domain[258]; /* "~acme.warren" */
	char servers[2][WR_ENDPOINT_TEXT_LEN];
	unsigned server_count; /* 0: there is nothing to tell */
	bool is_told;          /* as it is now, or it is being told */
	bool was_told;         /* something, ever */
	bool is_failed;        /* no other try before something is another */
	struct stat service;   /* whom it was told */
	unsigned step;         /* of telling; under way if is_busy */
	bool is_busy, is_again;
	char trouble[200];
};

/* --- Is it there? --- */

/* systemd-resolved.service(8), "/etc/resolv.conf": three of the four ways lead to it. */
bool wr_resolved_is_used(void)
{
	WR_AUTO(wr_text_freep) char *text = NULL;
	char path[PATH_MAX];
	struct stat status;

	if (stat(SOCKET, &status) < 0)
		return false;
	if (realpath(RESOLV_CONF, path) && strncmp(path, "/run/systemd/resolve/", 21) == 0)
		return true;
	if (wr_file_read(RESOLV_CONF, RESOLV_CONF_MAX, &text) < 0)
		return false;
	return strstr(text, "nameserver 127.0.0.53") != NULL;
}

/* --- Telling it. --- */

static void next_step(struct wr_resolved *resolved);

static void fail(struct wr_resolved *resolved, int status, const char *said)
{
	resolved->is_failed = true;
	if (status < 0)
		said = strerror(-status);
	snprintf(resolved->trouble, sizeof(resolved->trouble),
		 "names: resolvectl cannot be used: %.120s", said[0] ? said : "it failed");
}

static void on_ended(void *context, int status, const char *said)
{
	struct wr_resolved *resolved = context;

	resolved->is_busy = false;
	if (resolved->is_again) {
		resolved->is_again = false;
		resolved->step = 0;
		next_step(resolved);
		return;
	}
	/* Older ones do not know all of the settings; the domain and the server are what counts. */
	if (status != 0 && resolved->step >= 2) {
		fail(resolved, status, said);
		return;
	}
	resolved->step++;
	next_step(resolved);
}

/* The domain stands before the server does: nothing else is ever asked of it. */
static void next_step(struct wr_resolved *resolved)
{
	const char *name = resolved->interface;
	const char *two = resolved->server_count > 1 ? resolved->servers[1] : NULL;
	const char *const steps[][6] = {
		{ "resolvectl", "dnssec", name, "no", NULL },
		{ "resolvectl", "dnsovertls", name, "no", NULL },
		{ "resolvectl", "domain", name, resolved->domain, NULL },
		{ "resolvectl", "dns", name, resolved->servers[0], two, NULL },
	};
	int status;

	if (resolved->step == WR_ARRAY_LEN(steps)) {
		resolved->trouble[0] = '\0';
		return;
	}
	status = wr_command_run(resolved->loop, steps[resolved->step], on_ended, resolved);
	if (status < 0)
		fail(resolved, status, "");
	else
		resolved->is_busy = true;
}

static bool is_same_service(const struct wr_resolved *resolved, const struct stat *status)
{
	return resolved->service.st_ino == status->st_ino &&
	       resolved->service.st_ctim.tv_sec == status->st_ctim.tv_sec &&
	       resolved->service.st_ctim.tv_nsec == status->st_ctim.tv_nsec;
}

enum wr_mend wr_resolved_run(struct wr_resolved *resolved)
{
	enum wr_mend mend = resolved->is_told ? WR_MEND_DRIFT : WR_MEND_MADE;
	struct stat status;

	if (stat(SOCKET, &status) < 0 || resolved->server_count == 0)
		return WR_MEND_NOTHING;
	if (is_same_service(resolved, &status) && (resolved->is_told || resolved->is_failed))
		return WR_MEND_NOTHING;
	resolved->service = status;
	resolved->is_told = resolved->was_told = true;
	resolved->is_failed = false;
	if (resolved->is_busy) {
		resolved->is_again = true;
		return mend;
	}
	resolved->step = 0;
	next_step(resolved);
	return mend;
}

/* --- What to tell. --- */

static void add_server(struct wr_resolved *resolved, struct wr_families reached,
		       const struct wr_ip *ip)
{
	if (wr_families_have(reached, ip->family))
		wr_ip_format(ip, resolved->servers[resolved->server_count++]);
}

void wr_resolved_forget(struct wr_resolved *resolved)
{
	resolved->is_told = resolved->is_failed = false;
}

void wr_resolved_set_map(struct wr_resolved *resolved, const struct wr_netmap *map,
			 struct wr_families reached)
{
	struct wr_resolved before = *resolved;

	resolved->server_count = 0;
	memset(resolved->servers, 0, sizeof(resolved->servers));
	snprintf(resolved->domain, sizeof(resolved->domain), "~%s", map->suffix);
	add_server(resolved, reached, &map->hub_v4);
	add_server(resolved, reached, &map->hub_v6);
	if (before.server_count != resolved->server_count ||
	    memcmp(before.servers, resolved->servers, sizeof(before.servers)) != 0 ||
	    strcmp(before.domain, resolved->domain) != 0)
		wr_resolved_forget(resolved);
}

const char *wr_resolved_trouble(const struct wr_resolved *resolved)
{
	return resolved->trouble;
}

/* --- Its life. --- */

struct wr_resolved *wr_resolved_new(uv_loop_t *loop, const char *interface)
{
	struct wr_resolved *resolved = calloc(1, sizeof(*resolved));

	if (!resolved)
		return NULL;
	resolved->loop = loop;
	snprintf(resolved->interface, sizeof(resolved->interface), "%s", interface);
	return resolved;
}

static void on_reverted(void *context, int status, const char *said)
{
	struct wr_resolved *resolved = context;

	(void)status; /* with the interface all of it goes anyway */
	(void)said;
	resolved->is_busy = false;
}

/* Steps that are under way come to their end. */
static void wait_for(struct wr_resolved *resolved)
{
	while (resolved->is_busy) {
		resolved->is_again = false;
		uv_run(resolved->loop, UV_RUN_ONCE);
	}
}

struct wr_resolved *wr_resolved_free(struct wr_resolved *resolved)
{
	const char *const revert[] = { "resolvectl", "revert", resolved ? resolved->interface : "",
				       NULL };

	if (!resolved)
		return NULL;
	wait_for(resolved);
	if (resolved->was_told &&
	    wr_command_run(resolved->loop, revert, on_reverted, resolved) == 0) {
		resolved->is_busy = true;
		wait_for(resolved);
	}
	free(resolved);
	return NULL;
}
