/* What the answers mean. */
#include <string.h>

#include "linux/addresses.h"
#include "node/netcheck_look.h"

static bool is_same(const struct wr_endpoint *a, const struct wr_endpoint *b)
{
	return wr_ip_equal(&a->ip, &b->ip) && a->port == b->port;
}

/* What two views say together. */
struct evidence {
	bool two_ports, two_addresses;
	bool differs_by_port, differs_by_address;
};

static void compare(const struct wr_netcheck_view *a, const struct wr_netcheck_view *b,
		    struct evidence *evidence)
{
	bool differs = !is_same(&a->mapped, &b->mapped);

	if (wr_ip_equal(&a->server.ip, &b->server.ip)) {
		evidence->two_ports = true;
		evidence->differs_by_port |= differs;
	} else {
		evidence->two_addresses = true;
		evidence->differs_by_address |= differs;
	}
}

enum wr_netcheck_mapping wr_netcheck_judge_mapping(const struct wr_endpoint *local,
						   const struct wr_netcheck_view *views,
						   size_t count)
{
	struct evidence evidence = { 0 };

	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++)
			compare(&views[i], &views[j], &evidence);
	}
	if (count && is_same(local, &views[0].mapped) && !evidence.differs_by_port &&
	    !evidence.differs_by_address)
		return WR_MAPPING_NONE;
	if (evidence.differs_by_port)
		return WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT;
	if (evidence.differs_by_address)
		return evidence.two_ports ? WR_MAPPING_ADDRESS_DEPENDENT : WR_MAPPING_DEPENDENT;
	if (evidence.two_addresses)
		return WR_MAPPING_ENDPOINT_INDEPENDENT;
	return evidence.two_ports ? WR_MAPPING_NOT_PORT_DEPENDENT : WR_MAPPING_UNKNOWN;
}

static size_t views_of(const struct wr_netcheck *look, unsigned socket,
		       struct wr_netcheck_view *ret_views, bool only_answered)
{
	size_t count = 0;

	for (size_t i = 0; i < look->question_count; i++) {
		const struct wr_netcheck_question *question = &look->questions[i];

		if (question->socket == socket && (question->mapped.ip.family || !only_answered))
			ret_views[count++] = (struct wr_netcheck_view){ question->server,
									question->mapped,
									question->latency_us };
	}
	return count;
}

static void judge_hairpin(const struct wr_netcheck_socket *socket, struct wr_netcheck_side *side)
{
	if (side->mapping == WR_MAPPING_NONE || !side->has_answer)
		return;
	side->hairpin = socket->heard_cold || socket->heard_warm ? WR_ANSWER_YES : WR_ANSWER_NO;
	if (socket->heard_cold)
		side->filtering = WR_FILTERING_ENDPOINT_INDEPENDENT;
	else if (socket->heard_warm)
		side->filtering = WR_FILTERING_DEPENDENT;
}

static void judge_side(const struct wr_netcheck *look, unsigned first,
		       struct wr_netcheck_side *side)
{
	const struct wr_netcheck_socket *socket = &look->sockets[first];
	struct wr_netcheck_view views[2 * WR_NETCHECK_SERVERS];
	size_t count = views_of(look, first, views, true);

	side->has_server = socket->has_server;
	side->local = socket->local;
	side->has_answer = count;
	if (!count)
		return;
	side->mapped = views[0].mapped;
	side->latency_us = views[0].latency_us;
	for (size_t i = 1; i < count; i++) {
		if (views[i].latency_us < side->latency_us)
			side->latency_us = views[i].latency_us;
	}
	side->mapping = wr_netcheck_judge_mapping(&side->local, views, count);
	side->keeps_port = side->mapped.port == side->local.port;
	judge_hairpin(socket, side);
}

static void look_at_addresses(struct wr_netcheck_report *report)
{
	struct wr_host_address addresses[WR_ADDRESSES_MAX];
	int count = wr_addresses_list(NULL, 0, addresses);

	for (int i = 0; i < count; i++) {
		if (addresses[i].ip.family == WR_IPV4)
			report->v4.has_address = true;
		else if (addresses[i].is_global)
			report->v6.has_address = true;
	}
}

void wr_netcheck_judge(struct wr_netcheck *look)
{
	struct wr_netcheck_report *report = &look->report;

	look_at_addresses(report);
	judge_side(look, 0, &report->v4);
	judge_side(look, 2, &report->v6);
	report->is_udp_blocked = look->question_count && !report->v4.has_answer &&
				 !report->v6.has_answer;
	report->view_count = views_of(look, 0, report->views, false);
	report->view_count += views_of(look, 2, report->views + report->view_count, false);
}
