/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>

struct create {
        const struct ec_host *host;
};

int create_run_list(void *self, struct ec_op *op, struct ec_err *err);
