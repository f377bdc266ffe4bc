/* SPDX-License-Identifier: MIT */
#pragma once
#include <sys/stat.h>

#include <extra-container/plugin.h>

/* A hosts file, and the block of lines in it that belongs to this plugin. */
struct hosts_file {
        const char *path;
        char *text;        /* all of it */
        char *block, *end; /* the block's lines are in between, its markers included; equal: there is no block */
        struct stat st;    /* of the file */
};

/* A missing file is read as an empty one. */
int hosts_file_read(const struct ec_host *h, const char *path, struct hosts_file *ret, struct ec_err *err);
void hosts_file_done(struct hosts_file *f);
/* The entries in the block: "ADDRESS\tNAME" each. *rest begins as NULL; NULL is returned after the last one. */
const char *hosts_file_next(const struct hosts_file *f, const char **rest, size_t *ret_len);
/* Replaces the entries, or removes the block if there are none. Does nothing if they are the same. */
int hosts_file_replace(const struct ec_host *h, const struct hosts_file *f, const char *entries, struct ec_err *err);
