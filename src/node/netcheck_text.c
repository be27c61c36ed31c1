/* A report for programs, and for people. */
#include <stdio.h>
#include <string.h>

#include "mesh/netmap.h"
#include "node/netcheck.h"

const char *wr_netcheck_mapping_name(enum wr_netcheck_mapping mapping)
{
	static const char *const names[WR_MAPPINGS] = {
		[WR_MAPPING_UNKNOWN] = "unknown",
		[WR_MAPPING_NONE] = "none",
		[WR_MAPPING_ENDPOINT_INDEPENDENT] = "endpoint-independent",
		[WR_MAPPING_NOT_PORT_DEPENDENT] = "not-port-dependent",
		[WR_MAPPING_ADDRESS_DEPENDENT] = "address-dependent",
		[WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT] = "address-and-port-dependent",
		[WR_MAPPING_DEPENDENT] = "dependent",
	};

	return names[mapping];
}

const char *wr_netcheck_filtering_name(enum wr_netcheck_filtering filtering)
{
	static const char *const names[WR_FILTERINGS] = {
		[WR_FILTERING_UNKNOWN] = "unknown",
		[WR_FILTERING_ENDPOINT_INDEPENDENT] = "endpoint-independent",
		[WR_FILTERING_DEPENDENT] = "dependent",
	};

	return names[filtering];
}

/* --- JSON. --- */

static json_t *answer_json(enum wr_netcheck_answer answer)
{
	return answer == WR_ANSWER_UNKNOWN ? json_null() : json_boolean(answer == WR_ANSWER_YES);
}

static json_t *side_json(const struct wr_netcheck_side *side)
{
	return json_pack("{s:b, s:b, s:b, s:o, s:o, s:s, s:s, s:o, s:b, s:I}", "address",
			 (int)side->has_address, "asked", (int)side->has_server, "answered",
			 (int)side->has_answer, "local", wr_netmap_endpoint_json(&side->local),
			 "mapped", wr_netmap_endpoint_json(&side->mapped), "mapping",
			 wr_netcheck_mapping_name(side->mapping), "filtering",
			 wr_netcheck_filtering_name(side->filtering), "hairpin",
			 answer_json(side->hairpin), "keeps_port", (int)side->keeps_port,
			 "latency_us", (json_int_t)side->latency_us);
}

static json_t *portmap_json(const struct wr_netcheck_report *report)
{
	const struct wr_portmap_sight *sight = &report->portmap;

	if (!report->has_portmap)
		return json_null();
	return json_pack("{s:s, s:o, s:b, s:s*}", "method", wr_portmap_method_name(sight->method),
			 "external", wr_netmap_endpoint_json(&sight->external), "global",
			 (int)sight->is_global, "why", sight->why);
}

static json_t *views_json(const struct wr_netcheck_report *report)
{
	json_t *views = json_array();

	for (size_t i = 0; views && i < report->view_count; i++) {
		const struct wr_netcheck_view *view = &report->views[i];

		json_array_append_new(views,
				      json_pack("{s:o, s:o, s:I}", "server",
						wr_netmap_endpoint_json(&view->server), "mapped",
						wr_netmap_endpoint_json(&view->mapped),
						"latency_us", (json_int_t)view->latency_us));
	}
	return views;
}

json_t *wr_netcheck_json(const struct wr_netcheck_report *report)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:o}", "udp_blocked", (int)report->is_udp_blocked,
			 "ipv4", side_json(&report->v4), "ipv6", side_json(&report->v6),
			 "port_mapping", portmap_json(report), "views", views_json(report));
}

/* --- Lines. --- */

struct out {
	void (*line)(void *context, const char *name, const char *text);
	void *context;
};

static void say(const struct out *out, const char *name, const char *format, ...) WR_PRINTF(3, 4);
static void say(const struct out *out, const char *name, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	out->line(out->context, name, text);
}

static const char *mapping_text(enum wr_netcheck_mapping mapping, bool is_mesh)
{
	switch (mapping) {
	case WR_MAPPING_NONE:
		return is_mesh ? "none: no NAT between here and other members"
			       : "none: no NAT between here and the server";
	case WR_MAPPING_ENDPOINT_INDEPENDENT: return "endpoint-independent";
	case WR_MAPPING_NOT_PORT_DEPENDENT:
		return is_mesh ? "endpoint-independent or address-dependent (one address answered)"
			       : "endpoint-independent or address-dependent (the server has one "
				 "address)";
	case WR_MAPPING_ADDRESS_DEPENDENT: return "address-dependent";
	case WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT: return "address- and port-dependent";
	case WR_MAPPING_DEPENDENT: return "address-dependent, or address- and port-dependent";
	case WR_MAPPING_UNKNOWN:
	case WR_MAPPINGS:
	default:
		return is_mesh ? "unknown: one member answered only"
			       : "unknown: one port of the server answered only";
	}
}

