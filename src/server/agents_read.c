/* Organisations are read when something of them changed, a few at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "server/agents_state.h"

/* Read or built at one time. */
#define READING_MAX 3
/* What took so long to make is not made again before as long has passed, or this: an organisation
 * that changes all the time leaves room for others. */
#define PAUSE_MAX WR_SPAN_MS(500)

/* --- Reading. --- */

struct job {
	struct wr_entry entry;
	uv_work_t work;
	struct wr_agents_org *org;
	struct wr_reading *reading;
	int error;
	bool has_begun;
};

/* Those who wait go away, and come back. */
static void dismiss_waiting(struct wr_agents_org *org)
{
	while (org->waiting)
		wr_agent_end(org->waiting, 1013, "the organisation cannot be read now");
}

static void dismiss_all(struct wr_agents *agents, int64_t org)
{
	for (struct wr_agent *agent = agents->list, *next; agent; agent = next) {
		next = agent->next;
		if (agent->home && agent->home->org == org)
			wr_agent_refuse(agent, "unknown", "The network is not there any more.");
	}
}

static bool is_online(void *context, const struct wr_reading_machine *machine)
{
	struct wr_agents *agents = context;
	struct wr_sight sight = wr_sights_of(agents->server->sights, machine->id);

	return sight.is_online || (agents->is_in_grace && machine->was_online);
}

static void job_ended(struct job *job)
{
	struct wr_agents_org *org = job->org;
	struct wr_agents *agents = org->agents;
	struct wr_instant now = wr_clock_now();
	struct wr_span took = { now.ns - org->began.ns };
	bool is_done = false;

	org->is_busy = false;
	org->has_begun = NULL;
	agents->reading--;
	agents->entries--;
	org->not_before = wr_after(now, took.ns < PAUSE_MAX.ns ? took : PAUSE_MAX);
	org->count++; /* it stays until the end of this */
	if (job->error == 0 && !agents->is_closing)
		is_done = wr_world_take(org->world, WR_TAKE(job->reading), is_online, agents) == 0;
	if (is_done) {
		org->is_read = true;
		wr_agents_org_admit(org);
		wr_agents_org_due(org);
	} else if (job->error == -ENOENT) {
		dismiss_all(agents, org->org);
	} else {
		dismiss_waiting(org);
	}
	if (org->is_changed && !agents->is_closing)
		wr_agents_want(org);
	org->count--;
	wr_agents_org_done(org);
	wr_reading_unref(job->reading);
	free(job);
	wr_agents_read_on(agents);
	wr_agents_look_closed(agents);
}

static void build(uv_work_t *work)
{
	struct job *job = work->data;

	job->error = wr_reading_build(job->reading);
}

static void built(uv_work_t *work, int status)
{
	struct job *job = work->data;

	if (status < 0)
		job->error = status;
	job_ended(job);
}

static int read_rows(struct wr_entry *entry, struct wr_db *db)
{
	struct job *job = WR_CONTAINER_OF(entry, struct job, entry);

	__atomic_store_n(&job->has_begun, true, __ATOMIC_SEQ_CST);
	job->error = wr_reading_read(job->org->agents->server, db, job->org->org, &job->reading);
	return 0;
}

static void have_read(struct wr_entry *entry, int status)
{
	struct job *job = WR_CONTAINER_OF(entry, struct job, entry);

	if (status < 0)
		job->error = status;
	job->work.data = job;
	if (job->error == 0 &&
	    uv_queue_work(job->org->agents->server->loop, &job->work, build, built) == 0)
		return;
	if (job->error && job->error != -ENOENT)
		wr_log_error("agents: an organisation cannot be read: row=%lld error=%s",
			     (long long)job->org->org, strerror(-job->error));
	job_ended(job);
}

static void read_org(struct wr_agents_org *org)
{
	struct wr_agents *agents = org->agents;
	struct job *job = calloc(1, sizeof(*job));

	org->is_changed = false;
	if (job) {
		job->org = org;
		job->entry = (struct wr_entry){ .work = read_rows, .done = have_read };
		org->began = wr_clock_now();
		if (wr_ledger_enter(agents->server->ledger, &job->entry) == 0) {
			org->is_busy = true;
			org->has_begun = &job->has_begun;
			agents->reading++;
			agents->entries++;
			return;
		}
	}
	free(job);
	dismiss_waiting(org);
	org->is_changed = true;
}

