/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Children for what others can keep waiting for as long as they want, such as a look at files of a container. */

#define HELPER_FDS     65
#define HELPER_SECONDS 10

/* In a child: parts it from what belongs to us. Signals have their defaults, descriptors 0 to 2 are /dev/null, all
 * others but `keep` are closed, and it is in a session of its own, so that ^C is not for it. -errno. */
int helper_isolate(const int *keep, size_t n);

/* In a child: takes its capabilities. -errno. */
int helper_drop_capabilities(void);

struct helper {
        pid_t pid;
        int from; /* -1: not started */
        char *text;
        size_t len, max;
        uint64_t until; /* when its time is over */
        bool ended;     /* it has nothing more to say */
};
#define HELPER_NONE        \
        {                  \
                .from = -1 \
        }
/* Runs fn in such a child. What it writes to out is kept, at most max bytes. */
int helper_begin(struct helper *h, void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max);
/* Never waits. 1: it has ended; 0: call it again when h->from can be read, or at h->until. -ETIMEDOUT: after
 * HELPER_SECONDS. */
int helper_step(struct helper *h);
/* Kills it, and does not wait long if even that cannot end it. *ret: what it has written, and a NUL, however it has
 * ended. -errno: why fn could not run. */
int helper_end(struct helper *h, char **ret, size_t *ret_len);
void helper_done(struct helper *h);
/* The same at once. -ECANCELED: wake (-1: none) can be read. *ret is NULL if it was not started. */
int helper_run(void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max, int wake, char **ret,
               size_t *ret_len);
