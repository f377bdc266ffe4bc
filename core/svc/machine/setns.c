/* SPDX-License-Identifier: MIT */
/* Runs a command in the container's namespaces if its systemd cannot run it: early during boot, without a system bus,
 * or if it is too old. */
#include "svc/machine/setns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/machine/cgroup.h"
#include "svc/machine/code.h"
#include "svc/machine/joiner.h"
#include "svc/machine/rlimits.h"
#include "svc/machine/state.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/limits.h"

/* How long to wait for what a command has left, and how often to look. */
#define CLEAN_TIMEOUT (2 * USEC_PER_SEC)
#define LOOK_AGAIN    (2 * USEC_PER_MSEC)

static int read_status(struct join *j)
{
        _cleanup_free_ char *text = NULL;
        const char *p;
        int r = leader_read(&j->x->leader, "status", &text);

        if (r < 0)
                return r;
        p = strstr(text, "\nCapBnd:");
        if (!p)
                return -EBADMSG;
        j->bounding = strtoull(p + strlen("\nCapBnd:"), NULL, 16);
        j->filtered = strstr(text, "\nSeccomp:\t2\n");
        j->no_new_privs = strstr(text, "\nNoNewPrivs:\t1\n");
        return 0;
}

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void order(const struct join *j, int32_t sig)
{
        (void)!write(j->order_to, &sig, sizeof(sig));
}

/* Sockets in the place of the pipes could bring descriptors. */
static int spawn(struct join *j)
{
        struct forward_way ways[] = { { .out = true }, { .out = false } };
        int r = forward_begin(&j->forward, ways, ARRAY_SIZE(ways), false);

        if (r < 0)
                return r;
        j->report_from = ways[0].ours;
        j->report_to = ways[0].theirs;
        j->order_from = ways[1].theirs;
        j->order_to = ways[1].ours;
        r = joiner_spawn(j, &j->joiner);
        if (r < 0)
                return r;
        close_fd(&j->report_to);
        close_fd(&j->order_from);
        order(j, ORDER_GO);
        return 0;
}

/* false: something is left, which the container can keep for as long as it wants. */
static bool clean_up(struct join *j)
{
        if (j->joiner > 0) {
                kill(j->joiner, SIGKILL);
                if (waitpid(j->joiner, NULL, WNOHANG) != 0)
                        j->joiner = 0;
        }
        if (j->cgroup && cgroup_remove(j->cgroup))
                free(TAKE_PTR(j->cgroup));
        return j->joiner <= 0 && !j->cgroup;
}

/* No event tells of both ends. */
static bool fill_ended(struct join *j, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        uint64_t now = clock_usec();

        if (!j->clean_until)
                j->clean_until = now + CLEAN_TIMEOUT;
        if (clean_up(j) || now >= j->clean_until)
                return false;
        for (size_t i = 0; i < EXEC_FDS; i++)
                fds[i] = (struct pollfd){ .fd = -1 };
        if (now + LOOK_AGAIN < *deadline)
                *deadline = now + LOOK_AGAIN;
        return true;
}

bool exec_setns_fill(struct join *j, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        if (j->x->stage == EXEC_LEFT)
                return false;
        if (j->ended)
                return fill_ended(j, fds, deadline);
        exec_fill(j->x, fds);
        fds[0] = (struct pollfd){ .fd = j->report_from, .events = POLLIN };
        *deadline = exec_deadline(j->x, *deadline);
        return true;
}

void exec_setns_handle(struct join *j, const struct pollfd fds[static EXEC_FDS])
{
        struct exec *x = j->x;

        if (j->ended)
                return;
        if (fds[0].revents) {
                j->got = read(j->report_from, &j->report, sizeof(j->report)) == sizeof(j->report) &&
                         report_valid(&j->report);
                j->ended = true;
                return;
        }
        exec_handle(x, fds);
        if (x->signal == SIGKILL && j->cgroup)
                cgroup_kill(j->cgroup);
        if (x->signal)
                order(j, x->signal);
        x->signal = 0;
}

static bool shutting_down(const struct join *j)
{
        _cleanup_free_ char *comm = NULL, *state = NULL;
        int r = leader_read(&j->x->leader, "comm", &comm);

        if (r == -ESRCH || (r >= 0 && !strncmp(comm, "systemd-shutdow", 15)))
                return true;
        state = exec_unit_state(j->x);
        return exec_state_down(state);
}

