/* Settings, divided into messages. */
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/wgnl_message.h"

/* The most that is written at a time: a peer without its allowed-ips, and one of these. */
#define PEER_MAX 192
#define ALLOWED_MAX 64

/* A message that is being written. */
struct writer {
	struct wr_wgnl *wireguard;
	uint32_t index;
	struct nlmsghdr *message;
	struct nlattr *peers, *peer, *allowed; /* nests that are open, or NULL */
};

static bool has_room(const struct writer *writer, size_t len)
{
	return writer->message->nlmsg_len + len <= WR_WGNL_MESSAGE_MAX;
}

static void begin_message(struct writer *writer)
{
	writer->message = wr_wgnl_begin(writer->wireguard, NLM_F_ACK, WG_CMD_SET_DEVICE);
	mnl_attr_put_u32(writer->message, WGDEVICE_A_IFINDEX, writer->index);
}

static void end_nest(struct writer *writer, struct nlattr **nest)
{
	if (*nest)
		mnl_attr_nest_end(writer->message, *nest);
	*nest = NULL;
}

static int send_message(struct writer *writer)
{
	end_nest(writer, &writer->allowed);
	end_nest(writer, &writer->peer);
	end_nest(writer, &writer->peers);
	return wr_wgnl_ask(writer->wireguard, writer->message, NULL, NULL);
}

/* --- What a peer is. --- */

static void put_key(struct nlmsghdr *message, uint16_t type, const struct wr_key *key)
{
	mnl_attr_put(message, type, sizeof(key->bytes), key->bytes);
}

static void put_endpoint(struct nlmsghdr *message, const struct wr_endpoint *endpoint)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(endpoint->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(endpoint->port),
				   .sin6_scope_id = endpoint->scope };

	if (endpoint->ip.family == WR_IPV4) {
		memcpy(&v4.sin_addr, endpoint->ip.bytes, sizeof(v4.sin_addr));
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(v4), &v4);
	} else if (endpoint->ip.family == WR_IPV6) {
		memcpy(&v6.sin6_addr, endpoint->ip.bytes, sizeof(v6.sin6_addr));
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(v6), &v6);
	}
}

static uint32_t flags_of(const struct wr_wgnl_peer *peer)
{
	return (peer->is_removed ? WGPEER_F_REMOVE_ME : 0u) |
	       (peer->is_known ? WGPEER_F_UPDATE_ONLY : 0u) |
	       (peer->replaces_allowed ? WGPEER_F_REPLACE_ALLOWEDIPS : 0u);
}

/* A nest of a list has no type of its own. */
static void begin_peer(struct writer *writer, const struct wr_wgnl_peer *peer)
{
	if (!writer->peers)
		writer->peers = mnl_attr_nest_start(writer->message, WGDEVICE_A_PEERS);
	writer->peer = mnl_attr_nest_start(writer->message, 0);
	put_key(writer->message, WGPEER_A_PUBLIC_KEY, &peer->public_key);
}

static void put_peer(struct nlmsghdr *message, const struct wr_wgnl_peer *peer)
{
	if (flags_of(peer))
		mnl_attr_put_u32(message, WGPEER_A_FLAGS, flags_of(peer));
	if (peer->preshared_key)
		put_key(message, WGPEER_A_PRESHARED_KEY, peer->preshared_key);
	if (peer->endpoint)
		put_endpoint(message, peer->endpoint);
	if (peer->keepalive >= 0)
		mnl_attr_put_u16(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
				 (uint16_t)peer->keepalive);
}

static void put_allowed(struct writer *writer, const struct wr_prefix *prefix)
{
	bool is_v4 = prefix->ip.family == WR_IPV4;
	struct nlattr *nest;

	if (!writer->allowed)
		writer->allowed = mnl_attr_nest_start(writer->message, WGPEER_A_ALLOWEDIPS);
	nest = mnl_attr_nest_start(writer->message, 0);
	mnl_attr_put_u16(writer->message, WGALLOWEDIP_A_FAMILY, is_v4 ? AF_INET : AF_INET6);
	mnl_attr_put(writer->message, WGALLOWEDIP_A_IPADDR, is_v4 ? 4 : 16, prefix->ip.bytes);
	mnl_attr_put_u8(writer->message, WGALLOWEDIP_A_CIDR_MASK, prefix->length);
	mnl_attr_nest_end(writer->message, nest);
}

/* A peer goes on in the next message with nothing but its key. */
static int continue_peer(struct writer *writer, const struct wr_wgnl_peer *peer)
{
	int status = send_message(writer);

	begin_message(writer);
	begin_peer(writer, peer);
	if (peer->is_known)
		mnl_attr_put_u32(writer->message, WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
	return status;
}

static int write_peer(struct writer *writer, const struct wr_wgnl_peer *peer)
{
	int status = 0;

	if (!has_room(writer, PEER_MAX)) {
		status = send_message(writer);
		begin_message(writer);
	}
	begin_peer(writer, peer);
	put_peer(writer->message, peer);
	for (size_t i = 0; i < peer->allowed_count && status == 0; i++) {
		if (!has_room(writer, ALLOWED_MAX))
			status = continue_peer(writer, peer);
		put_allowed(writer, &peer->allowed[i]);
	}
	end_nest(writer, &writer->allowed);
	end_nest(writer, &writer->peer);
	return status;
}

int wr_wgnl_set(struct wr_wgnl *wireguard, uint32_t index, const struct wr_wgnl_settings *settings)
{
	struct writer writer = { .wireguard = wireguard, .index = index };
	int status = 0;

	begin_message(&writer);
	if (settings->private_key)
		put_key(writer.message, WGDEVICE_A_PRIVATE_KEY, settings->private_key);
	if (settings->port >= 0)
		mnl_attr_put_u16(writer.message, WGDEVICE_A_LISTEN_PORT, (uint16_t)settings->port);
	if (settings->mark)
		mnl_attr_put_u32(writer.message, WGDEVICE_A_FWMARK, *settings->mark);
	for (size_t i = 0; i < settings->peer_count && status == 0; i++)
		status = write_peer(&writer, &settings->peers[i]);
	if (status < 0) {
		wr_wipe(wireguard->buffer, writer.message->nlmsg_len);
		return status;
	}
	return send_message(&writer);
}
