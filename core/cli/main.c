/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/builtin.h"
#include "cli/command.h"
#include "cli/elevate.h"
#include "cli/forward.h"
#include "cli/help.h"
#include "model/deploy/jobs.h"
#include "model/operation/call.h"
#include "model/operation/op.h"
#include "svc/conf/conf.h"
#include "svc/process/env.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/limits.h"
#include "util/strv.h"

#define EXIT_USAGE  2
#define EXIT_MAX    255
#define EXIT_SIGNAL 128 /* + its number */

/* Options before the command. */
struct leading {
        bool help, version;
        const char *config;
        char **rest; /* the command, or an unknown option */
};

/* Otherwise files that are opened later could become stdin, stdout or stderr. */
static void open_standard_fds(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR); /* not O_CLOEXEC: children need them, too */
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                close(fd);
}

static char *program_path(const char *argv0)
{
        _cleanup_free_ char *path = NULL;
        char *real;

        if (fs_readlinkat(AT_FDCWD, "/proc/self/exe", &path) >= 0 && access(path, X_OK) == 0)
                return TAKE_PTR(path);
        /* The file was replaced, or its directory cannot be searched. */
        real = strchr(argv0, '/') ? realpath(argv0, NULL) : NULL;
        return real ? real : strdup(argv0);
}

static void raise_log_level(int level)
{
        if (log_level() < level)
                log_set_level(level);
}

static int parse_leading(char **argv, struct leading *l, struct ec_err *err)
{
        *l = (struct leading){ 0 };
        for (; *argv; argv++) {
                const char *a = *argv;

                if (!strcmp(a, "--help") || !strcmp(a, "-h"))
                        l->help = true;
                else if (!strcmp(a, "--version"))
                        l->version = true;
                else if (!strcmp(a, "--verbose") || !strcmp(a, "-v"))
                        raise_log_level(LOG_INFO);
                else if (!strcmp(a, "--debug"))
                        raise_log_level(LOG_DEBUG);
                else if (str_after(a, "--config="))
                        l->config = str_after(a, "--config=");
                else if (!strcmp(a, "--config")) {
                        if (!*++argv)
                                return err_usage(err, "option '--config' needs a value (FILE)");
                        l->config = *argv;
                } else {
                        if (!strcmp(a, "--"))
                                argv++;
                        break;
                }
        }
        l->rest = argv;
        return 0;
}

static int check_config_option(const char *config, struct ec_err *err)
{
        if (config && geteuid() == 0)
                return err_usage(err, "option '--config' is refused for root; change " EC_SYSCONF_DIR
                                      "/extra-container.ini");
        return 0;
}

static int must_follow(const struct app *a, char **rest, const char *command, struct ec_err *err)
{
        _cleanup_free_ char *words = NULL;
        struct command_ref ref;

        for (char **w = rest; *w && command; w++)
                if (command_find(&a->plugins, *w, &ref))
                        command = NULL; /* it was given, too late */
        if (!command)
                return err_usage(err, "option '%s' must follow the command", *rest);
        words = strv_join(STRV_CONST(rest), " ");
        return words ? err_usage(err, "option '%s' must follow the command, as in 'extra-container %s %s'", *rest,
                                 command, words)
                     : err_oom(err);
}

/* An option was given in place of the command. */
static int misplaced_option(struct app *a, char **rest, struct ec_err *err)
{
        _cleanup_free_ struct command_ref *commands = NULL;
        static const char *const ours[] = { "--help", "--version", "--verbose", "--debug", "--config", NULL };
        const char *word = *rest, *installs = NULL, *near;
        bool known = false;
        int r = commands_list(&a->plugins, &commands, err);

        for (size_t i = 0; r >= 0 && commands[i].command; i++)
                if (command_takes(&a->plugins, &commands[i], word)) {
                        known = true;
                        if (!installs && commands[i].command->scopes & EC_SCOPE_INSTALL)
                                installs = commands[i].command->name;
                }
        if (known)
                return must_follow(a, rest, installs, err);
        if (r >= 0)
                r = app_unknown_option(a, word, err);
        if (r < 0)
                return r;
        near = !strcmp(word, "-V") ? "--version" : str_nearest(word, ours);
        if (near)
                return err_usage(err, "unknown option '%s', did you mean '%s'?", word, near);
        return err_usage(err, "unknown option '%s'; 'extra-container --help' lists the commands", word);
}

