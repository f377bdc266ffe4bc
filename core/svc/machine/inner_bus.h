/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/leader.h"

/* Connects to the system bus inside a container as its root, without waiting for anything of it. If it has none, this
 * fails, or the connection is lost soon. streams: the only descriptors that can be sent over it, always these three;
 * NULL, or -1 each: none. -ESRCH: the container has ended. */
int inner_bus_open(const struct leader *l, const int *streams, sd_bus **ret);
