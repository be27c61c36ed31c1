#include "tunnel/uapi_get.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* What is not set is left out, as wireguard-go does. */
static void write_device(struct wr_text *answer, const struct wr_interface *interface)
{
	const struct wr_key *private_key = &interface->device->identity.private_key;

	if (!wr_key_is_zero(private_key))
		wr_uapi_write_key(answer, "private_key", private_key);
	if (interface->listen_port)
		wr_uapi_write_number(answer, "listen_port", interface->listen_port);
	if (interface->fwmark)
		wr_uapi_write_number(answer, "fwmark", interface->fwmark);
}

static void write_traffic(struct wr_text *answer, const struct wr_peer *peer)
{
	uint64_t handshake = peer->latest_handshake.ns;

	wr_uapi_write_number(answer, "last_handshake_time_sec", handshake / NS_PER_S);
	wr_uapi_write_number(answer, "last_handshake_time_nsec", handshake % NS_PER_S);
	wr_uapi_write_number(answer, "tx_bytes", load(&peer->activity.tx_bytes));
	wr_uapi_write_number(answer, "rx_bytes", load(&peer->activity.rx_bytes));
}

static void write_peer(struct wr_text *answer, const struct wr_peer *peer)
{
	const struct wr_allowed_entry *entry;
	struct wr_endpoint endpoint;

	wr_uapi_write_key(answer, "public_key", &peer->public_key);
	wr_uapi_write_key(answer, "preshared_key", &peer->preshared_key);
	wr_uapi_write_number(answer, "protocol_version", 1);
	if (wr_peer_endpoint(peer, &endpoint))
		wr_uapi_write_endpoint(answer, &endpoint);
	write_traffic(answer, peer);
	wr_uapi_write_number(answer, "persistent_keepalive_interval", peer->keepalive_interval);
	for (entry = peer->allowed.first; entry; entry = entry->next)
		wr_uapi_write_allowed_ip(answer, &entry->prefix);
}

void wr_uapi_get(const struct wr_interface *interface, struct wr_text *answer)
{
	const struct wr_peer *peer;

	write_device(answer, interface);
	for (peer = interface->device->peer_first; peer; peer = peer->list_next)
		write_peer(answer, peer);
}

void wr_uapi_stats(const struct wr_interface *interface, struct wr_text *answer)
{
	struct wr_counters counters;

	wr_engine_counters(interface->engine, &counters);
	wr_uapi_write_number(answer, "rx_packets", counters.rx_packets);
	wr_uapi_write_number(answer, "tx_packets", counters.tx_packets);
	wr_uapi_write_number(answer, "handshakes", counters.handshakes);
	wr_uapi_write_number(answer, "sent_cookies", counters.sent_cookies);
	for (int verdict = 0; verdict < WR_VERDICTS; verdict++)
		wr_uapi_write_number(answer, wr_verdict_name((enum wr_verdict)verdict),
				     counters.verdicts[verdict]);
}
