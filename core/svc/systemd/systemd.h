/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
struct sd_bus;

/* The host's manager over the system bus; opened at the first call that needs it. */
struct systemd;
/* bus: NULL, or in tests a connection to a fake manager, owned by the result. */
int systemd_new(struct sd_bus *bus, struct systemd **ret, struct ec_err *err);
void systemd_free(struct systemd *s);
int systemd_bus(struct systemd *s, struct sd_bus **ret, struct ec_err *err);

int systemd_daemon_reload(struct systemd *s, struct ec_err *err);
/* Makes systemd read those units that it has not read yet. */
int systemd_load_units(struct systemd *s, const char *const *units, struct ec_err *err);
/* A failed unit stays in listings, even if its file is removed. */
int systemd_reset_failed(struct systemd *s, const char *unit, struct ec_err *err);

/* Waits until the state of a unit may have changed, or until the deadline. The first call returns at once: later ones
 * learn about every change after it. */
int systemd_wait(struct systemd *s, uint64_t deadline, struct ec_err *err);

struct unit_state {
        char *unit;
        char *active; /* "active", "inactive", "activating", "failed" ... */
        char *sub;
        bool queued; /* it has a job, so its state is about to change */
};
/* The loaded units that match a pattern, sorted by name. Units that are not listed are inactive. */
int systemd_list(struct systemd *s, const char *pattern, struct unit_state **ret, size_t *ret_n, struct ec_err *err);
void unit_states_free(struct unit_state *v, size_t n);
int systemd_get_string(struct systemd *s, const char *unit, const char *iface, const char *prop, char **ret,
                       struct ec_err *err);
int systemd_get_u64(struct systemd *s, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                    struct ec_err *err);
/* Does systemd load units from this directory? 1 or 0 (property UnitPath). */
int systemd_has_unit_dir(struct systemd *s, const char *dir, struct ec_err *err);
