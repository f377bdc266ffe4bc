/* SPDX-License-Identifier: MIT */
#ifndef EXTRA_CONTAINER_PLUGIN_H
#define EXTRA_CONTAINER_PLUGIN_H
/*
 * The whole contract between extra-container and its plugins. A plugin includes
 * <extra-container/plugin.h> and headers of libc, and imports nothing from the
 * program.
 *
 * Rules of the ABI, checked by tests/abi:
 *  1. A struct that crosses the border starts with its size, or travels in a
 *     struct ec_array with its stride, and only grows at the end, by whole
 *     words: it has no padding, whose bytes C leaves undefined.
 *  2. A function pointer never changes its signature; a new need is a new
 *     member at the end of its table.
 *  3. Only fixed-width integers, size_t, int as a result, const char * and
 *     pointers cross: no bool, enum, bitfield, off_t or FILE *.
 *  4. The side that allocates memory frees it. The program copies the strings
 *     that it is given. Strings that it returns live as long as the object they
 *     belong to, except char ** results, which are freed with host->mem_free().
 *  5. What the receiver does not know is refused, never ignored: unknown flag
 *     bits (-EINVAL), reserved members that are not zero, and a longer struct
 *     whose extra bytes are not zero (-E2BIG). host->abi_minor says what the
 *     program knows.
 *  6. In the other direction a plugin expects more values than it knows: it
 *     treats an unknown EC_CHANGE_* like EC_CHANGE_RESTART, and any other
 *     positive result as success.
 *  7. No pointer may be NULL unless its comment says so, except err.
 *
 * Results: 0, or a positive outcome where one is documented. A negative errno
 * is a failure, and *err then says in one sentence, without a trailing full
 * stop, what failed. err is the last parameter, except in host->err, and is
 * untouched on success. It may be NULL if the caller does not want the text. A
 * plugin returns its errors; it never prints them. An error that it sets
 * although it succeeds is forgotten.
 *
 * Where services may be called:
 *  - log, err, conf, term, cancel (with op NULL) and mem_free: everywhere, also
 *    in init() and done();
 *  - opt, proc, systemd, machine, containers, table, deploy->output(),
 *    deploy->lock() and deploy->unlock(): wherever an op is at hand;
 *    containers->foreach() only once the definition is built, or from run();
 *  - nix: in the `eval` hook, with the struct ec_eval that it is given;
 *  - shell->setenv() and shell->command(): in the `shell` hook;
 *  - the rest of deploy, and shell->open(): only from a command's run(). In a
 *    hook they return -EDEADLK, because they would wait for the run that called
 *    the hook. A command must declare the scope of each phase it calls.
 *
 * Threads: call services only from the thread that called the plugin. The
 * descriptor of cancel->fd() may be polled in any thread. A thread that a
 * plugin starts must block all signals and end before done() returns.
 *
 * Signals: INT, TERM and HUP ask the run to stop. The first one makes
 * cancel->check() and every service that waits return -ECANCELED; the plugin
 * then undoes what it has to (between cancel->hold() and cancel->release(),
 * services work again) and returns -ECANCELED. A blocking system call of the
 * plugin's own fails with EINTR if it is one that signals interrupt. A second
 * signal, half a second or more after the first, ends the program at once if it
 * arrives while code of a plugin runs, or in a service while signals are held;
 * the plugin is named. SIGPIPE is ignored. A plugin changes no signal handler
 * or mask.
 *
 * A plugin never ends the process, and never closes descriptors 0 to 2. If it
 * calls exit() or crashes, the program names it and ends with status 1, or with
 * the signal. In C++ (20 or later) no exception may leave a function.
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
struct ec_err;       /* the error of one call chain, owned by the program */
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

/* The phases that a command passes through. The options in a plugin's own table
 * appear in every command that has one of their scopes, whichever plugin owns
 * the command; so no plugin needs to name a command. */
#define EC_SCOPE_BUILD   (UINT32_C(1) << 0) /* evaluates a definition */
#define EC_SCOPE_INSTALL (UINT32_C(1) << 1) /* installs its containers */
#define EC_SCOPE_START   (UINT32_C(1) << 2) /* starts or restarts some */
#define EC_SCOPE_SHELL   (UINT32_C(1) << 3) /* opens a session */
#define EC_SCOPE_DESTROY (UINT32_C(1) << 4) /* removes containers */

/* What an option takes. */
#define EC_ARG_NONE 0 /* a switch */
#define EC_ARG_ONE  1 /* --name VALUE or --name=VALUE */
#define EC_ARG_REST 2 /* all that follows, up to an EC_OPT_FINAL option */

