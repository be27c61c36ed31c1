/* Which address a new machine gets, and what becomes of one that was let go. */
#include <errno.h>

#include "crypto/crypto.h"
#include "server/addresses.h"

/* --- What is taken. --- */

struct choice {
	struct wr_db *db;
	int64_t org, now;
	const struct wr_range *range;
	/* Families that are still to be chosen, together where there are two. */
	const struct wr_prefix *first, *second;
};

/* By a machine: 1, 0 or a negative errno. */
static int is_used(struct wr_db *db, int64_t org, const struct wr_ip *ip)
{
	struct wr_row *row = NULL;
	int found = ip->family == WR_IPV4 ? WR_DB_ONE(db, &row,
						      "SELECT 1 FROM machine WHERE organisation = ?"
						      " AND address4 = ?",
						      WR_I(org), wr_address_value(ip))
					  : WR_DB_ONE(db, &row,
						      "SELECT 1 FROM machine WHERE organisation = ?"
						      " AND address6 = ?",
						      WR_I(org), wr_address_value(ip));

	if (found > 0)
		wr_row_end(row);
	return found;
}

/* In its rest. */
static int is_resting(struct wr_db *db, int64_t org, const struct wr_ip *ip)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT 1 FROM grave WHERE organisation = ? AND address = ?",
			      WR_I(org), wr_address_value(ip));

	if (found > 0)
		wr_row_end(row);
	return found;
}

static int is_taken(const struct choice *choice, const struct wr_prefix *range, uint64_t host)
{
	struct wr_ip ip = wr_address_at(range, host);
	int used = is_used(choice->db, choice->org, &ip);

	return used ? used : is_resting(choice->db, choice->org, &ip);
}

static int wake(struct wr_db *db, int64_t org, const struct wr_ip *ip)
{
	if (ip->family == WR_FAMILY_NONE)
		return 0;
	return WR_DB_RUN(db, "DELETE FROM grave WHERE organisation = ? AND address = ?", WR_I(org),
			 wr_address_value(ip));
}

/* --- The place below which nothing is free. --- */

static int read_next(struct wr_db *db, int64_t org, uint64_t *ret_next)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT next_host FROM organisation WHERE id = ?",
			      WR_I(org));

	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	*ret_next = (uint64_t)wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

static int write_next(struct wr_db *db, int64_t org, uint64_t next)
{
	return WR_DB_RUN(db,
			 "UPDATE organisation SET next_host = ?2 WHERE id = ?1"
			 " AND next_host <> ?2",
			 WR_I(org), WR_I(next));
}

struct lowest {
	const struct wr_range *range;
	uint64_t host;
};

static bool take_lowest(void *context, const struct wr_row *row)
{
	struct lowest *lowest = context;
	struct wr_ip ip = wr_address_column(row, 0);
	uint64_t host = wr_address_host(
		ip.family == WR_IPV4 ? &lowest->range->v4 : &lowest->range->v6, &ip);

	if (host < lowest->host)
		lowest->host = host;
	return true;
}

/* Those whose rest is over are free, from the lowest of them on. */
static int end_rests(const struct choice *choice, int64_t until, uint64_t *next)
{
	struct wr_value values[] = { WR_I(choice->org), WR_I(until) };
	struct lowest lowest = { choice->range, *next };
	int64_t count = wr_db_each(choice->db,
				   "SELECT address FROM grave WHERE organisation = ?"
				   " AND until <= ?",
				   WR_ARRAY_LEN(values), values, take_lowest, &lowest);

	*next = lowest.host;
	if (count <= 0)
		return (int)count;
	return wr_db_run(choice->db, "DELETE FROM grave WHERE organisation = ? AND until <= ?",
			 WR_ARRAY_LEN(values), values);
}

/* --- The walk along what is taken, in order, to the first gap. --- */

struct walk {
	const struct wr_prefix *range;
	uint64_t host; /* free as far as was seen */
};

