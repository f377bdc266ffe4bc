/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/leader.h"

/* A descriptor that a container sends could make our close() of it wait. Linux 6.16 lets a socket refuse them. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
void refuse_descriptors(int fd);
/* Connects to the system bus inside a container as its root, without waiting for an answer. -EAGAIN: it is busy. */
int inner_bus_open(const struct leader *l, sd_bus **ret);
