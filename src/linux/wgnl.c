#include "linux/wgnl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#include "linux/wgnl_message.h"

static struct nlmsghdr *begin(struct wr_wgnl *wireguard, uint16_t family, uint16_t flags,
			      uint8_t command, uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(wireguard->buffer);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

	message->nlmsg_type = family;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++wireguard->sequence;
	head->cmd = command;
	head->version = version;
	return message;
}

struct nlmsghdr *wr_wgnl_begin(struct wr_wgnl *wireguard, uint16_t flags, uint8_t command)
{
	return begin(wireguard, wireguard->family, flags, command, WG_GENL_VERSION);
}

/* MNL_CB_OK if there is more to come. */
static int receive(struct wr_wgnl *wireguard, mnl_cb_t take, void *data)
{
	ssize_t len = mnl_socket_recvfrom(wireguard->socket, wireguard->buffer,
					  WR_WGNL_MESSAGE_MAX);
	int status;

	if (len < 0)
		return -errno;
	status = mnl_cb_run(wireguard->buffer, (size_t)len, wireguard->sequence,
			    mnl_socket_get_portid(wireguard->socket), take, data);
	if (status < 0)
		status = -errno;
	wr_wipe(wireguard->buffer, (size_t)len);
	return status;
}

int wr_wgnl_ask(struct wr_wgnl *wireguard, const struct nlmsghdr *message, mnl_cb_t take,
		void *data)
{
	size_t sent = message->nlmsg_len;
	int status = MNL_CB_OK;

	if (mnl_socket_sendto(wireguard->socket, message, sent) < 0)
		status = -errno;
	wr_wipe(wireguard->buffer, sent);
	while (status == MNL_CB_OK)
		status = receive(wireguard, take, data);
	return status;
}

/* --- Its family. --- */

static int take_family(const struct nlattr *attribute, void *data)
{
	uint16_t *family = data;

	if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_validate(attribute, MNL_TYPE_U16) == 0)
		*family = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int take_control(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), take_family, data);
}

/* Loads the module, if there is one. */
static int find_family(struct wr_wgnl *wireguard)
{
	struct nlmsghdr *message = begin(wireguard, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	int status;

	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	status = wr_wgnl_ask(wireguard, message, take_control, &wireguard->family);
	if (status == -ENOENT || (status == 0 && !wireguard->family))
		return -EOPNOTSUPP;
	return status;
}

static void freep(struct wr_wgnl **wireguard)
{
	*wireguard = wr_wgnl_free(*wireguard);
}

int wr_wgnl_open(struct wr_wgnl **ret_wireguard)
{
	WR_AUTO(freep) struct wr_wgnl *wireguard = calloc(1, sizeof(*wireguard));
	int status;

	if (!wireguard)
		return -ENOMEM;
	wireguard->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!wireguard->socket || mnl_socket_bind(wireguard->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	status = find_family(wireguard);
	if (status < 0)
		return status;
	*ret_wireguard = WR_TAKE(wireguard);
	return 0;
}

struct wr_wgnl *wr_wgnl_free(struct wr_wgnl *wireguard)
{
	if (!wireguard)
		return NULL;
	if (wireguard->socket)
		mnl_socket_close(wireguard->socket);
	free(wireguard);
	return NULL;
}
