#include "linux/overlays.h"

#include <net/if_arp.h>
#include <string.h>

/* A TAP is a TUN of a kind, and has neighbours: a virtual machine. */
static bool is_tunnel(const struct wr_read_link *link)
{
	return strcmp(link->kind, "wireguard") == 0 ||
	       (strcmp(link->kind, "tun") == 0 && link->type == ARPHRD_NONE);
}

void wr_overlays_take(struct wr_overlays *overlays, const struct wr_read_link *link)
{
	if (overlays->count == WR_OVERLAYS_LINKS)
		return;
	overlays->links[overlays->count++] = (struct wr_overlay){
		.index = link->index,
		.under = link->under,
		.is_inside = is_tunnel(link),
	};
}

/* A round for each storey that there is. */
void wr_overlays_settle(struct wr_overlays *overlays)
{
	bool is_news = true;

	while (is_news) {
		is_news = false;
		for (size_t i = 0; i < overlays->count; i++) {
			struct wr_overlay *link = &overlays->links[i];

			if (link->is_inside || !wr_overlays_hold(overlays, link->under))
				continue;
			link->is_inside = is_news = true;
		}
	}
}

bool wr_overlays_hold(const struct wr_overlays *overlays, uint32_t index)
{
	for (size_t i = 0; index && i < overlays->count; i++)
		if (overlays->links[i].index == index)
			return overlays->links[i].is_inside;
	return false;
}
