/* SPDX-License-Identifier: MIT */
#ifndef EXTRA_CONTAINER_PLUGIN_H
#define EXTRA_CONTAINER_PLUGIN_H
/*
 * The whole contract between extra-container and its plugins: a plugin
 * includes this header and libc's, and imports nothing from the program.
 *
 * Rules of the ABI, checked by tests/abi:
 *  1. A struct that crosses starts with its size, or travels in a struct
 *     ec_array with its stride, and grows only at its end.
 *  2. A function pointer never changes its signature; a new need is a new
 *     member at the end of its table.
 *  3. Only fixed-width integers, size_t, int as a result,
 *     const char * and pointers cross: no bool, enum, bitfield, off_t, FILE *.
 *  4. Who allocates, frees. Strings given to the host are copied by it;
 *     strings got from the host live as long as the object they came from,
 *     except char ** results, which go back through host->mem_free().
 *
 * Results: 0, or a positive outcome where one is documented; a negative
 * errno is a failure, and then *err says what failed, in one sentence
 * without a trailing full stop. err is last, and untouched on success. It is
 * NULL only where nobody wants to know: in calls out of finish(), which has none.
 * A plugin never prints an error: it returns it.
 *
 * Every member is "since 1.0" unless it says otherwise.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EC_ABI_MAJOR 1 /* a part of the symbol's name: ec_plugin_v1_<name> */
#define EC_ABI_MINOR 0

#define EC_EXPORT __attribute__((visibility("default")))
#define EC_PRINTF(f, a) __attribute__((format(printf, f, a)))

struct ec_host;      /* the services, as one plugin sees them */
struct ec_op;        /* one run of one command */
struct ec_err;       /* the error of one call chain, owned by the core */
struct ec_eval;      /* a Nix evaluation that is being put together */
struct ec_container; /* a container: of the operation, or an installed one */
struct ec_shell;     /* a shell session that is being put together */
struct ec_table;     /* a listing that is being filled */

/* An array of constant structs; stride lets them grow in later minors. */
struct ec_array {
        const void *items;
        uint32_t count, stride;
};
#define EC_ARRAY(a) { (a), sizeof(a) / sizeof((a)[0]), sizeof((a)[0]) }

/* ---- what a plugin declares ------------------------------------------ */

/* What a command passes through. An option of a plugin's own table and the
 * hooks take part in each command that has one of their scopes, whoever owns
 * the command: nobody names a command. */
#define EC_SCOPE_BUILD   (UINT32_C(1) << 0)
#define EC_SCOPE_INSTALL (UINT32_C(1) << 1)
#define EC_SCOPE_START   (UINT32_C(1) << 2)
#define EC_SCOPE_SHELL   (UINT32_C(1) << 3)
#define EC_SCOPE_DESTROY (UINT32_C(1) << 4)

#define EC_ARG_NONE 0 /* a switch */
#define EC_ARG_ONE  1 /* --name VALUE or --name=VALUE */
#define EC_ARG_REST 2 /* all that follows, up to an EC_OPT_FINAL option */

#define EC_OPT_FINAL  (UINT32_C(1) << 0) /* ends another option's EC_ARG_REST */
#define EC_OPT_REPEAT (UINT32_C(1) << 1) /* may be given more than once */
#define EC_OPT_HIDDEN (UINT32_C(1) << 2) /* not in help, man page, completion */

struct ec_option {
        const char *name;    /* "ssh" is --ssh */
        const char *metavar; /* name of the value in help; NULL for switches */
        const char *help;    /* one sentence, no trailing full stop */
        uint32_t scopes;     /* ignored in a command's own table */
        uint32_t arg;        /* EC_ARG_* */
        uint32_t flags;      /* EC_OPT_* */
        int32_t short_name;  /* 's' is -s, 0 is none; a command's own only */
};

/* A key in the INI section of the plugin's name. type: "string", "bool",
 * "path", "int", "duration" ("10s", "500ms", "2min") or "list" (words). */
struct ec_setting {
        const char *key, *type, *def, *help;
};

