/* SPDX-License-Identifier: MIT */
/*
 * The key and its directory. Nothing in it is used before an open descriptor has
 * shown that only we have access to the directory.
 *
 * Parallel runs need no lock: each creates a key in a directory of its own, and
 * link(2) publishes only the first one. The public half is removed before that and
 * written after it, or derived from the private half by a run that finds it
 * missing; so it never belongs to another key.
 */
#include "ssh.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TYPE           "ssh-ed25519"
#define BASE64_LENGTH  68 /* the length of every ed25519 key */
#define PUBLIC_MAX     4096
#define NEW_PREFIX     "new."
#define NEW_MAX_AGE    3600 /* seconds: the run that created it has ended */
#define KEYGEN_TIMEOUT 60000
#define MAX_LINKS      40 /* as the kernel's own limit */

#define HINT "; remove it, or set key-dir in section [ssh] of the configuration"

void key_done(struct key *k)
{
        free(k->dir);
        free(k->path);
        free(k->public);
        *k = (struct key){ 0 };
}

char *key_parse_public(const char *text)
{
        static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        size_t len = strlen(TYPE " ");

        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what err->set() returns is negative */
        if (strncmp(text, TYPE " ", len) || strspn(text + len, base64) != BASE64_LENGTH)
                return NULL;
        len += BASE64_LENGTH;
        return strchr(" \t\r\n", text[len]) ? strndup(text, len) : NULL; /* the NUL matches too */
}

/* ---- the directory ------------------------------------------------------- */

static int is_set(const struct ec_host *h)
{
        const char *dir = h->conf->get(h, "key-dir");

        return dir && *dir;
}

