/* SPDX-License-Identifier: MIT */
#pragma once
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "capture.h"

/* Answers to nothing but its mount; or to everything else with this error. */
static UNUSED void take_requests(int fd, int error)
{
        union {
                struct {
                        struct fuse_in_header header;
                        struct fuse_init_in init;
                };
                char data[1 << 17];
        } in;
        struct {
                struct fuse_out_header header;
                struct fuse_init_out init;
        } out = { 0 };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (read(fd, &in, sizeof(in)) > 0) {
                if (in.header.opcode != FUSE_INIT) {
                        out.header = (struct fuse_out_header){ sizeof(out.header), -error, in.header.unique };
                        if (error && in.header.opcode != FUSE_FORGET)
                                (void)!write(fd, &out.header, sizeof(out.header));
                        continue;
                }
                out.header = (struct fuse_out_header){ sizeof(out), 0, in.header.unique };
                out.init.major = FUSE_KERNEL_VERSION;
                out.init.minor = in.init.minor;
                out.init.max_write = 4096;
                if (write(fd, &out, sizeof(out)) < 0)
                        break;
        }
        _exit(1);
}

/* Mounts a file system whose maker, the process that is returned, takes the requests and does not answer, so that even
 * SIGKILL does not end the wait for it. error: answers with this one; 0. -1: not possible here. */
static UNUSED pid_t slow_mount(const char *path, int error)
{
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[64];
        pid_t pid = -1;

        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        if (fd >= 0 && mount("fuse", path, "fuse", 0, options) >= 0)
                pid = fork();
        if (!pid)
                take_requests(fd, error);
        if (fd >= 0)
                close(fd);
        return pid;
}
