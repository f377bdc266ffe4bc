/* SPDX-License-Identifier: MIT */
#pragma once
/* What the fuzz targets share. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without jansson's random numbers, so that runs can be repeated. NULL: the target does not use it. */
extern void json_object_seed(size_t seed) __attribute__((weak));
__attribute__((constructor)) static void fuzz_begin(void)
{
        if (json_object_seed)
                json_object_seed(1);
}

/* Something that the tested code promises. */
#define must(x) ((x) ? (void)0 : fuzz_broken(#x, __FILE__, __LINE__))
static inline _Noreturn void fuzz_broken(const char *promise, const char *file, int line)
{
        fprintf(stderr, "ERROR: broken promise at %s:%d: %s\n", file, line, promise);
        abort();
}

static inline void *fuzz_alloc(void *p)
{
        must(p);
        return p;
}

/* A copy that ends with its block, so that the sanitizer notices reads after it. */
static inline char *fuzz_bytes(const uint8_t *data, size_t size)
{
        char *copy = fuzz_alloc(malloc(size ? size : 1));

        if (size)
                memcpy(copy, data, size);
        return copy;
}

static inline char *fuzz_text(const uint8_t *data, size_t size)
{
        return fuzz_alloc(strndup((const char *)data, size));
}

/* The next line, or what is left; NULL: nothing is. */
static inline char *fuzz_line(const uint8_t **data, size_t *size)
{
        const uint8_t *nl = *size ? memchr(*data, '\n', *size) : NULL;
        size_t n = nl ? (size_t)(nl - *data) : *size;
        char *line;

        if (!*size)
                return NULL;
        line = fuzz_text(*data, n);
        n += nl ? 1 : 0;
        *data += n;
        *size -= n;
        return line;
}

/* The path of a file with these bytes, for functions that open one. It is replaced by the next call. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
        static char path[32];
        static int fd = -1;

        if (fd < 0)
                fd = memfd_create("fuzz", MFD_CLOEXEC);
        must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return path;
}
