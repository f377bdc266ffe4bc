/* SPDX-License-Identifier: MIT */
#include "svc/machine/mappings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define MAPS_MAX (1 << 20)

struct mapping {
        uintptr_t begin, end;
        int prot;
};

/* 1: it is of a file. A program in memory that is sealed has no file of the host. */
static int parse(const char *line, struct mapping *ret)
{
        char perms[5];
        int path = 0;

        /* NOLINTNEXTLINE(cert-err34-c): the kernel printed the numbers */
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n", &ret->begin, &ret->end, perms, &path) != 3)
                return -EBADMSG;
        ret->prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
                    (perms[2] == 'x' ? PROT_EXEC : 0);
        return path && line[path] == '/' && strncmp(line + path, "/memfd:", strlen("/memfd:")) != 0;
}

/* The copy takes the place of the mapping at once, also of the code that runs this. */
static int copy(const struct mapping *m)
{
        void *at = (void *)m->begin; /* NOLINT(performance-no-int-to-ptr) */
        size_t size = m->end - m->begin;
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return -errno;
        /* What cannot be read is a gap in a library. The kernel copies, because a sanitizer would object to us. */
        if (m->prot & PROT_READ && process_vm_readv(getpid(), &(struct iovec){ p, size }, 1,
                                                    &(struct iovec){ at, size }, 1, 0) != (ssize_t)size)
                return -EFAULT;
        if (mprotect(p, size, m->prot) < 0 || mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) == MAP_FAILED)
                return -errno;
        return 0;
}

int mappings_copy(void)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *line;
        int r = fs_read("/proc/self/maps", MAPS_MAX, &text, NULL);

        if (r < 0)
                return r;
        for (rest = text; r >= 0 && (line = strsep(&rest, "\n")) && *line;) {
                struct mapping m;

                r = parse(line, &m);
                if (r > 0)
                        r = copy(&m);
        }
        return r < 0 ? r : 0;
}
