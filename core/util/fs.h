/* SPDX-License-Identifier: MIT */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
struct ec_err;

#define FS_NOT_REGULAR (-EBADFD) /* a FIFO, a device, a socket or a directory where a file is expected */
const char *fs_strerror(int r);  /* the text for a negative result */
/* Every file is opened by this function: it does not block, whatever it finds there, and accepts only a regular file.
 * flags are those of open(), O_CLOEXEC is implied. */
int fs_open_regular(int dirfd, const char *path, int flags, mode_t mode);
int fs_check_regular(int fd); /* 0 or FS_NOT_REGULAR */
/* Opens the file that fd, from O_PATH, refers to. For files of a container: to open a device alone can have effects,
 * and a file of the kernel is refused. -EAGAIN: another process has a lease on it. */
int fs_reopen_regular(int fd, int flags);
int fs_reopen(int fd, int flags); /* whatever it is: look at an O_PATH descriptor before */
/* NUL-terminated; -EFBIG over max; ret_len may be NULL */
int fs_read(const char *path, size_t max, char **ret, size_t *ret_len);
int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len); /* from where it is */
int fs_readlinkat(int dirfd, const char *path, char **ret);
int fs_mkdir_p(const char *path, mode_t mode); /* whatever the umask; what exists is not changed */
/* Both replace an existing one by renaming a temporary name, so the old one or the new one exists at any time. */
int fs_symlink_atomic(const char *target, const char *path);
int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode);
/* Removes temporary files of interrupted atomic writes; the caller holds the lock. */
void fs_remove_temp(const char *dir);
bool fs_has_entries(const char *dir);        /* false also if it cannot be read */
bool fs_exists(const char *path);            /* also a link that leads nowhere */
int fs_unlink(const char *path);             /* 1; 0: it did not exist */
char *fs_join(const char *a, const char *b); /* with one slash between; NULL: no memory */