/* *ret_args are the words after the command. -ENOENT without err: show the usage. */
static int choose_command(struct app *a, char **rest, bool elevated, struct command_ref *ret, char ***ret_args,
                          struct ec_err *err)
{
        const char *output = getenv("EXTRA_CONTAINER_ETC");

        if (*rest && **rest != '-') {
                *ret_args = rest + 1;
                if (command_find(&a->plugins, *rest, ret))
                        return 0;
                if (app_forwards(a, *rest)) /* there is always room: argv[0] comes before it */
                        return forward(a->program, rest, elevated, err);
                return app_unknown_command(a, *rest, rest[1], err);
        }
        if (output && *output) {
                *ret_args = rest;
                if (command_find_scope(&a->plugins, EC_SCOPE_SHELL, ret))
                        return 0;
                return err_usage(err,
                                 "EXTRA_CONTAINER_ETC is set, but no plugin provides a command that opens a session");
        }
        return *rest ? misplaced_option(a, rest, err) : -ENOENT;
}

/* Parses the words after the command. --config among them starts again, because the tables depend on it; then *ref
 * changes.
 * NOLINTNEXTLINE(misc-no-recursion): the second time, --config is that of the loaded configuration */
static int parse_options(struct app *a, struct command_ref *ref, char **args, struct parsed_options **ret,
                         struct ec_err *err)
{
        _cleanup_(option_set_done) struct option_set set = { 0 };
        _cleanup_(cleanup_options_free) struct parsed_options *o = NULL;
        const char *config;
        int r = command_options(&a->plugins, ref, &set, err);

        if (r < 0)
                return r;
        set.unknown = app_unknown_option;
        set.owners = app_option_owners;
        set.data = a;
        r = options_parse(&set, ref->command, STRV_CONST(args), &o, err);
        if (r < 0)
                return r;
        config = options_value(o, "config");
        if (config && (!a->config || strcmp(config, a->config))) {
                _cleanup_free_ char *name = strdup(ref->command->name);

                if (!name)
                        return err_oom(err);
                r = check_config_option(config, err);
                if (r < 0)
                        return r;
                app_done(a);
                r = app_load(a, config, &builtin_commands, err);
                if (r < 0)
                        return r;
                if (!command_find(&a->plugins, name, ref))
                        return app_unknown_command(a, name, NULL, err);
                return parse_options(a, ref, args, ret, err);
        }
        if (!*ref->command->synopsis && options_args(o)[0])
                return err_usage(err,
                                 ref->command->flags & EC_CMD_LISTING
                                         ? "%s takes no names, but '%s' was given; '%s --json' prints all details"
                                         : "%s takes no arguments, but '%s' was given",
                                 ref->command->name, options_args(o)[0], ref->command->name);
        *ret = TAKE_PTR(o);
        return 0;
}

static int exit_status(int r, const struct ec_err *err)
{
        int sig = r < 0 ? interrupt_signal() : 0;

        return r >= 0 ? r : sig ? EXIT_SIGNAL + sig : err->usage ? EXIT_USAGE : EXIT_FAILURE;
}

/* A command's result as an exit status, or -errno. */
static int command_result(const struct command_ref *ref, int r, struct ec_err *err)
{
        if (r > EXIT_MAX)
                return err_set(err, -ERANGE, "plugin %s: command '%s' returned %d, which is not an exit status",
                               ref->plugin->name, ref->command->name, r);
        if (r >= 0)
                err_done(err); /* not a failure, even if the plugin set one */
        else if (!err->code)
                err_set(err, r, "plugin %s: command '%s' failed: %s", ref->plugin->name, ref->command->name,
                        strerror(-r));
        return r;
}

/* Configure, run, finish: what happens between the start and the end of the plugins. */
static int run_started(const struct command_ref *ref, struct ec_op *op, struct ec_err *err)
{
        _cleanup_free_ char *what = str_printf("command '%s'", ref->command->name);
        int r = what ? 0 : err_oom(err);
        struct call call;

        if (r >= 0 && ref->command->scopes & EC_SCOPE_START)
                r = jobs_limits(op, NULL, err);
        if (r >= 0 && ref->command->scopes)
                r = hooks_configure(op, err);
        if (r >= 0)
                r = interrupt_check(err);
        if (r >= 0) {
                call_enter(&call, op, ref->plugin->name, what, false);
                r = ref->command->run(ref->plugin->self, op, err);
                call_leave(&call);
                r = command_result(ref, r, err);
        }
        hooks_finish(op, exit_status(r, err));
        return r;
}

