/* SPDX-License-Identifier: MIT */
#pragma once
/* A host's root in a temporary directory, with a store that contains etc outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/containers/containers.h"
#include "model/deploy/deployment.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define HASH "0123456789abcdfghijklmnpqrsvwxyz"

struct fixture {
        char *dir, *store;
        struct layout layout;
        struct registry registry;
        struct ec_op op;
        struct ec_err err;
        int stdout_fd; /* the real stdout while it is redirected to a file */
};

static inline char *fx_path(struct fixture *f, const char *fmt, ...)
{
        char *tail, *p;
        va_list ap;

        va_start(ap, fmt);
        assert_true(vasprintf(&tail, fmt, ap) >= 0);
        va_end(ap);
        p = str_printf("%s%s", f->dir, tail);
        free(tail);
        return p;
}

static inline void fx_write(const char *path, const char *text)
{
        char *dir = strdup(path);

        *strrchr(dir, '/') = 0;
        assert_true(fs_mkdir_p(dir, 0755) >= 0);
        free(dir);
        assert_true(fs_write_atomic(path, text, strlen(text), 0644) >= 0);
}

/* A process that has the session of this file: it ends when the descriptor is closed. */
static inline pid_t fx_open_session(const char *path, int *ret_fd)
{
        int to[2], from[2];
        char c;
        pid_t pid;

        fx_write(path, "");
        assert_int_equal(pipe(to) | pipe(from), 0);
        pid = fork();
        if (!pid) {
                struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
                int fd = open(path, O_RDWR | O_CLOEXEC);

                close(to[1]);
                if (fcntl(fd, F_OFD_SETLK, &lock) < 0 || dprintf(fd, "%d\n", getpid()) < 0 ||
                    write(from[1], "x", 1) != 1)
                        _exit(1);
                (void)!read(to[0], &c, 1);
                _exit(0);
        }
        close(to[0]), close(from[1]);
        assert_int_equal(read(from[0], &c, 1), 1);
        close(from[0]);
        *ret_fd = to[1];
        return pid;
}

static inline void fx_link(const char *target, const char *path)
{
        char *dir = strdup(path);

        *strrchr(dir, '/') = 0;
        assert_true(fs_mkdir_p(dir, 0755) >= 0);
        free(dir);
        assert_true(fs_symlink_atomic(target, path) >= 0);
}

static inline void fx_layout(struct fixture *f)
{
        const struct {
                char **to;
                const char *path;
        } paths[] = {
                { &f->layout.units, "/etc/units" },
                { &f->layout.conf, "/etc/nixos-containers" },
                { &f->layout.conf_legacy, "/etc/containers" },
                { &f->layout.state, "/var/lib/nixos-containers" },
                { &f->layout.state_legacy, "/var/lib/containers" },
                { &f->layout.profiles, "/nix/profiles" },
                { &f->layout.container_gcroots, "/nix/gcroots/per-container" },
                { &f->layout.gcroots, "/nix/gcroots/auto" },
                { &f->layout.run, "/run/nixos-containers" },
                { &f->layout.run_legacy, "/run/containers" },
                { &f->layout.run_state, "/run/ec" },
                { &f->layout.lock, "/run/ec/lock" },
                { &f->layout.tmp, "/run/ec/tmp" },
                { &f->layout.pending, "/run/ec/pending" },
                { &f->layout.journal, "/var/log/journal" },
                { &f->layout.data, "/data" },
                { &f->layout.static_os_release, "/etc/static/os-release" },
        };

        f->layout.root = strdup(f->dir);
        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
                *paths[i].to = fx_path(f, "%s", paths[i].path);
        strv_push_take(&f->layout.units_also, fx_path(f, "/usr/lib/units"));
}

static inline struct fixture *fx_new(void)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char tmp[] = "/tmp/ec-test.XXXXXX";

        assert_non_null(mkdtemp(tmp));
        f->dir = strdup(tmp);
        f->store = fx_path(f, "/store");
        setenv("NIX_STORE_DIR", f->store, 1);
        setenv("PATH", "/nonexistent", 1); /* the machine's own Nix is not used */
        fx_layout(f);
        f->op = (struct ec_op)OP_INIT;
        f->op.layout = &f->layout;
        f->op.registry = &f->registry;
        f->op.tmp.path = fx_path(f, "/tmp");
        assert_int_equal(mkdir(f->op.tmp.path, 0700), 0);
        f->stdout_fd = -1;
        log_set_level(LOG_CRIT);
        return f;
}

