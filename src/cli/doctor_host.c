/* The doctor on the machine: capabilities, ports, clock, and whether a server runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>

#include "base/ip.h"
#include "cli/data_folder.h"
#include "cli/doctor.h"
#include "linux/files.h"
#include "linux/netns.h"

/* 2026-01-01: nothing of this program is older. */
#define EARLIEST 1767225600

static void check_capabilities(struct wr_findings *findings)
{
	const char *missing = wr_netns_missing();

	if (missing)
		wr_finding_note(findings, "gateways",
				"no %s here: hubs would answer no ping and no DNS, all else works",
				missing);
	else if (access("/dev/net/tun", R_OK | W_OK) < 0)
		wr_finding_note(findings, "gateways",
				"no /dev/net/tun (%s): hubs would answer no ping and no DNS (try: "
				"modprobe tun)",
				strerror(errno));
	else if (access(WR_NETNS_DIR, W_OK) < 0 && (errno != ENOENT || geteuid() != 0))
		wr_finding_note(findings, "gateways",
				"may not write to " WR_NETNS_DIR
				": hubs would answer no ping and no DNS, all else works");
	else
		wr_finding_ok(findings, "gateways", "can be made");
}

/* 0, or a negative errno. */
static int try_bind(int kind, const struct wr_ip *ip, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool is_v6 = ip->family == WR_IPV6;
	WR_AUTO(wr_fd_closep) int fd = socket(is_v6 ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC, 0);
	int one = 1, status;

	if (fd < 0)
		return -errno;
	/* As the server does: what lingers of closed connections is no obstacle. */
	if (kind == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	memcpy(&v4.sin_addr, ip->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
	status = is_v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof(v6))
		       : bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	return status < 0 ? -errno : 0;
}

static void tell_port(struct wr_findings *findings, const char *what, const char *port,
		      bool is_running, int status)
{
	if (status == -EADDRINUSE && is_running)
		wr_finding_ok(findings, what, "%s is in use, as it should be: a server runs", port);
	else if (status == -EADDRINUSE)
		wr_finding_bad(findings, what,
			       "another program uses %s: end it, or take another port", port);
	else if (status == -EACCES)
		wr_finding_bad(
			findings, what,
			"may not listen on %s: be root, give CAP_NET_BIND_SERVICE, or take a "
			"port above 1023",
			port);
	else if (status < 0)
		wr_finding_bad(findings, what, "cannot listen on %s: %s", port, strerror(-status));
	else
		wr_finding_ok(findings, what, "%s is free", port);
}

static void check_ports(struct wr_findings *findings, const struct wr_settings *settings,
			bool is_running)
{
	const char *api = wr_setting_text(settings, WR_SET_API);
	const struct wr_ip any = { .family = WR_IPV4 };
	WR_AUTO(wr_text_freep)
	char *hub = wr_text_new("UDP %s", wr_setting_text(settings, WR_SET_HUB_PORT));
	struct wr_endpoint endpoint;

	if (wr_endpoint_parse(api, strlen(api), &endpoint))
		tell_port(findings, "API", api, is_running,
			  try_bind(SOCK_STREAM, &endpoint.ip, endpoint.port));
	tell_port(findings, "hub", hub, is_running,
		  try_bind(SOCK_DGRAM, &any,
			   (uint16_t)wr_setting_number(settings, WR_SET_HUB_PORT)));
	if (!wr_setting_text(settings, WR_SET_ENDPOINT))
		wr_finding_note(findings, "endpoint",
				"not set, so it is guessed; say where machines reach the hub: "
				"--endpoint HOST:PORT");
}

/* A handshake is refused that seems older than the last one: the clock must not go back. */
static void check_clock(struct wr_findings *findings)
{
	struct timex clock = { 0 };
	int state = adjtimex(&clock);

	if (time(NULL) < EARLIEST)
		wr_finding_bad(findings, "clock", "it is wrong: set it (timedatectl set-ntp true)");
	else if (state == TIME_ERROR || (clock.status & STA_UNSYNC))
		wr_finding_note(findings, "clock",
				"nothing keeps it right: tokens and sign-ins expire by it "
				"(timedatectl set-ntp true)");
	else
		wr_finding_ok(findings, "clock", "it is kept right");
}

void wr_doctor_host(struct wr_findings *findings, const struct wr_settings *settings)
{
	bool is_running = wr_data_is_in_use(wr_setting_text(settings, WR_SET_DATA));

	if (is_running)
		wr_finding_ok(findings, "server", "runs");
	else
		wr_finding_note(findings, "server", "does not run");
	check_capabilities(findings);
	check_ports(findings, settings, is_running);
	check_clock(findings);
}
