/* Machines as they are. */
#include <string.h>

#include "server/agents.h"
#include "server/machine_run.h"
#include "server/state.h"

struct listing {
	struct wr_call *call;
	json_t *items;
	const char *state; /* NULL: any */
	size_t limit;      /* one more than goes out */
	int64_t last;
};

static bool take_item(void *context, const struct wr_row *row)
{
	struct listing *listing = context;
	struct wr_machine machine;
	json_t *item;
	const char *state;

	wr_machine_read(row, &machine);
	item = wr_machine_run_json(listing->call, &machine);
	state = json_string_value(json_object_get(item, "state"));
	if (listing->state && strcmp(state, listing->state) != 0) {
		json_decref(item);
		return true;
	}
	if (json_array_size(listing->items) + 1 < listing->limit)
		listing->last = machine.id;
	json_array_append_new(listing->items, item);
	return json_array_size(listing->items) < listing->limit;
}

int wr_machine_list_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct listing listing = {
		.call = call,
		.items = json_array(),
		.state = json_string_value(json_object_get(call->query, "state")),
		.limit = (size_t)page.limit,
	};
	struct wr_value values[] = {
		WR_I(call->org),
		WR_I(page.after),
		WR_T(json_string_value(json_object_get(call->query, "tag"))),
		WR_T(json_string_value(json_object_get(call->query, "name"))),
	};
	int64_t count = wr_db_each(
		call->db,
		"SELECT" WR_MACHINE_COLUMNS "FROM machine m WHERE m.organisation = ?1"
		" AND m.id > ?2 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM machine_tag"
		" WHERE machine = m.id AND tag = ?3)) AND (?4 IS NULL"
		" OR instr(lower(m.name), lower(?4)) OR instr(m.label, lower(?4))) ORDER BY m.id",
		WR_ARRAY_LEN(values), values, take_item, &listing);

	if (count < 0) {
		json_decref(listing.items);
		return wr_call_fail_db(call, (int)count);
	}
	wr_call_paged(call, listing.items, listing.last);
	return 0;
}

static void add_agent(struct wr_call *call, int64_t machine)
{
	struct wr_agents *agents = call->server->agents;
	json_t *agent = agents ? wr_agents_json(agents, machine) : NULL;

	json_object_set_new(call->result, "agent", agent ? agent : json_null());
}

int wr_machine_show_run(struct wr_call *call)
{
	struct wr_machine machine = { 0 };
	int status = wr_machine_run_find(call, &machine);

	if (!status)
		wr_machine_run_result(call, &machine);
	if (!status && machine.is_agent)
		add_agent(call, machine.id);
	wr_machine_done(&machine);
	return status;
}
