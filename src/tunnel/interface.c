#include "tunnel/interface.h"

#include <errno.h>

#include "base/log.h"
#include "linux/clock.h"

static bool is_listening(const struct wr_interface *interface)
{
	return wr_engine_listen_port(interface->engine) != 0;
}

/* The device is up before the port is there: what waits in the sockets that are
 * replaced is read while they are, and an initiation among it is for its key. */
static int listen_on(struct wr_interface *interface, uint16_t port)
{
	bool was_up = interface->device->is_up;
	int status;

	wr_device_set_up(interface->device, true, wr_clock_now());
	status = wr_engine_listen(interface->engine, port, interface->fwmark);
	if (status == -EACCES)
		wr_log_error("cannot listen: port=%u: one below 1024 needs WARREN_LOW_PORTS=1 "
			     "at start",
			     port);
	if (status < 0) {
		wr_device_set_up(interface->device, was_up, wr_clock_now());
		return status;
	}
	interface->listen_port = wr_engine_listen_port(interface->engine);
	return 0;
}

int wr_interface_set_up(struct wr_interface *interface, bool is_up)
{
	if (is_up == interface->is_up)
		return 0;
	interface->is_up = is_up;
	if (is_up)
		return listen_on(interface, interface->listen_port);
	wr_device_set_up(interface->device, false, wr_clock_now());
	wr_engine_unlisten(interface->engine);
	return 0;
}

int wr_interface_set_port(struct wr_interface *interface, uint16_t port)
{
	/* Opening it again would lose what is in the sockets. */
	if (port && port == wr_engine_listen_port(interface->engine))
		return 0;
	if (interface->is_up)
		return listen_on(interface, port);
	interface->listen_port = port;
	return 0;
}

int wr_interface_set_mark(struct wr_interface *interface, uint32_t mark)
{
	int status = 0;

	if (is_listening(interface))
		status = wr_engine_set_mark(interface->engine, mark);
	if (status == 0)
		interface->fwmark = mark;
	return status;
}
