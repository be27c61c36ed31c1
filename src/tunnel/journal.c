#include "tunnel/journal.h"

#include "base/log.h"

/* "AbCd…WxYz", as wireguard-go's peer.String(). */
static void log_handshake(const struct wr_peer *peer)
{
	struct wr_endpoint endpoint;
	char key[WR_KEY_BASE64_LEN + 1];
	char at[WR_ENDPOINT_TEXT_LEN] = "none";

	wr_key_to_base64(&peer->public_key, key);
	if (wr_peer_endpoint(peer, &endpoint))
		(void)wr_endpoint_format(&endpoint, at);
	wr_log_verbose("handshake done: peer=%.4s…%.4s endpoint=%s", key, key + 39, at);
}

void wr_journal_update(struct wr_journal *journal, const struct wr_device *device)
{
	struct wr_wall newest = journal->newest;
	const struct wr_peer *peer;

	if (!wr_log_is_on(WR_LOG_VERBOSE))
		return;
	for (peer = device->peer_first; peer; peer = peer->list_next) {
		if (peer->latest_handshake.ns <= journal->newest.ns)
			continue;
		log_handshake(peer);
		if (peer->latest_handshake.ns > newest.ns)
			newest = peer->latest_handshake;
	}
	journal->newest = newest;
}
