/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "util/cleanup.h"
#include "util/clock.h"

/* sd-bus with our errors, and with waits that ^C interrupts. */

#define BUS_SYSTEMD         "org.freedesktop.systemd1"
#define BUS_SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define BUS_MANAGER         "org.freedesktop.systemd1.Manager"
#define BUS_MACHINED        "org.freedesktop.machine1"
#define BUS_NO_SUCH_UNIT    "org.freedesktop.systemd1.NoSuchUnit"
#define BUS_NO_SUCH_MACHINE "org.freedesktop.machine1.NoSuchMachine"

/* The manager may be busy for a long time, loading thousands of units or starting hundreds. */
#define BUS_TIMEOUT (300 * USEC_PER_SEC)

#define _cleanup_bus_         _cleanup_(sd_bus_close_unrefp)
#define _cleanup_bus_message_ _cleanup_(sd_bus_message_unrefp)
#define _cleanup_bus_slot_    _cleanup_(sd_bus_slot_unrefp)
#define _cleanup_bus_error_   _cleanup_(sd_bus_error_free)

/* Handles pending messages: 1 if there were any, so that the caller checks its state again. Otherwise fills in p for a
 * poll() and lowers *deadline to when the bus needs attention: 0. -errno: the connection is lost. */
int bus_fill(sd_bus *bus, struct pollfd *p, uint64_t *deadline);
/* The same, but waits until the deadline for the bus or a signal: 0, or BUS_SIGNAL if there is one to be read. */
int bus_poll(sd_bus *bus, uint64_t deadline);
#define BUS_SIGNAL 2

/* Waits until the connection is set up: 1. -ETIMEDOUT, -ECANCELED. Before that, nothing is sent and the time limits of
 * calls do not start. */
int bus_wait_ready(sd_bus *bus, uint64_t until);

/* The receiver lost its connection, as systemd does in `systemctl daemon-reexec`, and has not come back yet. */
bool bus_error_reconnects(const sd_bus_error *e, const char *dest);
#define BUS_RECONNECT       (20 * USEC_PER_SEC) /* so long a call is repeated, */
#define BUS_RECONNECT_EVERY (100 * USEC_PER_MSEC)
/* A call that ^C interrupts: -ECANCELED. Not for use in callbacks. *e is freed first. -ETIMEDOUT: no reply within
 * timeout. Calls that only ask, and Reload, are repeated if the receiver reconnects. types as in
 * sd_bus_message_append(). e may be NULL. */
int bus_call_method(sd_bus *bus, const char *dest, const char *path, const char *iface, const char *method,
                    uint64_t timeout, sd_bus_error *e, sd_bus_message **ret, const char *types, ...);
/* A method of systemd that takes names; what it returns does not matter. */
int bus_call_names(sd_bus *bus, const char *method, const char *const *names, sd_bus_error *e);
/* Calls a method of systemd without waiting for a reply: its outcome does not matter. */
int bus_tell_manager(sd_bus *bus, const char *method, const char *types, ...);
/* Gets a property. The variant is entered; its signature must be one of `types`. */
int bus_get(sd_bus *bus, const char *dest, const char *path, const char *iface, const char *prop,
            const char *const *types, sd_bus_error *e, sd_bus_message **ret);
#define BUS_TYPES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* "cannot do this: text of the error", or an interruption. Returns the errno. */
int bus_err(struct ec_err *err, int r, const sd_bus_error *e, const char *fmt, ...) EC_PRINTF(4, 5);
/* The error's text, a new string; NULL: no memory. */
char *bus_error_text(int r, const sd_bus_error *e);
int bus_error_errno(int r, const sd_bus_error *e);
/* The name of a sender for matches: NULL on a direct connection, where senders have no names. */
const char *bus_sender(sd_bus *bus, const char *name);