/* Flags of an option. */
#define EC_OPT_FINAL  (UINT32_C(1) << 0) /* ends another's EC_ARG_REST */
#define EC_OPT_REPEAT (UINT32_C(1) << 1) /* may be given more than once */
#define EC_OPT_HIDDEN (UINT32_C(1) << 2) /* not in help and completion */

/* A later minor of the program may add options and commands of its own: names
 * that begin with the plugin's are safe from them. */
struct ec_option {
        const char *name;    /* "ssh" is --ssh */
        const char *metavar; /* name of the value in help; NULL for switches */
        const char *help;    /* one sentence, no trailing full stop */
        uint32_t scopes;     /* ignored in a command's own table */
        uint32_t arg;        /* EC_ARG_* */
        uint32_t flags;      /* EC_OPT_* */
        int32_t short_name;  /* 's' is -s, or 0; a command's own only */
        const char *type;    /* of the value of EC_ARG_ONE: "string", "bool",
                              * "path", "int" or "duration", as of a setting;
                              * NULL: "string" */
};

/* A key in the INI section that has the plugin's name. A default that does not
 * fit its type rejects the plugin. The types are:
 *  - "string": any text;
 *  - "bool": yes, no, on, off, true, false, 1 or 0;
 *  - "path": an absolute path, or empty;
 *  - "int": a whole number, decimal, of 64 bits;
 *  - "duration": numbers with the units ms, s, min, h or d, which are added
 *    ("500ms", "1min 30s"), or a number of seconds;
 *  - "list": words separated by blanks. */
struct ec_setting {
        const char *key, *type, *def, *help;
};

/* Flags of a command. */
#define EC_CMD_ROOT       (UINT32_C(1) << 0) /* re-executed through sudo */
#define EC_CMD_HIDDEN     (UINT32_C(1) << 1) /* not in help and completion */
#define EC_CMD_DEFINITION (UINT32_C(1) << 2) /* a definition, then names */
#define EC_CMD_LISTING    (UINT32_C(1) << 3) /* gets --json */
#define EC_CMD_WORDS      (UINT32_C(1) << 4) /* options end at 1st argument */

struct ec_command {
        const char *name;
        const char *alias;    /* or NULL */
        const char *synopsis; /* its arguments: "[DEFINITION] [NAME...]". "" or
                               * NULL: the program refuses arguments; with any
                               * other text, run() checks them */
        const char *summary;  /* one line of the overview */
        const char *details;  /* paragraphs for help and man page, or NULL */
        uint32_t scopes;         /* EC_SCOPE_*: the phases it passes through */
        uint32_t flags;          /* EC_CMD_* */
        struct ec_array options; /* struct ec_option: this command's own */
        /* Returns the exit status (0 to 255), or -errno with err set. Another
         * number is a failure that names the plugin. */
        int (*run)(void *self, struct ec_op *op, struct ec_err *err);
};

/*
 * Hooks return 0, or -errno with err set. They are called in (order, name) of
 * their plugins, and only in commands that pass through the phase. Any of them
 * may be NULL. Hooks that may wait get all containers at once, in an array that
 * ends with NULL and is never empty; they are not called after an interrupt.
 * size is sizeof(struct ec_hooks), and reserved is 0.
 */
struct ec_hooks {
        uint32_t size, reserved;
        /* Options are parsed; nothing is done yet. A failure stops. Not called
         * for commands without scopes. */
        int (*configure)(void *self, struct ec_op *op, struct ec_err *err);
        /* Before Nix: add modules and arguments. A failure stops. */
        int (*eval)(void *self, struct ec_op *op, struct ec_eval *ev,
                    struct ec_err *err);
        /* For each new or changed container, before the first link is made; a
         * container that stays as it is does not pass here. unit_target() and
         * conf_target(), which are not NULL here, and change() say what would
         * be installed. A failure is a veto: nothing is installed. */
        int (*pre_install)(void *self, struct ec_op *op,
                           const struct ec_container *c, struct ec_err *err);
        /* The container's links are in place. On failure, the `undo` hooks of
         * the plugins that succeeded are called in reverse plugin order, and
         * the links of this container become what they were. The plugin that failed has
         * undone its own part. */
        int (*installed)(void *self, struct ec_op *op,
                         const struct ec_container *c, struct ec_err *err);
        /* `installed` is rolled back: the container becomes what it was
         * before, an older version or not installed. The links are put back
         * after this hook. A failure is a warning. */
        int (*undo)(void *self, struct ec_op *op,
                    const struct ec_container *c, struct ec_err *err);
        /* These run now, after a start or a restart. A failure is a warning. */
        int (*started)(void *self, struct ec_op *op,
                       const struct ec_container *const *containers,
                       struct ec_err *err);
        /* These switched to a new system while they ran. A failure is a
         * warning. */
        int (*updated)(void *self, struct ec_op *op,
                       const struct ec_container *const *containers,
                       struct ec_err *err);
        /* This run stopped these, but not for a restart; `removed` follows if
         * they are destroyed. A failure is a warning. */
        int (*stopped)(void *self, struct ec_op *op,
                       const struct ec_container *const *containers,
                       struct ec_err *err);
        /* These could not be started, restarted or updated. After a failed
         * update the container still runs: ask machine->running(). A failure
         * is a warning. */
        int (*failed)(void *self, struct ec_op *op,
                      const struct ec_container *const *containers,
                      struct ec_err *err);
        /* A session opens: add variables and commands. A failure stops. */
        int (*shell)(void *self, struct ec_op *op, struct ec_shell *sh,
                     struct ec_err *err);
        /* It is about to be stopped and removed. A failure is a warning. */
        int (*pre_destroy)(void *self, struct ec_op *op,
                           const struct ec_container *c, struct ec_err *err);
        /* It is gone, and so are its files: only its name and its paths are
         * known. A failure is a warning. Called in reverse plugin order. */
        int (*removed)(void *self, struct ec_op *op,
                       const struct ec_container *c, struct ec_err *err);
        /* Always called after the command, in reverse plugin order; status is
         * its exit status. Also called if `configure` was not, or failed. */
        void (*finish)(void *self, struct ec_op *op, int status);
};

