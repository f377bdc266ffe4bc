/* SPDX-License-Identifier: MIT */
#pragma once
struct deployment;
struct ec_err;
struct layout;
/* Sets the changes of a deployment: what installing would change. Touches nothing. */
int compare_all(const struct layout *l, struct deployment *d, struct ec_err *err);
