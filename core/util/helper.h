/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

/* Children for what others can keep waiting for as long as they want, such as a look at files of a container. */

#define HELPER_FDS     65
#define HELPER_SECONDS 10

/* In a child: parts it from what belongs to us. Signals have their defaults, descriptors 0 to 2 are /dev/null, and all
 * others but `keep` are closed. -errno. */
int helper_isolate(const int *keep, size_t n);
/* Runs fn in such a child; it is killed after HELPER_SECONDS, or if wake (-1: none) can be read, and not waited for if
 * even that cannot end it.
 * *ret is what fn has written to out, at most max bytes and a NUL, however the child has ended; NULL: it was not
 * started. -ETIMEDOUT; -ECANCELED: a signal interrupted it; or why it could not run fn. */
int helper_run(void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max, int wake, char **ret,
               size_t *ret_len);
