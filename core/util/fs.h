/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
struct ec_err;

int fs_read(const char *path, size_t max, char **ret,
            size_t *ret_len); /* NUL-terminated; -EFBIG over max; ret_len may be NULL */
int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len); /* from where it is */
int fs_readlinkat(int dirfd, const char *path, char **ret);
int fs_mkdir_p(const char *path, mode_t mode);
/* Both replace an existing one by renaming a temporary name, so the old one or the new one exists at any time. */
int fs_symlink_atomic(const char *target, const char *path);
int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode);
/* Removes temporary files of interrupted atomic writes; the caller holds the lock. */
void fs_remove_temp(const char *dir);
bool fs_exists(const char *path);            /* also a link that leads nowhere */
int fs_unlink(const char *path);             /* 1; 0: it did not exist */
char *fs_join(const char *a, const char *b); /* with one slash between; NULL: no memory */
