/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <stdint.h>

/* Where an object's data can be: the segments of its file in memory. */
struct bounds {
        struct {
                uintptr_t start, end;
        } spans[16];
        size_t n;
};

/*
 * A plugin's descriptor as this version knows it: every struct has its full size and every array our stride, so the
 * rest of the core need not know about older or newer plugins. Strings and functions still belong to the plugin.
 */
struct descriptor {
        struct ec_plugin plugin;
        struct ec_hooks hooks;
        char **arrays; /* the memory of all of them */
};
/* raw_size: the descriptor's size in the symbol table. err: one line without the plugin's name. */
int descriptor_read(const void *raw, size_t raw_size, const struct bounds *b, const char *name, struct descriptor **ret,
                    struct ec_err *err);
void descriptor_free(struct descriptor *d);
DEFINE_CLEANUP(struct descriptor, descriptor_free)

/* The items of a normalised array. */
#define ARRAY_ITEMS(type, a) ((const type *)(a).items)
