/* The last map on the disk, for a start without the server. A busy network changes it often, and a
 * disk may be slow: changes are gathered, and written by the thread pool. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside.h"
#include "base/log.h"

/* What a crash can lose is what the server tells again. */
#define GATHER_MS 3000

static void tell(const struct wr_agent *agent, int error)
{
	if (error < 0)
		wr_log_error("map: cannot be kept in %s: %s (a restart will need the server)",
			     agent->map_path, strerror(-error));
}

static void write_it(uv_work_t *work)
{
	struct wr_agent *agent = WR_CONTAINER_OF(work, struct wr_agent, keep_work);

	agent->keep_error = agent->keep_text ? wr_netmap_write(agent->keep_text, agent->map_path)
					     : -ENOMEM;
}

static void written(uv_work_t *work, int status)
{
	struct wr_agent *agent = WR_CONTAINER_OF(work, struct wr_agent, keep_work);

	agent->is_keeping = false;
	free(agent->keep_text);
	agent->keep_text = NULL;
	tell(agent, status < 0 ? status : agent->keep_error);
	if (agent->is_map_unkept)
		wr_agent_keep_map_soon(agent);
}

static void on_gathered(uv_timer_t *timer)
{
	struct wr_agent *agent = timer->data;

	if (agent->is_keeping)
		return;
	agent->is_map_unkept = false;
	agent->is_keeping = true;
	agent->keep_text = wr_netmap_dump(wr_node_map(agent->node));
	uv_queue_work(agent->loop, &agent->keep_work, write_it, written);
}

void wr_agent_keep_map_soon(struct wr_agent *agent)
{
	agent->is_map_unkept = true;
	if (!agent->is_keeping && !uv_is_active((uv_handle_t *)&agent->keep_timer))
		uv_timer_start(&agent->keep_timer, on_gathered, GATHER_MS, 0);
}

void wr_agent_keep_map_now(struct wr_agent *agent)
{
	uv_timer_stop(&agent->keep_timer);
	while (agent->is_keeping)
		uv_run(agent->loop, UV_RUN_ONCE);
	if (agent->is_map_unkept)
		tell(agent, wr_netmap_save(wr_node_map(agent->node), agent->map_path));
	agent->is_map_unkept = false;
}
