/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Is this Nix's error of a missing attribute, which this line takes from `config` as if it were a host's? */
bool nix_reads_host(const char *file, int64_t line, const char *message);
