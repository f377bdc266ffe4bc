/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
/* May root load the libraries that this file needs? Checks those that its DT_RPATH and DT_RUNPATH lead to, and what
 * these need in turn. The search path of the system is trusted. 0, also if it is not an ELF file, or -errno. */
int libraries_trusted(const char *file, struct ec_err *err);
