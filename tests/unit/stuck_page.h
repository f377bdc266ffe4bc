/* SPDX-License-Identifier: MIT */
#pragma once
/* What a process with /dev/fuse can do to a pipe: who reads it waits, until the process that answers for its file
 * system ends, and not even SIGKILL ends that. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define STUCK_PAGE 4096

static void stuck_answer(int dev, uint64_t unique, int error, void *data, size_t n)
{
        struct fuse_out_header head = { (uint32_t)(sizeof(head) + (error ? 0 : n)), -error, unique };

        (void)!writev(dev, (struct iovec[]){ { &head, sizeof(head) }, { data, error ? 0 : n } }, 2);
}

static struct fuse_attr stuck_attr(uint64_t inode)
{
        return (struct fuse_attr){ .ino = inode,
                                   .nlink = 1,
                                   .mode = inode == 1 ? S_IFDIR | 0755 : S_IFREG | 0666,
                                   .size = inode == 1 ? 0 : STUCK_PAGE,
                                   .blksize = STUCK_PAGE };
}

/* One file. After its first write, which fails, reads of it get no answer; that one came is a byte for `ready`. */
static void stuck_serve(int dev, int ready)
{
        static char buf[1 << 20], page[STUCK_PAGE];
        int stuck = 0;

        while (read(dev, buf, sizeof(buf)) > 0 || errno == EINTR || errno == ENOENT) {
                const struct fuse_in_header *head = (const void *)buf;
                struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 65536 };
                struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 1000, .attr_valid = 1000 };
                struct fuse_attr_out attr = { .attr_valid = 1000, .attr = stuck_attr(head->nodeid) };
                struct fuse_open_out open = { .open_flags = FOPEN_KEEP_CACHE };

                entry.attr = stuck_attr(2);
                if (head->opcode == FUSE_INIT)
                        stuck_answer(dev, head->unique, 0, &init, sizeof(init));
                else if (head->opcode == FUSE_LOOKUP)
                        stuck_answer(dev, head->unique, 0, &entry, sizeof(entry));
                else if (head->opcode == FUSE_GETATTR || head->opcode == FUSE_SETATTR)
                        stuck_answer(dev, head->unique, 0, &attr, sizeof(attr));
                else if (head->opcode == FUSE_OPEN)
                        stuck_answer(dev, head->unique, 0, &open, sizeof(open));
                else if (head->opcode == FUSE_READ && stuck)
                        (void)!write(ready, "x", 1);
                else if (head->opcode == FUSE_READ)
                        stuck_answer(dev, head->unique, 0, page, sizeof(page));
                else if (head->opcode != FUSE_FORGET && head->opcode != FUSE_INTERRUPT)
                        stuck_answer(dev, head->unique, head->opcode == FUSE_WRITE ? EIO : ENOSYS, NULL, 0);
                stuck = stuck || head->opcode == FUSE_WRITE;
        }
        _exit(0);
}

/* Mounts it on this directory, for so many seconds. Returns the process that serves it, with a pipe that contains the
 * page, to be moved by splice(); -1: not possible here. */
static pid_t stuck_page(const char *dir, unsigned seconds, int *ret_pipe)
{
        int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC), file, ready[2], fds[2];
        char text[4096] = "";
        pid_t pid;

        if (dev < 0 || pipe2(ready, O_CLOEXEC) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return -1;
        snprintf(text, sizeof(text), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", dev);
        if (mount("stuck", dir, "fuse", 0, text) < 0)
                return -1;
        pid = fork();
        if (!pid) {
                prctl(PR_SET_NAME, "stuck-server", 0, 0, 0);
                alarm(seconds);
                close(fds[0]), close(fds[1]);
                stuck_serve(dev, ready[1]);
        }
        close(dev);
        snprintf(text, sizeof(text), "%s/file", dir);
        file = open(text, O_RDWR | O_CLOEXEC);
        if (file < 0 || read(file, text, sizeof(text)) < 0 ||
            splice(file, &(loff_t){ 0 }, fds[1], NULL, STUCK_PAGE, 0) != STUCK_PAGE)
                return -1;
        /* The page is not up to date any more. */
        (void)!pwrite(file, text, STUCK_PAGE, 0);
        if (!fork())
                _exit(pread(file, text, 1, 0) < 0);
        close(file);
        close(ready[1]);
        *ret_pipe = fds[0];
        return read(ready[0], text, 1) == 1 ? pid : -1;
}
