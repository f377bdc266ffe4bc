/* SPDX-License-Identifier: MIT */
#include "../../core/util/helper.c"