static bool step(void *context, const struct wr_row *row)
{
	struct walk *walk = context;
	struct wr_ip ip = wr_address_column(row, 0);
	uint64_t host = wr_address_host(walk->range, &ip);

	if (host == walk->host)
		walk->host++;
	return host < walk->host;
}

static const char walk4[] =
	"SELECT address4 AS address FROM machine WHERE organisation = ?1 AND address4 >= ?2"
	" UNION ALL SELECT address FROM grave"
	" WHERE organisation = ?1 AND address >= ?2 AND length(address) = 4 ORDER BY address";
static const char walk6[] =
	"SELECT address6 AS address FROM machine WHERE organisation = ?1 AND address6 >= ?2"
	" UNION ALL SELECT address FROM grave"
	" WHERE organisation = ?1 AND address >= ?2 AND length(address) = 16 ORDER BY address";

static int find_gap(const struct choice *choice, uint64_t *host)
{
	struct wr_ip from = wr_address_at(choice->first, *host);
	struct wr_value values[] = { WR_I(choice->org), wr_address_value(&from) };
	struct walk walk = { choice->first, *host };
	int64_t count = wr_db_each(choice->db, from.family == WR_IPV4 ? walk4 : walk6,
				   WR_ARRAY_LEN(values), values, step, &walk);

	*host = walk.host;
	return count < 0 ? (int)count : 0;
}

static uint64_t last_of(const struct choice *choice)
{
	uint64_t last = wr_address_last(choice->first);

	if (choice->second && wr_address_last(choice->second) < last)
		last = wr_address_last(choice->second);
	return last;
}

/* The lowest from *host on that is free in all families that are to be chosen. -EXFULL. */
static int find_free(const struct choice *choice, uint64_t *host)
{
	uint64_t last = last_of(choice);

	while (*host <= last) {
		int error = find_gap(choice, host), taken;

		if (error)
			return error;
		if (*host > last)
			break;
		taken = choice->second ? is_taken(choice, choice->second, *host) : 0;
		if (taken <= 0)
			return taken;
		(*host)++;
	}
	return -EXFULL;
}

static int oldest_rest(const struct choice *choice, int64_t *ret_until)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(choice->db, &row,
			      "SELECT until FROM grave WHERE organisation = ?"
			      " ORDER BY until LIMIT 1",
			      WR_I(choice->org));

	if (found <= 0)
		return found < 0 ? found : -EXFULL;
	*ret_until = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

/* A full range does not let anything rest: the oldest first. */
static int find_resting(const struct choice *choice, uint64_t *host)
{
	int error = -EXFULL;

	while (error == -EXFULL) {
		int64_t until;

		error = oldest_rest(choice, &until);
		if (error)
			return error;
		*host = WR_HOST_HUB + 1;
		error = end_rests(choice, until, host);
		if (!error)
			error = find_free(choice, host);
	}
	return error;
}

static int find(const struct choice *choice, uint64_t *host)
{
	int error = find_free(choice, host);

	/* Something that is free may be below, where others than this program wrote. */
	if (error == -EXFULL) {
		*host = WR_HOST_HUB + 1;
		error = find_free(choice, host);
	}
	return error == -EXFULL ? find_resting(choice, host) : error;
}

/* --- What was asked for. --- */

static int check_asked(const struct choice *choice, const struct wr_prefix *range,
		       const struct wr_ip *ip)
{
	int used;

	if (ip->family == WR_FAMILY_NONE)
		return 0;
	if (!wr_address_is_for_machine(range, ip))
		return -EADDRNOTAVAIL;
	used = is_used(choice->db, choice->org, ip);
	return used > 0 ? -EADDRINUSE : used;
}

static bool is_wanted(const struct wr_prefix *range, const struct wr_ip *asked)
{
	return range->ip.family != WR_FAMILY_NONE && asked->family == WR_FAMILY_NONE;
}

