/* SPDX-License-Identifier: MIT */
#pragma once
#include <sys/types.h>
/* Sends SIGKILL to the children of a process, which need not be ours. */
void proc_kill_children(pid_t parent);
