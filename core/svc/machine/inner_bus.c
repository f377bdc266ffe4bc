/* SPDX-License-Identifier: MIT */
/* Only the socket is looked up in the container. sd_bus_open_system_machine() would fork a process into the container
 * that has our descriptors, memory and capabilities. */
#include "svc/machine/inner_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/systemd/bus.h"
#include "util/cleanup.h"
#include "util/resolve.h"

/* No link leads out of the container. */
static int open_node(const struct leader *l)
{
        _cleanup_close_ int root = leader_open_root(l);

        return root < 0 ? root : resolve_in(root, "run/dbus/system_bus_socket", O_PATH | O_CLOEXEC);
}

static int connect_node(int fd, int node)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };

        snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d", node);
        return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

/* The bus asks the kernel which user has connected, so a process has to become the container's root. It stays in the
 * host's PID namespace, where the container does not see it. */
static int connect_mapped(int fd, int node, int leader)
{
        pid_t pid = fork();
        int status;

        if (pid < 0)
                return -errno;
        if (!pid) {
                if (setns(leader, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
                    setresuid(0, 0, 0) < 0)
                        _exit(errno);
                _exit(-connect_node(fd, node));
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

void refuse_descriptors(int fd)
{
        (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int));
}

static int connect_bus(const struct leader *l)
{
        _cleanup_close_ int node = open_node(l), fd = -1;
        int r;

        if (node < 0)
                return node;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        refuse_descriptors(fd);
        r = leader_other_namespace(l, "user");
        if (r >= 0)
                r = r ? connect_mapped(fd, node, l->fd) : connect_node(fd, node);
        return r < 0 ? r : TAKE_FD(fd);
}

/* No call is answered: the answers to a bus that never reads them would fill the memory. */
static int ignore_call(sd_bus_message *m, void *data, sd_bus_error *error)
{
        (void)data, (void)error;
        return sd_bus_message_is_method_call(m, NULL, NULL) > 0;
}

int inner_bus_open(const struct leader *l, sd_bus **ret)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int fd = connect_bus(l), r;

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