static const char *filtering_text(enum wr_netcheck_filtering filtering)
{
	switch (filtering) {
	case WR_FILTERING_ENDPOINT_INDEPENDENT: return "endpoint-independent";
	case WR_FILTERING_DEPENDENT: return "address-dependent, or address- and port-dependent";
	case WR_FILTERING_UNKNOWN:
	case WR_FILTERINGS:
	default: return "unknown: it cannot be seen from here";
	}
}

static void say_reach(const struct out *out, const char *name, const struct wr_netcheck_side *side,
		      bool is_mesh)
{
	char local[WR_ENDPOINT_TEXT_LEN] = "", mapped[WR_ENDPOINT_TEXT_LEN];

	if (side->has_answer) {
		wr_ip_format(&side->local.ip, local);
		wr_endpoint_format(&side->mapped, mapped);
		say(out, name, "works; %s is seen as %s; %u.%u ms", local, mapped,
		    side->latency_us / 1000, side->latency_us / 100 % 10);
	} else if (!side->has_address) {
		say(out, name, "none: this host has no address of it");
	} else if (!side->has_server) {
		say(out, name, "not asked: %s",
		    is_mesh ? "no member that can be asked has an address of it"
			    : "the server has no address of it");
	} else {
		say(out, name, "no answer from %s over UDP",
		    is_mesh ? "other members" : "the server");
	}
}

static void say_nat(const struct out *out, const struct wr_netcheck_side *side, bool is_mesh)
{
	if (!side->has_answer)
		return;
	say(out, "Mapping", "%s", mapping_text(side->mapping, is_mesh));
	if (side->mapping == WR_MAPPING_NONE)
		return;
	say(out, "Filtering", "%s", filtering_text(side->filtering));
	say(out, "Hairpinning", "%s", side->hairpin == WR_ANSWER_YES ? "yes" : "no");
	say(out, "Port kept", "%s", side->keeps_port ? "yes" : "no");
}

static void say_portmap(const struct out *out, const struct wr_netcheck_report *report)
{
	const struct wr_portmap_sight *sight = &report->portmap;
	char external[WR_ENDPOINT_TEXT_LEN];

	if (!report->has_portmap)
		return;
	if (sight->method == WR_PORTMAP_NONE) {
		say(out, "Port mapping", "none: %s", sight->why ? sight->why : "no answer in time");
		return;
	}
	wr_endpoint_format(&sight->external, external);
	say(out, "Port mapping", "%s, as %s%s", wr_portmap_method_name(sight->method), external,
	    sight->is_global ? "" : ", behind another NAT");
}

/* What it means for direct paths. */
static const char *outlook(const struct wr_netcheck_report *report)
{
	bool is_open = report->v4.mapping == WR_MAPPING_NONE || report->v6.has_answer ||
		       (report->portmap.method != WR_PORTMAP_NONE && report->portmap.is_global);
	bool is_hard = report->v4.mapping == WR_MAPPING_ADDRESS_DEPENDENT ||
		       report->v4.mapping == WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT ||
		       report->v4.mapping == WR_MAPPING_DEPENDENT;

	if (report->is_udp_blocked)
		return report->is_mesh
			       ? "none: no member that was asked answered (is UDP let out?)"
			       : "none: everything goes over the server's channel (open UDP "
				 "to its port)";
	if (!report->v4.has_answer && !report->v6.has_answer)
		return report->is_mesh ? "unknown: there is no member that can be asked"
				       : "unknown: no server was asked";
	if (is_open)
		return "to nearly everybody";
	return is_hard ? "only to those who can be reached as they are; map a port to have more"
		       : "to all but those whose NAT maps by destination";
}

void wr_netcheck_lines(const struct wr_netcheck_report *report,
		       void (*line)(void *context, const char *name, const char *text),
		       void *context)
{
	struct out out = { line, context };

	say(&out, "UDP", "%s",
	    report->is_udp_blocked                           ? "blocked: nothing came back"
	    : report->v4.has_answer || report->v6.has_answer ? "works"
							     : "not tried");
	say_reach(&out, "IPv4", &report->v4, report->is_mesh);
	say_nat(&out, &report->v4, report->is_mesh);
	say_reach(&out, "IPv6", &report->v6, report->is_mesh);
	say_portmap(&out, report);
	say(&out, "Direct paths", "%s", outlook(report));
}
