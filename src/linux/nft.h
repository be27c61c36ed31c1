/* nftables: what nft(8) is told to do, and whether the kernel still has it.
 *
 * nft is run as a program, without a shell and without an environment of ours; what it says is
 * read up to a limit. Whether somebody changed the rules since is asked of the kernel itself,
 * which costs microseconds.
 *
 * Floor 4.  No state. wr_nft_run() waits for a program: on a thread of a pool; the others answer
 * at once.  Source: nft(8); linux/netfilter/nf_tables.h. */
#pragma once

#include "base/base.h"

#define WR_NFT_ERROR_LEN 200

/* Runs `nft -f -` with the script, which is done whole or not at all. Takes CAP_NET_ADMIN, as
 * an ambient capability if not as root (wr_privileges_drop_for_agent()). 0; or, with one line in
 * ret_error: -ENOENT where there is no nft, -ETIMEDOUT, -EINVAL where nft refuses it, another
 * negative errno. */
int wr_nft_run(const char *script, struct wr_span timeout, char ret_error[WR_NFT_ERROR_LEN])
	WR_MUST_CHECK;

/* A number that is another one after every change of any rule in this network namespace. 0 or a
 * negative errno. */
int wr_nft_generation(uint32_t *ret_generation) WR_MUST_CHECK;
/* Families of tables: NFPROTO_ of linux/netfilter.h. */
enum wr_nft_family {
	WR_NFT_INET = 1,
	WR_NFT_BRIDGE = 7,
};

/* What there is in the table `name` of a family, as one number: chains, rules, sets and what is in
 * them. -ENOENT if there is no such table, or another negative errno. */
int wr_nft_fingerprint(enum wr_nft_family family, const char *name, uint64_t *ret_fingerprint)
	WR_MUST_CHECK;

/* A descriptor that is readable when rules were changed, by whomever. 0 or a negative errno. */
int wr_nft_watch(int *ret_fd) WR_MUST_CHECK;
/* Reads all news of it, unseen. True if there was any. */
bool wr_nft_drain(int fd);