/* Each user has one, in a place where others cannot create it first. */
static char *default_dir(const struct ec_host *h)
{
        const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *parent = runtime && *runtime == '/' ? host_path(h, runtime) : NULL, *name = NULL;
        struct stat st;

        if (geteuid() == 0)
                return fs_join(h->conf->path(h, "run-state"), "ssh");
        if (parent && lstat(parent, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
                return fs_join(parent, "extra-container-ssh");
        name = str_printf("/tmp/extra-container-ssh-%u", geteuid());
        return name ? host_path(h, name) : NULL;
}

/* The configured one, below the root prefix of the host, or the default. */
static int key_dir(const struct ec_host *h, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *path = is_set(h) ? host_path(h, h->conf->get(h, "key-dir")) : default_dir(h);

        if (!path)
                return no_memory(h, err);
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
                path[--n] = 0;
        /* ssh expands some characters in file names, and not all of them can be quoted. */
        for (const char *s = path; *s; s++)
                if (*s == '%' || *s == '$' || (unsigned char)*s < ' ') {
                        h->conf->refuse(h, "key-dir", "a path without '%', '$' and control characters", err);
                        return -EINVAL;
                }
        *ret = TAKE_PTR(path);
        return 0;
}

/* A user who can write to a parent directory, or owns a link in the path, could replace our directory. */
static int check_above(const struct ec_host *h, const char *dir, const char *p, const struct stat *st,
                       struct ec_err *err)
{
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return h->err->set(err, -EPERM, "the SSH key directory '%s' is not trusted: '%s' belongs to user %u",
                                   dir, p, st->st_uid);
        if (!S_ISLNK(st->st_mode) && st->st_mode & 022 && !(st->st_mode & S_ISVTX))
                return h->err->set(err, -EPERM, "the SSH key directory '%s' is not trusted: others may write to '%s'",
                                   dir, p);
        return 0;
}

/* Each component of path, and of the links in it. -ENOENT without err: a component is missing.
 * NOLINTNEXTLINE(misc-no-recursion): links are counted */
static int check_way(const struct ec_host *h, const char *dir, const char *path, unsigned links, struct ec_err *err)
{
        _cleanup_free_ char *p = strdup(path);

        if (!p)
                return no_memory(h, err);
        for (char *slash = strchr(p + 1, '/');; slash = strchr(slash + 1, '/')) {
                _cleanup_free_ char *next = NULL, *target = NULL;
                struct stat st;
                int r;

                if (slash)
                        *slash = 0;
                if (lstat(p, &st) < 0)
                        return errno == ENOENT ? -ENOENT : h->err->set(err, -errno, "%s: %s", p, strerror(errno));
                r = check_above(h, dir, p, &st, err);
                if (r < 0)
                        return r;
                if (S_ISLNK(st.st_mode)) {
                        r = links < MAX_LINKS ? fs_readlinkat(AT_FDCWD, p, &target) : -ELOOP;
                        if (r < 0)
                                return h->err->set(err, r, "%s: %s", p, strerror(-r));
                        next = str_printf("%.*s%s", *target == '/' ? 0 : (int)(strrchr(p, '/') + 1 - p), p, target);
                        if (!next)
                                return no_memory(h, err);
                        r = check_way(h, dir, next, links + 1, err);
                        if (r < 0)
                                return r;
                }
                if (!slash)
                        return 0;
                *slash = '/';
        }
}

/* dir with its parents resolved, so that no link can be changed between two checks. */
static int resolve(const struct ec_host *h, const char *dir, const char *parent, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *real = NULL;
        int r = check_way(h, dir, parent, 0, err);

        if (r < 0 && r != -ENOENT)
                return r;
        real = r < 0 ? NULL : realpath(parent, NULL);
        if (!real) {
                r = r < 0 ? r : -errno;
                return h->err->set(err, r, "the SSH key directory '%s': %s: %s", dir, parent, strerror(-r));
        }
        *ret = fs_join(real, strrchr(dir, '/'));
        return *ret ? 0 : no_memory(h, err);
}

static int untrusted(const struct ec_host *h, const char *dir, const struct stat *st, int r, struct ec_err *err)
{
        if (S_ISLNK(st->st_mode))
                return h->err->set(err, r, "the SSH key directory '%s' is not trusted: it is a symbolic link" HINT,
                                   dir);
        if (!S_ISDIR(st->st_mode))
                return h->err->set(err, r, "the SSH key directory '%s' is not a directory" HINT, dir);
        if (st->st_uid != geteuid())
                return h->err->set(
                        err, r, "the SSH key directory '%s' is not trusted: it belongs to user %u, not to user %u" HINT,
                        dir, st->st_uid, geteuid());
        if ((st->st_mode & 0777) != 0700)
                return h->err->set(err, r, "the SSH key directory '%s' is not trusted: its mode is %04o, not 0700" HINT,
                                   dir, st->st_mode & 07777);
        return h->err->set(err, r, "cannot open the SSH key directory '%s': %s", dir, strerror(-r));
}

/* The descriptor; -ENOENT without err: it does not exist, and make is 0. */
static int open_dir(const struct ec_host *h, const char *dir, int make, struct ec_err *err)
{
        _cleanup_close_ int fd = -1;
        int made = 0, r;
        struct stat st;

        if (make) {
                /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what err->set() returns is negative */
                made = mkdir(dir, 0700) == 0;
                if (!made && errno != EEXIST)
                        return h->err->set(err, -errno, "cannot create the SSH key directory '%s': %s", dir,
                                           strerror(errno));
        }
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what err->set() returns is negative */
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                r = -errno;
                if (r == -ENOENT && !make)
                        return r;
                if (lstat(dir, &st) < 0)
                        return h->err->set(err, r, "cannot open the SSH key directory '%s': %s", dir, strerror(-r));
                return untrusted(h, dir, &st, r, err);
        }
        if (fstat(fd, &st) < 0)
                return h->err->set(err, -errno, "'%s': %s", dir, strerror(errno));
        /* The umask may have removed bits. */
        if (made && st.st_uid == geteuid() && fchmod(fd, 0700) == 0)
                st.st_mode = (st.st_mode & S_IFMT) | 0700;
        if (st.st_uid != geteuid() || (st.st_mode & 0777) != 0700)
                return untrusted(h, dir, &st, -EPERM, err);
        return TAKE_FD(fd);
}

/* ---- ssh-keygen ----------------------------------------------------------- */

static int keygen(const struct ec_host *h, struct ec_op *op, const char *const *argv, const char *verb,
                  const char *path, char **ret_out, struct ec_err *err)
{
        _cleanup_free_ char *what = str_printf("ssh-keygen cannot %s the SSH key '%s'", verb, path);
        struct ec_proc p = { .argv = argv, .timeout_ms = KEYGEN_TIMEOUT };
        int r = what ? run_program(h, op, &p, what, ret_out, err) : no_memory(h, err);

        if (r != -ENOENT)
                return r;
        h->err->clear(err);
        return h->err->set(err, r, "SSH needs ssh-keygen, which is not in PATH: install OpenSSH");
}

/* ---- the public half -------------------------------------------------------- */

/* The key in key.pub; NULL: not usable. */
static char *read_public(int dirfd)
{
        _cleanup_close_ int fd = fs_open_regular(dirfd, "key.pub", O_RDONLY | O_NOFOLLOW, 0);
        char text[PUBLIC_MAX + 1];
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
                return NULL;
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return NULL;
        text[n] = 0;
        return key_parse_public(text);
}

/* For the user. Failures are harmless: it can be derived again. */
static void write_public(int dirfd, const char *public)
{
        _cleanup_close_ int fd = -1;
        char tmp[64];

        snprintf(tmp, sizeof(tmp), NEW_PREFIX "%d.pub", getpid());
        unlinkat(dirfd, tmp, 0);
        fd = fs_open_regular(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
        if (fd >= 0 && (fchmod(fd, 0644) < 0 || dprintf(fd, "%s extra-container\n", public) < 0 ||
                        renameat(dirfd, tmp, dirfd, "key.pub") < 0))
                unlinkat(dirfd, tmp, 0);
}

static int derive_public(const struct ec_host *h, struct ec_op *op, int dirfd, const char *path, char **ret,
                         struct ec_err *err)
{
        const char *argv[] = { "ssh-keygen", "-y", "-P", "", "-f", path, NULL };
        _cleanup_free_ char *out = NULL;
        int r = keygen(h, op, argv, "read", path, &out, err);

        if (r < 0)
                return r;
        *ret = key_parse_public(out);
        if (!*ret)
                return h->err->set(err, -EINVAL, "'%s' is not an ed25519 key; remove it, and a new one is created",
                                   path);
        write_public(dirfd, *ret);
        return 0;
}

/* ---- the private half ------------------------------------------------------- */

/* 1: there is a key of ours; 0: there is none. */
static int find_private(const struct ec_host *h, int dirfd, const char *path, struct ec_err *err)
{
        struct stat st;

        if (fstatat(dirfd, "key", &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : h->err->set(err, -errno, "'%s': %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return h->err->set(err, -EINVAL,
                                   "the SSH key '%s' is not a regular file; remove it, and a new one is created", path);
        if (st.st_uid != geteuid() || st.st_mode & 077)
                return h->err->set(err, -EPERM,
                                   "the SSH key '%s' is not trusted: others have access to it; remove it, and a new "
                                   "one is created",
                                   path);
        return 1;
}

static void remove_new(int dirfd, const char *name)
{
        static const char *const files[] = { "key", "key.pub" };
        char path[NAME_MAX + 16];

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                snprintf(path, sizeof(path), "%s/%s", name, files[i]);
                unlinkat(dirfd, path, 0);
        }
        unlinkat(dirfd, name, AT_REMOVEDIR);
        unlinkat(dirfd, name, 0);
}

/* Removes what killed runs have left behind. */
static void sweep(int dirfd)
{
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct stat st;

        if (!d && fd >= 0)
                close(fd);
        for (struct dirent *e; d && (e = readdir(d));)
                if (str_after(e->d_name, NEW_PREFIX) && fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    st.st_mtime < time(NULL) - NEW_MAX_AGE)
                        remove_new(dirfd, e->d_name);
}

/* The key in `name` becomes the key, unless another run was first. */
static int publish(const struct ec_host *h, int dirfd, const char *name, const char *path, struct ec_err *err)
{
        char private[64], public[64];
        _cleanup_close_ int fd = -1;

        snprintf(private, sizeof(private), "%s/key", name);
        snprintf(public, sizeof(public), "%s/key.pub", name);
        fd = fs_open_regular(dirfd, private, O_RDONLY | O_NOFOLLOW, 0);
        if (fd < 0 || fsync(fd) < 0 || (unlinkat(dirfd, "key.pub", 0) < 0 && errno != ENOENT))
                goto failed;
        if (linkat(dirfd, private, dirfd, "key", 0) < 0) {
                if (errno == EEXIST)
                        return 0;
                goto failed;
        }
        (void)renameat(dirfd, public, dirfd, "key.pub");
        return 0;

failed:
        return h->err->set(err, -errno, "cannot store the SSH key '%s': %s", path, strerror(errno));
}

static int generate(const struct ec_host *h, struct ec_op *op, int dirfd, const char *dir, const char *path,
                    struct ec_err *err)
{
        _cleanup_free_ char *new = fs_join(dir, NEW_PREFIX "XXXXXX"), *file = NULL;
        int r;

        if (!new)
                return no_memory(h, err);
        sweep(dirfd);
        if (!mkdtemp(new) || chmod(new, 0700) < 0) /* regardless of the umask */
                return h->err->set(err, -errno, "cannot create an SSH key in '%s': %s", dir, strerror(errno));
        file = fs_join(new, "key");
        r = file ? keygen(h, op,
                          (const char *const[]){ "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "extra-container",
                                                 "-f", file, NULL },
                          "create", path, NULL, err)
                 : no_memory(h, err);
        if (r >= 0)
                r = publish(h, dirfd, strrchr(new, '/') + 1, path, err);
        remove_new(dirfd, strrchr(new, '/') + 1);
        return r;
}

int key_get(const struct ec_host *h, struct ec_op *op, int make, struct key *ret, struct ec_err *err)
{
        _cleanup_(key_done) struct key k = { 0 };
        _cleanup_free_ char *dir = NULL, *parent = NULL;
        _cleanup_close_ int fd = -1;
        const char *name;
        int r = key_dir(h, &dir, err);

        if (r < 0)
                return r;
        name = strrchr(dir, '/');
        parent = strndup(dir, name > dir ? (size_t)(name - dir) : 1);
        if (!parent)
                return no_memory(h, err);
        if (make) {
                r = check_way(h, dir, parent, 0, err); /* before anything is created */
                if (r < 0 && r != -ENOENT)
                        return r;
                r = fs_mkdir_p(parent, is_set(h) ? 0755 : 0700); /* the default's is only for root */
                if (r < 0)
                        return h->err->set(err, r, "cannot create the directory of '%s': %s", dir, strerror(-r));
        } else if (access(dir, F_OK) < 0 && errno == ENOENT) {
                return 0;
        }
        r = resolve(h, dir, parent, &k.dir, err);
        if (r < 0)
                return r;
        fd = open_dir(h, k.dir, make, err);
        if (fd < 0)
                return fd == -ENOENT && !make ? 0 : fd;
        k.path = fs_join(k.dir, "key");
        if (!k.path)
                return no_memory(h, err);
        r = find_private(h, fd, k.path, err);
        if (r == 0 && make) {
                r = generate(h, op, fd, k.dir, k.path, err);
                if (r >= 0)
                        r = find_private(h, fd, k.path, err);
                if (r == 0)
                        r = h->err->set(err, -ENOENT, "the SSH key '%s' has disappeared", k.path);
        }
        if (r <= 0)
                return r;
        k.public = read_public(fd);
        if (!k.public) {
                r = derive_public(h, op, fd, k.path, &k.public, err);
                if (r < 0)
                        return r;
        }
        *ret = k;
        k = (struct key){ 0 };
        return 1;
}
