/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
/* Undoes all mounts on an absolute path and below it. err is set to the first one that stays. */
void fs_unmount_below(const char *path, struct ec_err *err);
/* Decodes the octal escapes of mountinfo, in place. */
void fs_mountinfo_unescape(char *s);
