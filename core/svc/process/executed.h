/* SPDX-License-Identifier: MIT */
#pragma once
/* The text of /proc/PID/stat. 1: the process has executed a program; 0: it is still a copy of its parent. -EBADMSG. */
int proc_executed(const char *stat);
