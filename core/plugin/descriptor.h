/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <stdint.h>

/* Where an object's data may lie: the segments of its file in memory. */
struct bounds {
        struct {
                uintptr_t start, end;
        } spans[16];
        size_t n;
};

/*
 * A plugin's descriptor as this version knows it: every struct has its full
 * size, every array our stride, so nothing else of the core has to think of
 * older or newer plugins. Strings and functions stay the plugin's own.
 */
struct descriptor {
        struct ec_plugin plugin;
        struct ec_hooks hooks;
        struct ec_command *commands;
        struct ec_option *options;
        struct ec_setting *settings;
        struct ec_option **command_options; /* one table for each command */
};
/* raw_size: what the symbol table says of the descriptor. err: one line without the plugin's name. */
int descriptor_read(const void *raw, size_t raw_size, const struct bounds *b, const char *name, struct descriptor **ret,
                    struct ec_err *err);
void descriptor_free(struct descriptor *d);
DEFINE_CLEANUP(struct descriptor, descriptor_free)

/* The items of a normalised array. */
#define ARRAY_ITEMS(type, a) ((const type *)(a).items)
