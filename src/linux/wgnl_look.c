/* What the kernel says of an interface and its peers. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "crypto/noise.h"
#include "linux/wgnl_message.h"

#define NS_PER_S UINT64_C(1000000000)

struct look {
	uint16_t *port; /* NULL: nobody asks */
	void (*see)(void *context, const struct wr_wgnl_sight *sight);
	void *context;
	struct wr_wgnl_sight peer; /* that is being read */
};

/* False if the attribute is shorter than what is to be read of it. */
static bool copy(const struct nlattr *attribute, void *value, size_t len)
{
	if (mnl_attr_get_payload_len(attribute) < len)
		return false;
	memcpy(value, mnl_attr_get_payload(attribute), len);
	return true;
}

static void take_endpoint(const struct nlattr *attribute, struct wr_endpoint *endpoint)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (copy(attribute, &v6, sizeof(v6)) && v6.sin6_family == AF_INET6) {
		*endpoint = (struct wr_endpoint){ .ip.family = WR_IPV6,
						  .port = ntohs(v6.sin6_port),
						  .scope = v6.sin6_scope_id };
		memcpy(endpoint->ip.bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
	} else if (copy(attribute, &v4, sizeof(v4)) && v4.sin_family == AF_INET) {
		*endpoint = (struct wr_endpoint){ .ip.family = WR_IPV4,
						  .port = ntohs(v4.sin_port) };
		memcpy(endpoint->ip.bytes, &v4.sin_addr, sizeof(v4.sin_addr));
	}
}

static void take_handshake(const struct nlattr *attribute, struct wr_wall *wall)
{
	struct __kernel_timespec time;

	if (copy(attribute, &time, sizeof(time)))
		wall->ns = (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

/* FNV-1a. */
static uint64_t mix(uint64_t hash, uint8_t byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}

uint64_t wr_wgnl_sum(const struct wr_prefix *prefixes, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		const struct wr_ip *ip = &prefixes[i].ip;
		uint64_t hash = mix(mix(UINT64_C(0xcbf29ce484222325), prefixes[i].length),
				    (uint8_t)ip->family);

		for (size_t at = 0; at < wr_ip_bits(ip->family) / 8; at++)
			hash = mix(hash, ip->bytes[at]);
		sum += hash;
	}
	return sum;
}

uint64_t wr_wgnl_key_sum(const struct wr_key *key)
{
	static const struct wr_siphash_key one_for_all;

	return wr_key_is_zero(key)
		       ? 0
		       : wr_siphash(&one_for_all, (struct wr_bytes){ key->bytes, WR_KEY_LEN });
}

static void take_preshared_key(const struct nlattr *attribute, uint64_t *ret_sum)
{
	struct wr_key key = { 0 };

	(void)copy(attribute, &key, sizeof(key));
	*ret_sum = wr_wgnl_key_sum(&key);
	wr_wipe(&key, sizeof(key));
}

static int take_allowed_attribute(const struct nlattr *attribute, void *data)
{
	struct wr_prefix *prefix = data;
	uint16_t family;

	switch (mnl_attr_get_type(attribute)) {
	case WGALLOWEDIP_A_FAMILY:
		if (copy(attribute, &family, sizeof(family)))
			prefix->ip.family = family == AF_INET ? WR_IPV4 : WR_IPV6;
		break;
	case WGALLOWEDIP_A_IPADDR:
		/* Of IPv4 there are four bytes. */
		if (!copy(attribute, prefix->ip.bytes, 16))
			(void)copy(attribute, prefix->ip.bytes, 4);
		break;
	case WGALLOWEDIP_A_CIDR_MASK:
		(void)copy(attribute, &prefix->length, sizeof(prefix->length));
		break;
	default: break;
	}
	return MNL_CB_OK;
}

static int take_allowed(const struct nlattr *attribute, void *data)
{
	struct wr_wgnl_sight *peer = data;
	struct wr_prefix prefix = { .ip.family = WR_IPV4 };
	int status = mnl_attr_parse_nested(attribute, take_allowed_attribute, &prefix);

	peer->allowed_count++;
	peer->allowed_sum += wr_wgnl_sum(&prefix, 1);
	return status;
}

static int take_peer_attribute(const struct nlattr *attribute, void *data)
{
	struct wr_wgnl_sight *peer = data;

	switch (mnl_attr_get_type(attribute)) {
	case WGPEER_A_PUBLIC_KEY:
		(void)copy(attribute, &peer->public_key, sizeof(peer->public_key));
		break;
	case WGPEER_A_PRESHARED_KEY: take_preshared_key(attribute, &peer->preshared_sum); break;
	case WGPEER_A_ENDPOINT: take_endpoint(attribute, &peer->endpoint); break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		(void)copy(attribute, &peer->keepalive, sizeof(peer->keepalive));
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		take_handshake(attribute, &peer->latest_handshake);
		break;
	case WGPEER_A_RX_BYTES:
		peer->is_more = !copy(attribute, &peer->rx_bytes, sizeof(peer->rx_bytes));
		break;
	case WGPEER_A_TX_BYTES:
		(void)copy(attribute, &peer->tx_bytes, sizeof(peer->tx_bytes));
		break;
	case WGPEER_A_ALLOWEDIPS: return mnl_attr_parse_nested(attribute, take_allowed, peer);
	default: break;
	}
	return MNL_CB_OK;
}

/* Only the first part of a peer tells of more than allowed-ips. */
static int take_peer(const struct nlattr *attribute, void *data)
{
	struct look *look = data;
	int status;

	look->peer = (struct wr_wgnl_sight){ .is_more = true };
	status = mnl_attr_parse_nested(attribute, take_peer_attribute, &look->peer);
	if (status >= MNL_CB_OK)
		look->see(look->context, &look->peer);
	return status;
}

static int take_device_attribute(const struct nlattr *attribute, void *data)
{
	struct look *look = data;

	switch (mnl_attr_get_type(attribute)) {
	case WGDEVICE_A_LISTEN_PORT:
		if (look->port)
			(void)copy(attribute, look->port, sizeof(*look->port));
		break;
	case WGDEVICE_A_PEERS: return mnl_attr_parse_nested(attribute, take_peer, look);
	default: break;
	}
	return MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), take_device_attribute, data);
}

int wr_wgnl_look(struct wr_wgnl *wireguard, uint32_t index, uint16_t *ret_port,
		 void (*see)(void *context, const struct wr_wgnl_sight *sight), void *context)
{
	struct look look = { .port = ret_port, .see = see, .context = context };
	struct nlmsghdr *message = wr_wgnl_begin(wireguard, NLM_F_DUMP, WG_CMD_GET_DEVICE);

	mnl_attr_put_u32(message, WGDEVICE_A_IFINDEX, index);
	return wr_wgnl_ask(wireguard, message, take_message, &look);
}
