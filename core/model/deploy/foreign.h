/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_container;
struct ec_err;
struct ec_op;
/* -EBUSY: a machine with the container's name runs, but in another unit, such as one that was started with
 * systemd-nspawn. NixOS would end it at a start, and destroy would remove its files. 1: machined does not say. */
int foreign_check(struct ec_op *op, const struct ec_container *c, struct ec_err *err);
