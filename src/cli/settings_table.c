/* What can be set, how it is called where, and its default. */
#include "cli/settings.h"
#include "cli/settings_check.h"

const struct wr_setting_row wr_setting_rows[WR_SETTING_COUNT] = {
	[WR_SET_DATA] = { "data", "WARREN_DATA", { NULL }, NULL, wr_check_any },
	[WR_SET_API] = { "api", "WARREN_API_LISTEN", { NULL }, "127.0.0.1:8443", wr_check_listen },
	[WR_SET_HUB_PORT] = { "hub-port",
			      "WARREN_HUB_PORT",
			      { "WIRESPIDER_LISTEN_PORT" },
			      "51820",
			      wr_check_port },
	[WR_SET_ENDPOINT] = { "endpoint", "WARREN_ENDPOINT", { NULL }, NULL, wr_check_endpoint },
	[WR_SET_NETWORK] = { "network",
			     "WARREN_NETWORK",
			     { "EDGE_CORE_MESH_CIDR", "WIRESPIDER_NETWORK" },
			     "10.100.0.0/16",
			     wr_check_network },
	[WR_SET_CERT] = { "cert", "WARREN_CERT", { NULL }, NULL, wr_check_any },
	[WR_SET_KEY] = { "key", "WARREN_KEY", { NULL }, NULL, wr_check_any },
	[WR_SET_PLAIN] = { "plain", "WARREN_PLAIN", { NULL }, "no", wr_check_flag },
	[WR_SET_BEHIND_PROXY] = { "behind-proxy",
				  "WARREN_BEHIND_PROXY",
				  { NULL },
				  "no",
				  wr_check_flag },
	[WR_SET_SIGN_UP] = { "sign-up", "WARREN_SIGN_UP", { NULL }, "closed", wr_check_sign_up },
	/* WARREN_ORG is the organisation that other verbs speak of. */
	[WR_SET_ORG] = { "org", "WARREN_FIRST_ORG", { NULL }, NULL, wr_check_any },
	[WR_SET_WORKERS] = { "workers", "WARREN_WORKERS", { NULL }, NULL, wr_check_workers },
	[WR_SET_UNLOCK_FILE] = { "unlock-file",
				 "WARREN_UNLOCK_FILE",
				 { NULL },
				 NULL,
				 wr_check_any },
};
