/* SPDX-License-Identifier: MIT */
#include "svc/machine/look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "svc/machine/code.h"
#include "svc/machine/environment.h"
#include "svc/process/env.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/resolve.h"
#include "util/strv.h"

/* Of the strings that a helper sends. */
#define STRINGS_MAX (4 * PATH_MAX)

/* What a helper writes first; then come the groups, and the strings of the user and the program. */
struct header {
        int32_t at, code;
        uint32_t ours;    /* 1: the code is */
        int32_t terminal; /* the helper's descriptor, which lasts as long as the helper; or -1 */
        uint32_t uid, gid, n_groups;
};

/* What a helper that reads a file writes first. */
struct file_header {
        int32_t code;
        uint32_t ours;
        uint32_t len; /* of what follows */
};

/* ---- in the helper -------------------------------------------------------- */

static void put(int out, const void *data, size_t len)
{
        const char *p = data, *end = p + len;
        ssize_t n = 1;

        while (n > 0 && p < end) {
                n = write(out, p, (size_t)(end - p));
                p += n;
        }
}

/* Not even a file that is not the container's can be made: a container could also answer with this code. */
static bool is_limit(int r)
{
        _cleanup_close_ int fd = -1;

        if (r != -EMFILE && r != -ENFILE)
                return false;
        fd = memfd_create("extra-container", MFD_CLOEXEC);
        return fd < 0 && errno == -r;
}

struct place {
        int root;
        const char *cwd;
};

static int executable(const void *data, const char *path)
{
        const struct place *p = data;
        struct stat st;
        int r = resolve_stat(p->root, path, &st);

        return r < 0 ? r : !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ? -EACCES : 0;
}

/* Looks a command up as a shell does, for containers without one. */
static int find(const struct place *p, const struct machine_user *u, const struct ec_exec *in, char **ret)
{
        const char *program = in->argv[0];
        _cleanup_strv_ char **env = NULL;

        if (strchr(program, '/')) {
                *ret = *program == '/' ? strdup(program) : str_printf("%s/%s", p->cwd, program);
                return *ret ? executable(p, *ret) : -ENOMEM;
        }
        if (environment_make(u, false, in->env, &env) < 0)
                return -ENOMEM;
        return env_find(STRV_CONST(env), "", program, executable, p, ret);
}

static int look_for_program(const struct place *p, const struct ec_exec *in, struct look *l)
{
        int r;

        l->at = LOOK_SHELL;
        if (in->flags & EC_EXEC_LOGIN)
                return executable(p, l->user.shell);
        /* A shell finds the program, runs scripts without an interpreter line, and reports errors. */
        r = *in->argv[0] == '-' ? -ENOENT : executable(p, "/bin/sh");
        if (r >= 0 || resolve_failed(r))
                return r;
        l->at = LOOK_PROGRAM;
        return find(p, &l->user, in, &l->program);
}

/* In the place of the device, or of its file system, may be anything. */
static int open_terminal(int root)
{
        _cleanup_close_ int at = resolve_in(root, "/dev/pts/ptmx", O_PATH | O_CLOEXEC);
        struct statfs fs;
        struct stat st;

        if (at < 0)
                return at;
        if (fstatfs(at, &fs) < 0 || fstat(at, &st) < 0)
                return -errno;
        if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(TTYAUX_MAJOR, 2))
                return -ENOTTY;
        return fs_reopen(at, O_RDWR);
}

static int look_in(int root, const struct ec_exec *in, struct look *l)
{
        struct place p = { root, in->cwd };
        struct stat st;
        int r;

        l->at = LOOK_USER;
        r = machine_user_read(root, in->user ? in->user : "root", &l->user);
        if (r < 0)
                return r;
        if (!in->cwd) {
                p.cwd = l->user.home;
                return look_for_program(&p, in, l);
        }
        l->at = LOOK_CWD;
        r = resolve_stat(root, in->cwd, &st);
        return r < 0 ? r : look_for_program(&p, in, l);
}

static int look(const struct leader *leader, const struct ec_exec *in, struct look *l)
{
        _cleanup_close_ int root = leader_open_root(leader);
        int r = root < 0 ? root : look_in(root, in, l);

        if (r < 0 || !(in->flags & EC_EXEC_TTY))
                return r;
        l->at = LOOK_TERMINAL;
        l->terminal = open_terminal(root);
        return l->terminal < 0 ? l->terminal : 0;
}

struct request {
        const struct leader *leader;
        const struct ec_exec *in;
        const char *path;
        size_t max;
};

