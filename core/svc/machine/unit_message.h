/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/command.h"

/* The call that starts the command as a transient unit with this name. */
int unit_message(sd_bus *bus, const struct exec *x, const char *name, sd_bus_message **ret);
