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

/* Is the first argument the definition? */
static int names_definition(const struct ec_host *h, const struct ec_op *op)
{
        const char *etc = getenv("EXTRA_CONTAINER_ETC");

        return *h->opt->args(op) && !h->opt->is_set(op, "expr") && !(etc && *etc);
}

/* If the definition is read from standard input, the session gets the terminal.
 * -1: not needed. */
static int open_terminal(const struct ec_host *h, const struct ec_op *op, struct ec_err *err)
{
        int fd;

        if (h->opt->is_set(op, "run") || !reads_stdin(h, op) || isatty(STDIN_FILENO))
                return -1;
        fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return h->err->usage(err, "a definition read from standard input needs --run; give a file or --expr "
                                          "instead");
        return fd;
}

struct choice {
        const struct ec_host *host;
        const struct ec_container *container; /* the last one */
        char **names;
};

static int add_container(void *data, const struct ec_container *c)
{
        struct choice *choice = data;

        choice->container = c;
        return strv_push(&choice->names, choice->host->containers->name(c));
}

#define SEVERAL "a session needs one container, but this definition has %zu (%s)"

/* Chooses the container of the session. */
static int choose_container(const struct ec_host *h, struct ec_op *op, const struct ec_container **ret,
                            struct ec_err *err)
{
        struct choice choice = { .host = h };
        int r = h->containers->foreach(op, add_container, &choice, err);
        _cleanup_strv_ char **names = choice.names;
        size_t n = strv_len(STRV_CONST(names));
        _cleanup_free_ char *list = NULL;
        const char *const *args = h->opt->args(op);

        if (r < 0)
                return r == -ENOMEM ? no_memory(h, err) : r;
        *ret = choice.container;
        if (n == 1)
                return 0;
        list = strv_join(STRV_CONST(names), ", ");
        if (!list)
                return no_memory(h, err);
        if (!n)
                return h->err->usage(err, "a session needs a container, but this definition has none");
        if (!names_definition(h, op))
                return h->err->usage(err, SEVERAL "; add one name, for example '%s'", n, list, names[0]);
        return h->err->usage(err, SEVERAL "; add one name: `shell %s %s`", n, list, args[0], names[0]);
}

/* Words after the name of the container are usually a command without --run. */
static int check_names(const struct ec_host *h, const struct ec_op *op, struct ec_err *err)
{
        const char *const *args = h->opt->args(op);
        _cleanup_free_ char *words = NULL;

        if (!names_definition(h, op) || strv_len(args) < 3)
                return 0;
        words = strv_join(args + 1, " ");
        return words ? h->err->usage(err,
                                     "shell takes the name of one container, not '%s'; a command comes after --run: "
                                     "`shell %s --run %s`",
                                     words, args[0], words)
                     : no_memory(h, err);
}

/* ---- the session -------------------------------------------------------- */

struct plan {
        const struct ec_container *container;
        const char *const *argv; /* NULL: a shell */
        int inside;              /* we are in a session of this container, which is updated */
        int keep;                /* the container is not destroyed */
        struct claim claim;
};

static int destroy(const struct ec_host *h, struct ec_op *op, const struct plan *p, uint32_t flags, struct ec_err *err)
{
        const char *const names[] = { h->containers->name(p->container), NULL };

        return h->deploy->destroy(op, names, EC_DESTROY_ABSENT | EC_DESTROY_QUIET | flags, err);
}

static int open_session(const struct ec_host *h, struct ec_op *op, const struct plan *p, int32_t *ret_status,
                        struct ec_err *err)
{
        uint32_t flags = EC_START_STOPPED | EC_START_UPDATE;
        int r = h->deploy->install(op, err);

        if (h->opt->is_set(op, "restart-changed"))
                flags |= EC_START_RESTART;
        /* ^C opens the shell at once. */
        if (!p->argv && !p->inside)
                flags |= EC_START_DETACH;
        if (r >= 0)
                r = h->deploy->start(op, flags, err);
        if (r >= 0 && (p->argv || !p->inside))
                r = session_run(h, op, p->container, p->argv, ret_status, err);
        else if (r >= 0)
                h->log->log(h, 5, "Container '%s' is up to date; you are already in its session.",
                            h->containers->name(p->container));
        return r < 0 ? r : 0;
}

/* Called on every way out; an earlier error takes precedence. */
static int end_session(const struct ec_host *h, struct ec_op *op, struct plan *p, int r, int32_t *status,
                       struct ec_err *err)
{
        _cleanup_free_ char *message = r < 0 ? strdup(h->err->message(err)) : NULL;
        const char *name = h->containers->name(p->container);
        const struct ec_container *installed;
        int k, tell;