static void run_look(void *data, int out)
{
        const struct request *q = data;
        struct look l = { .terminal = -1 };
        int r = look(q->leader, q->in, &l);
        const struct machine_user *u = &l.user;
        const char *strings[] = { u->name, u->home, u->shell, l.program };
        bool ours = l.at == LOOK_ROOT || is_limit(r);
        struct header h = { l.at, r, ours, l.terminal, u->uid, u->gid, (uint32_t)u->n_groups };
        size_t len = 0;

        for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
                strings[i] = strings[i] ? strings[i] : "";
                len += strlen(strings[i]) + 1;
        }
        if (len > STRINGS_MAX)
                h.code = -EFBIG;
        put(out, &h, sizeof(h));
        put(out, u->groups, h.n_groups * sizeof(gid_t));
        for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
                put(out, len > STRINGS_MAX ? "" : strings[i], len > STRINGS_MAX ? 1 : strlen(strings[i]) + 1);
        /* Until look_end() has taken it. */
        close(out);
        while (l.terminal >= 0)
                pause();
}

static void run_read(void *data, int out)
{
        const struct request *q = data;
        _cleanup_close_ int root = leader_open_root(q->leader);
        _cleanup_free_ char *text = NULL;
        struct file_header h = { root, root < 0, 0 };

        if (root >= 0) {
                h.code = resolve_read(root, q->path, q->max, &text);
                h.ours = is_limit(h.code);
        }
        h.len = h.code < 0 ? 0 : (uint32_t)strlen(text);
        put(out, &h, sizeof(h));
        put(out, text, h.len);
}

/* ---- its answer ------------------------------------------------------------- */

int look_begin(struct helper *h, const struct leader *l, const struct ec_exec *in)
{
        struct request q = { .leader = l, .in = in };

        return helper_begin(h, run_look, &q, &l->fd, 1,
                            sizeof(struct header) + NGROUPS_MAX * sizeof(gid_t) + STRINGS_MAX);
}

/* The next string, of those up to end. */
static int take(const char **p, const char *end, char **ret)
{
        size_t n = strnlen(*p, (size_t)(end - *p));

        if (*p + n == end)
                return -EIO;
        *ret = strdup(*p);
        *p += n + 1;
        return *ret ? 0 : -ENOMEM;
}

static int decode(const char *p, size_t len, struct look *l)
{
        struct machine_user *u = &l->user;
        char **strings[] = { &u->name, &u->home, &u->shell, &l->program };
        const char *end = p + len;
        struct header h;
        int r = 0;

        if (len < sizeof(h))
                return -EIO;
        memcpy(&h, p, sizeof(h));
        p += sizeof(h);
        l->at = (enum look_at)h.at;
        l->code = h.ours ? h.code : code_of_container(h.code);
        if ((size_t)(end - p) / sizeof(gid_t) < h.n_groups)
                return -EIO;
        u->uid = h.uid;
        u->gid = h.gid;
        u->n_groups = h.n_groups;
        u->groups = calloc(h.n_groups + 1, sizeof(gid_t));
        if (!u->groups)
                return -ENOMEM;
        memcpy(u->groups, p, h.n_groups * sizeof(gid_t));
        p += h.n_groups * sizeof(gid_t);
        for (size_t i = 0; i < ARRAY_SIZE(strings) && r >= 0; i++)
                r = take(&p, end, strings[i]);
        if (r >= 0 && !*l->program)
                free(TAKE_PTR(l->program));
        return r;
}

/* -1: there is none. */
static int take_terminal(const struct helper *h)
{
        _cleanup_close_ int pidfd = -1;
        struct header head;
        int fd;

        if (h->from < 0 || h->len < sizeof(head))
                return -1;
        memcpy(&head, h->text, sizeof(head));
        if (head.terminal < 0)
                return -1;
        pidfd = syscall(SYS_pidfd_open, h->pid, 0);
        fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, head.terminal, 0);
        return fd < 0 ? -errno : fd;
}

int look_end(struct helper *h, struct look *ret)
{
        _cleanup_free_ char *text = NULL;
        int terminal = take_terminal(h), r;
        size_t len;

        *ret = (struct look){ .terminal = terminal };
        r = helper_end(h, &text, &len);
        if (r >= 0)
                r = decode(text, len, ret);
        if (r >= 0 && terminal < -1)
                ret->code = terminal;
        if (r < 0)
                look_done(ret);
        return r;
}

void look_done(struct look *l)
{
        if (l->terminal >= 0)
                close(l->terminal);
        l->terminal = -1;
        machine_user_done(&l->user);
        free(TAKE_PTR(l->program));
}

int look_read_file(const struct leader *l, const char *path, size_t max, int wake, char **ret)
{
        struct request q = { .leader = l, .path = path, .max = max };
        _cleanup_free_ char *text = NULL;
        struct file_header h;
        size_t len;
        int r = helper_run(run_read, &q, &l->fd, 1, sizeof(h) + max, wake, &text, &len);

        if (r < 0)
                return r;
        if (len < sizeof(h))
                return -EIO;
        memcpy(&h, text, sizeof(h));
        if (h.code < 0)
                return h.ours ? h.code : code_of_container(h.code);
        if (len != sizeof(h) + h.len)
                return -EIO;
        *ret = strdup(text + sizeof(h));
        return *ret ? 0 : -ENOMEM;
}
