/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct descriptor;
struct ec_err;
/* Opens the file of a plugin and reads its descriptor; none of its code runs except constructors. The file is never
 * closed. err: one line without the plugin's name. */
int object_open(const char *file, const char *name, bool check_trust, struct descriptor **ret, struct ec_err *err);
