/* A look at the network from inside.
 *
 * Floor 8, for netcheck alone. The loop's thread. */
#pragma once

#include "node/netcheck.h"
#include "wire/stun.h"

/* Two of each family. One more has the port that the router is asked to map. */
#define WR_NETCHECK_SOCKETS 4
/* From each of two sockets of a family, to each port of each server. */
#define WR_NETCHECK_QUESTIONS (4 * WR_NETCHECK_SERVERS)

enum wr_netcheck_step {
	WR_NETCHECK_ASKING,
	WR_NETCHECK_COLD,   /* one sends to where the other is seen, who never sent to it */
	WR_NETCHECK_WARM,   /* both send */
	WR_NETCHECK_ROUTER, /* its answer is waited for */
};

struct wr_netcheck_socket {
	struct wr_netcheck *look;
	unsigned number;
	uv_udp_t udp;
	struct wr_endpoint local;
	bool has_server, is_tried, is_open, is_usable;
	struct wr_stun_id cold, warm; /* what the other one sends to it */
	bool heard_cold, heard_warm;
};

struct wr_netcheck_question {
	unsigned socket;
	struct wr_endpoint server;
	struct wr_stun_id id;
	uint64_t sent_ns;
	struct wr_endpoint mapped; /* family none: no answer */
	uint32_t latency_us;
};

struct wr_netcheck {
	void (*done)(void *context, const struct wr_netcheck_report *report);
	void *context;
	uv_timer_t timer;
	struct wr_netcheck_socket sockets[WR_NETCHECK_SOCKETS + 1];
	struct wr_netcheck_question questions[WR_NETCHECK_QUESTIONS];
	size_t question_count;
	struct wr_portmap *portmap;
	struct wr_netcheck_report report;
	struct wr_stun_id ignored;
	enum wr_netcheck_step step;
	unsigned step_ms, sent;
	uint64_t begun;
	unsigned handles;
	char datagram[1500];
};

/* --- netcheck_socket.c --- */
/* 0 or a negative errno; closed by whoever made the look. */
int wr_netcheck_open(struct wr_netcheck *look, unsigned number, enum wr_family family,
		     uint32_t mark) WR_MUST_CHECK;
/* Which of our addresses the kernel would take to the server: into `local`. */
void wr_netcheck_find_local(struct wr_netcheck_socket *ours, const struct wr_endpoint *server);
void wr_netcheck_send(struct wr_netcheck_socket *socket, const struct wr_stun_id *id,
		      const struct wr_endpoint *to);

/* --- netcheck_judge.c --- */
/* Fills the report, but for the port mapping. */
void wr_netcheck_judge(struct wr_netcheck *look);
/* What views of one socket say of the NAT's mapping. */
enum wr_netcheck_mapping wr_netcheck_judge_mapping(const struct wr_endpoint *local,
						   const struct wr_netcheck_view *views,
						   size_t count);
