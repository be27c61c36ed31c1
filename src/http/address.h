/* Addresses as the socket calls have them.
 *
 * Floor 7.  Any thread. */
#pragma once

#include <sys/socket.h>

#include "base/ip.h"

/* IPv4 in an IPv6 address is IPv4; family none of another kind of socket. */
struct wr_ip wr_address_ip(const struct sockaddr_storage *address);
