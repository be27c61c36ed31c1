/* The Ethernet over the mesh, where it was asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "zeroconf/inside.h"

int zc_open_l2(struct wr_zeroconf *zc, char ret_why[200])
{
	const struct wr_backend *backend = wr_node_backend(zc->node);
	char name[IF_NAMESIZE];
	const struct wr_l2_config config = {
		.name = name,
		.under = wr_backend_index(backend),
		.under_mtu = WR_TUNNEL_MTU,
		.port = wr_backend_port(backend),
		.own = zc->v6,
	};

	if (!zc->state.has_l2)
		return 0;
	snprintf(name, sizeof(name), "l2-%.12s", zc->state.interface);
	zc->l2 = wr_l2_close(zc->l2);
	return wr_l2_open(&config, &zc->l2, ret_why);
}

/* It was deleted by somebody, or with the tunnel. */
static void reopen(struct wr_zeroconf *zc)
{
	char why[200];

	wr_log_error("l2: the interface was deleted by somebody; it is made again");
	if (wr_node_backend(zc->node) && zc_open_l2(zc, why) < 0)
		wr_log_error("l2: %s", why);
}

static bool has_l2(const struct wr_zeroconf *zc, const struct contact *contact)
{
	struct wr_record record;

	return contact->is_alive && zc_record_of(zc, &contact->identity, &record) &&
	       (record.flags & WR_RECORD_L2);
}

void zc_tend_l2(struct wr_zeroconf *zc)
{
	struct wr_ip *members;
	struct contact *contact;
	size_t at = 0, count = 0;
	int status;

	if (!zc->l2)
		return;
	members = calloc(zc->by_identity.count + 1, sizeof(*members));
	while (members && (contact = zc_next(zc, &at)))
		if (has_l2(zc, contact))
			members[count++] = contact->v6;
	status = members ? wr_l2_set_members(zc->l2, members, count) : 0;
	free(members);
	if (status == -ENODEV)
		reopen(zc);
	else if (status < 0)
		wr_log_error("l2: its table cannot be set: %s", strerror(-status));
}
