/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/leader.h"

/* Starts two processes between us and the system bus inside a container. The inner one enters the container, connects
 * as its root, and passes on what both sides send; where we send descriptors, it sends the three streams, or NULL: it
 * has none. What the container can do with a connection, it does to this process, which has those, and pipes to the
 * outer one. Both end when one side closes. -ESRCH: the container has ended. If it has no bus, `ours` is closed. */
int relay_start(const struct leader *l, const int *streams, int ours);
