/* The hub opens, and is told everything. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "linux/privileges.h"
#include "server/intents.h"
#include "server/server_steps.h"

/* The address from which packets to the world would leave; no packet is sent. The address is
 * TEST-NET-1 (RFC 5737). */
static bool find_address(char *ret_text, size_t room)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(0xc0000201),
	};
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_found;

	if (fd < 0)
		return false;
	is_found = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
		   getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
		   getnameinfo((struct sockaddr *)&own, len, ret_text, (socklen_t)room, NULL, 0,
			       NI_NUMERICHOST) == 0;
	close(fd);
	return is_found;
}

static int guess_endpoint(struct wr_server *server)
{
	char address[64] = "127.0.0.1", *text;

	if (server->config.hub_endpoint)
		return 0;
	if (!find_address(address, sizeof(address)))
		wr_log_error("hub: no address to tell machines was found; say it with --endpoint");
	if (asprintf(&text, "%s:%u", address, server->config.hub_port) < 0)
		return -ENOMEM;
	server->config.hub_endpoint = text;
	return 0;
}

static int open_hub(struct wr_server *server)
{
	const struct wr_hub_config config = {
		.port = server->config.hub_port,
		.workers = server->config.workers ? server->config.workers : 1,
		.aead = server->config.aead,
		.has_gateways = wr_privileges_has_gateways(),
		.has_stun = !server->config.has_no_stun,
		.stun_port = server->config.stun_port,
		.dns_suffix = WR_DNS_SUFFIX,
	};
	struct wr_hub_numbers numbers;
	int status = wr_hub_open(server->loop, &config, &server->hub);

	if (status < 0)
		return status;
	wr_hub_count(server->hub, &numbers);
	if (server->config.hub_port == 0)
		server->config.hub_port = numbers.port;
	return 0;
}

int wr_server_open_hub(struct wr_server *server)
{
	int status = open_hub(server);

	if (status < 0) {
		wr_log_error("hub: cannot open: udp=%u error=%s (--hub-port chooses another port)",
			     server->config.hub_port, strerror(-status));
		return status;
	}
	status = guess_endpoint(server);
	if (status == 0)
		status = wr_intents_load(server);
	if (status < 0)
		wr_log_error("hub: what it should hold cannot be loaded: error=%s",
			     strerror(-status));
	return status;
}
