/* SPDX-License-Identifier: MIT */
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Hand an owned value out of a _cleanup_ variable. */
#define TAKE_PTR(p)                        \
        ({                                 \
                __typeof__(p) *_pp = &(p); \
                __typeof__(p) _v = *_pp;   \
                *_pp = NULL;               \
                _v;                        \
        })
#define TAKE_FD(fd)                \
        ({                         \
                int *_pfd = &(fd); \
                int _v = *_pfd;    \
                *_pfd = -1;        \
                _v;                \
        })

/* Defines cleanup_NAME(TYPE **) for a destructor that takes TYPE *. */
#define DEFINE_CLEANUP(type, func)                                                                   \
        static inline void cleanup_##func(type **p) /* NOLINT(bugprone-macro-parentheses): a type */ \
        {                                                                                            \
                if (*p)                                                                              \
                        func(*p);                                                                    \
        }

static inline void cleanup_free(void *p)
{
        free(*(void **)p);
}
static inline void cleanup_close(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}
static inline void cleanup_closedir(DIR **d)
{
        if (*d)
                closedir(*d);
}
static inline void cleanup_fclose(FILE **f)
{
        if (*f)
                (void)fclose(*f);
}

#define _cleanup_free_     _cleanup_(cleanup_free)
#define _cleanup_close_    _cleanup_(cleanup_close)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)
#define _cleanup_fclose_   _cleanup_(cleanup_fclose)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
