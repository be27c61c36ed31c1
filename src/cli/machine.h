/* What the verbs of machines share.
 *
 * Floor 10. */
#pragma once

#include "cli/api.h"
#include "cli/tables.h"

extern const struct wr_column wr_cli_machine_columns[];
extern const size_t wr_cli_machine_column_count;

/* GET of the machine that the first operand names, in api->org. Exit status. */
int wr_cli_machine_get(struct wr_api *api, json_t **ret_machine) WR_MUST_CHECK;
/* PATCH of it with `change` (taken); says on a terminal what it is now. Exit status. */
int wr_cli_machine_change(const struct wr_arguments *arguments, json_t *change) WR_MUST_CHECK;
