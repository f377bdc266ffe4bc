/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/leader.h"

/* Connects to the system bus inside a container as its root, without waiting for anything of it. If it has none, this
 * fails, or the connection is lost soon. -ESRCH: the container has ended. */
int inner_bus_open(const struct leader *l, sd_bus **ret);
