#include "tunnel/uapi_apply.h"

#include <errno.h>
#include <net/if.h>

#include "linux/clock.h"

/* The peer that lines belong to; NULL where they are read over: it was removed,
 * is not there to be updated, or would be the interface itself. */
struct application {
	struct wr_device *device;
	struct wr_peer *peer;
	struct wr_instant now;
};

/* Port and mark can fail, so they go first, when nothing has changed yet. */
static int apply_socket(struct wr_interface *interface, const struct wr_uapi_request *request)
{
	int status = 0;

	for (size_t i = 0; i < request->count && status == 0; i++) {
		if (request->ops[i].kind == WR_UAPI_FWMARK)
			status = wr_interface_set_mark(interface, request->ops[i].number);
	}
	for (size_t i = 0; i < request->count && status == 0; i++) {
		if (request->ops[i].kind == WR_UAPI_LISTEN_PORT)
			status = wr_interface_set_port(interface, (uint16_t)request->ops[i].number);
	}
	return status;
}

static void remove_all(struct wr_device *device)
{
	while (device->peer_first)
		wr_peer_remove(device->peer_first);
}

static int begin_peer(struct application *to, const struct wr_uapi_op *op)
{
	struct wr_peer *peer = wr_device_find_peer(to->device, &op->key);

	to->peer = NULL;
	if (op->is_remove) {
		if (peer)
			wr_peer_remove(peer);
		return 0;
	}
	if (wr_key_equal(&op->key, &to->device->identity.public_key))
		return 0;
	if (!peer && !op->is_update_only) {
		peer = wr_device_add_peer(to->device, &op->key);
		if (!peer)
			return -ENOMEM;
	}
	to->peer = peer;
	return 0;
}

static int apply_allowed_ip(struct wr_peer *peer, const struct wr_uapi_op *op)
{
	if (!op->is_negative)
		return wr_peer_allow(peer, &op->prefix);
	wr_peer_disallow(peer, &op->prefix);
	return 0;
}

static int apply_to_peer(struct application *to, const struct wr_uapi_op *op)
{
	if (!to->peer)
		return 0;
	switch (op->kind) {
	case WR_UAPI_PRESHARED_KEY: wr_peer_set_preshared_key(to->peer, &op->key); return 0;
	case WR_UAPI_ENDPOINT: wr_peer_set_endpoint(to->peer, &op->endpoint); return 0;
	case WR_UAPI_PERSISTENT_KEEPALIVE:
		wr_peer_set_keepalive(to->peer, (uint16_t)op->number, to->now);
		return 0;
	case WR_UAPI_REPLACE_ALLOWED_IPS: wr_peer_disallow_all(to->peer); return 0;
	case WR_UAPI_ALLOWED_IP: return apply_allowed_ip(to->peer, op);
	case WR_UAPI_PRIVATE_KEY:
	case WR_UAPI_LISTEN_PORT:
	case WR_UAPI_FWMARK:
	case WR_UAPI_REPLACE_PEERS:
	case WR_UAPI_PEER: break;
	}
	assert(false && "an operation of a peer");
	return 0;
}

static int apply(struct application *to, const struct wr_uapi_op *op)
{
	switch (op->kind) {
	case WR_UAPI_LISTEN_PORT:
	case WR_UAPI_FWMARK: return 0;
	case WR_UAPI_PRIVATE_KEY: return wr_device_set_private_key(to->device, &op->key);
	case WR_UAPI_REPLACE_PEERS: remove_all(to->device); return 0;
	case WR_UAPI_PEER: return begin_peer(to, op);
	case WR_UAPI_PRESHARED_KEY:
	case WR_UAPI_ENDPOINT:
	case WR_UAPI_PERSISTENT_KEEPALIVE:
	case WR_UAPI_REPLACE_ALLOWED_IPS:
	case WR_UAPI_ALLOWED_IP: return apply_to_peer(to, op);
	}
	assert(false && "a kind of operation");
	return 0;
}

static int apply_request(struct wr_interface *interface, const struct wr_uapi_request *request)
{
	struct application to = {
		.device = interface->device,
		.now = wr_clock_now(),
	};
	int status = apply_socket(interface, request);

	for (size_t i = 0; i < request->count && status == 0; i++)
		status = apply(&to, &request->ops[i]);
	return status;
}

/* Names of interfaces in endpoints, "[fe80::1%eth0]:51820", which floor 2 cannot
 * look up. */
static int resolve_scopes(struct wr_uapi_request *request)
{
	for (size_t i = 0; i < request->count; i++) {
		struct wr_uapi_op *op = &request->ops[i];

		if (op->kind != WR_UAPI_ENDPOINT || !op->scope_name[0])
			continue;
		op->endpoint.scope = if_nametoindex(op->scope_name);
		if (!op->endpoint.scope)
			return -EINVAL;
	}
	return 0;
}

int wr_uapi_set(struct wr_interface *interface, struct wr_bytes text, size_t *ret_line)
{
	WR_AUTO(wr_uapi_request_done) struct wr_uapi_request request = { 0 };
	int status = wr_uapi_parse_set(text, &request, ret_line);

	if (status == 0)
		status = resolve_scopes(&request);
	if (status == 0)
		status = apply_request(interface, &request);
	return status;
}
