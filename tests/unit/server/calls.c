#include "calls.h"

#include "crypto/crypto.h"
#include "server/check.h"
#include "server/dispatch.h"
#include "server/intents.h"
#include "server/lockout.h"
#include "server/router.h"
#include "server/schema.h"
#include "server/sights.h"
#include "store/connection.h"

/* --- The server. --- */

void calls_open(struct calls *calls)
{
	uint8_t seed[16];

	memset(calls, 0, sizeof(*calls));
	assert_int_equal(wr_crypto_start(), 0);
	wr_random(seed, sizeof(seed));
	assert_int_equal(wr_db_open(":memory:", &calls->db), 0);
	assert_int_equal(wr_db_migrate(calls->db, wr_schema, wr_schema_len), 0);
	wr_random(&calls->server.vault, sizeof(calls->server.vault));
	calls->server.config.network = "10.100.0.0/16";
	calls->server.config.hub_endpoint = "vpn.example.com:51820";
	calls->server.config.api_endpoint = "api.example.com:8443";
	calls->server.lockout = wr_lockout_new(seed);
	calls->server.sights = wr_sights_new(&calls->server);
	calls->server.db = calls->db;
	assert_int_equal(wr_intents_load(&calls->server), 0);
}

void calls_close(struct calls *calls)
{
	wr_intents_free(calls->server.intents);
	wr_sights_free(calls->server.sights);
	wr_lockout_free(calls->server.lockout);
	wr_db_close(calls->db);
}

/* --- Who. --- */

struct wr_caller calls_local(void)
{
	return (struct wr_caller){
		.kind = WR_CALLER_LOCAL,
		.name = "local",
		.is_site_admin = true,
		.may_write = true,
		.role = WR_ACCESS_SITE,
	};
}

struct wr_caller calls_nobody(void)
{
	return (struct wr_caller){
		.role = WR_ACCESS_SIGNED_IN,
		.address = { .family = WR_IPV4, .bytes = { 192, 0, 2, 1 } },
	};
}

struct wr_caller calls_user(struct calls *calls, const char *login)
{
	struct wr_caller caller = calls_nobody();
	struct wr_row *row;

	assert_int_equal(WR_DB_ONE(calls->db, &row,
				   "SELECT u.id, u.uid, u.login, u.is_site_admin,"
				   " (SELECT max(id) FROM session WHERE user = u.id)"
				   " FROM user u WHERE login = ?",
				   WR_T(login)),
			 1);
	caller.kind = WR_CALLER_USER;
	caller.user = wr_row_int(row, 0);
	snprintf(caller.uid, sizeof(caller.uid), "%s", wr_row_text(row, 1));
	snprintf(caller.name, sizeof(caller.name), "%s", wr_row_text(row, 2));
	caller.is_site_admin = wr_row_int(row, 3) != 0;
	caller.role = caller.is_site_admin ? WR_ACCESS_SITE : WR_ACCESS_SIGNED_IN;
	caller.credential = wr_row_int(row, 4);
	caller.may_write = true;
	wr_row_end(row);
	return caller;
}

struct wr_caller calls_machine(struct calls *calls, const char *label)
{
	struct wr_caller caller = calls_nobody();
	struct wr_row *row;

	assert_int_equal(WR_DB_ONE(calls->db, &row,
				   "SELECT id, organisation, uid FROM machine WHERE label = ?",
				   WR_T(label)),
			 1);
	caller.kind = WR_CALLER_MACHINE;
	caller.machine = caller.credential = wr_row_int(row, 0);
	caller.only_org = wr_row_int(row, 1);
	snprintf(caller.uid, sizeof(caller.uid), "%s", wr_row_text(row, 2));
	snprintf(caller.name, sizeof(caller.name), "machine %s", label);
	caller.may_write = true;
	wr_row_end(row);
	return caller;
}

struct wr_caller calls_member(struct calls *calls, const char *login, enum wr_access role)
{
	struct wr_caller caller = calls_user(calls, login);

	caller.role = role;
	return caller;
}

/* --- Calling. --- */

static const struct wr_operation *find_operation(const char *id)
{
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++) {
			if (strcmp(at->id, id) == 0)
				return at;
		}
	}
	fail_msg("no operation %s", id);
	return NULL;
}

static void enter_org(struct calls *calls, struct wr_call *call)
{
	struct wr_row *row;

	if (call->caller.kind == WR_CALLER_MACHINE)
		call->org = call->caller.only_org;
	if (strncmp(call->operation->path, "/orgs/{org}", 11) != 0)
		return;
	assert_int_equal(WR_DB_ONE(calls->db, &row,
				   "SELECT id, uid FROM organisation WHERE uid = ?1 OR label = ?1",
				   WR_T(call->path[0])),
			 1);
	call->org = wr_row_int(row, 0);
	snprintf(call->org_uid, sizeof(call->org_uid), "%s", wr_row_text(row, 1));
	wr_row_end(row);
}

/* One entry of the ledger. */
static int one_step(struct calls *calls, struct wr_call *call)
{
	int status;

	calls_sql(calls, "SAVEPOINT entry");
	enter_org(calls, call);
	call->pool_work = NULL;
	status = wr_dispatch_run(call);
	assert_int_equal(calls->db->open_rows, 0);
	if (status < 0)
		calls_sql(calls, "ROLLBACK TO entry");
	calls_sql(calls, "RELEASE entry");
	return status;
}

