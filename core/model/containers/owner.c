/* SPDX-License-Identifier: MIT */
#include "model/containers/owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static char *owner_file(const struct layout *l, const char *name)
{
        return str_printf("%s/sessions/%s", l->run_state, name);
}

/* The process of the session; -1: it has not written its ID yet; 0: there is no session. */
static int holder(const char *path)
{
        _cleanup_close_ int fd = fs_open_regular(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0);
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        _cleanup_free_ char *text = NULL;
        int pid;

        if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
                return 0;
        pid = fs_read_fd(fd, 32, &text, NULL) < 0 ? 0 : (int)strtol(text, NULL, 10);
        return pid > 0 ? pid : -1;
}

/* The variable has a word CONTAINER=DIRECTORY for each session around us; its directory exists as long as it. */
static bool inside(const char *name)
{
        const char *value = getenv("EXTRA_CONTAINER_SESSION");
        _cleanup_strv_ char **words = strv_split(value ? value : "", " ");

        for (char **w = words; w && *w; w++) {
                const char *dir = str_after(*w, name);

                if (dir && *dir == '=' && fs_exists(dir + 1))
                        return true;
        }
        return false;
}

bool owner_any(const struct layout *l)
{
        _cleanup_free_ char *path = owner_file(l, "");
        _cleanup_closedir_ DIR *dir = path ? opendir(path) : NULL;
        struct dirent *e = NULL;

        while (dir && (e = readdir(dir)) && *e->d_name == '.')
                ;
        return e;
}

int owner_check(const struct layout *l, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *path = owner_file(l, name);
        int pid = path ? holder(path) : 0;

        if (!path)
                return err_oom(err);
        if (!pid || pid == getpid() || inside(name))
                return 0;
        if (pid < 0)
                return err_set(err, -EBUSY, "a session with '%s' is open; end it first", name);
        return err_set(err, -EBUSY,
                       "a session with '%s' is open (process %d); end it first, for example with 'kill %d'", name, pid,
                       pid);
}

void owner_forget(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = owner_file(l, name);

        if (path && fs_exists(path) && !holder(path))
                (void)unlink(path);
}
