/* SPDX-License-Identifier: MIT */
#include "svc/machine/exec.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "svc/machine/command.h"
#include "svc/machine/environment.h"
#include "svc/machine/look.h"
#include "svc/machine/machine.h"
#include "svc/machine/state.h"
#include "svc/process/env.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/name.h"
#include "util/resolve.h"
#include "util/strv.h"
#include "util/utf8.h"

/* How long to wait for a starting container to be registered. */
#define REGISTER_WAIT (30 * USEC_PER_SEC)
#define LOOK_AGAIN    (20 * USEC_PER_MSEC)

/* ---- what to run -------------------------------------------------------- */

static int check_args(const struct ec_exec *in, struct ec_err *err)
{
        if (!in->machine || !*in->machine)
                return err_set(err, -EINVAL, "no container to run a command in");
        if (!(in->flags & EC_EXEC_LOGIN) && (!in->argv || !in->argv[0] || !*in->argv[0]))
                return err_set(err, -EINVAL, "no command to run in container '%s'", in->machine);
        if (in->cwd && *in->cwd != '/')
                return err_set(err, -EINVAL, "directory '%s' is not an absolute path", in->cwd);
        for (const char *const *e = in->env; e && *e; e++)
                if (**e == '=' || !strchr(*e, '='))
                        return err_set(err, -EINVAL, "environment variable '%s' is not of the form NAME=VALUE", *e);
        return 0;
}

/* Only pipes and terminals that are made for it reach the container, never a descriptor of ours. */
static int make_streams(struct exec *x, const struct ec_exec *in, struct ec_err *err)
{
        bool unset = !in->fds[0] && !in->fds[1] && !in->fds[2];
        struct stat st;
        int ours[3], r;

        for (int i = 0; i < 3; i++) {
                ours[i] = unset ? i : in->fds[i] < 0 ? -1 : in->fds[i];
                if (ours[i] < 0)
                        continue;
                if (fstat(ours[i], &st) < 0)
                        return err_set(err, -errno, "descriptor %d for '%s': %s", ours[i], x->label, strerror(errno));
                if (S_ISDIR(st.st_mode))
                        return err_set(err, -EISDIR, "descriptor %d for '%s' is a directory", ours[i], x->label);
        }
        if (!x->streams)
                x->streams = streams_new(NULL, NULL);
        if (!x->streams)
                return err_oom(err);
        r = streams_begin(x->streams, ours);
        if (r < 0)
                return err_set(err, r, "cannot make pipes for '%s': %s", x->label, strerror(-r));
        memcpy(x->fds, x->streams->theirs, sizeof(x->fds));
        return 0;
}

