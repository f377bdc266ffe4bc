/* SPDX-License-Identifier: MIT */
#include "svc/nix/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

static char *state_path(const char *name)
{
        const char *state = getenv("NIX_STATE_DIR");
        return fs_join(state && *state ? state : "/nix/var/nix", name);
}

/* Nix keeps a link to each of our roots. The collector removes dangling ones, but without collections they would
 * accumulate. */
void nix_forget_roots(const char *dir)
{
        _cleanup_free_ char *autodir = state_path("gcroots/auto");
        _cleanup_closedir_ DIR *d = autodir ? opendir(autodir) : NULL;
        if (!d)
                return;
        for (struct dirent *e; (e = readdir(d));) {
                _cleanup_free_ char *target = NULL;
                if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
                        continue;
                if (fs_readlinkat(dirfd(d), e->d_name, &target) < 0)
                        continue;
                const char *rest = str_after(target, dir);
                if (rest && *rest == '/')
                        (void)unlinkat(dirfd(d), e->d_name, 0); /* else the collector does it */
        }
}

/* A running collector may have read the roots before ours existed. */
static bool collecting(void)
{
        _cleanup_free_ char *path = state_path("gc.lock");
        _cleanup_close_ int fd = path ? fs_open_regular(AT_FDCWD, path, O_RDONLY, 0) : -1;
        return fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0;
}

bool nix_hold_directly(const char *store_path, const char *root)
{
        const char *remote = getenv("NIX_REMOTE");
        _cleanup_free_ char *name = NULL, *link = NULL;
        struct stat st;
        if (*root != '/' || nix_store_path_len(store_path) != strlen(store_path))
                return false;
        if (remote && *remote && strcmp(remote, "daemon") && strcmp(remote, "auto"))
                return false; /* another store */
        name = str_printf("gcroots/auto/%s", root + 1);
        if (!name)
                return false;
        for (char *p = name + strlen("gcroots/auto/"); *p; p++)
                if (*p == '/')
                        *p = '-';
        link = state_path(name);
        if (!link || symlink(store_path, root) < 0)
                return false;
        if (symlink(root, link) >= 0) {
                if (!collecting() && !lstat(store_path, &st))
                        return true;
                (void)unlink(link);
        }
        (void)unlink(root);
        return false;
}

static const char *store_dir(void)
{
        const char *s = getenv("NIX_STORE_DIR");
        return s && *s ? s : "/nix/store";
}

uid_t nix_store_owner(void)
{
        struct stat st;

        return stat(store_dir(), &st) < 0 ? 0 : st.st_uid;
}

/* The path in the store as the user names it; the store itself may be reached by a link. */
static const char *in_store(const char *real)
{
        const char *rest = str_after(real, store_dir());
        _cleanup_free_ char *store = rest ? NULL : realpath(store_dir(), NULL);

        return store ? str_after(real, store) : rest;
}

int nix_store_file(const char *path, char **ret)
{
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        _cleanup_free_ char *real = NULL, *file = NULL;
        const char *rest;
        struct stat st;
        char link[32];
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        /* The kernel knows where the links led to; realpath() would look at each part of the path. */
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        r = fs_readlinkat(AT_FDCWD, link, &real);
        if (r < 0)
                return r;
        rest = in_store(real);
        if (!rest)
                return -EXDEV;
        file = str_printf("%s%s", store_dir(), rest);
        if (!file)
                return -ENOMEM;
        if (!nix_is_store_path(file))
                return -EXDEV;
        if (!S_ISREG(st.st_mode))
                return FS_NOT_REGULAR;
        *ret = TAKE_PTR(file);
        return 0;
}

size_t nix_store_path_len(const char *path)
{
        const char *s = str_after(path, store_dir());
        if (!s || *s++ != '/')
                return 0;
        if (strspn(s, "0123456789abcdfghijklmnpqrsvwxyz") < 32 || s[32] != '-' || !s[33] || s[33] == '/')
                return 0;
        return (size_t)(strchrnul(s, '/') - path);
}

bool nix_is_store_path(const char *path)
{
        return nix_store_path_len(path) > 0;
}