static inline void fx_free(struct fixture *f)
{
        struct ec_err e = { 0 };

        op_free_owned(&f->op);
        layout_done(&f->layout);
        free(f->op.tmp.path);
        err_done(&f->err);
        fs_remove_tree(f->dir, &e);
        err_done(&e);
        free(f->dir);
        free(f->store);
        free(f);
}

/* A file in the store; freed by the caller. */
static inline char *fx_store(struct fixture *f, const char *name, const char *text)
{
        char *p = str_printf("%s/" HASH "-%s", f->store, name);

        fx_write(p, text);
        return p;
}

/* Adds a container to an output, with this version of its unit and this conf file. */
static inline void fx_container(struct fixture *f, const char *output, const char *name, int unit, const char *conf,
                                bool auto_start)
{
        char *text = str_printf("[Service]\nUnit=%d\n", unit), *file = str_printf("unit-%s-%d", name, unit);
        char *unit_path = fx_store(f, file, text), *p;
        unsigned sum = 0;

        for (const char *c = conf; *c; c++)
                sum = sum * 31 + *c;
        p = str_printf("%s/" HASH "-%s/etc/systemd/system/container@%s.service", f->store, output, name);
        fx_link(unit_path, p);
        free(p);
        if (auto_start) {
                p = str_printf("%s/" HASH "-%s/etc/systemd/system/machines.target.wants/container@%s.service", f->store,
                               output, name);
                fx_link(unit_path, p);
                free(p);
        }
        free(text);
        free(file);
        file = str_printf("conf-%s-%u", name, sum);
        text = fx_store(f, file, conf);
        p = str_printf("%s/" HASH "-%s/etc/nixos-containers/%s.conf", f->store, output, name);
        fx_link(text, p);
        free(p);
        free(text);
        free(file);
        free(unit_path);
}

/* Makes the operation use this output. */
static inline struct deployment *fx_use(struct fixture *f, const char *output, const char *const *names)
{
        struct deployment *d;

        op_free_owned(&f->op);
        assert_int_equal(deployment_get(&f->op, &d, &f->err), 0);
        d->built = true;
        d->output = str_printf("%s/" HASH "-%s", f->store, output);
        d->parsed = true;
        d->definition.kind = DEFINITION_OUTPUT;
        d->definition.path = strdup(d->output);
        d->definition.names = strv_copy(names);
        return d;
}

/* Capture what goes to stdout between these two calls. */
static inline void fx_capture(struct fixture *f)
{
        char *p = fx_path(f, "/stdout");
        int fd = open(p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        fflush(stdout);
        f->stdout_fd = dup(1);
        assert_true(fd >= 0 && f->stdout_fd >= 0 && dup2(fd, 1) == 1);
        close(fd);
        free(p);
}

static inline char *fx_captured(struct fixture *f)
{
        char *p = fx_path(f, "/stdout"), *text = NULL;

        fflush(stdout);
        dup2(f->stdout_fd, 1);
        close(f->stdout_fd);
        f->stdout_fd = -1;
        assert_int_equal(fs_read(p, 1 << 20, &text, NULL), 0);
        free(p);
        return text;
}

static inline void fx_assert_link(struct fixture *f, const char *path, const char *end)
{
        char *p = fx_path(f, "%s", path), *target = NULL;
        int r = fs_readlinkat(AT_FDCWD, p, &target);

        if (!end) {
                if (r != -ENOENT)
                        fail_msg("%s is still there", p);
        } else {
                if (r < 0)
                        fail_msg("%s: %s", p, strerror(-r));
                if (!str_ends(target, end))
                        fail_msg("%s points to %s, not to %s", p, target, end);
        }
        free(p);
        free(target);
}

static inline bool fx_exists(struct fixture *f, const char *path)
{
        char *p = fx_path(f, "%s", path);
        struct stat st;
        bool there = !lstat(p, &st);

        free(p);
        return there;
}