/* The script with which a shell executes its arguments; NULL: not known for this shell. */
static const char *exec_text(const char *shell)
{
        static const char *const posix[] = { "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "yash", NULL };
        const char *base = strrchr(shell, '/') + 1;

        return strv_contains(posix, base) ? "exec \"$@\"" : !strcmp(base, "fish") ? "exec $argv" : NULL;
}

/* The user's login shell, which executes the command. Arguments are passed as arguments: nothing needs quoting, and the
 * kernel's limit for the length of each applies. */
static int login_argv(struct exec *x, const char *const *argv)
{
        const char *shell = x->user.shell, *text = exec_text(shell);
        bool given = argv && argv[0];
        int r;

        if (given && !text) {
                shell = "/bin/sh";
                text = exec_text(shell);
        }
        r = strv_extend(&x->argv, (const char *const[]){ shell, "-l", given ? "-c" : NULL, text, NULL });
        /* $0, with which the shell begins its messages; fish has no such argument. */
        if (r >= 0 && given && strcmp(text, "exec $argv"))
                r = strv_push(&x->argv, strrchr(shell, '/') + 1);
        return r < 0 ? r : strv_extend(&x->argv, argv);
}

static int say_not_run(const struct exec *x, const char *cmd, bool exists, int32_t *ret_status)
{
        const char *text = exists ? "cannot be executed" : "command not found";

        if (x->streams)
                streams_tell(x->streams, cmd, text);
        else
                dprintf(STDERR_FILENO, "%s: %s\n", cmd, text);
        *ret_status = exists ? 126 : 127;
        return 1;
}

static int build_argv(struct exec *x, const struct ec_exec *in, const char *program, struct ec_err *err)
{
        static const char *const shell[] = { "/bin/sh", "-c", "exec \"$@\"", "sh", NULL };
        int r;

        if (in->flags & EC_EXEC_LOGIN)
                return login_argv(x, in->argv) < 0 ? err_oom(err) : 0;
        r = program ? strv_push(&x->argv, program) : strv_extend(&x->argv, shell);
        if (r >= 0)
                r = strv_extend(&x->argv, program ? in->argv + 1 : in->argv);
        return r < 0 ? err_oom(err) : 0;
}

/* ---- where to run it ---------------------------------------------------- */

static int open_leader(struct exec *x, struct ec_err *err)
{
        uint32_t pid;
        int r = machine_leader(x->s, x->name, &pid, err);

        if (r < 0)
                return r;
        r = leader_open(pid, x->unit, &x->leader);
        if (r == -ESRCH)
                return err_set(err, -EHOSTDOWN, "cannot enter container '%s': it has just stopped", x->name);
        if (r == -EAGAIN)
                return err_set(err, -EHOSTDOWN, "cannot enter container '%s': its init has not begun", x->name);
        if (r == -EXDEV)
                return err_set(err, -EHOSTDOWN,
                               "cannot enter container '%s': process %" PRIu32
                               ", which systemd-machined names, is not in %s; if it has just stopped, try again",
                               x->name, pid, x->unit);
        return r < 0 ? err_set(err, r, "cannot enter container '%s': %s", x->name, strerror(-r)) : 0;
}

static int cannot_look(const struct exec *x, const char *what, int r, struct ec_err *err)
{
        return err_set(err, r, "cannot look for '%s' in container '%s': %s", what, x->name, resolve_strerror(r));
}

static int no_user(const struct exec *x, const char *user, int r, struct ec_err *err)
{
        if (r == -ENOENT)
                return err_set(err, r, "container '%s' has no user '%s'", x->name, user);
        return err_set(err, r, "cannot read the users of container '%s': %s", x->name, resolve_strerror(r));
}

static int no_terminal(const struct exec *x, int r, struct ec_err *err)
{
        if (r == -ENOSPC)
                return err_set(err, r,
                               "cannot open a terminal in container '%s'; if 'sysctl kernel.pty' shows that too many "
                               "are open, raise kernel.pty.max",
                               x->name);
        return err_set(err, r, "cannot open a terminal in container '%s': %s", x->name, strerror(-r));
}

/* 1: the command cannot be run, and *ret_status is what a shell would return. */
static int check_look(const struct exec *x, const struct ec_exec *in, const struct look *l, int32_t *ret_status,
                      struct ec_err *err)
{
        bool login = in->flags & EC_EXEC_LOGIN;

        if (l->code >= 0)
                return 0;
        if (l->at == LOOK_ROOT)
                return err_set(err, l->code == -ESRCH ? -EHOSTDOWN : l->code, "cannot enter container '%s': %s",
                               x->name, l->code == -ESRCH ? "it has just stopped" : strerror(-l->code));
        if (l->at == LOOK_USER)
                return no_user(x, in->user ? in->user : "root", l->code, err);
        if (l->at == LOOK_SHELL && login)
                return err_set(err, l->code, "the login shell %s of user '%s' cannot be run in container '%s': %s",
                               l->user.shell, l->user.name, x->name, resolve_strerror(l->code));
        if (l->at == LOOK_TERMINAL)
                return no_terminal(x, l->code, err);
        if (resolve_failed(l->code))
                return cannot_look(x,
                                   l->at == LOOK_CWD     ? in->cwd
                                   : l->at == LOOK_SHELL ? "/bin/sh"
                                                         : in->argv[0],
                                   l->code, err);
        if (l->at == LOOK_CWD)
                return err_set(err, -ENOENT, "container '%s' has no directory '%s'", x->name, in->cwd);
        return say_not_run(x, in->argv[0], l->code == -EACCES, ret_status);
}

/* Who owns it inside, where our own user may not exist. */
static int container_root(const struct leader *l, uid_t *ret)
{
        _cleanup_free_ char *text = NULL;
        unsigned inside, outside;
        int r = leader_read(l, "uid_map", &text);

        if (r < 0)
                return r;
        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                /* NOLINTNEXTLINE(cert-err34-c): the kernel prints numbers */
                if (sscanf(line, "%u %u", &inside, &outside) == 2 && !inside) {
                        *ret = outside;
                        return 0;
                }
        return -ENOENT;
}

static int prepare_pty(struct exec *x, int master)
{
        unsigned number = 0;
        uid_t root;
        int r = pty_begin(x->pty, master, STDIN_FILENO, STDOUT_FILENO);

        if (r >= 0)
                r = container_root(&x->leader, &root);
        if (r >= 0 && (fchown(x->pty->peer, root, (gid_t)-1) < 0 || ioctl(master, TIOCGPTN, &number) < 0))
                r = -errno;
        if (r >= 0)
                x->tty_path = str_printf("/dev/pts/%u", number);
        return r < 0 ? r : x->tty_path ? 0 : -ENOMEM;
}

/* Takes master. */
static int use_pty(struct exec *x, int master, struct ec_err *err)
{
        int r;

        x->pty = malloc(sizeof(*x->pty));
        if (!x->pty) {
                close(master);
                return err_oom(err);
        }
        r = prepare_pty(x, master);
        if (r >= 0)
                return 0;
        pty_end(x->pty);
        free(TAKE_PTR(x->pty));
        return err_set(err, r, "cannot use a terminal of container '%s': %s", x->name, strerror(-r));
}

void exec_done(struct exec *x)
{
        if (x->pty)
                pty_end(x->pty);
        free(x->pty);
        machine_user_done(&x->user);
        free(x->unit);
        free(x->cwd);
        free(x->tty_path);
        strv_free(x->argv);
        strv_free(x->env);
        helper_done(&x->look);
        leader_close(&x->leader);
        streams_free(x->streams);
}

static bool all_utf8(char **v)
{
        for (; v && *v; v++)
                if (!utf8_valid(*v, strlen(*v)))
                        return false;
        return true;
}

/* D-Bus strings are UTF-8. */
bool exec_fits_bus(const struct exec *x)
{
        return all_utf8(x->argv) && all_utf8(x->env) && utf8_valid(x->cwd, strlen(x->cwd));
}

int exec_begin(struct exec *x, const struct ec_exec *in, struct ec_err *err)
{
        int r = check_args(in, err);

        if (r >= 0)
                r = interrupt_check(err);
        if (r < 0)
                return r;
        x->name = in->machine;
        x->label = in->argv && in->argv[0] ? in->argv[0] : "the shell";
        x->tty = in->flags & EC_EXEC_TTY;
        x->timeout_ms = in->timeout_ms;
        if (in->timeout_ms)
                x->deadline = clock_usec() + in->timeout_ms * USEC_PER_MSEC;
        x->unit = container_unit_of_name(x->name);
        if (!x->unit)
                return err_oom(err);
        if (!x->tty)
                r = make_streams(x, in, err);
        x->find_until = clock_usec() + REGISTER_WAIT;
        return r;
}

int exec_find(struct exec *x, struct pollfd fds[static EXEC_FDS], uint64_t *deadline, struct ec_err *err)
{
        _cleanup_free_ char *state = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        int r = exec_fill_waiting(x, fds);

        if (r < 0)
                return r;
        r = open_leader(x, &e);
        state = r == -EHOSTDOWN ? exec_unit_state(x) : NULL;
        if (!state || strcmp(state, "activating") || clock_usec() >= x->find_until) {
                err_move(err, &e);
                return r < 0 ? r : 1;
        }
        fds[0].fd = -1;
        *deadline = exec_deadline(x, clock_usec() + LOOK_AGAIN < *deadline ? clock_usec() + LOOK_AGAIN : *deadline);
        return 0;
}

int exec_look(struct exec *x, const struct ec_exec *in, struct ec_err *err)
{
        int r = look_begin(&x->look, &x->leader, in);

        return r < 0 ? err_set(err, r, "cannot look for '%s' in container '%s': %s", x->label, x->name,
                               limits_fork_text(r))
                     : 0;
}

int exec_looked(struct exec *x, struct pollfd fds[static EXEC_FDS], uint64_t *deadline, struct ec_err *err)
{
        int r = exec_fill_waiting(x, fds);

        if (r < 0)
                return r;
        r = helper_step(&x->look);
        if (r < 0)
                return cannot_look(x, x->label, r, err);
        fds[0] = (struct pollfd){ .fd = x->look.from, .events = POLLIN };
        *deadline = exec_deadline(x, *deadline < x->look.until ? *deadline : x->look.until);
        return r;
}

int exec_prepare(struct exec *x, const struct ec_exec *in, int32_t *ret_status, struct ec_err *err)
{
        _cleanup_(look_done) struct look l;
        int r = look_end(&x->look, &l);

        if (r < 0)
                return cannot_look(x, x->label, r, err);
        r = check_look(x, in, &l, ret_status, err);
        if (r != 0)
                return r;
        x->user = l.user;
        l.user = (struct machine_user){ 0 };
        x->cwd = strdup(in->cwd ? in->cwd : x->user.home);
        x->cwd_optional = !in->cwd;
        if (!x->cwd || environment_make(&x->user, x->tty, in->env, &x->env) < 0)
                return err_oom(err);
        r = build_argv(x, in, l.program, err);
        if (r < 0)
                return r;
        proc_tell("running in the container", in->argv);
        return x->tty ? use_pty(x, TAKE_FD(l.terminal), err) : 0;
}

int machine_read_file(struct systemd *s, const char *name, const char *path, size_t max, char **ret, struct ec_err *err)
{
        struct exec x = EXEC_INIT(s);
        int r;

        x.name = name;
        x.unit = container_unit_of_name(name);
        r = x.unit ? open_leader(&x, err) : err_oom(err);
        if (r >= 0) {
                r = look_read_file(&x.leader, path, max, interrupt_fd(), ret);
                if (r == -ESRCH)
                        r = err_set(err, -EHOSTDOWN, "container '%s' has just stopped", name);
                else if (r < 0 && (r != -ECANCELED || interrupt_check(err) >= 0))
                        err_set(err, r, "cannot read '%s' in container '%s': %s", path, name, resolve_strerror(r));
        }
        exec_done(&x);
        return r;
}