/* What a plugin provides for the others. */
#define EC_PROVIDES_GCROOT (UINT32_C(1) << 0) /* installing warns without it */

struct ec_plugin {
        uint32_t size;
        uint16_t abi_major, abi_minor;
        const char *name; /* ^[a-z][a-z0-9_]{0,31}$, as in NAME.so; sections of
                           * the INI that are not a plugin's are reserved */
        const char *version;
        const char *summary;  /* one line of `extra-container plugins` */
        int32_t order;        /* of its hooks; equal: by name */
        uint32_t provides;    /* EC_PROVIDES_* */
        uint32_t needs_minor; /* a program of a lower minor rejects it */
        uint32_t reserved;
        struct ec_array commands, options, settings;
        const struct ec_hooks *hooks; /* or NULL */
        /* Called once, before the first hook or command. host stays valid until
         * done() has returned. ret_self is passed to every later call. May be
         * NULL. A plugin whose init() fails is rejected, and the program
         * continues without it unless it is required or one of its commands or
         * options is used; its done() is not called. The command `plugins`
         * does not call init(). */
        int (*init)(const struct ec_host *host, void **ret_self,
                    struct ec_err *err);
        void (*done)(void *self); /* frees it; may be NULL */
};

#ifdef __cplusplus
#define EC_EXTERN_C extern "C"
#else
#define EC_EXTERN_C extern
#endif
/*
 * One per plugin: the file id.so contains EC_PLUGIN(id, ...). The arguments
 * after id are initializers of members of struct ec_plugin; the macro sets
 * size, abi_major, abi_minor and name itself. The id is part of the symbol, so
 * that several plugins can be linked into one test program. The symbol is data,
 * so that the program can check the plugin without calling it. Constructors run
 * when the file is opened, before that check.
 */
#define EC_PLUGIN(id, ...)                                                     \
        EC_EXTERN_C EC_EXPORT const struct ec_plugin ec_plugin_v1_##id;        \
        const struct ec_plugin ec_plugin_v1_##id = {                           \
                .size = sizeof(struct ec_plugin), .abi_major = EC_ABI_MAJOR,   \
                .abi_minor = EC_ABI_MINOR, .name = #id, __VA_ARGS__ }

/* ---- services ---------------------------------------------------------- */

/* To stderr. Levels as in syslog: 3 error, 4 warning, 5 notice, 6 info (with
 * --verbose), 7 debug (with --debug). A message is a line: log() adds the "\n"
 * if it has none. */
struct ec_log_api {
        uint32_t size, reserved;
        void (*log)(const struct ec_host *host, int32_t level,
                    const char *fmt, ...) EC_PRINTF(3, 4);
};

struct ec_err_api {
        uint32_t size, reserved;
        /* Sets the message where the failure occurs; it does not end with "\n".
         * Returns code (< 0). */
        int (*set)(struct ec_err *err, int32_t code,
                   const char *fmt, ...) EC_PRINTF(3, 4);
        /* The same for wrong use of the command line, which ends with exit
         * status 2. Returns -EINVAL. */
        int (*usage)(struct ec_err *err, const char *fmt, ...) EC_PRINTF(2, 3);
        /* Puts "text: " before the message, on the way up; returns code, the
         * failure that is passed on. */
        int (*prefix)(struct ec_err *err, int32_t code,
                      const char *fmt, ...) EC_PRINTF(3, 4);
        /* "" while there is none; valid until err changes. */
        const char *(*message)(const struct ec_err *err);
        /* Forgets the error, if the caller does not need the result. */
        void (*clear)(struct ec_err *err);
};

