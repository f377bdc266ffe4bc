/* SPDX-License-Identifier: MIT */
/* sd_bus_open_system_machine() would fork a process into the container that has our descriptors, memory and
 * capabilities. */
#include "svc/machine/inner_bus.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "svc/machine/relay.h"
#include "svc/systemd/bus.h"
#include "util/cleanup.h"

static int connect_relay(const struct leader *l, const int *streams)
{
        _cleanup_close_ int theirs = -1, ours = -1;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];
        r = relay_start(l, streams, theirs);
        return r < 0 ? r : TAKE_FD(ours);
}

/* No call is answered: the answers to a bus that never reads them would fill the memory. */
static int ignore_call(sd_bus_message *m, void *data, sd_bus_error *error)
{
        (void)data, (void)error;
        return sd_bus_message_is_method_call(m, NULL, NULL) > 0;
}

int inner_bus_open(const struct leader *l, const int *streams, sd_bus **ret)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int fd = connect_relay(l, streams), r;

        if (fd < 0)
                return fd;
        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_fd(bus, fd, fd);
        if (r < 0) {
                close(fd);
                return r;
        }
        r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_add_filter(bus, NULL, ignore_call, NULL);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}
