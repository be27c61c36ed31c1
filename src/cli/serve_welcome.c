/* What the first start tells. */
#include <stdio.h>
#include <string.h>

#include "cli/serve.h"
#include "server/server.h"

void wr_serve_welcome(const struct wr_settings *settings, const struct wr_server *server,
		      const struct wr_first_start *first)
{
	const char *listen = wr_setting_text(settings, WR_SET_API);
	bool is_plain = wr_setting_is_on(settings, WR_SET_PLAIN);
	const char *colon = strrchr(listen, ':');

	printf("\nThis is the first start. It made an administrator, shown this once:\n\n"
	       "  login     %s\n"
	       "  password  %s\n\n"
	       "What to do next, here as the same user or root:\n\n",
	       first->admin_login, first->admin_password);
	if (!wr_setting_text(settings, WR_SET_ORG))
		printf("  warren org create \"My network\"\n");
	printf("  warren machine add NAME        a machine's configuration for wg-quick\n"
	       "  warren machine add NAME --qr   the same, for a telephone\n"
	       "  warren policy edit             who may talk to whom\n");
	if (colon)
		printf("\nFrom elsewhere, first: warren login %s://%.*s:%u%s%s\n",
		       is_plain ? "http" : "https", (int)(colon - listen), listen,
		       wr_server_port(server), *wr_server_pin(server) ? " --pin " : "",
		       wr_server_pin(server));
	if (!wr_setting_text(settings, WR_SET_ENDPOINT))
		printf("\nMachines must reach the hub: say where with --endpoint HOST:PORT.\n");
}