/* The command line. Strings live as long as op. */
struct ec_opt_api {
        uint32_t size, reserved;
        /* How often the option was given; 0 if it is not known. */
        int (*is_set)(const struct ec_op *op, const char *name);
        /* The last value, or NULL. */
        const char *(*value)(const struct ec_op *op, const char *name);
        /* All values of an EC_ARG_REST or EC_OPT_REPEAT option:
         * NULL-terminated, never NULL. */
        const char *const *(*values)(const struct ec_op *op, const char *name);
        /* The arguments: NULL-terminated, never NULL. */
        const char *const *(*args)(const struct ec_op *op);
        const char *(*command)(const struct ec_op *op); /* its name, no alias */
        /* The last value of a "duration", in milliseconds; 0: not given. */
        uint64_t (*get_ms)(const struct ec_op *op, const char *name);
        /* The last value of an "int"; 0: not given. */
        int64_t (*get_int)(const struct ec_op *op, const char *name);
};

/* Settings in the section of the calling plugin: the value of the file, or else
 * the declared default; NULL or 0 if there is neither. Values have been checked
 * against their type. Strings live as long as host. */
struct ec_conf_api {
        uint32_t size, reserved;
        const char *(*get)(const struct ec_host *host, const char *key);
        /* A "bool": 1 or 0. */
        int (*get_bool)(const struct ec_host *host, const char *key);
        /* A "duration", in milliseconds. */
        uint64_t (*get_ms)(const struct ec_host *host, const char *key);
        /* An "int". */
        int64_t (*get_int)(const struct ec_host *host, const char *key);
        /* The words of a "list": NULL-terminated, never NULL. */
        const char *const *(*get_list)(const struct ec_host *host,
                                       const char *key);
        /* A path of the host; NULL: the program does not know that word.
         *  - "units", "conf": where links to units and to conf files are made;
         *  - "conf-other": where conf files of containers are that use the
         *    directories of the other layout, before or since NixOS 22.05;
         *  - "state", "run": where the root file systems of containers and of
         *    ephemeral containers are;
         *  - "profiles": where the Nix profiles of containers are;
         *  - "gcroots": where the garbage collector roots of installed
         *    containers are;
         *  - "run-state": root's own directory for notes until the next boot;
         *  - "data": the program's own read-only files;
         *  - "root": the prefix that all of these but "data" already have, ""
         *    on a real host. With another one, no systemd is contacted. */
        const char *(*path)(const struct ec_host *host, const char *what);
        /* For a value that has the right type, but cannot be used: -EINVAL and
         * "FILE:LINE: 'KEY' of [SECTION] must be WHAT, not 'VALUE'" in err. */
        int (*refuse)(const struct ec_host *host, const char *key,
                      const char *what, struct ec_err *err);
};

/* Interrupts; see "Signals" above. */
struct ec_cancel_api {
        uint32_t size, reserved;
        /* 0, or -ECANCELED with err set once the run was interrupted. */
        int (*check)(struct ec_op *op, struct ec_err *err);
        /* Readable once a signal has come: poll it with your own descriptors,
         * then call check(). Never read or close it. */
        int (*fd)(struct ec_op *op);
        /* While held, check() returns 0 and services wait as usual: for steps
         * that undo something. Calls nest; what a hook still holds when it
         * returns is released. */
        void (*hold)(struct ec_op *op);
        /* Ends one hold() of the plugin's. */
        void (*release)(struct ec_op *op);
};

/* Flags of struct ec_proc. */
#define EC_PROC_CAPTURE     (UINT32_C(1) << 0) /* stdout into the result */
#define EC_PROC_CAPTURE_ERR (UINT32_C(1) << 1) /* stderr into the result */
#define EC_PROC_NULL_STDIN  (UINT32_C(1) << 2) /* not inherited; without `in` */
#define EC_PROC_TERMINAL    (UINT32_C(1) << 3) /* child owns terminal and ^C */
#define EC_PROC_NO_CANCEL   (UINT32_C(1) << 4) /* ^C stays pending: to undo */
#define EC_PROC_HANGUP      (UINT32_C(1) << 5) /* the child is ended by HUP, as
                                                * interactive shells expect */

