/* What is written to machines' rows of their channels, many at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "server/agents_state.h"
#include "server/call.h"
#include "server/events.h"

/* Of one entry: a few milliseconds of the ledger's time. */
#define PART 500
/* More wait for no machine in practice: what comes then is not written. */
#define NOTES_MAX 100000
/* A copy of a machine that tries again and again is told of once in this time. */
#define DUPLICATE_EVERY 600

struct saving {
	struct wr_entry entry;
	struct wr_agents *agents;
	struct wr_agent_note *notes;
	size_t count;
};

void wr_agents_note(struct wr_agents *agents, int64_t machine, const char *version,
		    char *candidates)
{
	struct wr_agent_note *note;

	if (agents->note_count >= NOTES_MAX ||
	    !wr_reading_room((void **)&agents->notes, &agents->note_room, agents->note_count,
			     sizeof(*note))) {
		free(candidates);
		return;
	}
	note = &agents->notes[agents->note_count++];
	*note = (struct wr_agent_note){
		.machine = machine,
		.time = (int64_t)(wr_clock_wall().ns / 1000000000),
		.candidates = candidates,
	};
	strcpy(note->version, version);
}

static int write_notes(struct wr_entry *entry, struct wr_db *db)
{
	struct saving *saving = WR_CONTAINER_OF(entry, struct saving, entry);
	int error = 0;

	for (size_t i = 0; i < saving->count && !error; i++) {
		const struct wr_agent_note *note = &saving->notes[i];

		error = WR_DB_RUN(db,
				  "UPDATE machine SET agent_seen = ?,"
				  " agent_version = coalesce(nullif(?, ''), agent_version),"
				  " candidates = coalesce(?, candidates) WHERE id = ?",
				  WR_I(note->time), WR_T(note->version), WR_T(note->candidates),
				  WR_I(note->machine));
	}
	return error;
}

static void free_notes(struct wr_agent_note *notes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(notes[i].candidates);
	free(notes);
}

static void have_written(struct wr_entry *entry, int status)
{
	struct saving *saving = WR_CONTAINER_OF(entry, struct saving, entry);
	struct wr_agents *agents = saving->agents;

	(void)status;
	free_notes(saving->notes, saving->count);
	free(saving);
	agents->is_saving = false;
	agents->entries--;
	/* At the end, all of them. */
	if (agents->is_closing)
		wr_agents_save(agents);
	wr_agents_look_closed(agents);
}

/* The first notes, as a list of its own. */
static bool take_part(struct wr_agents *agents, struct saving *saving)
{
	size_t count = agents->note_count < PART ? agents->note_count : PART;

	saving->notes = malloc(count * sizeof(*saving->notes));
	if (!saving->notes)
		return false;
	memcpy(saving->notes, agents->notes, count * sizeof(*saving->notes));
	agents->note_count -= count;
	memmove(agents->notes, agents->notes + count, agents->note_count * sizeof(*agents->notes));
	saving->count = count;
	return true;
}

void wr_agents_save(struct wr_agents *agents)
{
	struct saving *saving;

	if (agents->is_saving || !agents->note_count || !agents->server->ledger)
		return;
	saving = calloc(1, sizeof(*saving));
	if (!saving)
		return;
	saving->agents = agents;
	saving->entry = (struct wr_entry){ .work = write_notes, .done = have_written };
	if (!take_part(agents, saving)) {
		free(saving);
		return;
	}
	if (wr_ledger_enter(agents->server->ledger, &saving->entry) < 0) {
		free_notes(saving->notes, saving->count);
		free(saving);
		return;
	}
	agents->is_saving = true;
	agents->entries++;
}

/* --- Which machines have agents. --- */

struct loading {
	struct wr_entry entry;
	struct wr_agents *agents;
	int64_t *machines;
	size_t count, room;
};

static bool take_machine(void *context, const struct wr_row *row)
{
	struct loading *loading = context;

	if (!wr_reading_room((void **)&loading->machines, &loading->room, loading->count,
			     sizeof(*loading->machines)))
		return false;
	loading->machines[loading->count++] = wr_row_int(row, 0);
	return true;
}

