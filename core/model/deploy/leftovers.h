/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_container;
struct layout;
/* What a systemd-nspawn that was killed leaves on the host until the next boot: copies of ephemeral roots, and
 * forwarded ports, which would hide the host's own server. */
struct leftovers {
        char *ports[2]; /* the ports of all machines, for IPv4 and IPv6; NULL: not read yet */
};
void leftovers_done(struct leftovers *l);
/* For a container that does not run. Best effort. */
void leftovers_clear(struct leftovers *l, const struct layout *layout, const struct ec_container *c);
