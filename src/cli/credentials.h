/* What `warren login` keeps: which server, by which key it is known, and a token for it.
 *
 * Floor 10.  A JSON file, mode 0600: $XDG_CONFIG_HOME/warren/credentials. */
#pragma once

#include "base/base.h"

struct wr_credentials {
	char *url, *token;
	char *pin, *token_uid, *login; /* or NULL */
};

/* A new string; NULL where there is no home. */
char *wr_credentials_path(void);
/* 0, -ENOENT where nobody is logged in, another negative errno: -EPERM where others may read
 * the file, -EBADMSG where it is none of ours. */
int wr_credentials_load(struct wr_credentials *ret_credentials) WR_MUST_CHECK;
int wr_credentials_save(const struct wr_credentials *credentials) WR_MUST_CHECK;
int wr_credentials_forget(void) WR_MUST_CHECK;
/* Wipes them. */
void wr_credentials_done(struct wr_credentials *credentials);
