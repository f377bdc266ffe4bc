/* SPDX-License-Identifier: MIT */
/* A session with one container, which lives as long as the session does. */
#include "shell.h"

#include <fcntl.h>
#include <string.h>

/* ---- the definition ----------------------------------------------------- */

static int reads_stdin(const struct ec_host *h, const struct ec_op *op)
{
        const char *const *args = h->opt->args(op);
        const char *etc = getenv("EXTRA_CONTAINER_ETC");

        if (h->opt->is_set(op, "expr"))
                return 0;
        return *args ? !strcmp(*args, "-") : !isatty(STDIN_FILENO) && !(etc && *etc);
}

/* A definition on standard input leaves the session none: it gets the terminal.
 * -1: there is no need for it. */
static int open_terminal(const struct ec_host *h, const struct ec_op *op, struct ec_err *err)
{
        int fd;

        if (h->opt->is_set(op, "run") || !reads_stdin(h, op) || isatty(STDIN_FILENO))
                return -1;
        fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return h->err->usage(err, "standard input cannot be both the definition and the session's: give a file "
                                          "or --expr, or --run CMD");
        return fd;
}

struct names {
        const struct ec_host *host;
        char **list;
};

static int add_name(void *data, const struct ec_container *c)
{
        struct names *n = data;

        return strv_push(&n->list, n->host->containers->name(c));
}

/* The one container that a session is for. */
static int choose_container(const struct ec_host *h, struct ec_op *op, char **ret, struct ec_err *err)
{
        struct names names = { .host = h };
        int r = h->containers->foreach(op, add_name, &names, err);
        _cleanup_strv_ char **list = names.list;
        size_t n = strv_len(STRV_CONST(list));
        _cleanup_free_ char *text = NULL;

        if (r < 0)
                return r == -ENOMEM ? no_memory(h, err) : r;
        text = n ? strv_join(STRV_CONST(list), ", ") : strdup("none");
        if (!text)
                return no_memory(h, err);
        if (n != 1)
                return h->err->usage(
                        err, "a session is for one container, this definition has %zu: %s; name one of them behind it",
                        n, text);
        *ret = TAKE_PTR(text);
        return 0;
}

/* ---- the session -------------------------------------------------------- */

struct plan {
        char *name;              /* of the container */
        const char *const *argv; /* NULL: a shell */
        int inside;              /* of a session of the same container, which is updated */
        int keep;                /* it is not destroyed */
};

static int destroy(const struct ec_host *h, struct ec_op *op, const struct plan *p, uint32_t flags, struct ec_err *err)
{
        const char *const names[] = { p->name, NULL };

        return h->deploy->destroy(op, names, EC_DESTROY_ABSENT | EC_DESTROY_QUIET | flags, err);
}

static int first(void *data, const struct ec_container *c)
{
        *(const struct ec_container **)data = c;
        return 0;
}

/* FIXME-plugins: rc files, help */
static int run_session(const struct ec_host *h, struct ec_op *op, const struct plan *p, int32_t *ret_status,
                       struct ec_err *err)
{
        const char *const shell[] = { "sh", NULL };
        const struct ec_container *c = NULL;
        struct ec_proc_result res = { .size = sizeof(res) };
        struct ec_proc proc = { .size = sizeof(proc), .argv = p->argv ? p->argv : shell };
        struct ec_shell *sh;
        int r = h->containers->foreach(op, first, &c, err);

        if (r >= 0)
                r = h->shell->open(op, c, &sh, err);
        if (r < 0)
                return r;
        proc.flags = EC_PROC_TERMINAL | (p->argv ? 0 : EC_PROC_HANGUP);
        proc.env = h->shell->env(sh);
        r = h->proc->run(op, &proc, &res, err);
        *ret_status = res.status;
        h->proc->result_done(&res);
        return r;
}

static int open_session(const struct ec_host *h, struct ec_op *op, const struct plan *p, int32_t *ret_status,
                        struct ec_err *err)
{
        uint32_t flags = EC_START_STOPPED | EC_START_UPDATE;
        int r = h->deploy->install(op, err);

        if (h->opt->is_set(op, "restart-changed"))
                flags |= EC_START_RESTART;
        /* Whoever does not want to wait gets his shell at once. */
        if (!p->argv && !p->inside)
                flags |= EC_START_DETACH;
        if (r >= 0)
                r = h->deploy->start(op, flags, err);
        if (r >= 0 && (p->argv || !p->inside))
                r = run_session(h, op, p, ret_status, err);
        else if (r >= 0)
                h->log->log(h, 5, "Container '%s' is as defined; this session goes on with it.", p->name);
        return r < 0 ? r : 0;
}

/* On every way out; what went wrong before stays what is told. */
static int end_session(const struct ec_host *h, struct ec_op *op, const struct plan *p, int r, int32_t *status,
                       struct ec_err *err)
{
        char *message = r < 0 ? strdup(h->err->message(err)) : NULL;
        int k;

