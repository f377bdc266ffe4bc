/* SPDX-License-Identifier: MIT */
#include "util/fs_unmount.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

#define ROUNDS_MAX 64 /* mounts can hide each other */

static bool is_octal(char c)
{
        return c >= '0' && c <= '7';
}

void fs_mountinfo_unescape(char *s)
{
        char *to = s;

        while (*s) {
                if (*s == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3])) {
                        *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
                        s += 4;
                } else {
                        *to++ = *s++;
                }
        }
        *to = 0;
}

static int mounts_below(const char *path, char ***ret)
{
        _cleanup_strv_ char **v = NULL;
        _cleanup_free_ char *line = NULL;
        _cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
        size_t size = 0;

        /* Without /proc there is no list: fs_remove_tree() still stops at each mount. */
        while (f && getline(&line, &size, f) > 0) {
                _cleanup_free_ char *dir = NULL;
                const char *rest;

                if (sscanf(line, "%*s %*s %*s %*s %ms", &dir) != 1)
                        continue;
                fs_mountinfo_unescape(dir);
                rest = str_after(dir, path);
                if (rest && (!*rest || *rest == '/') && strv_push(&v, dir) < 0)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(v);
        return 0;
}

/* The latest first, with all that is mounted below it, and again while that uncovers others. */
void fs_unmount_below(const char *path, struct ec_err *err)
{
        for (int round = 0; round < ROUNDS_MAX; round++) {
                _cleanup_strv_ char **v = NULL;
                const char *stuck = NULL;
                bool progress = false;
                int r = 0;

                if (mounts_below(path, &v) < 0)
                        return;
                for (size_t i = strv_len(STRV_CONST(v)); i > 0; i--) {
                        if (umount2(v[i - 1], MNT_DETACH | UMOUNT_NOFOLLOW) >= 0) {
                                progress = true;
                        } else if (!stuck) {
                                r = -errno;
                                stuck = v[i - 1];
                        }
                }
                if (progress)
                        continue;
                if (stuck)
                        err_set(err, r, "cannot unmount '%s': %s", stuck, strerror(-r));
                return;
        }
}
