/* SPDX-License-Identifier: MIT */
#pragma once
#include <linux/filter.h>
#include <stddef.h>

#include "svc/machine/leader.h"

/* The filters with which systemd-nspawn forbids system calls to the processes of a container. */
struct seccomp_filters {
        struct sock_fprog *items;
        size_t n;
};
/* Copies those of the leader, which is stopped meanwhile. SIGCHLD must be blocked, and the caller must end soon if this
 * fails: only that continues a leader that did not stop in time. Copies none if the kernel was built without
 * CONFIG_CHECKPOINT_RESTORE, or if we have filters ourselves: a container has no influence on either. */
int seccomp_copy(const struct leader *l, struct seccomp_filters *ret);
/* Forbids them to the calling process and its children. */
int seccomp_install(const struct seccomp_filters *f);
