/* SPDX-License-Identifier: MIT */
#include "../../core/util/fs.c"
