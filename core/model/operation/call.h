/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include "util/err.h"
#include <stdbool.h>
struct ec_op;
/*
 * The plugin whose code runs. While it runs, signals are caught instead of read, so that a plugin that waits notices
 * them; and if the plugin crashes or calls exit(), it can be named.
 */
struct call {
        const char *plugin, *what; /* "hook installed", "command 'create'" */
        bool hook;                 /* phases cannot be called from here */
        struct ec_op *op;          /* or NULL */
        const struct call *outer;
        unsigned held, locked; /* their depth before the call */
        bool caught;           /* whether signals were caught before the call */
};
/* Installs the handlers; once. */
void call_init(void);
void call_enter(struct call *c, struct ec_op *op, const char *plugin, const char *what, bool hook);
/* Releases what the plugin still holds, with a warning. */
void call_leave(struct call *c);
const struct call *call_current(void); /* NULL: our own code */

/* A service that waits: signals are read again until it returns. While they are held, they stay caught, so that a
 * second one still ends the program. A caller that does not want the text of an error may pass NULL for it. */
struct service_scope {
        bool caught;
        struct ec_err own;
};
struct service_scope service_enter(void);
void service_leave(struct service_scope *s);
#define SERVICE_SCOPE(err)                                                                              \
        _cleanup_(service_leave) __attribute__((unused)) struct service_scope scope_ = service_enter(); \
        (err) = (err) ? (err) : &scope_.own