        if (!p->argv && r >= 0)
                h->log->log(h, 5, "Destroying container '%s'.", p->name);
        if (r < 0)
                h->err->clear(err);
        k = destroy(h, op, p, EC_DESTROY_NO_CANCEL, err);
        if (k < 0 && (r < 0 || *status)) {
                h->log->log(h, 3, "%s", h->err->message(err));
                h->err->clear(err);
                k = 0;
        }
        if (r < 0)
                h->err->set(err, r, "%s", message ? message : "out of memory");
        free(message);
        return r < 0 ? r : k;
}

static int run_plan(const struct ec_host *h, struct ec_op *op, const struct plan *p, struct ec_err *err)
{
        int32_t status = 0;
        int r = p->keep ? 0 : destroy(h, op, p, 0, err);

        /* What cannot be destroyed before, a container of the host's configuration say, is not touched after. */
        if (r < 0 && r != -ECANCELED)
                return r;
        if (r >= 0)
                r = open_session(h, op, p, &status, err);
        if (!p->keep)
                r = end_session(h, op, p, r, &status, err);
        return r < 0 ? r : status;
}

static int run_shell(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        struct plan p = { 0 };
        int terminal, r;

        if (h->opt->is_set(op, "destroy") && h->opt->is_set(op, "no-destroy"))
                return h->err->usage(err, "--destroy and --no-destroy exclude each other");
        if (h->opt->is_set(op, "run")) {
                p.argv = h->opt->values(op, "run");
                if (!*p.argv)
                        return h->err->usage(err, "--run needs a command");
        }
        terminal = open_terminal(h, op, err);
        if (terminal < -1)
                return terminal;
        r = h->deploy->build(op, err);
        if (r >= 0 && terminal >= 0 && dup2(terminal, STDIN_FILENO) < 0)
                r = h->err->set(err, -errno, "cannot take the terminal as standard input: %s", strerror(errno));
        if (terminal >= 0)
                close(terminal);
        if (r >= 0)
                r = choose_container(h, op, &p.name, err);
        if (r < 0)
                return r;
        p.inside = session_has(p.name) && !h->opt->is_set(op, "destroy");
        p.keep = p.inside || h->opt->is_set(op, "no-destroy");
        r = run_plan(h, op, &p, err);
        free(p.name);
        return r;
}

/* ---- the plugin --------------------------------------------------------- */

static const struct ec_option options[] = {
        { .name = "run",
          .metavar = "CMD...",
          .arg = EC_ARG_REST,
          .flags = EC_OPT_FINAL,
          .help = "Run a command in the session instead of a shell; it takes all words that follow" },
        { .name = "no-destroy",
          .short_name = 'n',
          .help = "Destroy the container neither before nor after the session" },
        { .name = "destroy",
          .short_name = 'd',
          .help = "Inside of a session of the same container: destroy it before and after, as outside" },
        { .name = "restart-changed",
          .short_name = 'r',
          .help = "Restart the container if it runs and has changed, also where an update would do" },
        /* They are what a session does anyway. */
        { .name = "start", .short_name = 's', .flags = EC_OPT_HIDDEN, .help = "Start the container" },
        { .name = "update-changed", .short_name = 'u', .flags = EC_OPT_HIDDEN, .help = "Update the container" },
};

static const struct ec_command commands[] = {
        { .name = "shell",
          .synopsis = "[DEFINITION] [NAME]",
          .summary = "Open a session with a container that lives as long as the session",
          .details = "The definition's one container, or the one that is named, is built and started; then your own "
                     "shell ($SHELL) opens, or --run's command runs. "
                     "Commands of the session: c [CMD...] runs a command in the container, without one a root shell; h "
                     "shows all of them. "
                     "$name is the container's name, $ip its address.\n\n"
                     "The container is destroyed before and after the session, whatever its end. "
                     "Inside of a session, shell with the same container updates it and opens no other; with another "
                     "container it opens a session in the session.\n\n"
                     "^C while the container starts opens the shell at once.\n\n"
                     "The exit status is that of the shell or the command; 128 plus the signal if one killed it.\n\n"
                     "  extra-container shell demo.nix\n"
                     "  extra-container shell demo.nix --run c hostname",
          .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START | EC_SCOPE_SHELL | EC_SCOPE_DESTROY,
          .flags = EC_CMD_ROOT | EC_CMD_DEFINITION,
          .options = EC_ARRAY(options),
          .run = run_shell },
        { .name = EXEC_COMMAND,
          .synopsis = "NAME [CMD...]",
          .summary = "Run a command in a container, for a session's c",
          .flags = EC_CMD_ROOT | EC_CMD_HIDDEN | EC_CMD_WORDS,
          .run = exec_run },
};

static const struct ec_setting settings[] = {
        { .key = "prompt",
          .type = "bool",
          .def = "yes",
          .help = "Show the container's name in the prompt of a session's shell" },
};

static const struct ec_hooks hooks = { .size = sizeof(hooks), .shell = session_hook };

/* Early: others know an address better. */
EC_PLUGIN(shell, .version = EC_VERSION, .summary = "Sessions with a container", .order = -50,
          .commands = EC_ARRAY(commands), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = host_as_self);
