/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
/* INT, TERM and HUP are blocked for good and read from a signalfd: a command
 * stops at the next wait, cleanly. */
int intr_init(void);
int intr_fd(void);           /* poll for POLLIN */
int intr_signal(void);       /* the signal that came first, 0: none. Does not block. */
/* -ECANCELED with err set if one came; for loops that do not wait. */
struct ec_err;
int intr_check(struct ec_err *err);
/* While >0, intr_check() and waits ignore it: undo steps. */
void intr_hold(void);
void intr_release(void);
