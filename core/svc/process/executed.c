/* SPDX-License-Identifier: MIT */
#include "svc/process/executed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* PF_FORKNOEXEC of linux/sched.h, one of the flags in proc(5). */
#define FORKED 0x40

int proc_executed(const char *stat)
{
        /* The name can contain anything. Field 9; the one after the name is the third. */
        const char *s = strrchr(stat, ')');

        for (int i = 2; s && i < 9; i++)
                s = strchr(s + 1, ' ');
        return s ? !(strtoul(s, NULL, 10) & FORKED) : -EBADMSG;
}
