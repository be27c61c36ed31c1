/* What the clock does to machines, besides their expiry (server/intents.h): a router that went
 * away makes way for the next, and ephemeral members that are gone are removed.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

struct wr_server;

/* Each second: one entry in the ledger, which writes only where something is to be done. */
void wr_upkeep(struct wr_server *server);
