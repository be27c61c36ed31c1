/* A peer whose endpoint somebody else chooses: traffic goes where it was set, whatever comes from
 * elsewhere. That something authentic came from elsewhere is told instead, first at once, and then
 * some ten times a second while more comes: an address that floods does not flood who is told, nor
 * hide another one.
 *
 * Floor 3.  Any thread; hangs from the peer, and is freed with it.
 * Source: docs/agents.md, "The parts". */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/ip.h"

struct wr_relay_elsewhere;
struct wr_spread;

/* All zero: nothing came yet. Instants in ns. */
struct wr_managed {
	_Atomic uint64_t last_received; /* something authentic; 0: never */
	_Atomic uint64_t told;          /* the address that was told of last, as a hash */
	_Atomic uint64_t quiet_until;   /* it is not told of again before this */
	_Atomic uint64_t paid_until;    /* what was told of all addresses is paid for by then */
	_Atomic(struct wr_relay_elsewhere *) elsewhere; /* wg/relay.h; NULL: none */
	struct wr_endpoint shook_from; /* the port's thread: its last handshake message came from */
	struct wr_spread *spread;      /* the port's thread: wg/spread.h; NULL: none */
};

/* Something authentic came. */
void wr_managed_note(struct wr_managed *managed, struct wr_instant now);
/* It came from there, which is not where traffic goes: true if that is to be told. */
bool wr_managed_tells(struct wr_managed *managed, const struct wr_endpoint *from,
		      struct wr_instant now);
