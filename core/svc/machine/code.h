/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

struct ec_err;
/* A container chooses the errors of its bus, its files and its processes. For the whole run, some codes mean that the
 * user has interrupted it, or that the host is out of memory or open files. */

/* r, or -EIO if a container must not choose this one. */
int code_of_container(int r);
/* The same for an error that is set, which keeps its text. Returns the code. */
int code_limit(struct ec_err *err, int r);
/* The exit status, as a shell has it, of a process that systemd describes with these two. 0 means in the place of the
 * first that it was not started: -ENOENT. -EBADMSG: no process can end like this. */
int code_exit_status(int32_t code, int32_t status);
