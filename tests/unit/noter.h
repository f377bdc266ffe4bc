/* SPDX-License-Identifier: MIT */
#pragma once
/* A plugin that records which containers its hooks get: "started(a b) failed(c) ". */
#include <signal.h>
#include <stdlib.h>

#include "model/operation/hooks.h"
#include "util/strv.h"

static char *noted;
static int noter_signal; /* raised in each hook */

static int note_hook(const char *hook, const struct ec_container *const *containers)
{
        char *s = str_printf("%s%s(", noted ? noted : "", hook);

        for (const struct ec_container *const *c = containers; *c; c++) {
                char *next = str_printf("%s%s%s", s, c == containers ? "" : " ", (*c)->name);

                free(s);
                s = next;
        }
        free(noted);
        noted = str_printf("%s) ", s);
        free(s);
        if (noter_signal)
                raise(noter_signal);
        return 0;
}

#define NOTE_HOOK(hook)                                                                                    \
        static int note_##hook(void *self, struct ec_op *op, const struct ec_container *const *containers, \
                               struct ec_err *err)                                                         \
        {                                                                                                  \
                (void)self, (void)op, (void)err;                                                           \
                return note_hook(#hook, containers);                                                       \
        }
NOTE_HOOK(started)
NOTE_HOOK(updated)
NOTE_HOOK(stopped)
NOTE_HOOK(failed)

static const struct ec_hooks noter_hooks = {
        .size = sizeof(noter_hooks),
        .started = note_started,
        .updated = note_updated,
        .stopped = note_stopped,
        .failed = note_failed,
};
static const struct ec_plugin noter_plugin = { .size = sizeof(noter_plugin),
                                               .name = "noter",
                                               .provides = EC_PROVIDES_GCROOT,
                                               .hooks = &noter_hooks };
static struct plugin_ref noter_ref = { .plugin = &noter_plugin };

static void noter_reset(void)
{
        free(noted);
        noted = strdup("");
        noter_signal = 0;
}

static void noter_done(void)
{
        free(noted);
        noted = NULL;
}
