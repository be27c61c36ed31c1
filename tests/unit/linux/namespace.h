/* A network of its own for a test: real sockets and devices that nobody else sees,
 * gone with the process. */
#pragma once

#include "unit.h"

/* Moves this process into a fresh network namespace in which only lo is up; the
 * first call also gives it a /run of its own. Without root it makes a user namespace
 * for it (TUN devices still need root where /dev/net/tun is root's). To be called
 * before there are threads; a test may call it again to start afresh. */
void namespace_enter(void);

/* Runs a shell command, which must succeed. iproute2 is what it is for. */
void namespace_run(const char *format, ...) WR_PRINTF(1, 2);