        if (!p->argv && r >= 0)
                h->log->log(h, 5, "Destroying container '%s'.", name);
        if (r < 0)
                h->err->clear(err);
        /* After ^C, say what became of it. */
        tell = r == -ECANCELED && h->containers->find(op, name, &installed, err) >= 0;
        h->err->clear(err);
        k = destroy(h, op, p, EC_DESTROY_NO_CANCEL, err);
        claim_end(&p->claim, k >= 0);
        if (k < 0 && (r < 0 || *status)) {
                h->log->log(h, 3, "%s", h->err->message(err));
                h->err->clear(err);
                k = 0;
        }
        if (tell && k >= 0)
                h->log->log(h, 5, "container '%s' was destroyed", name);
        if (r < 0)
                h->err->set(err, r, "%s", message ? message : "out of memory");
        return r < 0 ? r : k;
}

static int run_plan(const struct ec_host *h, struct ec_op *op, struct plan *p, struct ec_err *err)
{
        int32_t status = 0;
        int r = p->keep ? 0 : destroy(h, op, p, 0, err);

        /* A container that cannot be destroyed, such as one of the host's configuration, is not touched afterwards. */
        if (r < 0 && r != -ECANCELED) {
                claim_end(&p->claim, p->claim.made);
                return r;
        }
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
        int terminal, inside, r;

        if (h->opt->is_set(op, "destroy") && h->opt->is_set(op, "no-destroy"))
                return h->err->usage(err, "--destroy and --no-destroy exclude each other");
        if (h->opt->is_set(op, "run")) {
                p.argv = h->opt->values(op, "run");
                if (!*p.argv)
                        return h->err->usage(err, "--run needs a command");
        }
        r = check_names(h, op, err);
        if (r < 0)
                return r;
        terminal = open_terminal(h, op, err);
        if (terminal < -1)
                return terminal;
        r = h->deploy->build(op, err);
        if (r >= 0 && terminal >= 0 && dup2(terminal, STDIN_FILENO) < 0)
                r = h->err->set(err, -errno, "cannot take the terminal as standard input: %s", strerror(errno));
        if (terminal >= 0)
                close(terminal);
        if (r >= 0)
                r = choose_container(h, op, &p.container, err);
        if (r < 0)
                return r;
        inside = session_has(h->containers->name(p.container));
        p.inside = inside && !h->opt->is_set(op, "destroy");
        p.keep = p.inside || h->opt->is_set(op, "no-destroy");
        r = p.keep || inside ? 0 : claim_take(h, op, p.container, h->opt->is_set(op, "destroy"), &p.claim, err);
        return r < 0 ? r : run_plan(h, op, &p, err);
}

/* ---- the plugin --------------------------------------------------------- */

static const struct ec_option options[] = {
        { .name = "run",
          .metavar = "CMD...",
          .arg = EC_ARG_REST,
          .flags = EC_OPT_FINAL,
          .help = "Run a command instead of a shell; takes all following words" },
        { .name = "no-destroy", .short_name = 'n', .help = "Do not destroy the container before or after the session" },
        { .name = "destroy",
          .short_name = 'd',
          .help = "Destroy the container before and after the session, also one that no session has made, and inside a "
                  "session of the same container" },
        { .name = "restart-changed",
          .short_name = 'r',
          .help = "Restart the container if it has changed, even if an update would be enough" },
        /* A session does these anyway. */
        { .name = "start", .short_name = 's', .flags = EC_OPT_HIDDEN, .help = "Start the container" },
        { .name = "update-changed", .short_name = 'u', .flags = EC_OPT_HIDDEN, .help = "Update the container" },
};

static const struct ec_command commands[] = {
        { .name = "shell",
          .synopsis = "[DEFINITION] [NAME]",
          .summary = "Open a shell session with a container that exists only during the session",
          .details = "Builds and starts one container, then opens your own shell ($SHELL) as root, or runs the command "
                     "after --run. If the definition has several containers, add the name of one. In the session, c "
                     "CMD runs "
                     "a command in the container, c alone opens a root shell there, and h lists all commands. $name is "
                     "the container's name, $ip its address.\n\n"
                     "The container is destroyed after the session, however it ends. A container that exists already "
                     "is refused without --no-destroy or --destroy, and so is one with an open session. Inside a "
                     "session, shell for the same container updates it instead of opening another; for another "
                     "container, it opens a nested session.\n\n"
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
          .help = "Show the name of the container in the shell prompt of a session" },
};

static const struct ec_hooks hooks = { .size = sizeof(hooks), .shell = session_hook };

/* Early, because other plugins may know a better address. */
EC_PLUGIN(shell, .version = EC_VERSION, .summary = "Sessions with a container", .order = -50,
          .commands = EC_ARRAY(commands), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = host_as_self);
