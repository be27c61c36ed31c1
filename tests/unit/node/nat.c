#include "nat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/stun.h"

void nat_start(struct nat *nat)
{
	memset(nat, 0, sizeof(*nat));
	namespace_enter();
	namespace_run("ip netns del router 2>/dev/null; ip netns del server 2>/dev/null; "
		      "ip netns add router && ip netns add server");
	namespace_run("ip link add lan0 type veth peer name lan netns router && "
		      "ip -n router link add wan type veth peer name net netns server");
	namespace_run("ip addr add 192.168.44.2/24 dev lan0 && ip link set lan0 up && "
		      "ip route add default via 192.168.44.1");
	namespace_run("ip -n router addr add 192.168.44.1/24 dev lan && "
		      "ip -n router addr add 11.0.0.1/24 dev wan && "
		      "for i in lo lan wan; do ip -n router link set $i up; done && "
		      "ip netns exec router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'");
	namespace_run("ip -n server addr add 11.0.0.10/24 dev net && "
		      "ip -n server addr add 11.0.0.11/24 dev net && "
		      "for i in lo net; do ip -n server link set $i up; done && "
		      "ip -n server route add default via 11.0.0.1");
}

void nat_rules(const char *script)
{
	FILE *pipe = popen("ip netns exec router nft -f -", "w");

	assert_non_null(pipe);
	fputs(script, pipe);
	if (pclose(pipe) != 0)
		fail_msg("nft refused its script (Debian package nftables has nft): %s", script);
}

char *nat_list_rules(void)
{
	FILE *pipe = popen("ip netns exec router nft list ruleset", "r");
	char *text = calloc(1, 65536);
	size_t len;

	assert_non_null(pipe);
	len = fread(text, 1, 65535, pipe);
	text[len] = '\0';
	pclose(pipe);
	return text;
}

static pid_t begin_child(struct nat *nat)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		nat->children[nat->child_count++] = pid;
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* --- The server. --- */

static int bound_socket(const char *ip, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, ip, &address.sin_addr);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(1);
	return fd;
}

static void answer_one(int fd)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t data[1500], answer[WR_STUN_ANSWER_MAX_LEN];
	struct wr_stun_id id;
	struct wr_endpoint seen = { .ip = { .family = WR_IPV4 } };
	ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);

	if (len < 0 || !wr_stun_request_read((struct wr_bytes){ data, (size_t)len }, &id))
		return;
	memcpy(seen.ip.bytes, &from.sin_addr, 4);
	seen.port = ntohs(from.sin_port);
	sendto(fd, answer, wr_stun_answer_write(&id, &seen, answer), 0, (struct sockaddr *)&from,
	       from_len);
}

static void serve_stun(int ready)
{
	int netns = open("/run/netns/server", O_RDONLY | O_CLOEXEC);
	struct pollfd fds[4];

	if (setns(netns, CLONE_NEWNET) < 0)
		_exit(1);
	for (unsigned i = 0; i < 4; i++)
		fds[i] = (struct pollfd){ .fd = bound_socket(i < 2 ? "11.0.0.10" : "11.0.0.11",
							     i % 2 ? NAT_STUN_SECOND
								   : NAT_STUN_PORT),
					  .events = POLLIN };
	if (write(ready, "x", 1) != 1)
		_exit(1);
	while (poll(fds, 4, -1) > 0) {
		for (unsigned i = 0; i < 4; i++) {
			if (fds[i].revents)
				answer_one(fds[i].fd);
		}
	}
	_exit(0);
}

void nat_answer_stun(struct nat *nat)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	if (!begin_child(nat))
		serve_stun(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

/* --- The router's daemon. --- */

void nat_start_miniupnpd(struct nat *nat, const char *options)
{
	FILE *file = fopen("/run/miniupnpd.conf", "w");

	nat_rules(
		"table inet filter {\n chain forward { type filter hook forward priority 0; jump "
		"miniupnpd; }\n chain miniupnpd { }\n"
		" chain prerouting { type nat hook prerouting priority -100; jump "
		"prerouting_miniupnpd; }\n chain postrouting { type nat hook postrouting priority "
		"100; jump postrouting_miniupnpd; oifname wan masquerade; }\n"
		" chain prerouting_miniupnpd { }\n chain postrouting_miniupnpd { }\n}\n");
	fprintf(file,
		"ext_ifname=wan\nlistening_ip=lan\nsystem_uptime=yes\nsecure_mode=yes\n"
		"uuid=12345678-0000-0000-0000-000000000000\n%s\n"
		"allow 1024-65535 192.168.44.0/24 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n",
		options);
	fclose(file);
	if (!begin_child(nat)) {
		/* It says much. */
		if (!freopen("/run/miniupnpd.log", "w", stderr))
			_exit(1);
		execlp("ip", "ip", "netns", "exec", "router", "miniupnpd", "-d", "-f",
		       "/run/miniupnpd.conf", "-P", "/run/miniupnpd.pid", (char *)NULL);
		_exit(1);
	}
}

/* --- A router that speaks NAT-PMP only; miniupnpd has PCP with it. --- */

static size_t answer_nat_pmp(const uint8_t *question, size_t len, uint8_t answer[16], FILE *log)
{
	static const uint8_t address[12] = { 0, 128, 0, 0, 0, 0, 0, 1, 11, 0, 0, 1 };
	uint16_t port = len >= 12 ? (uint16_t)(question[4] << 8 | question[5]) : 0;
	bool is_end = len >= 12 && !(question[8] | question[9] | question[10] | question[11]);

	memset(answer, 0, 16);
	memcpy(answer, address, sizeof(address));
	if (question[0] != 0) {
		answer[3] = 1; /* unsupported version */
		fputs("version\n", log);
		return 8;
	}
	if (question[1] == 0) {
		fputs("address\n", log);
		return 12;
	}
	fprintf(log, "%s %u\n", is_end ? "unmap" : "map", port);
	answer[1] = 129;
	memcpy(answer + 8, question + 4, 2);
	answer[10] = is_end ? 0 : (uint8_t)((port + 1) >> 8);
	answer[11] = is_end ? 0 : (uint8_t)(port + 1);
	memset(answer + 12, 0, 4);
	answer[15] = is_end ? 0 : 120;
	return 16;
}

static void serve_nat_pmp(int ready)
{
	int netns = open("/run/netns/router", O_RDONLY | O_CLOEXEC);
	FILE *log = fopen("/run/nat-pmp", "w");
	uint8_t question[1100], answer[16];
	int fd;

	if (!log || setns(netns, CLONE_NEWNET) < 0)
		_exit(1);
	setvbuf(log, NULL, _IOLBF, 0);
	fd = bound_socket("192.168.44.1", 5351);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, question, sizeof(question), 0, (struct sockaddr *)&from,
				       &from_len);

		if (len >= 2)
			sendto(fd, answer, answer_nat_pmp(question, (size_t)len, answer, log), 0,
			       (struct sockaddr *)&from, from_len);
	}
}

void nat_start_nat_pmp(struct nat *nat)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	if (!begin_child(nat))
		serve_nat_pmp(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

void nat_stop(struct nat *nat)
{
	while (nat->child_count) {
		pid_t pid = nat->children[--nat->child_count];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}
