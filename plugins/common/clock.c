/* SPDX-License-Identifier: MIT */
#include "../../core/util/clock.c"
