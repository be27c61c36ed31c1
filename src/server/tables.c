/* All tables of operations, in the order of the documentation. */
#include "server/router.h"

const struct wr_operation *const wr_operation_tables[] = {
	wr_operations_session,
	wr_operations_user,
	wr_operations_token,
	wr_operations_org,
	wr_operations_machine,
	wr_operations_policy,
	wr_operations_key,
	wr_operations_route,
	wr_operations_record,
	wr_operations_agent,
	wr_operations_audit,
	wr_operations_server,
	NULL,
};
