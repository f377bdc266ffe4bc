/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_err;
/* The environment and the programs of children. */

/* Changes an environment: "K=V" sets, "K" unsets. -ENOMEM. */
int env_set(char ***env, const char *entry);
/* Looks a program up in the PATH of env and in the directories of more. check() tells whether a path can be run: 0,
 * -EACCES, or another errno: it does not exist. 0, -ENOENT, -EACCES (it exists, but cannot be run), -ENOMEM. */
int env_find(const char *const *env, const char *more, const char *program,
             int (*check)(const void *data, const char *path), const void *data, char **ret_path);
/* Our own environment without LD_*, BASH_ENV, ENV, IFS, CDPATH and GCONV_PATH, changed by each of delta as
 * by env_set(). NULL: no memory. */
char **proc_environment(const char *const *delta);
/* Replaces this process; returns only on failure. */
int proc_exec(const char *const *argv, const char *const *env_delta, struct ec_err *err);
/* Logs a command line with --debug, quoted as a shell would read it, after what it is for. */
void proc_tell(const char *what, const char *const *argv);
bool proc_find(const char *program, char **ret_path); /* in PATH; ret_path may be NULL */
/* The environment of a child, changed by delta, and the path of argv[0] in its PATH. A name with a slash is its own
 * path. Both are set on failure, too. */
int proc_look_up(const char *const *argv, const char *const *delta, char ***ret_env, char **ret_path,
                 struct ec_err *err);
