/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Pipes for processes in a container, which a process of ours connects with other pipes for us. To read, write or close
 * a pipe, the kernel takes its lock. A reader keeps the lock while it waits for a page of a file that splice() has
 * moved into the pipe, and not even SIGKILL ends these waits. A process that has one end of a pipe can open the other
 * one in /proc. So a container can make every process wait that uses one of its pipes; we use only others. */

struct forward_way {
        bool out;   /* from the container */
        int ours;   /* does not block, */
        int theirs; /* the end for the container */
};
struct forward {
        int control; /* until it is closed, the process runs; -1: there is none */
};
#define FORWARD_NONE          \
        {                     \
                .control = -1 \
        }
#define FORWARD_MAX 3

/* Makes n of them, each in the direction that `out` says. keep: the process keeps `theirs`, too, so that ours is never
 * the last copy to be closed, and reads no end of file from the container. Without it, close `theirs` before the
 * container can use them. -errno. */
int forward_begin(struct forward *f, struct forward_way *ways, size_t n, bool keep);
/* Close `theirs` first. Then what is in the pipes from the container can be read from `ours`, but not what is written
 * to them later, and at last the end of file; that never comes if the container makes the process wait. */
void forward_end(struct forward *f);
