/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct layout;

/* A private directory, mode 0700. Its lock shows other runs that its owner is alive. */
struct tmp_dir {
        char *path; /* NULL: not made */
        int fd;
};
#define TMP_DIR_INIT      \
        {                 \
                .fd = -1, \
        }
/* In root's run_state, or below /tmp for other users. Also removes the directories of runs that were killed. */
int tmp_dir_make(const struct layout *l, struct tmp_dir *ret, struct ec_err *err);
/* Only removes those directories. */
void tmp_dir_sweep(const struct layout *l);
/* With everything below it. Does nothing if it was not made. */
void tmp_dir_remove(struct tmp_dir *t);
