/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>
struct ec_err;
/* INT, TERM and HUP ask the program to stop. They are blocked and read from a signalfd, so a command stops at its next
 * wait, cleanly. While code of a plugin runs they are caught instead, because that code may wait for something else.
 * SIGPIPE is ignored. A signal that the caller of the program ignores (nohup) stays ignored. */
int interrupt_init(void);
/* Poll for POLLIN, then call interrupt_signal(). A signal that was read before does not show here again: call
 * interrupt_check() first. -1: interrupts are held, or interrupt_init() was not called. */
int interrupt_fd(void);
/* For plugins: readable from the first signal on. */
int interrupt_told_fd(void);
int interrupt_signal(void); /* the first signal that came, 0: none. Does not block. */
/* -ECANCELED with err set if one came; for loops that do not wait. */
int interrupt_check(struct ec_err *err);
/* Waits a little, for what has no event. -ECANCELED after a signal. */
int interrupt_pause(uint64_t usec, struct ec_err *err);
/* Waits until fd is writable; -ECANCELED after a signal. */
int interrupt_wait_writable(int fd);
/* Forgets the signal, for when ^C only ends a wait. */
void interrupt_clear(void);
/* While held, interrupt_check() and waits ignore it: for steps that undo something. Calls nest. */
void interrupt_hold(void);
void interrupt_release(void);
unsigned interrupt_held(void);
/* While a child owns the terminal, ^C belongs to it: an INT from the terminal is dropped; one from a process still
 * counts. */
void interrupt_ignore_int(bool on);
/* Catches signals (in a plugin's code) or reads them (in ours). Returns the previous setting. */
bool interrupt_catch(bool on);
/* Called in the signal handler for a second signal, half a second or more after the first. */
void interrupt_on_second(void (*fn)(int sig));
/* In a child: default actions for all signals, and none is blocked. */
void interrupt_reset(void);