static void all_steps(struct calls *calls, struct wr_call *call, const struct wr_caller *who)
{
	int status;

	do {
		/* Recognised again at each step. */
		call->caller = *who;
		status = one_step(calls, call);
		if (status >= 0 && call->pool_work)
			call->pool_work(call);
		call->step++;
	} while (status >= 0 && call->pool_work);
	if (status >= 0)
		wr_call_follow(call);
	else
		assert_true(call->problem.status >= 400);
}

static void take_answer(struct wr_call *call, struct answer *answer)
{
	json_t *fault = json_array_get(call->problem.faults, 0);
	const char *pointer = json_string_value(json_object_get(fault, "pointer"));

	*answer = (struct answer){ .status = call->problem.status };
	if (!answer->status)
		answer->status = call->status ? call->status : call->operation->status;
	if (call->problem.status)
		print_message("%s: %u %s: %s %s\n", call->operation->id, answer->status,
			      call->problem.type, call->problem.detail ? call->problem.detail : "",
			      pointer ? pointer : "");
	else
		answer->result = WR_TAKE(call->result);
	answer->retry_after = call->retry_after;
	snprintf(answer->type, sizeof(answer->type), "%s", call->problem.type);
	snprintf(answer->fault, sizeof(answer->fault), "%s", pointer ? pointer : "");
	snprintf(answer->cookie, sizeof(answer->cookie), "%s", call->cookie ? call->cookie : "");
	snprintf(answer->etag, sizeof(answer->etag), "%s", call->etag);
}

static void quote(char *text)
{
	for (; text && *text; text++)
		*text = *text == '\'' ? '"' : *text;
}

static void split(char *path, struct wr_call *call)
{
	for (unsigned i = 0; path && i < WR_PATH_VALUES; i++)
		call->path[i] = strsep(&path, "/");
}

static void do_call(struct calls *calls, const struct wr_caller *who, const char *id,
		    const char *path, const char *query, const char *body, struct answer *answer)
{
	char *path_copy = path ? strdup(path) : NULL, *text = strdup(body ? body : "");
	struct wr_call call = { .server = &calls->server,
				.db = calls->db,
				.operation = find_operation(id) };

	answer_done(answer);
	quote(text);
	split(path_copy, &call);
	wr_uid_new('r', call.request_id);
	call.query = wr_check_query(call.operation, query ? query : "", &call.problem);
	call.body = wr_check_body(call.operation, "application/json",
				  (struct wr_bytes){ (uint8_t *)text, strlen(text) },
				  &call.problem);
	if (!call.problem.status)
		all_steps(calls, &call, who);
	take_answer(&call, answer);
	wr_call_done(&call);
	free(path_copy);
	free(text);
}

void calls_run(struct calls *calls, const struct wr_caller *who, const char *id, const char *path,
	       const char *body, struct answer *answer)
{
	do_call(calls, who, id, path, NULL, body, answer);
}

void calls_ask(struct calls *calls, const struct wr_caller *who, const char *id, const char *path,
	       const char *query, struct answer *answer)
{
	do_call(calls, who, id, path, query, NULL, answer);
}

/* --- Answers. --- */

void answer_done(struct answer *answer)
{
	json_decref(answer->result);
	*answer = (struct answer){ .status = 0 };
}

static json_t *member(const struct answer *answer, const char *name)
{
	char copy[128], *rest = copy, *word;
	json_t *json = answer->result;

	snprintf(copy, sizeof(copy), "%s", name);
	while ((word = strsep(&rest, ".")) != NULL)
		json = json_object_get(json, word);
	return json;
}

const char *answer_text(const struct answer *answer, const char *name)
{
	const char *text = json_string_value(member(answer, name));

	if (!text)
		fail_msg("the answer has no text \"%s\"", name);
	return text;
}

int64_t answer_number(const struct answer *answer, const char *name)
{
	assert_true(json_is_integer(member(answer, name)));
	return json_integer_value(member(answer, name));
}

bool answer_flag(const struct answer *answer, const char *name)
{
	assert_true(json_is_boolean(member(answer, name)));
	return json_is_true(member(answer, name));
}

json_t *answer_items(const struct answer *answer)
{
	json_t *items = json_object_get(answer->result, "items");

	assert_true(json_is_array(items));
	return items;
}

void assert_answer(const struct answer *answer, unsigned status, const char *type)
{
	assert_int_equal(answer->status, status);
	if (type)
		assert_string_equal(answer->type, type);
}

/* --- The database. --- */

void calls_sql(struct calls *calls, const char *sql)
{
	int error = wr_db_run(calls->db, sql, 0, NULL);

	if (error)
		fail_msg("%s: %d, %s", sql, error, wr_db_error(calls->db));
}

int64_t calls_number(struct calls *calls, const char *sql)
{
	int64_t number;

	assert_int_equal(wr_db_number(calls->db, sql, &number), 0);
	return number;
}

bool calls_is_nowhere(struct calls *calls, const void *secret, size_t len)
{
	sqlite3_int64 size;
	unsigned char *image = sqlite3_serialize(calls->db->handle, "main", &size, 0);
	bool is_nowhere = !memmem(image, (size_t)size, secret, len);

	sqlite3_free(image);
	return is_nowhere;
}
