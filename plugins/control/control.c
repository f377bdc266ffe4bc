/* SPDX-License-Identifier: MIT */
/* Commands for containers that are installed, of any origin. */
#include "control.h"

#define ALL(text)                                              \
        {                                                      \
                .name = "all", .short_name = 'a', .help = text \
        }

static const struct ec_option start_options[] = { ALL("Start all containers of this host") };
static const struct ec_option stop_options[] = { ALL("Stop all containers of this host") };
static const struct ec_option terminate_options[] = { ALL("Terminate all containers of this host") };
static const struct ec_option reload_options[] = { ALL("Reload all containers that run") };
static const struct ec_option status_options[] = {
        { .name = "quiet", .short_name = 'q', .help = "Print nothing; the exit status tells" },
};
static const struct ec_option run_options[] = {
        { .name = "user",
          .short_name = 'u',
          .metavar = "USER",
          .help = "Run the command as this user of the container; the default is root",
          .arg = EC_ARG_ONE },
        { .name = "cwd",
          .short_name = 'C',
          .metavar = "DIR",
          .help = "Run it in this directory of the container; the default is the user's home",
          .arg = EC_ARG_ONE },
        { .name = "env",
          .short_name = 'e',
          .metavar = "KEY=VALUE",
          .help = "Set a variable of its environment; may be repeated",
          .arg = EC_ARG_ONE,
          .flags = EC_OPT_REPEAT },
};

static const struct ec_option wait_options[] = {
        { .name = "for",
          .metavar = "WHAT",
          .help = "Wait for running (the default), stopped, unit=UNIT in it, or port=PORT, on which it listens by TCP",
          .arg = EC_ARG_ONE },
        { .name = "timeout",
          .metavar = "TIME",
          .help = "Fail after this time; the default is to wait without a limit",
          .arg = EC_ARG_ONE,
          .type = "duration" },
};
static const struct ec_option top_options[] = {
        { .name = "once", .short_name = '1', .help = "Print once, and end" },
        { .name = "interval",
          .short_name = 'i',
          .metavar = "TIME",
          .help = "Print again after this time; the default is 2s",
          .arg = EC_ARG_ONE,
          .type = "duration" },
};

static const struct ec_command commands[] = {
        { .name = "start",
          .synopsis = "NAME... | --all",
          .summary = "Start containers",
          .details = "NAME may be a pattern, such as 'web-*'.",
          .scopes = EC_SCOPE_START,
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(start_options),
          .run = control_start },
        { .name = "stop",
          .synopsis = "NAME... | --all",
          .summary = "Stop containers with a clean shutdown",
          .details =
                  "What a container that takes long waits for is shown. The limit is TimeoutStopSec of its unit; with "
                  "--timeout, a container that has not stopped then is terminated.",
          .scopes = EC_SCOPE_START,
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(stop_options),
          .run = control_stop },
        { .name = "terminate",
          .alias = "kill",
          .synopsis = "NAME... | --all",
          .summary = "Stop containers at once, without a clean shutdown",
          .scopes = EC_SCOPE_START,
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(terminate_options),
          .run = control_terminate },
        { .name = "reload",
          .synopsis = "NAME... | --all",
          .summary = "Switch running containers to their installed systems",
          .details = "As create --update-changed does after it has installed a changed definition.",
          .scopes = EC_SCOPE_START,
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(reload_options),
          .run = control_reload },
        { .name = "status",
          .synopsis = "[NAME...]",
          .summary = "Show the containers of this host, and what runs",
          .details =
                  "Without a name, a table of all containers. With names or patterns, a page for each; the exit status "
                  "is then 3 if one of them does not run. Units that failed in a container are shown only to root.",
          .flags = EC_CMD_LISTING,
          .options = EC_ARRAY(status_options),
          .run = control_status },
        { .name = "wait",
          .synopsis = "NAME...",
          .summary = "Wait until containers run, or until what is in them is up",
          .details = "  extra-container wait web --for port=80 --timeout 1min\n"
                     "  extra-container wait db --for unit=postgresql.service",
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(wait_options),
          .run = control_wait },
        { .name = "top",
          .synopsis = "",
          .summary = "Show what running containers use",
          .details =
                  "Processor time as the share of one processor since the last line, or since the start of the "
                  "container; and what was received and sent in a network of its own. ^C ends it. In a pipe, and with "
                  "--json, it prints once.",
          .flags = EC_CMD_LISTING,
          .options = EC_ARRAY(top_options),
          .run = control_top },
        { .name = "show-host-key",
          .synopsis = "NAME",
          .summary = "Print the public SSH host key of a running container",
          .flags = EC_CMD_ROOT,
          .run = control_show_host_key },
        { .name = "run",
          .alias = "exec",
          .synopsis = "NAME CMD...",
          .summary = "Run a command in a running container",
          .details = "With the environment of a login. Options come before the name; a word -- before the command is "
                     "skipped. If standard input, "
                     "output and error are a terminal, the command "
                     "gets a terminal in the container; otherwise they stay separate. The exit status is that of the "
                     "command, 127 if the command does not exist.\n\n"
                     "  extra-container run web systemctl status nginx\n"
                     "  extra-container run --user postgres db psql < dump.sql\n"
                     "  extra-container run web sh -c 'echo $HOSTNAME; ls | wc -l'",
          .flags = EC_CMD_ROOT | EC_CMD_WORDS,
          .options = EC_ARRAY(run_options),
          .run = control_run },
        { .name = "root-login",
          .alias = "enter",
          .synopsis = "NAME",
          .summary = "Open a root shell in a running container",
          .details = "Press ^] three times within a second to end it.",
          .flags = EC_CMD_ROOT,
          .run = control_root_login },
        { .name = "login",
          .synopsis = "NAME",
          .summary = "Open a login prompt of a running container",
          .details = "Runs login(1) in the container. Press ^] three times within a second to end it.",
          .flags = EC_CMD_ROOT,
          .run = control_login },
};

EC_PLUGIN(control, .version = EC_VERSION, .summary = "Start, stop, look into and enter containers",
          .commands = EC_ARRAY(commands), .init = host_as_self);