struct ec_proc {
        uint32_t size, flags;
        const char *const *argv; /* argv[0] is looked up in PATH */
        const char *const *env;  /* "K=V" sets, "K" unsets, rest inherited */
        const char *cwd;         /* or NULL */
        const void *in;          /* stdin's content, or NULL */
        size_t in_len;
        uint32_t timeout_ms;     /* 0: none; then killed, and -ETIMEDOUT */
        uint32_t reserved;
};
struct ec_proc_result {
        uint32_t size;  /* set by the caller */
        int32_t status; /* exit status, or 128 + signal */
        char *out;      /* NUL-terminated */
        size_t out_len;
        char *err;
        size_t err_len;
};
struct ec_proc_api {
        uint32_t size, reserved;
        /* Runs a program and waits. A status other than 0 is not a failure of
         * this call. -ENOENT: no such program; -ECANCELED: interrupted. ret may
         * be NULL; after a failure it is empty. */
        int (*run)(struct ec_op *op, const struct ec_proc *p,
                   struct ec_proc_result *ret, struct ec_err *err);
        void (*result_done)(struct ec_proc_result *r); /* frees out and err */
        /* A private directory of this run, removed when the run ends, the same
         * at each call. The string lives as long as op. */
        int (*tmp_dir)(struct ec_op *op, const char **ret, struct ec_err *err);
};

/* For the `eval` hook. */
struct ec_nix_api {
        uint32_t size, reserved;
        /* A feature module, by its absolute path. */
        int (*add_module)(struct ec_eval *ev, const char *path,
                          struct ec_err *err);
        /* Modules see it as ecArgs.NAME. All plugins share these names, so
         * begin them with the plugin's. -EEXIST: it is set already. -EINVAL:
         * name is not an identifier of Nix, or is "settings", or value is not
         * UTF-8. */
        int (*add_arg)(struct ec_eval *ev, const char *name, const char *value,
                       struct ec_err *err);
        /* One word, as after --build-args. */
        int (*add_build_arg)(struct ec_eval *ev, const char *arg,
                             struct ec_err *err);
        /* A variable of Nix's environment; value NULL unsets it. */
        int (*setenv)(struct ec_eval *ev, const char *key, const char *value,
                      struct ec_err *err);
};

/* Units of the host's systemd. The jobs of one call run in parallel, and the
 * call waits for all of them. */
struct ec_systemd_api {
        uint32_t size, reserved;
        /* Full names of units ("demo.service"), NULL-terminated. Fails if one
         * job failed; err names all that did. */
        int (*start)(struct ec_op *op, const char *const *units,
                     struct ec_err *err);
        /* The same. */
        int (*stop)(struct ec_op *op, const char *const *units,
                    struct ec_err *err);
        /* Reads all unit files again. */
        int (*daemon_reload)(struct ec_op *op, struct ec_err *err);
        /* 1 active, 0 not. */
        int (*active)(struct ec_op *op, const char *unit, struct ec_err *err);
        /* A string property: iface "Service", prop "Result". Free *ret with
         * host->mem_free(). */
        int (*get_string)(struct ec_op *op, const char *unit,
                          const char *iface, const char *prop, char **ret,
                          struct ec_err *err);
        /* A boolean or an integer property, in systemd's unit (usec, bytes). */
        int (*get_number)(struct ec_op *op, const char *unit,
                          const char *iface, const char *prop, uint64_t *ret,
                          struct ec_err *err);
        /* Calls fn for each loaded unit that matches the pattern
         * ("container@*.service"), sorted by name, with its ActiveState and
         * SubState; stopped units are often not loaded. This is one call to
         * systemd. If fn returns non-zero, the walk ends with that value; fn
         * sets err itself if that is negative. */
        int (*states)(struct ec_op *op, const char *pattern,
                      int (*fn)(void *data, const char *unit,
                                const char *active, const char *sub),
                      void *data, struct ec_err *err);
        /* Waits until the state of a unit may have changed, at most timeout_ms.
         * The first call of a run returns at once: look at the states after
         * each call. */
        int (*wait)(struct ec_op *op, uint32_t timeout_ms, struct ec_err *err);
};

/* Flags of struct ec_exec. */
#define EC_EXEC_TTY   (UINT32_C(1) << 0) /* a terminal of the container */
#define EC_EXEC_LOGIN (UINT32_C(1) << 1) /* a login shell of `user`, which runs
                                          * argv if it is set */

struct ec_exec {
        uint32_t size, flags;
        const char *machine;     /* container name */
        const char *const *argv; /* looked up in the container's PATH */
        const char *const *env;  /* "K=V", added; or NULL */
        const char *user;        /* NULL: root */
        const char *cwd;         /* NULL: the user's home */
        int32_t fds[3];          /* stdin, stdout, stderr of the caller's, all
                                  * three; -1: none. They are copied from and
                                  * to pipes, and never reach the container.
                                  * Ignored with a TTY. A pipe must be read
                                  * meanwhile. */
        uint32_t timeout_ms;     /* 0: none */
};
/* A running unit, and the first process in its container. It is the host's until
 * the call returns. */
