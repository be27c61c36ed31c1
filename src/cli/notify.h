/* Tells the service manager how it goes.
 *
 * Floor 10.  Source: sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names. */
#pragma once

/* `state`: "READY=1", "STOPPING=1". Nothing happens where nobody wants to know. */
void wr_notify(const char *state);
