/* SPDX-License-Identifier: MIT */
#pragma once
#include <sys/types.h>
/* Sends a signal to the children of a process, which need not be ours. */
void proc_signal_children(pid_t parent, int sig);