struct ec_cgroup {
        uint32_t size;
        uint32_t leader;  /* the process ID of the container's init, as the
                           * host sees it, to show it: later it may be that
                           * of another process; 0: not known */
        const char *unit; /* "container@NAME.service" */
        const char *path; /* of its cgroup */
        int32_t proc;     /* the directory /proc/PID of that process, for
                           * openat(): it stays that process's, and nothing
                           * can be opened in it after its end; -1: not known */
        int32_t reserved;
};

struct ec_machine_api {
        uint32_t size, reserved;
        /* Runs a command inside a running container and waits. *ret_status is
         * its exit status, 128 + signal if it was killed, or 127 or 126 as a
         * shell returns them. */
        int (*exec)(struct ec_op *op, const struct ec_exec *x,
                    int32_t *ret_status, struct ec_err *err);
        /* 1 or 0. */
        int (*running)(struct ec_op *op, const char *name, struct ec_err *err);
        /* Reads a regular file of at most max bytes, as the processes of a
         * running container see it: no link leads out of the container. It
         * ends with a NUL; free it with mem_free(). -ENOENT;
         * -EFBIG; -EHOSTDOWN: it does not run; -ETIMEDOUT: a file system that
         * the container has mounted does not answer. */
        int (*read_file)(struct ec_op *op, const char *name, const char *path,
                         uint32_t max, char **ret, struct ec_err *err);
        /* The names of the failed units in running containers: asks all of them
         * in parallel, for five seconds at most. Calls fn for each container in
         * the order of names (NULL-terminated); failed is NULL-terminated, or
         * NULL: its systemd did not answer. If fn returns non-zero, the walk
         * ends with that value; fn sets err itself if that is negative. */
        int (*failed_units)(struct ec_op *op, const char *const *names,
                            int (*fn)(void *data, const char *name,
                                      const char *const *failed),
                            void *data, struct ec_err *err);
        /* Calls fn for each running unit of a container, of any origin and in
         * no order. Asks the kernel, not systemd. If fn returns non-zero, the
         * walk ends with that value; fn sets err itself if that is negative. */
        int (*cgroups)(struct ec_op *op,
                       int (*fn)(void *data, const struct ec_cgroup *c),
                       void *data, struct ec_err *err);
};

/* What a run changes about a container. */
#define EC_CHANGE_NONE    0 /* it is already installed like this */
#define EC_CHANGE_NEW     1 /* it is not installed yet */
#define EC_CHANGE_UPDATE  2 /* a running system can switch to it */
#define EC_CHANGE_RESTART 3 /* it takes effect after a restart */

/* Who made a container. */
#define EC_ORIGIN_PROGRAM         0 /* this program */
#define EC_ORIGIN_HOST            1 /* the host's own configuration */
#define EC_ORIGIN_NIXOS_CONTAINER 2 /* nixos-container, or another program */

/* Flags of containers->select(). */
#define EC_SELECT_ALL  (UINT32_C(1) << 0) /* every container; no patterns */
#define EC_SELECT_HOST (UINT32_C(1) << 1) /* of any origin */

/* Containers from foreach(), find() and select() live as long as op; those that a hook or
 * the fn of foreach_installed() receives, as long as that call. The same is
 * true of their strings. */
struct ec_containers_api {
        uint32_t size, reserved;
        const char *(*name)(const struct ec_container *c);
        /* "container@NAME.service" */
        const char *(*unit)(const struct ec_container *c);
        /* Its link in the unit directory. */
        const char *(*unit_path)(const struct ec_container *c);
        /* Its link in the conf directory. */
        const char *(*conf_path)(const struct ec_container *c);
        /* The root file system of the container; of an ephemeral one, while it
         * runs. */
        const char *(*state_path)(const struct ec_container *c);
        /* "LOCAL_ADDRESS" of the conf file; NULL: not set. In `pre_install`,
         * of the new one. */
        const char *(*conf_get)(const struct ec_container *c, const char *key);
        /* The unit file in the store that the link leads to, or, in
         * `pre_install`, will lead to; NULL if it is not known. */
        const char *(*unit_target)(const struct ec_container *c);
        /* The same for the conf file. */
        const char *(*conf_target)(const struct ec_container *c);
        /* EC_CHANGE_*: what this run changes. Known from `pre_install` on. */
        uint32_t (*change)(const struct ec_container *c);
        /* Containers of the definition, in name order. If fn returns non-zero,
         * the walk ends with that value; fn sets err itself if that is
         * negative. Builds the definition if no phase has done so. */
        int (*foreach)(struct ec_op *op,
                       int (*fn)(void *data, const struct ec_container *c),
                       void *data, struct ec_err *err);
        /* The same for all installed containers. */
        int (*foreach_installed)(struct ec_op *op,
                                 int (*fn)(void *data,
                                           const struct ec_container *c),
                                 void *data, struct ec_err *err);
        /* An installed one. -ENOENT: none has that name, and err names the
         * nearest one. */
        int (*find)(struct ec_op *op, const char *name,
                    const struct ec_container **ret, struct ec_err *err);
        /* EC_ORIGIN_*. Containers that the program installs or has installed
         * have EC_ORIGIN_PROGRAM. */
        uint32_t (*origin)(const struct ec_container *c);
        /* EC_CHANGE_UPDATE or EC_CHANGE_RESTART: what a running container still
         * needs to run what is installed; else EC_CHANGE_NONE. */
        uint32_t (*outstanding)(struct ec_op *op, const struct ec_container *c);
        /* Containers of this host by name or shell pattern, sorted by name,
         * without duplicates; flags: EC_SELECT_*. *ret is NULL-terminated.
         * -ENOENT: none has that name, and err names the nearest one, or none
         * matches the pattern. */
        int (*select)(struct ec_op *op, const char *const *patterns,
                      uint32_t flags, const struct ec_container *const **ret,
                      struct ec_err *err);
};

