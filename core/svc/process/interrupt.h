/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
/* INT, TERM and HUP are blocked for good and read from a signalfd: a command
 * stops at the next wait, cleanly. SIGPIPE is ignored. What the caller of the
 * program had ignored (nohup) stays ignored. */
int intr_init(void);
/* Poll for POLLIN, then call intr_signal(). A signal that was read before does
 * not show here again: call intr_check() first. -1: intr_init() was not called. */
int intr_fd(void);
int intr_signal(void); /* the signal that came first, 0: none. Does not block. */
/* -ECANCELED with err set if one came; for loops that do not wait. */
struct ec_err;
int intr_check(struct ec_err *err);
/* Forgets what came: where ^C ends a wait and not the command. */
void intr_clear(void);
/* While >0, intr_check() and waits ignore it: undo steps. */
void intr_hold(void);
void intr_release(void);
bool intr_held(void);
/* While a child owns the terminal, ^C is its own: INT that the terminal sends is
 * dropped. One that a process sends is for us. */
void intr_ignore_int(bool on);