static int run_command(struct app *a, const struct command_ref *ref, struct parsed_options *options, struct ec_err *err)
{
        struct ec_op op = OP_INIT;
        int r;

        op.command = ref->command;
        op.options = options;
        op.conf = a->conf;
        op.layout = &a->layout;
        op.registry = &a->registry;
        op.program = a->program;
        op.app = a;

        if (!ref->plugin) /* these work even if a plugin is broken */
                r = ref->command->run(NULL, &op, err);
        else {
                r = interrupt_init();
                if (r < 0)
                        err_set(err, r, "cannot set up signals: %s", strerror(-r));
                if (r >= 0)
                        r = app_start(a, err);
                if (r >= 0)
                        r = app_check_used(a, ref, options, err);
                if (r >= 0)
                        r = run_started(ref, &op, err);
        }
        op_done(&op);
        return r;
}

/* The exit status, or -errno. */
static int run(struct app *a, char **argv, bool elevated, struct ec_err *err)
{
        _cleanup_(cleanup_options_free) struct parsed_options *options = NULL;
        struct command_ref ref;
        struct leading l;
        char **args = NULL;
        int r;

        r = parse_leading(argv + 1, &l, err);
        if (r < 0)
                return r;
        if (l.version) {
                term_out("extra-container %s\n", EC_VERSION);
                return 0;
        }
        r = check_config_option(l.config, err);
        if (r >= 0)
                r = app_load(a, l.config, &builtin_commands, err);
        if (r < 0)
                return r;
        if (l.help)
                return help_word(a, *l.rest, err);
        r = choose_command(a, l.rest, elevated, &ref, &args, err);
        if (r == -ENOENT && !err->code) {
                log_notice("Usage: extra-container [OPTION...] COMMAND [ARGUMENT...]\n"
                           "'extra-container --help' lists the commands.");
                return EXIT_USAGE;
        }
        if (r >= 0)
                r = parse_options(a, &ref, args, &options, err);
        if (r < 0)
                return r;
        if (options_is_set(options, "verbose"))
                raise_log_level(LOG_INFO);
        if (options_is_set(options, "debug"))
                raise_log_level(LOG_DEBUG);
        if (options_is_set(options, "help"))
                return help_command(&a->plugins, &ref, err);
        if (ref.plugin) {
                r = plugins_check(&a->plugins, err);
                if (r < 0)
                        return r;
        }
        if (ref.command->flags & EC_CMD_ROOT && geteuid() != 0) {
                if (a->config)
                        return err_usage(err, "%s: '--config' cannot be used with a command that needs root",
                                         ref.command->name);
                if (elevated)
                        return err_set(err, -EPERM, "%s needs root, but sudo did not grant it", ref.command->name);
                return elevate(a->program, argv + 1, err);
        }
        return run_command(a, &ref, TAKE_PTR(options), err);
}

static int report(int r, struct ec_err *err)
{
        const char *hint = r < 0 ? limits_hint(err->code ? err->code : r) : NULL;
        int sig = r < 0 ? interrupt_signal() : 0;

        if (r < 0 && err->code && !(sig && err->code == -ECANCELED))
                log_msg(LOG_ERR, "%s", err_msg(err));
        else if (r < 0 && !sig)
                log_msg(LOG_ERR, "%s", strerror(-r));
        if (hint)
                log_notice("%s", hint);
        if (sig)
                log_notice("interrupted");
        return exit_status(r, err);
}

int main(int argc, char **argv)
{
        bool elevated = getenv(ELEVATED_VARIABLE) != NULL;
        _cleanup_free_ char *program = NULL;
        struct ec_err err = { 0 };
        struct app app = { 0 };
        int status, r;

        open_standard_fds();
        if (argc < 1)
                return EXIT_USAGE;
        unsetenv(ELEVATED_VARIABLE);
        call_init();
        term_set_wait(interrupt_wait_writable);
        app.program = program = program_path(argv[0]);
        r = program ? run(&app, argv, elevated, &err) : err_oom(&err);
        status = report(r, &err);
        app_done(&app);
        r = term_flush();
        if (r < 0) {
                /* A reader that closed the pipe, or an interrupt, is not an error. */
                if (r != -EPIPE && r != -ECANCELED)
                        log_msg(LOG_ERR, "cannot write to standard output: %s", strerror(-r));
                if (!status)
                        status = r == -ECANCELED ? EXIT_SIGNAL + interrupt_signal() : EXIT_FAILURE;
        }
        err_done(&err);
        return status;
}
