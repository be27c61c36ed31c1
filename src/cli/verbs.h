/* The verbs, each in its own file; and options that several have.
 *
 * Floor 10. */
#pragma once

#include "cli/verb.h"

extern const struct wr_verb wr_verb_wg;          /* wg.c */
extern const struct wr_verb wr_verb_help_of_all; /* cli.c */
extern const struct wr_verb wr_verb_serve;       /* serve.c */
extern const struct wr_verb wr_verb_config;      /* config.c */
extern const struct wr_verb wr_verb_doctor;      /* doctor.c */
extern const struct wr_verb wr_verb_restore;     /* restore.c */
extern const struct wr_verb wr_verb_completion;  /* completion.c */

/* Of a member of a network. */
extern const struct wr_verb wr_verb_join;                                       /* join.c */
extern const struct wr_verb wr_verb_leave;                                      /* leave.c */
extern const struct wr_verb wr_verb_agent;                                      /* agent.c */
extern const struct wr_verb wr_verb_status, wr_verb_peers, wr_verb_ip;          /* status.c */
extern const struct wr_verb wr_verb_ping, wr_verb_whois;                        /* ping.c */
extern const struct wr_verb wr_verb_netcheck;                                   /* netcheck.c */
extern const struct wr_verb wr_verb_refresh, wr_verb_rotate, wr_verb_advertise; /* upkeep.c */

/* Of a mesh without a server. */
extern const struct wr_verb wr_verb_up;                    /* up.c */
extern const struct wr_verb wr_verb_down;                  /* down.c */
extern const struct wr_verb wr_verb_invite;                /* mesh_invite.c */
extern const struct wr_verb wr_verb_admit, wr_verb_revoke; /* admit.c */

/* Those that ask a server. */
extern const struct wr_verb wr_verb_login, wr_verb_sign_up, wr_verb_logout; /* login.c */
extern const struct wr_verb wr_verb_org;                                    /* org.c */
extern const struct wr_verb wr_verb_machine;                                /* machine.c */
extern const struct wr_verb wr_verb_policy;                                 /* policy.c */
extern const struct wr_verb wr_verb_user;                                   /* user.c */
extern const struct wr_verb wr_verb_member;                                 /* member.c */
extern const struct wr_verb wr_verb_invite_user;                            /* invite.c */
extern const struct wr_verb wr_verb_token;                                  /* token.c */
extern const struct wr_verb wr_verb_key;                                    /* key.c */
extern const struct wr_verb wr_verb_route;                                  /* route.c */
extern const struct wr_verb wr_verb_dns;                                    /* dns.c */
extern const struct wr_verb wr_verb_audit;                                  /* audit.c */
extern const struct wr_verb wr_verb_events;                                 /* events.c */
extern const struct wr_verb wr_verb_backup;                                 /* backup.c */
extern const struct wr_verb wr_verb_server;                                 /* instance.c */

/* Verbs of a group that stand in another file than the group. */
extern const struct wr_verb wr_verb_machine_add, wr_verb_machine_rotate; /* machine_add.c */
extern const struct wr_verb wr_verb_machine_rename, wr_verb_machine_tag, wr_verb_machine_route,
	wr_verb_machine_disable, wr_verb_machine_enable, wr_verb_machine_expire,
	wr_verb_machine_approve, wr_verb_machine_remove; /* machine_change.c */
extern const struct wr_verb wr_verb_policy_allow, wr_verb_policy_deny,
	wr_verb_policy_why;                      /* policy_rule.c */
extern const struct wr_verb wr_verb_policy_edit; /* policy_edit.c */
extern const struct wr_verb wr_verb_policy_history, wr_verb_policy_diff,
	wr_verb_policy_revert; /* policy_versions.c */

/* Of every verb that asks a server. */
#define WR_OPTION_SOCKET \
	{ \
		0, "socket", "ask the server behind this Unix socket", "PATH" \
	}
#define WR_OPTION_ORG \
	{ \
		0, "org", "organisation; needless if there is only one", "ORG" \
	}
#define WR_OPTION_JSON \
	{ \
		0, "json", "print JSON" \
	}
#define WR_API_OPTIONS WR_OPTION_HELP, WR_OPTION_SOCKET
#define WR_ORG_OPTIONS WR_API_OPTIONS, WR_OPTION_ORG
