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

/* Agents: join keys, what a machine with an agent has, several routers of a prefix, DNS records;
 * and an organisation's generation, which grows with each change that maps show. */
static const char second[] =
	/* Of the database's past: a restored one has another. */
	"INSERT INTO meta (key, value)"
	" VALUES ('epoch', CAST('e' || lower(hex(randomblob(10))) AS BLOB));"

	"ALTER TABLE organisation ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;"

	/* `uses` 0: any number; `ephemeral`: seconds, after which members that are gone are
	 * removed, 0: they stay. `machine`: the one that joins by it takes its place;
	 * `machine_name`: what it is called. */
	"CREATE TABLE join_key ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,"
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" hash BLOB NOT NULL UNIQUE, comment TEXT, uses INTEGER NOT NULL,"
	" used INTEGER NOT NULL DEFAULT 0, expires INTEGER,"
	" ephemeral INTEGER NOT NULL DEFAULT 0, needs_approval INTEGER NOT NULL DEFAULT 0,"
	" machine INTEGER REFERENCES machine ON DELETE CASCADE, machine_name TEXT,"
	" revoked INTEGER, last_used INTEGER, created INTEGER NOT NULL,"
	" creator TEXT NOT NULL) STRICT;"
	"CREATE INDEX join_key_organisation ON join_key (organisation);"
	"CREATE INDEX join_key_machine ON join_key (machine) WHERE machine IS NOT NULL;"
	"CREATE TABLE join_key_tag ("
	" join_key INTEGER NOT NULL REFERENCES join_key ON DELETE CASCADE, tag TEXT NOT NULL,"
	" PRIMARY KEY (join_key, tag)) WITHOUT ROWID, STRICT;"

	/* `token`: the hash of the agent's; `agent_seen`: when its channel was last there. */
	"ALTER TABLE machine ADD COLUMN is_agent INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE machine ADD COLUMN is_pending INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE machine ADD COLUMN ephemeral INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE machine ADD COLUMN token BLOB;"
	"ALTER TABLE machine ADD COLUMN join_key INTEGER REFERENCES join_key ON DELETE SET NULL;"
	"ALTER TABLE machine ADD COLUMN hostname TEXT;"
	"ALTER TABLE machine ADD COLUMN agent_version TEXT;"
	"ALTER TABLE machine ADD COLUMN agent_seen INTEGER;"
	/* Where it may be reached, as its agent reported it last: JSON. */
	"ALTER TABLE machine ADD COLUMN candidates TEXT;"
	"CREATE UNIQUE INDEX machine_token ON machine (token) WHERE token IS NOT NULL;"
	"CREATE INDEX machine_join_key ON machine (join_key) WHERE join_key IS NOT NULL;"
	"CREATE INDEX machine_ephemeral ON machine (ephemeral) WHERE ephemeral > 0;"

	/* `is_offered`: the agent offers it now, or an operator set it (`is_set`: then the agent
	 * does not take it back). Of those that are approved and offered, one for each prefix is
	 * active: traffic goes there. */
	"ALTER TABLE machine_route ADD COLUMN state TEXT NOT NULL DEFAULT 'approved'"
	" CHECK (state IN ('approved', 'waiting', 'rejected'));"
	"ALTER TABLE machine_route ADD COLUMN is_offered INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE machine_route ADD COLUMN is_set INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE machine_route ADD COLUMN is_active INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE machine_route ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
	"DROP INDEX machine_route_organisation;"
	"CREATE INDEX machine_route_organisation ON machine_route (organisation, prefix);"
	"CREATE UNIQUE INDEX machine_route_active ON machine_route (organisation, prefix)"
	" WHERE is_active;"
	/* Those of which one may be the next. */
	"CREATE INDEX machine_route_spare ON machine_route (organisation)"
	" WHERE is_active = 0 AND state = 'approved' AND is_offered;"

	/* `name` stands before the network's suffix. */
	"CREATE TABLE dns_record ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,"
	" organisation INTEGER NOT NULL REFERENCES organisation ON DELETE CASCADE,"
	" name TEXT NOT NULL, address BLOB NOT NULL, created INTEGER NOT NULL,"
	" creator TEXT NOT NULL, UNIQUE (organisation, name, address)) STRICT;"

	/* What maps show. */
	"CREATE TRIGGER organisation_changed AFTER UPDATE OF label, range4, range6,"
	" hub_public, policy, is_disabled ON organisation BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.id; END;"
	"CREATE TRIGGER machine_added AFTER INSERT ON machine BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.organisation; END;"
	"CREATE TRIGGER machine_changed AFTER UPDATE OF label, public_key, preshared_key,"
	" address4, address6, is_disabled, expires, is_agent, is_pending ON machine BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.organisation; END;"
	"CREATE TRIGGER machine_removed AFTER DELETE ON machine BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = OLD.organisation; END;"
	"CREATE TRIGGER machine_tag_added AFTER INSERT ON machine_tag BEGIN"
	" UPDATE organisation SET generation = generation + 1"
	"  WHERE id = (SELECT organisation FROM machine WHERE id = NEW.machine); END;"
	"CREATE TRIGGER machine_tag_removed AFTER DELETE ON machine_tag BEGIN"
	" UPDATE organisation SET generation = generation + 1"
	"  WHERE id = (SELECT organisation FROM machine WHERE id = OLD.machine); END;"
	"CREATE TRIGGER machine_route_added AFTER INSERT ON machine_route BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.organisation; END;"
	"CREATE TRIGGER machine_route_changed AFTER UPDATE OF state, is_offered, is_active ON"
	" machine_route BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.organisation; END;"
	"CREATE TRIGGER machine_route_removed AFTER DELETE ON machine_route BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = OLD.organisation; END;"
	"CREATE TRIGGER dns_record_added AFTER INSERT ON dns_record BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = NEW.organisation; END;"
	"CREATE TRIGGER dns_record_removed AFTER DELETE ON dns_record BEGIN"
	" UPDATE organisation SET generation = generation + 1 WHERE id = OLD.organisation; END;";

const char *const wr_schema[] = { first, second };
const unsigned wr_schema_len = WR_ARRAY_LEN(wr_schema);
