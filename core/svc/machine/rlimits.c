/* SPDX-License-Identifier: MIT */
#include "svc/machine/rlimits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "util/cleanup.h"
#include "util/strv.h"

/* As systemd does for its services: select() cannot handle more, and systemd's own limit is higher. */
#define FILES_SOFT 1024

int rlimits_read(const struct leader *l, char **ret)
{
        _cleanup_free_ char *text = NULL;

        for (int i = 0; i < RLIM_NLIMITS; i++) {
                struct rlimit v;
                char *more;

                if (prlimit((pid_t)l->pid, i, NULL, &v) < 0)
                        return -errno;
                if (i == RLIMIT_NOFILE && v.rlim_cur > FILES_SOFT)
                        v.rlim_cur = FILES_SOFT;
                more = str_printf("%s%" PRIuMAX " %" PRIuMAX " ", text ?: "", (uintmax_t)v.rlim_cur,
                                  (uintmax_t)v.rlim_max);
                if (!more)
                        return -ENOMEM;
                free(text);
                text = more;
        }
        if (leader_ended(l))
                return -ESRCH;
        *ret = TAKE_PTR(text);
        return 0;
}

static rlim_t lower(rlim_t a, rlim_t b)
{
        return a < b ? a : b;
}

int rlimits_set(const char *text)
{
        char *p = (char *)text;

        for (int i = 0; i < RLIM_NLIMITS; i++) {
                struct rlimit v, own;

                v.rlim_cur = strtoumax(p, &p, 10);
                v.rlim_max = strtoumax(p, &p, 10);
                if (setrlimit(i, &v) >= 0)
                        continue;
                /* Without CAP_SYS_RESOURCE, limits of ours that are lower cannot be raised. */
                if (errno != EPERM || getrlimit(i, &own) < 0)
                        return -errno;
                v.rlim_max = lower(v.rlim_max, own.rlim_max);
                v.rlim_cur = lower(v.rlim_cur, v.rlim_max);
                if (setrlimit(i, &v) < 0)
                        return -errno;
        }
        return 0;
}
