/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
struct container_list;
struct ec_container;
struct ec_err;
struct layout;
/* All containers of this host, sorted by name: those of this program, of the host's configuration and of
 * nixos-container. */
int containers_of_host(const struct layout *l, struct container_list *ret, struct ec_err *err);
/* One of them. -ENOENT with the nearest name. */
int container_of_host(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err);
/* Containers by name or shell pattern, sorted and without duplicates; flags: EC_SELECT_*. -ENOENT: a name is not known,
 * or nothing matches a pattern. */
int containers_select(const struct layout *l, const char *const *patterns, uint32_t flags, struct container_list *ret,
                      struct ec_err *err);