static int no_cgroup(const struct exec *x, int r, struct ec_err *err)
{
        return err_set(err, code_of_container(r), "cannot put the command into the cgroup of container '%s': %s",
                       x->name, r == -EOPNOTSUPP ? "its systemd-nspawn has not made one" : strerror(-r));
}

static int not_run(const struct join *j, const struct report *r, struct ec_err *err)
{
        const struct exec *x = j->x;
        const char *what = "run", *name = x->label;
        const char *why = strerror(r->value);
        int code = code_of_container(-r->value);

        if (leader_ended(&x->leader))
                return err_set(err, -EHOSTDOWN, "container '%s' is not running", x->name);
        if (r->kind == REPORT_CGROUP)
                return no_cgroup(x, -r->value, err);
        if (r->kind == REPORT_SECCOMP)
                return err_set(err, code, "cannot copy the system call filter of container '%s': %s", x->name, why);
        if (r->kind == REPORT_JOIN)
                return err_set(err, code, "cannot enter the namespaces of container '%s': %s", x->name, why);
        if (r->kind == REPORT_TTY) {
                what = "use the streams of";
        } else if (r->kind == REPORT_USER) {
                what = "become user";
                name = x->user.name;
        } else if (r->kind == REPORT_CWD) {
                what = "enter directory";
                name = x->cwd;
        }
        return err_set(err, code, "cannot %s '%s' in container '%s': %s", what, name, x->name, why);
}

static int result(struct join *j, int32_t *ret_status, struct ec_err *err)
{
        const struct report *r = &j->report;
        struct exec *x = j->x;

        if (j->got && r->kind == REPORT_EXEC) {
                *ret_status = r->value == ENOENT || r->value == ENOTDIR ? 127 : 126;
                if (x->streams)
                        streams_tell(x->streams, x->label, strerror(r->value));
                return 0;
        }
        if (j->got && r->kind != REPORT_STATUS)
                return not_run(j, r, err);
        if ((!j->got || r->value > 128) && !x->sent && shutting_down(j))
                return exec_stopped(x, err);
        if (!j->got)
                return err_set(err, -EIO, "'%s' in container '%s' ended without a status", x->label, x->name);
        *ret_status = r->value;
        return 0;
}

static void join_free(struct join *j)
{
        if (!j)
                return;
        (void)clean_up(j);
        free(j->cgroup);
        free(j->limits);
        close_fd(&j->report_from);
        close_fd(&j->report_to);
        close_fd(&j->order_from);
        close_fd(&j->order_to);
        forward_end(&j->forward);
        free(j);
}
DEFINE_CLEANUP(struct join, join_free)

/* What the command must share with the container. */
static int look(struct join *j)
{
        const struct leader *l = &j->x->leader;
        int r = read_status(j);

        /* Its capabilities are those in the user namespace that it is in afterwards, as none can be left. */
        if (r >= 0)
                r = leader_other_namespace(l, "user");
        j->user_ns = r > 0;
        return r < 0 ? r : rlimits_read(l, &j->limits);
}

int exec_setns_begin(struct exec *x, struct join **ret, struct ec_err *err)
{
        _cleanup_(cleanup_join_free) struct join *j = calloc(1, sizeof(*j));
        int r;

        if (!j)
                return err_oom(err);
        *j = (struct join)JOIN_INIT(x);
        r = look(j);
        if (r >= 0) {
                r = cgroup_make(&x->leader, &j->cgroup);
                if (r < 0 && !leader_ended(&x->leader))
                        return no_cgroup(x, r, err);
        }
        if (r >= 0)
                r = spawn(j);
        if (r < 0 && leader_ended(&x->leader))
                return err_set(err, -EHOSTDOWN, "container '%s' is not running", x->name);
        if (r < 0)
                return err_set(err, r, "cannot enter the namespaces of container '%s': %s", x->name,
                               limits_fork_text(r));
        *ret = TAKE_PTR(j);
        return 0;
}

int exec_setns_end(struct join *j, int32_t *ret_status, struct ec_err *err)
{
        int r = result(j, ret_status, err);

        join_free(j);
        return r;
}