/* Flags of deploy->start(). */
#define EC_START_STOPPED (UINT32_C(1) << 0) /* start stopped containers */
#define EC_START_UPDATE  (UINT32_C(1) << 1) /* changed and running: switch, or
                                             * restart if necessary */
#define EC_START_RESTART (UINT32_C(1) << 2) /* changed and running: restart */
#define EC_START_DETACH  (UINT32_C(1) << 3) /* ^C only ends the wait for a
                                             * start */

/* Flags of deploy->stop(). */
#define EC_STOP_KILL (UINT32_C(1) << 0) /* without a clean shutdown */

/* Flags of deploy->destroy(). */
#define EC_DESTROY_ALL       (UINT32_C(1) << 0) /* all installed; no names */
#define EC_DESTROY_ABSENT    (UINT32_C(1) << 1) /* names may be missing */
#define EC_DESTROY_QUIET     (UINT32_C(1) << 2) /* no result lines on stdout */
#define EC_DESTROY_NO_CANCEL (UINT32_C(1) << 3) /* ^C stays pending: to undo */

/* The phases of an operation, for commands to drive; hooks run inside them.
 * Each handles all containers, and then fails if one of them failed. */
struct ec_deploy_api {
        uint32_t size, reserved;
        /* From the definition to the etc output, which is kept alive until op
         * ends. A second call does nothing. Needs EC_SCOPE_BUILD, as does
         * every phase that works on the definition. */
        int (*build)(struct ec_op *op, struct ec_err *err);
        /* Its store path; NULL before build(). */
        const char *(*output)(const struct ec_op *op);
        /* Installs what build() has built. EC_SCOPE_INSTALL. */
        int (*install)(struct ec_op *op, struct ec_err *err);
        /* The definition's containers; flags: EC_START_*. 1, with
         * EC_START_DETACH and after ^C: some containers are still starting.
         * Installs them first. EC_SCOPE_INSTALL and EC_SCOPE_START. */
        int (*start)(struct ec_op *op, uint32_t flags, struct ec_err *err);
        /* Containers by name: NULL-terminated; flags are 0. EC_SCOPE_START. */
        int (*start_installed)(struct ec_op *op, const char *const *names,
                               uint32_t flags, struct ec_err *err);
        /* The same: stops them, with their own clean shutdown; flags:
         * EC_STOP_*. */
        int (*stop)(struct ec_op *op, const char *const *names, uint32_t flags,
                    struct ec_err *err);
        /* The same: stops and starts them, also containers that are not this
         * program's. */
        int (*restart)(struct ec_op *op, const char *const *names,
                       uint32_t flags, struct ec_err *err);
        /* names NULL: what the definition defines, or with EC_DESTROY_ALL every
         * installed one. flags: EC_DESTROY_*. EC_SCOPE_DESTROY. */
        int (*destroy)(struct ec_op *op, const char *const *names,
                       uint32_t flags, struct ec_err *err);
        /* The program's lock, which keeps other runs from changing containers.
         * Calls nest, and the phases above can be called under it. It is
         * released at the latest when the command or the hook returns. */
        int (*lock)(struct ec_op *op, struct ec_err *err);
        /* Ends one lock() of the plugin's. */
        void (*unlock)(struct ec_op *op);
        /* Containers by name, as in start_installed(): switches them to the
         * systems that are installed, while they run. One that does not run,
         * or that needs a restart, is a failure. */
        int (*update_installed)(struct ec_op *op, const char *const *names,
                                uint32_t flags, struct ec_err *err);
};

