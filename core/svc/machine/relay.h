/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/leader.h"

/* Starts a process between us and the system bus inside a container. It enters the container, connects as its root, and
 * passes on what both send, and descriptors of ours. What the container can do with a connection, it does to this
 * process: it can find our end of the socket `ours` in it, and nothing else. It ends when one of both closes its end.
 * -ESRCH: the container has ended. If it has no bus, `ours` is closed. */
int relay_start(const struct leader *l, int ours);