static int read_machines(struct wr_entry *entry, struct wr_db *db)
{
	struct loading *loading = WR_CONTAINER_OF(entry, struct loading, entry);
	int64_t count = wr_db_each(db, "SELECT id FROM machine WHERE is_agent", 0, NULL,
				   take_machine, loading);

	return count < 0 ? (int)count : 0;
}

static void have_machines(struct wr_entry *entry, int status)
{
	struct loading *loading = WR_CONTAINER_OF(entry, struct loading, entry);
	struct wr_agents *agents = loading->agents;
	bool is_whole = status == 0;

	for (size_t i = 0; i < loading->count && is_whole; i++)
		is_whole = wr_agents_know(agents, loading->machines[i]) != NULL;
	if (!is_whole)
		wr_log_error("agents: which machines have one cannot be read");
	agents->entries--;
	free(loading->machines);
	free(loading);
	wr_agents_look_closed(agents);
}

void wr_agents_load(struct wr_agents *agents)
{
	struct loading *loading = calloc(1, sizeof(*loading));

	if (!loading)
		return;
	loading->agents = agents;
	loading->entry = (struct wr_entry){ .work = read_machines, .done = have_machines };
	if (wr_ledger_enter(agents->server->ledger, &loading->entry) < 0)
		free(loading);
	else
		agents->entries++;
}

/* --- Two with one machine's token. --- */

struct duplicate {
	struct wr_entry entry;
	struct wr_agents *agents;
	int64_t org, machine, time;
	char *event;
};

static char *event_of(const struct duplicate *duplicate, const struct wr_row *row)
{
	json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "uid", wr_row_text(row, 0),
				 "name", wr_row_text(row, 1), "label", wr_row_text(row, 2), "type",
				 "machine.duplicate", "time", wr_json_time(duplicate->time), "org",
				 wr_row_text(row, 3), "actor", "server");
	char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;

	json_decref(data);
	return text;
}

static int write_duplicate(struct wr_entry *entry, struct wr_db *db)
{
	struct duplicate *duplicate = WR_CONTAINER_OF(entry, struct duplicate, entry);
	struct wr_row *row = NULL;
	char request[WR_UID_LEN + 1];
	int found = WR_DB_ONE(db, &row,
			      "SELECT m.uid, m.name, m.label, o.uid FROM machine m"
			      " JOIN organisation o ON o.id = m.organisation WHERE m.id = ?",
			      WR_I(duplicate->machine));

	if (found <= 0)
		return found;
	duplicate->event = event_of(duplicate, row);
	wr_row_end(row);
	wr_uid_new('r', request);
	return WR_DB_RUN(db,
			 "INSERT INTO audit (time, organisation, operation, actor_kind, actor,"
			 " target_uid, target, request) SELECT ?, ?, 'agent.duplicate', 'machine',"
			 " 'machine ' || label, uid, name, ? FROM machine WHERE id = ?",
			 WR_I(duplicate->time), WR_I(duplicate->org), WR_T(request),
			 WR_I(duplicate->machine));
}

static void have_duplicate(struct wr_entry *entry, int status)
{
	struct duplicate *duplicate = WR_CONTAINER_OF(entry, struct duplicate, entry);
	struct wr_agents *agents = duplicate->agents;
	struct wr_events *events = agents->server->events;

	if (status == 0 && duplicate->event && events)
		wr_events_publish(events, duplicate->org, "machine.duplicate", duplicate->event);
	free(duplicate->event);
	free(duplicate);
	agents->entries--;
	wr_agents_look_closed(agents);
}

void wr_agents_tell_duplicate(struct wr_agent *older)
{
	struct wr_agents *agents = older->agents;
	int64_t now = (int64_t)(wr_clock_wall().ns / 1000000000);
	struct duplicate *duplicate;

	if (older->duplicate_told && now < older->duplicate_told + DUPLICATE_EVERY)
		return;
	duplicate = calloc(1, sizeof(*duplicate));
	if (!duplicate)
		return;
	older->duplicate_told = now;
	*duplicate = (struct duplicate){
		.entry = { .work = write_duplicate, .done = have_duplicate },
		.agents = agents,
		.org = older->org,
		.machine = older->machine,
		.time = now,
	};
	wr_log_error("agents: two hosts are the same machine: %s (a cloned disk?)", older->uid);
	if (wr_ledger_enter(agents->server->ledger, &duplicate->entry) < 0)
		free(duplicate);
	else
		agents->entries++;
}
