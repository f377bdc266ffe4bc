/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_container;
struct layout;
/* What a systemd-nspawn that was killed leaves on the host until the next boot: copies of ephemeral roots, and
 * forwarded ports, which would hide the host's own server. */
struct stale {
        char *ports[2]; /* the ports of all machines, for IPv4 and IPv6; NULL: not read yet */
        char **copies;  /* names of the copies of all machines */
        bool listed;
};
void stale_done(struct stale *l);
/* Before the state of the container is read, because another run may start it afterwards, and what that sets up is not
 * stale. */
void stale_read(struct stale *l, const struct layout *layout, const struct ec_container *c);
/* For a container that does not run. Best effort. */
void stale_clear(struct stale *l, const struct layout *layout, const struct ec_container *c);
