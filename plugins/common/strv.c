/* SPDX-License-Identifier: MIT */
#include "../../core/util/strv.c"
