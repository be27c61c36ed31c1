/* Answers to STUN's question on the port: from the address that was asked, at once, and no
 * more of them than a budget allows.
 *
 * Floor 5.  A desk belongs to one thread.  Source: wire/stun.h; design "The port". */
#pragma once

#include "base/base.h"
#include "base/verdict.h"
#include "linux/udp.h"

struct wr_stun_desk;

/* `desks`: how many share what all strangers together may ask for. NULL where memory is
 * short. */
struct wr_stun_desk *wr_stun_desk_new(unsigned desks);
/* NULL is fine; returns NULL. */
struct wr_stun_desk *wr_stun_desk_free(struct wr_stun_desk *desk);

/* A datagram that begins as STUN does, of `burst`: answered on `fd`, WR_TAKEN; or
 * WR_DROP_TYPE (no question), WR_DROP_BUDGET, WR_DROP_UDP. */
enum wr_verdict wr_stun_desk_take(struct wr_stun_desk *desk, int fd,
				  const struct wr_udp_burst *burst, struct wr_bytes datagram,
				  struct wr_instant now);
