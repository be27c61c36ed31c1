/* Gives up what is not needed once everything is open.
 *
 * Floor 4.  Each is called once. Source: capabilities(7), seccomp(2). */
#pragma once

#include "base/base.h"

/* Not dumpable (no core file, no ptrace by the same user: keys are in memory),
 * no new privileges, and only these capabilities:
 *   CAP_NET_ADMIN: SO_MARK and buffer sizes of sockets that are opened later,
 *                  when `wg` changes the port; MTU of the interface.
 * `keep_low_ports` keeps CAP_NET_BIND_SERVICE too. Before threads are started:
 * they inherit it. 0 or a negative errno. */
int wr_privileges_drop(bool keep_low_ports) WR_MUST_CHECK;

/* The same for a server, which keeps also:
 *   CAP_SYS_ADMIN: network namespaces of gateways. */
int wr_privileges_drop_for_server(bool keep_low_ports) WR_MUST_CHECK;
/* The same for an agent: as wr_privileges_drop(), and programs that it runs (nft, resolvectl) get
 * CAP_NET_ADMIN too, as an ambient capability. */
int wr_privileges_drop_for_agent(bool keep_low_ports) WR_MUST_CHECK;
/* Whether this process may make interfaces and routes. */
bool wr_privileges_has_net_admin(void);
/* Whether this process has what gateways need: both of those. */
bool wr_privileges_has_gateways(void);

/* Only the system calls that a running tunnel makes, each with its reason in the
 * source; any other fails with EPERM, and those that could start a program or
 * touch another process end this one. */
struct wr_seccomp;

/* Compiles the filter, which takes a while. 0 or a negative errno. */
int wr_seccomp_new(struct wr_seccomp **ret_filter) WR_MUST_CHECK;
/* NULL is fine. Returns NULL. */
struct wr_seccomp *wr_seccomp_free(struct wr_seccomp *filter);
/* It holds from now on, for all threads there are, and none can be started any
 * more: call it last. 0 or a negative errno. */
int wr_seccomp_load(struct wr_seccomp *filter) WR_MUST_CHECK;