/* One was asked for: the other gets the same number if that is free. */
static int find_other(const struct choice *choice, const struct wr_addresses *addresses,
		      uint64_t *host)
{
	uint64_t same = addresses->v4.family != WR_FAMILY_NONE
				? wr_address_host(&choice->range->v4, &addresses->v4)
				: wr_address_host(&choice->range->v6, &addresses->v6);
	int taken = 1;

	if (same <= last_of(choice))
		taken = is_taken(choice, choice->first, same);
	if (taken <= 0) {
		*host = same;
		return taken;
	}
	*host = WR_HOST_HUB + 1;
	return find(choice, host);
}

static void set_chosen(const struct choice *choice, uint64_t host, struct wr_addresses *addresses)
{
	const struct wr_prefix *ranges[] = { choice->first, choice->second };

	for (size_t i = 0; i < WR_ARRAY_LEN(ranges); i++) {
		if (ranges[i] && ranges[i]->ip.family == WR_IPV4)
			addresses->v4 = wr_address_at(ranges[i], host);
		else if (ranges[i])
			addresses->v6 = wr_address_at(ranges[i], host);
	}
}

static int choose_free(struct choice *choice, struct wr_addresses *addresses, uint64_t *next)
{
	bool is_asked = addresses->v4.family || addresses->v6.family;
	uint64_t host = *next;
	int error = is_asked ? find_other(choice, addresses, &host) : find(choice, &host);

	if (error)
		return error;
	set_chosen(choice, host, addresses);
	if (!is_asked)
		*next = host + 1;
	return 0;
}

int wr_addresses_choose(struct wr_db *db, int64_t org, const struct wr_range *range, int64_t now,
			struct wr_addresses *addresses)
{
	struct choice choice = { db, org, now, range, NULL, NULL };
	uint64_t next;
	int error = check_asked(&choice, &range->v4, &addresses->v4);

	error = error ? error : check_asked(&choice, &range->v6, &addresses->v6);
	error = error ? error : read_next(db, org, &next);
	error = error ? error : end_rests(&choice, now, &next);
	if (is_wanted(&range->v6, &addresses->v6))
		choice.first = &range->v6;
	if (is_wanted(&range->v4, &addresses->v4)) {
		choice.second = choice.first;
		choice.first = &range->v4;
	}
	if (!error && choice.first)
		error = choose_free(&choice, addresses, &next);
	error = error ? error : write_next(db, org, next);
	error = error ? error : wake(db, org, &addresses->v4);
	return error ? error : wake(db, org, &addresses->v6);
}

/* --- Rest. --- */

static int lay(struct wr_db *db, int64_t org, const struct wr_ip *ip, int64_t until)
{
	if (ip->family == WR_FAMILY_NONE)
		return 0;
	return WR_DB_RUN(db, "INSERT OR REPLACE INTO grave VALUES (?, ?, ?)", WR_I(org),
			 wr_address_value(ip), WR_I(until));
}

/* Those that are over the limit are free at the next choice. Counting takes a while where there are
 * many, so it is done once in a while. */
static int keep_limit(struct wr_db *db, int64_t org)
{
	uint8_t dice;

	wr_random(&dice, sizeof(dice));
	if (dice % 64)
		return 0;
	return WR_DB_RUN(db,
			 "UPDATE grave SET until = 0 WHERE organisation = ?1 AND until <= (SELECT"
			 " until FROM grave WHERE organisation = ?1 ORDER BY until DESC"
			 " LIMIT 1 OFFSET ?2)",
			 WR_I(org), WR_I(WR_ADDRESS_RESTING));
}

int wr_addresses_release(struct wr_db *db, int64_t org, const struct wr_addresses *addresses,
			 int64_t now)
{
	int64_t until = now + WR_ADDRESS_REST;
	int error = lay(db, org, &addresses->v4, until);

	error = error ? error : lay(db, org, &addresses->v6, until);
	return error ? error : keep_limit(db, org);
}
