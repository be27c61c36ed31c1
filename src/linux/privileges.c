#include "linux/privileges.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

static void cap_freep(cap_t *capabilities)
{
	if (*capabilities)
		cap_free(*capabilities);
}

/* No capability. */
#define NONE (-1)

/* What a program run later could have at most, but for one. Needs CAP_SETPCAP, which one
 * that was given only CAP_NET_ADMIN lacks; "no new privileges" then has to do. */
static void drop_bounding_but(cap_value_t left)
{
	for (cap_value_t which = 0; which < cap_max_bits(); which++)
		if (which != left)
			(void)prctl(PR_CAPBSET_DROP, which, 0, 0, 0);
}

/* Asks for `which` only if this process has it: else cap_set_proc() fails. */
static int keep(cap_t had, cap_t kept, cap_value_t which)
{
	cap_flag_value_t has = CAP_CLEAR;

	if (cap_get_flag(had, which, CAP_PERMITTED, &has) < 0)
		return -errno;
	if (has != CAP_SET)
		return 0;
	if (cap_set_flag(kept, CAP_PERMITTED, 1, &which, CAP_SET) < 0 ||
	    cap_set_flag(kept, CAP_EFFECTIVE, 1, &which, CAP_SET) < 0)
		return -errno;
	return 0;
}

/* Asks for those of `wanted` only; what it lacks is no fault. */
static int drop_capabilities(const cap_value_t *wanted, size_t count)
{
	WR_AUTO(cap_freep) cap_t had = cap_get_proc();
	WR_AUTO(cap_freep) cap_t kept = cap_init();
	int status;

	if (!had || !kept)
		return -errno;
	status = 0;
	for (size_t i = 0; i < count && status == 0; i++)
		status = keep(had, kept, wanted[i]);
	if (status == 0 && cap_set_proc(kept) < 0)
		status = -errno;
	return status;
}

/* `passed_on`: to programs that are run; or NONE. */
static int drop_all_but(const cap_value_t *wanted, size_t count, cap_value_t passed_on)
{
	int status;

	drop_bounding_but(passed_on);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	status = drop_capabilities(wanted, count);
	if (status < 0)
		return status;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int wr_privileges_drop(bool keep_low_ports)
{
	static const cap_value_t wanted[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE };

	return drop_all_but(wanted, keep_low_ports ? 2 : 1, NONE);
}

int wr_privileges_drop_for_server(bool keep_low_ports)
{
	static const cap_value_t wanted[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_NET_BIND_SERVICE };

	return drop_all_but(wanted, keep_low_ports ? 3 : 2, NONE);
}

/* Ambient capabilities are of those that are inheritable. One that this process lacks stays so. */
static int pass_on(cap_value_t which)
{
	WR_AUTO(cap_freep) cap_t has = cap_get_proc();
	cap_flag_value_t is_set = CAP_CLEAR;

	if (!has || cap_get_flag(has, which, CAP_PERMITTED, &is_set) < 0)
		return -errno;
	if (is_set != CAP_SET)
		return 0;
	if (cap_set_flag(has, CAP_INHERITABLE, 1, &which, CAP_SET) < 0 || cap_set_proc(has) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, which, 0, 0) < 0)
		return -errno;
	return 0;
}

int wr_privileges_drop_for_agent(bool keep_low_ports)
{
	static const cap_value_t wanted[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE };
	int status = drop_all_but(wanted, keep_low_ports ? 2 : 1, CAP_NET_ADMIN);

	return status < 0 ? status : pass_on(CAP_NET_ADMIN);
}

static bool has_all(const cap_value_t *needed, size_t count)
{
	WR_AUTO(cap_freep) cap_t has = cap_get_proc();

	for (size_t i = 0; i < count; i++) {
		cap_flag_value_t is_set = CAP_CLEAR;

		if (!has || cap_get_flag(has, needed[i], CAP_EFFECTIVE, &is_set) < 0 ||
		    is_set != CAP_SET)
			return false;
	}
	return true;
}

bool wr_privileges_has_net_admin(void)
{
	static const cap_value_t needed[] = { CAP_NET_ADMIN };

	return has_all(needed, WR_ARRAY_LEN(needed));
}

bool wr_privileges_has_gateways(void)
{
	static const cap_value_t needed[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN };

	return has_all(needed, WR_ARRAY_LEN(needed));
}
