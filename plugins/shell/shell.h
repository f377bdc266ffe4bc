/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* session.c: finds the sessions around us, by a variable that they set, and adds to a new one. */
#define SESSION_VARIABLE "EXTRA_CONTAINER_SESSION"
/* The file, as DEVICE:INODE, from which the session's shell reads its commands, if that is not a terminal. */
#define SCRIPT_VARIABLE "EXTRA_CONTAINER_SCRIPT"
#define PROMPT_VARIABLE "EXTRA_CONTAINER_PROMPT"
int session_has(const char *container); /* 1 if one of the live sessions around us is for this container, else 0 */
int session_hook(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
/* The file with the text of `h`; NULL: no memory. */
char *session_help_path(const struct ec_host *h, const struct ec_shell *sh);

/* claim.c: a session's own file. made: there was none before, of a session that was killed. */
struct claim {
        int fd, made;
        char *path; /* NULL: not claimed */
};
/* -EBUSY: another session has the container. -EEXIST: it exists, and was not made by a session; force: never mind. */
int claim_take(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, int force, struct claim *ret,
               struct ec_err *err);
/* forget: nothing is left that the next session may destroy. */
void claim_end(struct claim *claim, int forget);

/* session_run.c: opens a session and runs argv in it; NULL: the user's own shell. *ret_status as of struct
 * ec_proc_result, and 127 or 126 if argv did not start. */
int session_run(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, const char *const *argv,
                int32_t *ret_status, struct ec_err *err);

/* rc.c: shell is the value of $SHELL, or NULL; dir is the session's own, for startup files that read the user's
 * first. Returns the argv of the shell, and adds to the environment. */
int rc_prepare(const struct ec_host *h, const char *shell, const char *dir, char ***ret_argv, char ***env,
               struct ec_err *err);

/* exec.c: what `c` runs. */
#define EXEC_COMMAND "shell-exec"
int exec_run(void *self, struct ec_op *op, struct ec_err *err);