/* A session: what the `shell` hooks put together. */
struct ec_shell_api {
        uint32_t size, reserved;
        /* Makes the session's directory and calls the hooks, once a run; *ret
         * lives as long as op. Result lines of a command with EC_SCOPE_SHELL,
         * which this call needs, go to stderr. */
        int (*open)(struct ec_op *op, const struct ec_container *c,
                    struct ec_shell **ret, struct ec_err *err);
        /* The container that it was opened with. */
        const struct ec_container *(*container)(const struct ec_shell *sh);
        /* Private, removed with op; its bin/ is on the session's PATH. */
        const char *(*dir)(const struct ec_shell *sh);
        /* value NULL unsets. */
        int (*setenv)(struct ec_shell *sh, const char *key, const char *value,
                      struct ec_err *err);
        /* A command: script is its whole text, with its #! line; help is its
         * line in the session's help, "cssh [CMD]\tText", or NULL. */
        int (*command)(struct ec_shell *sh, const char *name,
                       const char *script, const char *help,
                       struct ec_err *err);
        /* The environment as struct ec_proc takes it: NULL-terminated, valid
         * until the next setenv(). */
        const char *const *(*env)(const struct ec_shell *sh);
        /* The help lines of its commands: NULL-terminated, valid until the next
         * command(). */
        const char *const *(*help)(const struct ec_shell *sh);
};

/* The only way to stdout. */
struct ec_term_api {
        uint32_t size, reserved;
        /* Adds nothing: end a line with "\n". Escape sequences and control
         * characters are removed, except tabs and line feeds: a part may come
         * from a container. A failure is that of this or an earlier call:
         * nothing more reaches stdout, and the program reports it at the end. */
        int (*out)(const struct ec_host *host,
                   const char *fmt, ...) EC_PRINTF(2, 3);
        int (*is_tty)(const struct ec_host *host); /* stdout is a terminal */
        int (*clear)(const struct ec_host *host);  /* clears that terminal */
};

/* Types of a column. */
#define EC_COL_STR  0 /* a string */
#define EC_COL_INT  1 /* an integer */
#define EC_COL_BOOL 2 /* true or false in JSON, yes or no in a table */
#define EC_COL_LIST 3 /* of strings; newline-separated in set_str() */
#define EC_COL_SIZE 4 /* bytes: an integer in JSON, "1.2 MiB" in a table */
#define EC_COL_TIME 5 /* seconds since 1970: likewise, "3min 2s ago" */

/* Flags of a column. */
#define EC_COL_JSON_ONLY (UINT32_C(1) << 0) /* not in a table */
#define EC_COL_STATE     (UINT32_C(1) << 1) /* states of units: coloured on a
                                             * terminal */

struct ec_column {
        const char *key;   /* in JSON */
        const char *title; /* in a table */
        uint32_t type, flags;
};

/* Listings: a table on a terminal, tab-separated lines in a pipe, or JSON with
 * --json. A cell that is not set is empty, and null in JSON. */
struct ec_table_api {
        uint32_t size, reserved;
        /* columns: struct ec_column. Ends with free(). */
        int (*create)(struct ec_op *op, const struct ec_array *columns,
                      struct ec_table **ret, struct ec_err *err);
        /* Begins the next row. */
        int (*add_row)(struct ec_table *t, struct ec_err *err);
        /* In the last row. */
        int (*set_str)(struct ec_table *t, const char *key, const char *value,
                       struct ec_err *err);
        /* Also for BOOL, SIZE and TIME. */
        int (*set_int)(struct ec_table *t, const char *key, int64_t value,
                       struct ec_err *err);
        int (*print)(struct ec_table *t, struct ec_err *err);
        void (*free)(struct ec_table *t);
};

/* The services. A plugin never copies this struct. */
struct ec_host {
        uint32_t size;
        uint16_t abi_major, abi_minor;
        const struct ec_log_api *log;
        const struct ec_err_api *err;
        const struct ec_opt_api *opt;
        const struct ec_conf_api *conf;
        const struct ec_cancel_api *cancel;
        const struct ec_proc_api *proc;
        const struct ec_nix_api *nix;
        const struct ec_systemd_api *systemd;
        const struct ec_machine_api *machine;
        const struct ec_containers_api *containers;
        const struct ec_deploy_api *deploy;
        const struct ec_shell_api *shell;
        const struct ec_term_api *term;
        const struct ec_table_api *table;
        void (*mem_free)(void *p); /* for char ** results of services */
        const char *plugin_dir;    /* of its module.nix and other files */
        const char *program;       /* absolute path of extra-container */
};

/* Is a service of a later minor available? EC_HAS(host->table, free). The
 * program keeps room for pointers of later minors after struct ec_host, all
 * NULL, so that asking an older program for a newer table is safe. */
#define EC_HAS(api, member)                                                    \
        ((api) &&                                                              \
         (api)->size >= offsetof(__typeof__(*(api)), member) +                 \
                                sizeof((api)->member) &&                       \
         (api)->member)

#ifdef __cplusplus
}
#endif
#endif
