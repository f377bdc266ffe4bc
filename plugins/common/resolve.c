/* SPDX-License-Identifier: MIT */
#include "../../core/util/resolve.c"
