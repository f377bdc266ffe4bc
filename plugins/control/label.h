/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* "26.05.20261128.abcdef", of the system that is installed; *ret stays if it is not known. -ENOMEM. */
int label_read(const struct ec_host *h, const struct ec_container *c, char **ret);
