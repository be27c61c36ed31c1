#include "machine_calls.h"

#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "server/intents.h"
#include "server/schema.h"
#include "server/sights.h"

int64_t calls_add_org(struct calls *calls, const char *name)
{
	uint8_t sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD];
	char uid[WR_UID_LEN + 1], place[WR_PLACE_LEN];
	struct wr_key private_key, public_key;

	wr_uid_new('o', uid);
	wr_org_key_place(uid, place);
	wr_random(&private_key, sizeof(private_key));
	wr_x25519_clamp(&private_key);
	public_key = wr_x25519_public(&private_key);
	calls->hub_key = public_key;
	wr_vault_seal(&calls->server.vault, place,
		      (struct wr_bytes){ private_key.bytes, WR_KEY_LEN }, sealed);
	assert_int_equal(WR_DB_RUN(calls->db,
				   "INSERT INTO organisation (uid, name, label, range4, range6,"
				   " hub_public, hub_key, machine_quota, created)"
				   " VALUES (?, ?, ?, '10.100.0.0/16', 'fd00:1::/64', ?, ?, 20000,"
				   " 1700000000)",
				   WR_T(uid), WR_T(name), WR_T(name),
				   WR_B(public_key.bytes, WR_KEY_LEN),
				   WR_B(sealed, sizeof(sealed))),
			 0);
	return wr_db_last_id(calls->db);
}

void calls_open(struct calls *calls)
{
	*calls = (struct calls){ 0 };
	strcpy(calls->folder, "/tmp/warren-test-XXXXXX");
	assert_non_null(mkdtemp(calls->folder));
	snprintf(calls->path, sizeof(calls->path), "%s/db", calls->folder);
	assert_int_equal(wr_db_open(calls->path, &calls->db), 0);
	assert_int_equal(wr_db_migrate(calls->db, wr_schema, wr_schema_len), 0);
	wr_random(&calls->server.vault, sizeof(calls->server.vault));
	calls->server.config.hub_endpoint = "vpn.example.com:51820";
	calls->server.db = calls->db;
	calls->server.sights = wr_sights_new(&calls->server);
	assert_non_null(calls->server.sights);
	calls->org = calls_add_org(calls, "acme");
	assert_int_equal(wr_intents_load(&calls->server), 0);
}

static void remove_file(const struct calls *calls, const char *suffix)
{
	char path[100];

	snprintf(path, sizeof(path), "%s%s", calls->path, suffix);
	unlink(path);
}

void calls_close(struct calls *calls)
{
	wr_intents_free(calls->server.intents);
	wr_sights_free(calls->server.sights);
	if (calls->db)
		wr_db_close(calls->db);
	remove_file(calls, "");
	remove_file(calls, "-wal");
	remove_file(calls, "-shm");
	rmdir(calls->folder);
}

static const struct wr_operation *find(const char *id)
{
	const struct wr_operation *const tables[] = { wr_operations_machine, wr_operations_policy };

	for (size_t i = 0; i < WR_ARRAY_LEN(tables); i++) {
		for (const struct wr_operation *at = tables[i]; at->id; at++) {
			if (strcmp(at->id, id) == 0)
				return at;
		}
	}
	fail_msg("there is no operation %s", id);
	return NULL;
}

static char *problem_of(const struct wr_call *call)
{
	const struct wr_problem *problem = &call->problem;
	char *text = NULL;
	const json_t *fault;
	size_t len, i;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	fprintf(file, "%s: %s", problem->type, problem->detail ? problem->detail : "");
	json_array_foreach(problem->faults, i, fault)
		fprintf(file, "%s %s; ", json_string_value(json_object_get(fault, "pointer")),
			json_string_value(json_object_get(fault, "reason")));
	fclose(file);
	return text;
}

/* In a savepoint of its own, as the ledger does. */
static int run_step(struct calls *calls, struct wr_call *call)
{
	int status;

	call->pool_work = NULL;
	assert_int_equal(wr_db_run(calls->db, "SAVEPOINT entry", 0, NULL), 0);
	status = call->operation->run(call);
	assert_true(status == 0 || status == -1);
	if (status)
		assert_int_equal(wr_db_run(calls->db, "ROLLBACK TO entry", 0, NULL), 0);
	assert_int_equal(wr_db_run(calls->db, "RELEASE entry", 0, NULL), 0);
	return status;
}

static int run_steps(struct calls *calls, struct wr_call *call)
{
	int status = run_step(calls, call);

	while (!status && call->pool_work) {
		call->db = NULL;
		call->pool_work(call);
		call->db = calls->db;
		call->step++;
		status = run_step(calls, call);
	}
	return status;
}

struct answer calls_run(struct calls *calls, const char *id, const char *machine, const char *json)
{
	struct wr_call call = { .server = &calls->server, .operation = find(id), .db = calls->db };
	struct answer answer = { 0 };
	json_t *object = json ? json_loads(json, 0, NULL) : json_object();
	bool is_get = call.operation->method == WR_HTTP_GET;

	assert_non_null(object);
	call.query = is_get ? object : json_object();
	call.body = is_get ? json_object() : object;
	call.org = calls->org;
	call.path[0] = "acme";
	call.path[1] = machine;
	strcpy(call.caller.name, "alice");
	call.caller.kind = WR_CALLER_LOCAL;
	if (run_steps(calls, &call)) {
		assert_true(call.problem.status);
		answer.status = call.problem.status;
		answer.problem = problem_of(&call);
	} else {
		assert_int_equal(call.problem.status, 0);
		assert_int_equal(call.audit_error, 0);
		assert_true(!call.operation->is_change || call.audit_count);
		answer.status = call.operation->status;
		answer.result = json_incref(call.result);
		strcpy(answer.etag, call.etag);
		wr_call_follow(&call);
	}
	wr_call_done(&call);
	return answer;
}

void calls_done(struct answer *answer)
{
	json_decref(answer->result);
	free(answer->problem);
}

json_t *calls_want(struct calls *calls, unsigned status, const char *id, const char *machine,
		   const char *json)
{
	struct answer answer = calls_run(calls, id, machine, json);
	json_t *result = json_incref(answer.result);

	if (answer.status != status)
		fail_msg("%s %s: %u, %s", id, json ? json : "", answer.status,
			 answer.problem ? answer.problem : "went well");
	calls_done(&answer);
	return result;
}

void calls_refuse(struct calls *calls, unsigned status, const char *words, const char *id,
		  const char *machine, const char *json)
{
	struct answer answer = calls_run(calls, id, machine, json);

	if (answer.status != status || !answer.problem || !strstr(answer.problem, words))
		fail_msg("%s %s: %u, %s", id, json ? json : "", answer.status,
			 answer.problem ? answer.problem : "went well");
	calls_done(&answer);
}

const char *calls_text(const json_t *result, const char *name)
{
	const char *text = json_string_value(json_object_get(result, name));

	return text ? text : "";
}

int64_t calls_number(struct calls *calls, const char *sql)
{
	struct wr_row *row = NULL;
	int64_t number;

	assert_int_equal(wr_db_one(calls->db, sql, 0, NULL, &row), 1);
	number = wr_row_int(row, 0);
	wr_row_end(row);
	return number;
}
