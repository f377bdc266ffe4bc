/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
struct plugins;
/* Could p, which is not yet in l, be added without a clash? If not, one line that names both. */
int plugin_check_clash(const struct plugins *l, const struct ec_plugin *p, struct ec_err *err);
