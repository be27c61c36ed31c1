#include "tunnel/driver.h"

#include "linux/clock.h"
#include "tunnel/handle.h"

static void on_deadline(uv_timer_t *timer)
{
	struct wr_driver *driver = timer->data;

	driver->deadline = WR_NEVER;
	wr_driver_run(driver);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	wr_driver_run(poll->data);
}

/* The timer counts whole milliseconds: rather late than early, which would be for
 * nothing. */
static uint64_t ms_until(struct wr_instant deadline)
{
	struct wr_instant now = wr_clock_now();

	return wr_is_past(deadline, now) ? 0 : (deadline.ns - now.ns + 999999) / 1000000;
}

static void arm(struct wr_driver *driver, struct wr_instant deadline)
{
	if (deadline.ns == driver->deadline.ns)
		return;
	driver->deadline = deadline;
	if (wr_is_never(deadline)) {
		uv_timer_stop(&driver->timer);
		return;
	}
	uv_update_time(driver->timer.loop);
	uv_timer_start(&driver->timer, on_deadline, ms_until(deadline), 0);
}

void wr_driver_run(struct wr_driver *driver)
{
	arm(driver, wr_engine_run(driver->engine));
	if (driver->ran)
		driver->ran(driver->context);
}

int wr_driver_start(struct wr_driver *driver, uv_loop_t *loop, struct wr_engine *engine,
		    void (*ran)(void *context), void *context)
{
	int status;

	*driver = (struct wr_driver){
		.deadline = WR_NEVER,
		.engine = engine,
		.ran = ran,
		.context = context,
	};
	status = uv_poll_init(loop, &driver->poll, wr_engine_fd(engine));
	if (status < 0)
		return status;
	driver->poll.data = driver;
	uv_timer_init(loop, &driver->timer);
	driver->timer.data = driver;
	return uv_poll_start(&driver->poll, UV_READABLE, on_readable);
}

void wr_driver_stop(struct wr_driver *driver)
{
	wr_handle_close((uv_handle_t *)&driver->poll);
	wr_handle_close((uv_handle_t *)&driver->timer);
}
