/* SPDX-License-Identifier: MIT */
/*
 * A session owns its container: it holds a lock on a file of the
 * container's name in run-state/sessions, which other runs of the program look at.
 * The file of a session that was killed stays: its container may be destroyed.
 */
#include "shell.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *claim_path(const struct ec_host *h, const struct ec_container *c)
{
        const char *dir = h->conf->path(h, "run-state");

        return str_printf("%s/sessions/%s", dir ? dir : "/run/extra-container", h->containers->name(c));
}

static int open_file(char *path, int *ret_made)
{
        char *slash = strrchr(path, '/');
        int fd;

        *slash = 0;
        (void)mkdir(path, 0700);
        *slash = '/';
        fd = fs_open_regular(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600);
        *ret_made = fd >= 0;
        return fd >= 0 ? fd : fs_open_regular(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
}

/* A session that ends removes its file before it unlocks it. */
static int lock_file(char *path, int *ret_made)
{
        for (;;) {
                struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
                struct stat st;
                int fd = open_file(path, ret_made);

                if (fd < 0 || (fcntl(fd, F_OFD_SETLK, &lock) >= 0 && fstat(fd, &st) >= 0 && st.st_nlink))
                        return fd;
                if (errno == EAGAIN || errno == EACCES) {
                        close(fd);
                        return -EBUSY;
                }
                close(fd);
        }
}

static int busy(const struct ec_host *h, const struct ec_container *c, const char *path, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        int pid = fs_read(path, 32, &text, NULL) < 0 ? 0 : (int)strtol(text, NULL, 10);

        /* `kill 0` would be bad advice. */
        if (pid <= 0)
                return h->err->set(err, -EBUSY, "a session with '%s' is open; end it first", h->containers->name(c));
        return h->err->set(err, -EBUSY,
                           "a session with '%s' is open (process %d); end it first, for example with 'kill %d'",
                           h->containers->name(c), pid, pid);
}

/* Only what a session has made is destroyed by a session. */
static int check_unused(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const char *name = h->containers->name(c), *state = h->containers->state_path(c);
        const struct ec_container *const *others, *installed;
        int r = h->containers->find(op, name, &installed, err);

        if (r >= 0)
                return h->err->set(err, -EEXIST,
                                   "container '%s' exists already, and a session destroys its container; use "
                                   "--no-destroy to keep it, or --destroy to destroy it and its data",
                                   name);
        h->err->clear(err);
        if (r == -ENOENT &&
            h->containers->select(op, (const char *const[]){ name, NULL }, EC_SELECT_HOST, &others, err) >= 0)
                return h->err->set(err, -EEXIST,
                                   "container '%s' already exists and was not installed by this program; choose "
                                   "another name",
                                   name);
        h->err->clear(err);
        if (r != -ENOENT || !fs_has_entries(state))
                return 0;
        return h->err->set(err, -EEXIST,
                           "%s has files, although container '%s' is not installed, and a session destroys its "
                           "container; use --no-destroy to keep them, or --destroy to delete them",
                           state, name);
}

static int take(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, int force, struct claim *ret,
                struct ec_err *err)
{
        _cleanup_free_ char *path = claim_path(h, c);
        int made, fd = path ? lock_file(path, &made) : -ENOMEM, r = 0;

        if (fd == -ENOMEM)
                return no_memory(h, err);
        if (fd == -EBUSY)
                return busy(h, c, path, err);
        if (fd < 0)
                return h->err->set(err, fd, "cannot open %s: %s", path, fs_strerror(fd));
        if (made && !force)
                r = check_unused(h, op, c, err);
        if (r >= 0 && (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0))
                r = h->err->set(err, -errno, "cannot write %s: %s", path, strerror(errno));
        *ret = (struct claim){ fd, made, TAKE_PTR(path) };
        if (r < 0)
                claim_end(ret, made);
        return r;
}

int claim_take(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, int force, struct claim *ret,
               struct ec_err *err)
{
        /* The program's lock also makes the directory around ours. */
        int r = h->deploy->lock(op, err);

        if (r < 0)
                return r;
        r = take(h, op, c, force, ret, err);
        h->deploy->unlock(op);
        return r;
}

void claim_end(struct claim *claim, int forget)
{
        if (!claim->path)
                return;
        if (forget)
                (void)unlink(claim->path);
        close(claim->fd);
        free(claim->path);
        *claim = (struct claim){ .fd = -1 };
}