static void line_up(struct wr_agents_org *org)
{
	struct wr_agents *agents = org->agents;

	org->is_wanting = true;
	org->wanting_next = NULL;
	if (agents->wanting_last)
		agents->wanting_last->wanting_next = org;
	else
		agents->wanting = org;
	agents->wanting_last = org;
}

/* It is on the disk already: a reading that has not begun will see it. */
static bool will_be_seen(const struct wr_agents_org *org)
{
	return org->is_busy && !__atomic_load_n(org->has_begun, __ATOMIC_SEQ_CST);
}

void wr_agents_want(struct wr_agents_org *org)
{
	if (will_be_seen(org))
		return;
	org->is_changed = true;
	if (org->is_wanting || org->is_busy || org->agents->is_closing)
		return;
	line_up(org);
	wr_agents_read_on(org->agents);
}

static struct wr_agents_org *take_wanting(struct wr_agents *agents)
{
	struct wr_agents_org *org = agents->wanting;

	agents->wanting = org->wanting_next;
	if (!agents->wanting)
		agents->wanting_last = NULL;
	org->wanting_next = NULL;
	org->is_wanting = false;
	return org;
}

void wr_agents_read_on(struct wr_agents *agents)
{
	struct wr_instant now = wr_clock_now();
	size_t tries = agents->orgs.count;

	while (agents->wanting && tries-- > 0 && agents->reading < READING_MAX &&
	       !agents->is_closing) {
		struct wr_agents_org *org = take_wanting(agents);

		if (wr_is_past(org->not_before, now) && org->count) {
			read_org(org);
		} else if (org->count) {
			line_up(org);
		} else {
			wr_agents_org_done(org);
		}
	}
	if (agents->wanting)
		wr_agents_later(agents);
}

/* --- One machine. --- */

struct machine_job {
	struct wr_entry entry;
	struct wr_agents_org *org;
	int64_t machine;
	struct wr_reading *one;
	int found;
};

static int read_machine(struct wr_entry *entry, struct wr_db *db)
{
	struct machine_job *job = WR_CONTAINER_OF(entry, struct machine_job, entry);

	job->found = wr_reading_read_machine(db, job->org->org, job->machine, &job->one);
	return 0;
}

static void have_read_machine(struct wr_entry *entry, int status)
{
	struct machine_job *job = WR_CONTAINER_OF(entry, struct machine_job, entry);
	struct wr_agents_org *org = job->org;
	struct wr_agents *agents = org->agents;

	org->machine_changes--;
	agents->entries--;
	/* What is being built may have been read before. */
	if (status == 0 && job->found > 0 && !org->is_busy && !org->is_wanting &&
	    wr_world_take_machine(org->world, job->one))
		wr_agents_org_due(org);
	else if (!agents->is_closing && org->count)
		wr_agents_want(org);
	wr_reading_unref(job->one);
	free(job);
	wr_agents_org_done(org);
	wr_agents_look_closed(agents);
}

void wr_agents_machine_changed(struct wr_agents *agents, int64_t number, int64_t machine)
{
	struct wr_agents_org *org = agents->is_closing ? NULL : wr_agents_org(agents, number);
	struct machine_job *job;

	if (!org)
		return;
	job = org->is_busy || org->is_wanting || !org->is_read ? NULL : calloc(1, sizeof(*job));
	if (job) {
		job->org = org;
		job->machine = machine;
		job->entry = (struct wr_entry){ .work = read_machine, .done = have_read_machine };
		if (wr_ledger_enter(agents->server->ledger, &job->entry) == 0) {
			org->machine_changes++;
			agents->entries++;
			return;
		}
	}
	free(job);
	wr_agents_want(org);
}

void wr_agents_org_changed(struct wr_agents *agents, int64_t number)
{
	struct wr_agents_org *org = number ? wr_agents_org(agents, number) : NULL;

	if (org)
		wr_agents_want(org);
	for (org = number ? NULL : agents->org_list; org; org = org->next)
		wr_agents_want(org);
}
