/* What both ways of enforcing have to do alike: cases as data. */
#pragma once

#include "base/base.h"

enum who {
	NOBODY,
	SELF,
	BEHIND_US,
	WEB,
	DB,
	ROUTER,
	BEHIND_ROUTER,
	HUB,
	STRANGER,
	PARTIES
};

enum act {
	END,
	RULES, /* another policy */
	TCP,
	UDP,
	PING,
	PONG,
	OTHER,      /* GRE */
	UNREACHABLE /* an ICMP error about a UDP packet the other way */
};

struct step {
	enum act act;
	const char *rules;
	enum who src;
	uint16_t src_port; /* a ping's id */
	enum who dst;
	uint16_t dst_port;
	uint8_t flags;
	bool passes;
};

#define STEPS_MAX 24
struct enforcing_case {
	const char *name;
	struct step steps[STEPS_MAX];
};

extern const struct enforcing_case enforcing_cases[];
extern const size_t enforcing_case_count;
