/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/nix/log.h"

/* One line, as of now_usec. */
void nix_progress_format(const struct nix_log *l, uint64_t now_usec, char *buf, size_t size);
/* For struct proc_stream: data is a struct nix_log. */
void nix_progress_tick(void *data);
