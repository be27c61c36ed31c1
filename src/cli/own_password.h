/* One's own password at the server that one is signed in to.
 *
 * Floor 10. */
#pragma once

#include "cli/verb.h"

/* Asks for the password as it is and as it is to be. Exit status. */
int wr_own_password(const struct wr_arguments *arguments);
