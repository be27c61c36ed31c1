/* The insides of the agents' channels, for agents*.c only.
 *
 * A channel goes through states: `hello` is waited for; a rival (another process with the same
 * machine's token) is asked whether it lives; the organisation is read; then it is live, until it
 * ends. Everything but the reports is the loop's.
 *
 * Floor 8. */
#pragma once

#include <pthread.h>
#include <uv.h>

#include "base/map.h"
#include "http/websocket.h"
#include "server/agents.h"
#include "server/agents_message.h"
#include "server/datagrams.h"
#include "server/state.h"
#include "server/world.h"

#define WR_AGENTS_PROTOCOL "warren.v1"

/* A message of an agent; a report of 1,000 pairs has 250,000 bytes. */
#define WR_AGENTS_MESSAGE ((size_t)256 << 10)
/* The map of 20,000 peers has 8 MB. */
#define WR_AGENTS_UNSENT ((size_t)16 << 20)
/* So much waits for an agent: then what is new waits too, and becomes one delta. */
#define WR_AGENTS_FULL ((size_t)256 << 10)
/* The same for all together. */
#define WR_AGENTS_FULL_ALL ((size_t)48 << 20)
/* One that stays full for so long does not read. */
#define WR_AGENTS_STUCK WR_SPAN_S(20)
#define WR_AGENTS_HELLO WR_SPAN_S(10)
/* A rival answers within this, or is replaced. */
#define WR_AGENTS_RIVAL WR_SPAN_S(3)
/* Nothing was heard of it for so long, from the hub (its keepalive comes each 8 s) or the
 * channel: it is pinged, and is offline if it does not answer within 10 s in all. */
#define WR_AGENTS_SILENT WR_SPAN_MS(9000)
#define WR_AGENTS_OFFLINE WR_SPAN_MS(9850)
/* No answer to pings for so long: the channel is dead. */
#define WR_AGENTS_DEAD WR_SPAN_S(30)
/* A quiet channel is pinged now and then: seldom, for its agent asks each five minutes, and a dead
 * one is found when there is something to tell. */
#define WR_AGENTS_QUIET WR_SPAN_S(900)
/* After a start, machines are taken to be as they were when the server ended. */
#define WR_AGENTS_GRACE WR_SPAN_S(30)
/* Pairs that are kept of a machine's reports, and of all. */
#define WR_AGENTS_PAIRS 256
#define WR_AGENTS_PAIRS_ALL 200000

enum wr_agent_state {
	WR_AGENT_HELLO,
	WR_AGENT_RIVAL,   /* an older one is asked */
	WR_AGENT_WAITING, /* for its organisation to be read */
	WR_AGENT_LIVE,
	WR_AGENT_ENDING
};

/* Tokens that come back with time. */
struct wr_agent_rate {
	double tokens;
	struct wr_instant since;
};

/* A machine with an agent, connected or not. */
struct wr_known {
	bool has_come; /* since the server started: its row says nothing any more */
	uint64_t left; /* wr_wall's ns by when its agent said goodbye; 0: it did not */
};

struct wr_agents_org;

struct wr_agent {
	struct wr_agents *agents;
	struct wr_agent *next, *prev; /* of all */
	struct wr_websocket *websocket;
	enum wr_agent_state state;
	int64_t org, machine;
	char uid[WR_UID_LEN + 1]; /* of the machine, once it is live */
	struct wr_agent_hello hello;
	bool is_rechecked; /* its organisation was read for it once more */

	struct wr_agent *rival; /* the other of two with one machine's token */
	struct wr_instant rival_asked;
	int64_t duplicate_told; /* seconds since 1970 */

	struct wr_agents_org *home;
	struct wr_agent *waiting_next;
	struct wr_listener *listener;

	/* Presence. */
	struct wr_instant opened, heard;
	struct wr_instant pinged; /* first ping without an answer; ns 0: none */
	struct wr_instant pinged_last, silent_told;
	unsigned patience;            /* ticks until no answer means that it is lost */
	uint64_t hub_heard;           /* wr_wall's ns */
	struct wr_instant full_since; /* ns 0: it is not full */
	size_t unsent;                /* as it was counted last */
	bool has_left;                /* it said goodbye */
	bool is_held;                 /* there is news that waits */
	int64_t connected_since;      /* seconds since 1970; 0: it is not live. Under the mutex */
	bool is_silent;               /* neither hub nor channel hears it. Under the mutex */

	struct wr_agent_rate messages, probes, asked;

	/* Reports: under the mutex. */
	char *nat;
	struct wr_pair *pairs;
	size_t pair_count, pair_room;

	char *candidates; /* JSON, as it reported them */
};

/* An organisation with agents. */
struct wr_agents_org {
	struct wr_agents *agents;
	struct wr_agents_org *next, *prev;
	int64_t org;
	struct wr_world *world;
	struct wr_agent *waiting;
	size_t count;    /* agents that are at home here */
	bool is_read;    /* its world stands */
	bool is_busy;    /* it is read or built right now */
	bool is_changed; /* it has to be read again */
	bool is_wanting; /* it is among those that are to be read */
	struct wr_instant not_before;
	struct wr_instant began;
	struct wr_agents_org *wanting_next;
	bool is_due; /* somebody is to be told something */
	struct wr_agents_org *due_next;
	struct wr_instant round_after;
	uint64_t machine_changes; /* machines that are read alone at the moment */
	const bool *has_begun;    /* of the reading under way: the ledger is at it, or was */
};

