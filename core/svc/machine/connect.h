/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/command.h"

/* The system bus inside a container, while it is being connected to. Nothing waits for it but a poll(). */
struct connect {
        sd_bus *bus;
        uint64_t until, next;
};
void connect_begin(struct connect *c, uint64_t timeout);
void connect_done(struct connect *c);
/* 1: c->bus is ready for use; 0: call it again after a poll() of *fd until *deadline. -errno: this attempt has failed,
 * -ETIMEDOUT because the bus does not answer, -ESRCH because the container has ended. */
int connect_step(struct connect *c, const struct exec *x, struct pollfd *fd, uint64_t *deadline);
/* After a failure: the next attempt. */
void connect_again(struct connect *c, uint64_t pause, uint64_t *deadline);

/* Connects to a container that may be booting. 1: c->bus is ready, or NULL if it has no usable one; 0: call it again
 * after a poll(). */
int exec_connect(struct exec *x, struct connect *c, struct pollfd fds[static EXEC_FDS], uint64_t *deadline,
                 struct ec_err *err);
/* How long to wait for the bus of a booting container, before its namespaces are entered instead. */
#define CONNECT_WAIT (10 * USEC_PER_SEC)
/* No event tells when a socket in another namespace begins to listen. */
#define CONNECT_AGAIN (20 * USEC_PER_MSEC)
