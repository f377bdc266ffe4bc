/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The services of plugin.h without the program: a test sets their results, runs a
 * command or a hook of a plugin, and reads the calls that the plugin made. Nothing of
 * core/ is linked.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <extra-container/plugin.h>

struct fake_pair {
        char *key, *value;
        char **words; /* of a list, once conf->get_list() has split it */
        struct fake_pair *next;
};

struct ec_err {
        int32_t code;
        int usage;
        char *msg;
};
struct ec_container {
        char *name, *unit, *unit_path, *conf_path, *state_path;
        struct fake_pair *conf;
        int installed, active;
        const char *sub; /* NULL: it runs, if it is active; else it is starting, and this is the state of its unit */
        uint32_t change; /* EC_CHANGE_* */
        uint32_t origin; /* EC_ORIGIN_* */
        const char *failed[4]; /* units in it */
        const char *cgroup;
        struct ec_container *next;
};
struct fake;
struct ec_op {
        struct fake *fake;
};
struct ec_eval {
        struct fake *fake;
};
struct ec_shell {
        struct fake *fake;
        const struct ec_container *container;
        const struct ec_plugin *plugin; /* its hook is called by open(); NULL: no hook */
        void *self;
        char *dir; /* "/session", where no commands are created */
        char *env[32], *help[32];
};
struct ec_table {
        struct fake *fake;
        const struct ec_array *columns;
};

struct fake {
        struct ec_host host;
        struct ec_op op;
        struct ec_eval eval;
        struct ec_shell shell;
        struct ec_err err;
        struct fake_pair *options;          /* given on the command line; "" for switches, repeated ones in order */
        struct fake_pair *settings, *paths; /* also the texts of files in containers, by their paths */
        char *args[32];
        const char *command;
        struct ec_container *containers; /* sorted by name by the test */
        const char *output;              /* result of a build */
        int32_t status;                  /* exit status of programs, executions and sessions */
        const char *fail_at;             /* the service that fails, "deploy.install" */
        int fail_code;                   /* its result; -EIO if 0 */
        char *calls;                     /* calls of the plugin, one per line: "deploy.start 3" */
        char *out;                       /* stdout */
        char *log;                       /* "LEVEL: text", one per line */
        char *table;                     /* rows: "key=value;key=value;", one per line */
        /* Sets the output and result of a program; NULL: no output, and status. */
        int (*proc)(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret);
        const char *values[32];                  /* result of opt->values() */
        const struct ec_container *selected[32]; /* result of containers->select() */
        void (*waited)(struct fake *f);          /* called by systemd->wait(); or NULL */
        int is_tty;                              /* stdout */
        int interrupted;                         /* cancel->check() fails */
        int cancel_fd, checks, held, locked;
};

void fake_init(struct fake *f);
void fake_done(struct fake *f);
void fake_option(struct fake *f, const char *name, const char *value);
void fake_args(struct fake *f, const char *first, ...) __attribute__((sentinel)); /* "a", "b", (char *)NULL */
void fake_setting(struct fake *f, const char *key, const char *value);
void fake_path(struct fake *f, const char *what, const char *path);
/* dir: the directory that its links and its state are reported in. */
struct ec_container *fake_container(struct fake *f, const char *name, const char *dir, int installed);
void fake_conf(struct ec_container *c, const char *key, const char *value);
/* Clears calls, out, log, table, options, arguments and the error. */
void fake_reset(struct fake *f);
void fake_note(struct fake *f, const char *fmt, ...) EC_PRINTF(2, 3);

/* For use as proc: really runs the program with its input and captures its output. */
int fake_spawn(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret);

/* Returns the plugin's own data, made by its init and freed by fake_unload(). */
void *fake_load(struct fake *f, const struct ec_plugin *p);
void fake_unload(const struct ec_plugin *p, void *self);
const struct ec_command *fake_find_command(const struct ec_plugin *p, const char *name);
/* Runs a command and returns its result. */
int fake_run(struct fake *f, const struct ec_plugin *p, void *self, const char *command);
/* Checks the rules for every plugin's descriptor. */
void fake_check_descriptor(const struct ec_plugin *p);
