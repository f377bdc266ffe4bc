/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
#include <systemd/sd-bus.h>

/* Connects to the system bus inside a container as its root, without waiting for an answer. -EAGAIN: it is busy. */
int inner_bus_open(uint32_t leader, sd_bus **ret);
