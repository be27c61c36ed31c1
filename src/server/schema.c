#include "server/schema.h"

#include "base/base.h"

/* Times are seconds since 1970; 0 or NULL: never. */
static const char first[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;"

	"CREATE TABLE user ("
	" id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, login TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	" name TEXT NOT NULL, password TEXT NOT NULL, is_site_admin INTEGER NOT NULL DEFAULT 0,"
	" is_disabled INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
	" version INTEGER NOT NULL DEFAULT 1) STRICT;"

	"CREATE TABLE session ("
	" id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, csrf BLOB NOT NULL,"
	" user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE, created INTEGER NOT NULL,"
	" last_used INTEGER NOT NULL, expires INTEGER NOT NULL, address TEXT NOT NULL) STRICT;"
	"CREATE INDEX session_user ON session (user);"

	"CREATE TABLE organisation ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,"
	" name TEXT NOT NULL UNIQUE COLLATE NOCASE, label TEXT NOT NULL UNIQUE,"
	" range4 TEXT, range6 TEXT, hub_public BLOB NOT NULL UNIQUE, hub_key BLOB NOT NULL,"
	" machine_quota INTEGER NOT NULL, is_disabled INTEGER NOT NULL DEFAULT 0,"
	" policy INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
	/* No host number below is free (server/addresses.h); another random number with each
	 * change of what a policy sees of the machines (server/roster.h). */
	" next_host INTEGER NOT NULL DEFAULT 2, roster INTEGER NOT NULL DEFAULT 0,"
	" version INTEGER NOT NULL DEFAULT 1) STRICT;"

	"CREATE TABLE membership ("
	" user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,"
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" role TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (user, organisation))"
	" WITHOUT ROWID, STRICT;"
	"CREATE INDEX membership_organisation ON membership (organisation);"

	"CREATE TABLE token ("
	" id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, hash BLOB NOT NULL UNIQUE,"
	" user INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,"
	" organisation INTEGER REFERENCES organisation ON DELETE CASCADE,"
	" name TEXT NOT NULL, role TEXT, may_write INTEGER NOT NULL, created INTEGER NOT NULL,"
	" expires INTEGER, last_used INTEGER) STRICT;"
	"CREATE INDEX token_user ON token (user);"
	"CREATE INDEX token_organisation ON token (organisation);"

	"CREATE TABLE invite ("
	" id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, hash BLOB NOT NULL UNIQUE,"
	" organisation INTEGER REFERENCES organisation ON DELETE CASCADE, role TEXT,"
	" created INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" creator INTEGER REFERENCES user ON DELETE SET NULL) STRICT;"
	"CREATE INDEX invite_organisation ON invite (organisation);"

	"CREATE TABLE machine ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,"
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" name TEXT NOT NULL, label TEXT NOT NULL, public_key BLOB NOT NULL,"
	" preshared_key BLOB, address4 BLOB, address6 BLOB,"
	" is_disabled INTEGER NOT NULL DEFAULT 0, expires INTEGER, created INTEGER NOT NULL,"
	" creator TEXT NOT NULL, latest_handshake INTEGER, last_seen INTEGER, endpoint TEXT,"
	" rx_bytes INTEGER NOT NULL DEFAULT 0, tx_bytes INTEGER NOT NULL DEFAULT 0,"
	" version INTEGER NOT NULL DEFAULT 1,"
	" UNIQUE (organisation, label), UNIQUE (organisation, public_key),"
	" UNIQUE (organisation, address4), UNIQUE (organisation, address6)) STRICT;"

	"CREATE INDEX machine_organisation ON machine (organisation);"
	"CREATE INDEX machine_expires ON machine (expires) WHERE expires IS NOT NULL;"
	"CREATE TABLE machine_tag ("
	" machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE, tag TEXT NOT NULL,"
	" PRIMARY KEY (machine, tag)) WITHOUT ROWID, STRICT;"
	"CREATE TABLE machine_route ("
	" machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE, prefix TEXT NOT NULL,"
	" organisation INTEGER NOT NULL, PRIMARY KEY (machine, prefix)) WITHOUT ROWID, STRICT;"
	"CREATE UNIQUE INDEX machine_route_organisation ON machine_route (organisation, prefix);"

	/* Addresses that were let go and are not given out again before `until`. */
	"CREATE TABLE grave ("
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" address BLOB NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (organisation, address))"
	" WITHOUT ROWID, STRICT;"
	"CREATE INDEX grave_until ON grave (organisation, until);"

	"CREATE TABLE policy ("
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" number INTEGER NOT NULL, text TEXT NOT NULL, comment TEXT, creator TEXT NOT NULL,"
	" created INTEGER NOT NULL, PRIMARY KEY (organisation, number)) WITHOUT ROWID, STRICT;"

	/* Survives what it tells of; an organisation's own lines go with it. */
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
	" organisation INTEGER REFERENCES organisation ON DELETE CASCADE,"
	" operation TEXT NOT NULL, actor_kind TEXT NOT NULL, actor_uid TEXT, actor TEXT NOT NULL,"
	" address TEXT, target_uid TEXT, target TEXT, before TEXT, after TEXT,"
	" request TEXT NOT NULL) STRICT;"
	"CREATE INDEX audit_organisation ON audit (organisation, id);"
	/* Each organisation's log, and the site's, has its newest 500,000 lines, some 150 MB, and
	 * up to a thousand more: where anyone may sign up, nobody fills the disk. */
	"CREATE TRIGGER audit_end AFTER INSERT ON audit WHEN NEW.id % 1000 = 0 BEGIN"
	" DELETE FROM audit WHERE organisation IS NEW.organisation AND id <="
	"  (SELECT id FROM audit WHERE organisation IS NEW.organisation"
	"   ORDER BY id DESC LIMIT 1 OFFSET 500000); END;";

const char *const wr_schema[] = { first };
const unsigned wr_schema_len = WR_ARRAY_LEN(wr_schema);
