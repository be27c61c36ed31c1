/* The policy that the verbs of policies are about: an organisation's, at a server; or a mesh's, at
 * this machine's own daemon.
 *
 * A mesh's is meant where --mesh or --interface says so, or where this machine is in a mesh and no
 * server is named, logged in to, or running here.
 *
 * Floor 10.  Every failure is told on standard error, in one line; "exit status" is WR_EXIT_DONE or
 * what the verb is to end with. */
#pragma once

#include "cli/api.h"
#include "cli/membership.h"
#include "cli/verbs.h"

#define WR_POLICY_OPTIONS \
	WR_ORG_OPTIONS, WR_OPTION_JSON, \
		{ 'i', "interface", "of the mesh on this interface", "IFACE" }, WR_OPTION_STATE, \
	{ \
		0, "mesh", "of this mesh, not of a server's network", "MESH" \
	}

struct wr_rulebook {
	const struct wr_arguments *arguments;
	bool is_mesh;
	struct wr_api api;               /* of a server */
	struct wr_membership membership; /* of a mesh */
	char *of;                        /* whose it is: "acme", "mesh home" */
	unsigned status;                 /* of the last answer */
	char etag[72];                   /* of the version that was got; a mesh has none */
};

/* Of a verb with WR_POLICY_OPTIONS. Exit status. */
int wr_rulebook_open(const struct wr_arguments *arguments, struct wr_rulebook *ret_book)
	WR_MUST_CHECK;
void wr_rulebook_done(struct wr_rulebook *book);
/* True, told, if a mesh's is meant, and the verb is for servers. */
bool wr_rulebook_refuses_mesh(const struct wr_arguments *arguments);

/* Text and version. Exit status. */
int wr_rulebook_get(struct wr_rulebook *book, json_t **ret_policy) WR_MUST_CHECK;
/* Puts a text in force; only over the version `if_match` (NULL: over any). A refusal is no failure:
 * see book->status, and wr_rulebook_refused(). Exit status. */
int wr_rulebook_put(struct wr_rulebook *book, const char *text, const char *comment,
		    const char *if_match, json_t **ret_result) WR_MUST_CHECK;
/* Tells what was wrong; WR_EXIT_FAILED. */
int wr_rulebook_refused(const struct wr_rulebook *book, const json_t *problem);
/* "policy of acme: version 7 is in force". On standard error: standard output is for what was asked
 * for. */
void wr_rulebook_tell(const struct wr_rulebook *book, const json_t *saved);

/* rulebook_judge.c: of a mesh, what a server answers to POST policy/check and policy/why, judged
 * here. Exit status. */
int wr_rulebook_check(struct wr_rulebook *book, const char *text, json_t **ret_result)
	WR_MUST_CHECK;
int wr_rulebook_why(struct wr_rulebook *book, const json_t *question, json_t **ret_answer)
	WR_MUST_CHECK;