#define EC_CMD_ROOT       (UINT32_C(1) << 0) /* needs root: runs itself through sudo */
#define EC_CMD_HIDDEN     (UINT32_C(1) << 1)
#define EC_CMD_DEFINITION (UINT32_C(1) << 2) /* arguments: a definition, then names */
#define EC_CMD_LISTING    (UINT32_C(1) << 3) /* gets --json */
#define EC_CMD_WORDS      (UINT32_C(1) << 4) /* options end at the first argument */

struct ec_command {
        const char *name;
        const char *alias;    /* or NULL */
        const char *synopsis; /* its arguments: "[DEFINITION] [NAME...]" */
        const char *summary;  /* one line of the overview */
        const char *details;  /* paragraphs for help and man page, or NULL */
        uint32_t scopes, flags;
        struct ec_array options; /* struct ec_option: this command's own */
        /* Returns the exit status (0 to 255), or -errno with err set. */
        int (*run)(void *self, struct ec_op *op, struct ec_err *err);
};

/*
 * Hooks return 0, or -errno with err set. They are called in (order, name);
 * only hooks of plugins that are on, and only in commands that pass through
 * the phase. Any may be NULL.
 */
struct ec_hooks {
        uint32_t size, reserved;
        /* Options are parsed; nothing is done yet. Failure stops the command. */
        int (*configure)(void *self, struct ec_op *op, struct ec_err *err);
        /* Before Nix: add modules and arguments. Failure stops. */
        int (*eval)(void *self, struct ec_op *op, struct ec_eval *ev, struct ec_err *err);
        /* Each new or changed container, before the first link. Failure stops: a veto. */
        int (*pre_install)(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err);
        /* Its links stand. Failure: `removed` of those done so far, backwards,
         * and this container's links are put back as they were. */
        int (*installed)(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err);
        /* It runs. Failure is a warning. */
        int (*started)(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err);
        /* A session opens: add variables and commands. Failure stops. */
        int (*shell)(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
        /* It is stopped next / it is gone. Failure is a warning, destroy goes on. */
        int (*pre_destroy)(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err);
        int (*removed)(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err);
        /* Always, backwards, after the command; status is its exit status. */
        void (*finish)(void *self, struct ec_op *op, int status);
};

#define EC_PROVIDES_GCROOT (UINT32_C(1) << 0) /* no such plugin: install warns */

struct ec_plugin {
        uint32_t size;
        uint16_t abi_major, abi_minor;
        const char *name;    /* ^[a-z][a-z0-9_]{0,31}$, as in NAME.so */
        const char *version;
        const char *summary; /* one line of `extra-container plugins` */
        int32_t order;       /* of its hooks; equal: by name */
        uint32_t provides;   /* EC_PROVIDES_* */
        struct ec_array commands, options, settings;
        const struct ec_hooks *hooks; /* or NULL */
        /* Once, before the first hook or command. host stays valid until
         * done() returned. ret_self is handed to every later call. May be NULL. */
        int (*init)(const struct ec_host *host, void **ret_self, struct ec_err *err);
        void (*done)(void *self); /* frees it; may be NULL */
};

/* One per plugin; the file id.so holds EC_PLUGIN(id, ...). The id is a part of
 * the symbol, so that several plugins can be linked into one test program, and
 * it is data, so that no plugin code runs before the plugin is accepted. */
#define EC_PLUGIN(id, ...)                                                     \
        extern EC_EXPORT const struct ec_plugin ec_plugin_v1_##id;             \
        const struct ec_plugin ec_plugin_v1_##id = {                           \
                .size = sizeof(struct ec_plugin), .abi_major = EC_ABI_MAJOR,   \
                .abi_minor = EC_ABI_MINOR, .name = #id, __VA_ARGS__ }

/* ---- services ---------------------------------------------------------- */

/* Levels as in syslog: 3 error, 4 warning, 5 notice, 6 info, 7 debug. To
 * stderr; info with --verbose, debug with --debug. */
struct ec_log_api {
        uint32_t size, reserved;
        void (*log)(const struct ec_host *host, int32_t level, const char *fmt, ...) EC_PRINTF(3, 4);
};

struct ec_err_api {
        uint32_t size, reserved;
        /* Sets the message of a failure where it is born; returns code (< 0). */
        int (*set)(struct ec_err *err, int32_t code, const char *fmt, ...) EC_PRINTF(3, 4);
        /* The same for a wrong use of the command line: exit status 2. Returns -EINVAL. */
        int (*usage)(struct ec_err *err, const char *fmt, ...) EC_PRINTF(2, 3);
        /* Puts "text: " before the message, on the way up; returns err's code. */
        int (*prefix)(struct ec_err *err, const char *fmt, ...) EC_PRINTF(2, 3);
        const char *(*message)(const struct ec_err *err); /* "" while there is none */
        /* Forgets it, where a failure is no failure to the caller. */
        void (*clear)(struct ec_err *err);
};

/* What the command line holds; strings live as long as op. */
struct ec_opt_api {
        uint32_t size, reserved;
        int (*is_set)(const struct ec_op *op, const char *name);               /* times given */
        const char *(*value)(const struct ec_op *op, const char *name);        /* the last, or NULL */
        /* All values of an EC_ARG_REST or EC_OPT_REPEAT option; NULL-terminated, never NULL. */
        const char *const *(*values)(const struct ec_op *op, const char *name);
        const char *const *(*args)(const struct ec_op *op); /* arguments, NULL-terminated */
        const char *(*command)(const struct ec_op *op);     /* the command's own name */
};

/* Settings of the calling plugin's section: the file's value, else the default
 * it declared; NULL if neither. Values were checked against their type. */
struct ec_conf_api {
        uint32_t size, reserved;
        const char *(*get)(const struct ec_host *host, const char *key);
        int (*get_bool)(const struct ec_host *host, const char *key);            /* 0 or 1 */
        uint64_t (*get_ms)(const struct ec_host *host, const char *key);         /* a "duration" */
        int (*plugin_loaded)(const struct ec_host *host, const char *name);      /* 0 or 1 */
        /* A path of the host: "units", "conf", "state", "gcroots", "profiles",
         * "run", "data" (the program's own read-only files), "root"; NULL: no such. */
        const char *(*path)(const struct ec_host *host, const char *what);
};

#define EC_PROC_CAPTURE     (UINT32_C(1) << 0) /* stdout into the result */
#define EC_PROC_CAPTURE_ERR (UINT32_C(1) << 1) /* stderr into the result */
#define EC_PROC_NULL_STDIN  (UINT32_C(1) << 2) /* else inherited, unless `in` is set */
#define EC_PROC_TERMINAL    (UINT32_C(1) << 3) /* child owns the terminal; INT and QUIT are its */
#define EC_PROC_NO_CANCEL   (UINT32_C(1) << 4) /* ^C is left pending: for undo steps */

struct ec_proc {
        uint32_t size, flags;
        const char *const *argv; /* argv[0] is looked up in PATH */
        const char *const *env;  /* "K=V" sets, "K" unsets, rest inherited; or NULL */
        const char *cwd;         /* or NULL */
        const void *in;          /* stdin's content, or NULL */
        size_t in_len;
        uint32_t timeout_ms;     /* 0: none; passed: killed, -ETIMEDOUT */
        uint32_t reserved;
};
struct ec_proc_result {
        uint32_t size;
        int32_t status; /* exit status, or 128 + signal */
        char *out;      /* NUL-terminated */
        size_t out_len;
        char *err;
        size_t err_len;
};
struct ec_proc_api {
        uint32_t size, reserved;
        /* Runs a program and waits. A status other than 0 is not a failure of this
         * call. -ENOENT: no such program; -ECANCELED: the user interrupted. */
        int (*run)(struct ec_op *op, const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err);
        void (*result_done)(struct ec_proc_result *r); /* frees out and err */
};

/* For the `eval` hook. */
struct ec_nix_api {
        uint32_t size, reserved;
        int (*add_module)(struct ec_eval *ev, const char *path, struct ec_err *err); /* absolute path of a feature module */
        int (*add_arg)(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err); /* modules see ecArgs.name */
        int (*add_build_arg)(struct ec_eval *ev, const char *arg, struct ec_err *err); /* as after --build-args */
        int (*setenv)(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err); /* of Nix; value NULL unsets */
};

/* Units of the host's systemd. Jobs run in parallel; each call waits for all. */
struct ec_systemd_api {
        uint32_t size, reserved;
        int (*start)(struct ec_op *op, const char *const *units, struct ec_err *err);
        int (*stop)(struct ec_op *op, const char *const *units, struct ec_err *err);
        int (*reload)(struct ec_op *op, struct ec_err *err); /* daemon-reload */
        int (*active)(struct ec_op *op, const char *unit, struct ec_err *err); /* 1 active, 0 not */
        /* A string property, e.g. iface "Service", prop "Result". */
        int (*get_string)(struct ec_op *op, const char *unit, const char *iface, const char *prop, char **ret, struct ec_err *err);
};

#define EC_EXEC_TTY    (UINT32_C(1) << 0) /* a terminal of the container, tied to ours */
#define EC_EXEC_LOGIN  (UINT32_C(1) << 1) /* a login shell of `user`; argv is run by it, if set */

struct ec_exec {
        uint32_t size, flags;
        const char *machine;     /* container name */
        const char *const *argv; /* looked up in the container's PATH */
        const char *const *env;  /* "K=V", added; or NULL */
        const char *user;        /* NULL: root */
        const char *cwd;         /* NULL: the user's home */
        int32_t fds[3];          /* stdin, stdout, stderr; unused with EC_EXEC_TTY */
        uint32_t timeout_ms;     /* 0: none */
};
struct ec_machine_api {
        uint32_t size, reserved;
        /* Runs a command inside a running container and waits; *ret_status is its
         * exit status, 128 + signal if it was killed, 127 and 126 as a shell's. */
        int (*exec)(struct ec_op *op, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err);
        int (*running)(struct ec_op *op, const char *name, struct ec_err *err); /* 1 or 0 */
        int (*leader)(struct ec_op *op, const char *name, uint32_t *ret_pid, struct ec_err *err);
};

struct ec_containers_api {
        uint32_t size, reserved;
        /* Strings live as long as the container: for hooks and callbacks, their call. */
        const char *(*name)(const struct ec_container *c);
        const char *(*unit)(const struct ec_container *c);        /* "container@NAME.service" */
        const char *(*unit_path)(const struct ec_container *c);   /* its link in the unit directory */
        const char *(*conf_path)(const struct ec_container *c);   /* its link in the conf directory */
        const char *(*state_path)(const struct ec_container *c);  /* root file system of the container */
        const char *(*conf_get)(const struct ec_container *c, const char *key); /* "LOCAL_ADDRESS"; NULL: not set */
        /* fn returning non-zero ends the walk with that value. In name order. */
        int (*foreach)(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data, struct ec_err *err);
        int (*foreach_installed)(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data, struct ec_err *err);
};

#define EC_START_STOPPED (UINT32_C(1) << 0) /* start what does not run */
#define EC_START_UPDATE  (UINT32_C(1) << 1) /* changed and running: switch, or restart if it must be */
#define EC_START_RESTART (UINT32_C(1) << 2) /* changed and running: restart */
#define EC_START_DETACH  (UINT32_C(1) << 3) /* ^C ends the wait for a start and not the command */

#define EC_DESTROY_ALL    (UINT32_C(1) << 0) /* every installed one; names are ignored */
#define EC_DESTROY_ABSENT (UINT32_C(1) << 1) /* a name that is not installed is no error */
#define EC_DESTROY_QUIET  (UINT32_C(1) << 2) /* no result lines on stdout */
#define EC_DESTROY_NO_CANCEL (UINT32_C(1) << 3) /* interruptions are left pending: for undo steps */

/* The phases of an operation, for commands to drive; the hooks run inside. */
struct ec_deploy_api {
        uint32_t size, reserved;
        /* Definition to etc output, held alive until op ends. A second call does nothing. */
        int (*build)(struct ec_op *op, struct ec_err *err);
        const char *(*output)(const struct ec_op *op); /* store path; NULL before build */
        int (*install)(struct ec_op *op, struct ec_err *err);
        /* flags: EC_START_*. Handles all; then -errno if one of them failed. 1: with
         * EC_START_DETACH, after ^C: containers go on starting that nobody waited for. */
        int (*start)(struct ec_op *op, uint32_t flags, struct ec_err *err);
        /* NULL-terminated names of installed containers. */
        int (*restart)(struct ec_op *op, const char *const *names, struct ec_err *err);
        /* names NULL: what the definition defines. flags: EC_DESTROY_*. */
        int (*destroy)(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
        /* A session for the one container of op: argv NULL is the user's own shell.
         * Runs the shell hooks; *ret_status as of struct ec_proc_result. -ECANCELED: TERM or
         * HUP has ended it. Result lines of a command with EC_SCOPE_SHELL go to stderr. */
        int (*shell)(struct ec_op *op, const char *const *argv, int32_t *ret_status, struct ec_err *err);
};

/* For the `shell` hook. */
struct ec_shell_api {
        uint32_t size, reserved;
        const struct ec_container *(*container)(const struct ec_shell *sh);
        int (*setenv)(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err); /* value NULL unsets */
        /* A command on the session's PATH: script is its whole text, with its #! line;
         * help is its line in `h`, "cssh [CMD]\tText", or NULL. */
        int (*command)(struct ec_shell *sh, const char *name, const char *script, const char *help, struct ec_err *err);
        const char *(*dir)(const struct ec_shell *sh); /* private, removed with the session */
};

/* The only way to stdout. */
struct ec_term_api {
        uint32_t size, reserved;
        void (*out)(const struct ec_host *host, const char *fmt, ...) EC_PRINTF(2, 3);
        int (*is_tty)(const struct ec_host *host); /* stdout is a terminal */
};

#define EC_COL_STR  0
#define EC_COL_INT  1
#define EC_COL_BOOL 2
#define EC_COL_LIST 3 /* of strings; newline-separated in set_str */
#define EC_COL_SIZE 4 /* bytes: an integer in JSON, "1.2 MiB" in a table */
#define EC_COL_TIME 5 /* seconds since 1970: likewise */

#define EC_COL_JSON_ONLY (UINT32_C(1) << 0)

struct ec_column {
        const char *key;   /* in JSON */
        const char *title; /* in a table */
        uint32_t type, flags;
};

/* Listings: the core renders a table on a terminal, tab-separated lines in a
 * pipe, or JSON with --json. A cell that is not set is empty, null in JSON. */
struct ec_table_api {
        uint32_t size, reserved;
        int (*create)(struct ec_op *op, const struct ec_array *columns, struct ec_table **ret, struct ec_err *err);
        int (*add_row)(struct ec_table *t, struct ec_err *err);
        int (*set_str)(struct ec_table *t, const char *key, const char *value, struct ec_err *err); /* in the last row */
        int (*set_int)(struct ec_table *t, const char *key, int64_t value, struct ec_err *err);     /* also BOOL, SIZE, TIME */
        int (*print)(struct ec_table *t, struct ec_err *err);
        void (*free)(struct ec_table *t);
};

struct ec_host {
        uint32_t size;
        uint16_t abi_major, abi_minor;
        const struct ec_log_api *log;
        const struct ec_err_api *err;
        const struct ec_opt_api *opt;
        const struct ec_conf_api *conf;
        const struct ec_proc_api *proc;
        const struct ec_nix_api *nix;
        const struct ec_systemd_api *systemd;
        const struct ec_machine_api *machine;
        const struct ec_containers_api *containers;
        const struct ec_deploy_api *deploy;
        const struct ec_shell_api *shell;
        const struct ec_term_api *term;
        const struct ec_table_api *table;
        void (*mem_free)(void *p);  /* for what a service gave as char ** */
        const char *plugin_dir;     /* where this plugin's module.nix and other files are */
        const char *program;        /* absolute path of extra-container itself */
};

/* For members newer than the minor a plugin needs at least. */
#define EC_HAS(api, member)                                                    \
        ((api) && (api)->size >= offsetof(__typeof__(*(api)), member) + sizeof((api)->member) && (api)->member)

#ifdef __cplusplus
}
#endif
#endif