/* What is to be written to machines' rows. */
struct wr_agent_note {
	int64_t machine, time;
	char version[64]; /* "": as it is */
	char *candidates; /* NULL: as they are */
};

struct wr_agents {
	struct wr_server *server;
	pthread_mutex_t mutex;    /* for `by_machine` and reports; the loop alone changes them */
	struct wr_map by_machine; /* the one live channel of a machine */
	struct wr_map known;      /* struct wr_known, by machine */
	struct wr_map orgs;
	struct wr_agents_org *org_list;
	struct wr_agent *list;
	size_t count, live;
	size_t pair_count;
	size_t paths[WR_PAIR_PATHS];
	uint64_t maps, deltas, bytes, refused;

	struct wr_member_datagrams *datagrams;
	size_t turnover;          /* channels that came or went since memory was tidied */
	struct wr_instant turned; /* the last one */
	struct wr_instant started;
	bool is_in_grace;
	struct wr_world_hub hub;

	struct wr_agents_org *wanting, *wanting_last;
	unsigned reading; /* organisations that are read or built at the moment */
	unsigned entries; /* in the ledger, the pool or the resolver: the end waits for them */
	struct wr_agents_org *due, *due_last;
	uv_idle_t idle;
	uv_timer_t later; /* for what must not be done too often */
	uv_timer_t resolve;
	uv_getaddrinfo_t resolving;
	bool is_resolving;
	size_t unsent;
	struct wr_buffer out;

	struct wr_agent_note *notes;
	size_t note_count, note_room;
	bool is_saving;

	bool is_closing;
	unsigned handles;
	void (*closed)(void *context);
	void *closed_context;
};

/* --- agents.c --- */
/* The end goes on, if nothing is left that it waits for. */
void wr_agents_look_closed(struct wr_agents *agents);
struct wr_agent *wr_agents_find(const struct wr_agents *agents, int64_t machine);

/* --- agents_channel.c --- */
/* False where too much waits for it: it is ending then. */
bool wr_agent_send(struct wr_agent *agent, const void *text, size_t len);
void wr_agents_send_datagram(void *context, int64_t machine, struct wr_bytes datagram);
/* The object is stolen. */
void wr_agent_send_json(struct wr_agent *agent, json_t *message);
/* `refused`, and the end. */
void wr_agent_refuse(struct wr_agent *agent, const char *reason, const char *text);
void wr_agent_end(struct wr_agent *agent, unsigned code, const char *why);

/* --- agents_hello.c --- */
void wr_agent_hello(struct wr_agent *agent, const json_t *message);
/* The older of two answered, or has gone. */
void wr_agent_rival_lives(struct wr_agent *older);
void wr_agent_rival_gone(struct wr_agent *older);
/* Time passes for one that waits for its rival. */
void wr_agent_rival_tick(struct wr_agent *newer, struct wr_instant now);

/* --- agents_orgs.c --- */
/* Its place in its organisation, which is read first. */
void wr_agent_settle(struct wr_agent *agent);
void wr_agent_unsettle(struct wr_agent *agent);
/* It was read: in with those who waited for that. */
void wr_agents_org_admit(struct wr_agents_org *org);
struct wr_agents_org *wr_agents_org(const struct wr_agents *agents, int64_t org);
/* Frees it, if nobody is at home and nothing holds it. */
void wr_agents_org_done(struct wr_agents_org *org);
void wr_agents_org_free(struct wr_agents_org *org);
/* Why a machine gets no map; NULL if it does. */
const char *wr_agents_off_reason(const struct wr_reading *reading, int64_t machine,
				 const char **ret_text);

/* --- agents_read.c --- */
/* It is to be read. */
void wr_agents_want(struct wr_agents_org *org);
/* Begins to read those that are to be, as many as may be at one time. */
void wr_agents_read_on(struct wr_agents *agents);

/* --- agents_tell.c --- */
/* Its world may have something for somebody. */
void wr_agents_org_due(struct wr_agents_org *org);
void wr_agents_tell_start(struct wr_agents *agents);
/* Something is to be done soon, but not now. */
void wr_agents_later(struct wr_agents *agents);
/* What waits to be sent, counted anew; who was full and is no more is told what is new. */
void wr_agent_count_unsent(struct wr_agent *agent, struct wr_instant now);

/* --- agents_presence.c --- */
/* NULL where memory is short. */
struct wr_known *wr_agents_know(struct wr_agents *agents, int64_t machine);
void wr_agent_heard(struct wr_agent *agent);
void wr_agent_came(struct wr_agent *agent);
void wr_agent_went(struct wr_agent *agent);

/* --- agents_report.c --- */
void wr_agent_report(struct wr_agent *agent, const json_t *message);
void wr_agent_forget_report(struct wr_agent *agent);

/* --- agents_save.c --- */
/* Takes the candidates. */
void wr_agents_note(struct wr_agents *agents, int64_t machine, const char *version,
		    char *candidates);
void wr_agents_save(struct wr_agents *agents);
/* Learns which machines have agents. */
void wr_agents_load(struct wr_agents *agents);
/* A line in the audit log, and an event. */
void wr_agents_tell_duplicate(struct wr_agent *older);

/* --- agents_hub.c --- */
void wr_agents_resolve(struct wr_agents *agents);
