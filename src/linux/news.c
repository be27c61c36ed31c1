#include "linux/news.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

int wr_news_watch(int protocol, uint32_t groups, int *ret_fd)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		status = -errno;
		close(fd);
		return status;
	}
	*ret_fd = fd;
	return 0;
}

bool wr_news_drain(int fd)
{
	bool has_news = false;
	uint8_t byte;

	/* ENOBUFS: some were lost, which is news too. */
	while (recv(fd, &byte, sizeof(byte), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		has_news = true;
	return has_news;
}
