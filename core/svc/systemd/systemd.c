/* SPDX-License-Identifier: MIT */
#include "svc/systemd/systemd.h"

#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/strv.h"

/* A bus daemon that hangs accepts connections, and never answers. */
#define ANSWER_TIMEOUT (20 * USEC_PER_SEC)

struct systemd {
        sd_bus *bus;
        bool given;           /* by a test; never reopened */
        sd_bus_slot *changes; /* signals about units; NULL: no call has waited for them */
        bool changed;
};

int systemd_new(struct sd_bus *bus, struct systemd **ret, struct ec_err *err)
{
        *ret = calloc(1, sizeof(**ret));
        if (!*ret)
                return err_oom(err);
        **ret = (struct systemd){ .bus = bus, .given = bus };
        return 0;
}

void systemd_free(struct systemd *s)
{
        if (!s)
                return;
        /* To flush would wait for a bus that has not answered yet. */
        if (sd_bus_is_ready(s->bus) > 0)
                sd_bus_flush(s->bus);
        sd_bus_slot_unref(s->changes);
        sd_bus_close_unref(s->bus);
        free(s);
}

/* systemd's private socket, for root: it also works without a bus daemon. */
static int open_private(sd_bus **ret)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

/* Over the system bus, if it answers. -ECANCELED. */
static int open_bus(sd_bus **ret)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = bus_wait_ready(bus, clock_usec() + ANSWER_TIMEOUT);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        else if (r != -ECANCELED && !geteuid() && open_private(ret) >= 0)
                r = 0;
        return r;
}

int systemd_bus(struct systemd *s, struct sd_bus **ret, struct ec_err *err)
{
        int r;

        /* Reconnect after the bus daemon was restarted. */
        if (s->bus && !s->given && sd_bus_is_open(s->bus) <= 0) {
                s->changes = sd_bus_slot_unref(s->changes);
                s->bus = sd_bus_close_unref(s->bus);
        }
        if (!s->bus) {
                if (sd_booted() <= 0)
                        return err_set(err, -ENOSYS, "cannot reach systemd: it is not PID 1 of this host");
                r = open_bus(&s->bus);
                if (r == -ECANCELED && interrupt_check(err) < 0)
                        return r;
                if (r < 0 && limits_hint(r))
                        return err_set(err, r, "cannot connect to the system bus: %s", strerror(-r));
                if (r < 0)
                        return err_set(err, r, "the system bus of this host does not answer (%s); start dbus.socket",
                                       strerror(-r));
        }
        *ret = s->bus;
        return 0;
}

int systemd_daemon_reload(struct systemd *s, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        log_info("reloading systemd's units");
        r = bus_call_method(bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "Reload", BUS_TIMEOUT, &e, NULL, NULL);
        return r < 0 ? bus_err(err, r, &e, "systemd did not reload its units") : 0;
}

int systemd_load_units(struct systemd *s, const char *const *units, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r >= 0 && (r = bus_call_names(bus, "ListUnitsByNames", units, &e)) < 0)
                r = bus_err(err, r, &e, "systemd did not read the units");
        return r;
}

int systemd_reset_failed(struct systemd *s, const char *unit, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = bus_call_method(bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "ResetFailedUnit", BUS_TIMEOUT, &e, NULL,
                            "s", unit);
        if (r < 0 && sd_bus_error_has_name(&e, BUS_NO_SUCH_UNIT))
                return 0;
        return r < 0 ? bus_err(err, r, &e, "cannot reset the state of %s", unit) : 0;
}

/* ---- listing ------------------------------------------------------------ */

void unit_states_free(struct unit_state *v, size_t n)
{
        for (size_t i = 0; v && i < n; i++) {
                free(v[i].unit);
                free(v[i].active);
                free(v[i].sub);
        }
        free(v);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(((const struct unit_state *)a)->unit, ((const struct unit_state *)b)->unit);
}

static int read_states(sd_bus_message *m, struct unit_state **v, size_t *n)
{
        int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");

        while (r >= 0) {
                const char *unit, *active, *sub;
                struct unit_state *u;
                uint32_t job;

                r = sd_bus_message_read(m, "(ssssssouso)", &unit, NULL, NULL, &active, &sub, NULL, NULL, &job, NULL,
                                        NULL);
                if (r <= 0)
                        return r;
                u = reallocarray(*v, *n + 1, sizeof(**v));
                if (!u)
                        return -ENOMEM;
                *v = u;
                u += (*n)++;
                *u = (struct unit_state){ strdup(unit), strdup(active), strdup(sub), job != 0 };
                if (!u->unit || !u->active || !u->sub)
                        return -ENOMEM;
        }
        return r;
}

int systemd_list(struct systemd *s, const char *pattern, struct unit_state **ret, size_t *ret_n, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        struct unit_state *v = NULL;
        size_t n = 0;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = bus_call_method(bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "ListUnitsByPatterns", BUS_TIMEOUT, &e,
                            &reply, "asas", 0, 1, pattern);
        if (r >= 0)
                r = read_states(reply, &v, &n);
        if (r < 0) {
                unit_states_free(v, n);
                return bus_err(err, r, &e, "cannot list the units '%s'", pattern);
        }
        if (n)
                qsort(v, n, sizeof(*v), by_name);
        *ret = v;
        *ret_n = n;
        return 0;
}

/* ---- properties --------------------------------------------------------- */

/* Reading a property loads the unit; a unit without a file is "inactive". *ret_value is what
 * sd_bus_message_read_basic() stores for a value of *ret_type, one of `types`; a string lives as long as *ret. */
static int get_basic(struct systemd *s, const char *unit, const char *iface, const char *prop, const char *const *types,
                     sd_bus_message **ret, char *ret_type, void *ret_value, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = NULL, *full = NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        if (sd_bus_path_encode(BUS_SYSTEMD_PATH "/unit", unit, &path) < 0)
                return err_oom(err);
        full = strchr(iface, '.') ? strdup(iface) : str_printf(BUS_SYSTEMD ".%s", iface);
        if (!full)
                return err_oom(err);
        r = bus_get(bus, BUS_SYSTEMD, path, full, prop, types, &e, ret);
        if (r >= 0)
                r = sd_bus_message_peek_type(*ret, ret_type, NULL);
        if (r >= 0)
                r = sd_bus_message_read_basic(*ret, *ret_type, ret_value);
        return r < 0 ? bus_err(err, r, &e, "cannot read property %s of %s", prop, unit) : 0;
}

int systemd_get_string(struct systemd *s, const char *unit, const char *iface, const char *prop, char **ret,
                       struct ec_err *err)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        const char *value;
        char type;
        int r = get_basic(s, unit, iface, prop, BUS_TYPES("s", "o"), &m, &type, &value, err);

        if (r < 0)
                return r;
        *ret = strdup(value);
        return *ret ? 0 : err_oom(err);
}

int systemd_get_u64(struct systemd *s, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                    struct ec_err *err)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        union {
                uint64_t t;
                uint32_t u;
                int32_t i;
        } v = { 0 };
        char type;
        int r = get_basic(s, unit, iface, prop, BUS_TYPES("t", "x", "u", "i", "b"), &m, &type, &v, err);

        if (r < 0)
                return r;
        /* The other types fit into 'u'; a boolean is 0 or 1. */
        *ret = type == 't' || type == 'x' ? v.t : type == 'i' ? (uint64_t)(int64_t)v.i : v.u;
        return 0;
}

/* a may end in slashes. */
static bool same_dir(const char *a, const char *b)
{
        struct stat x, y;
        size_t n = strlen(b);

        if (!strncmp(a, b, n) && !a[n + strspn(a + n, "/")])
                return true;
        return stat(a, &x) >= 0 && stat(b, &y) >= 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int systemd_has_unit_dir(struct systemd *s, const char *dir, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        _cleanup_strv_ char **v = NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = bus_get(bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "UnitPath", BUS_TYPES("as"), &e, &m);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &v);
        if (r < 0)
                return bus_err(err, r, &e, "cannot read where systemd loads units from");
        for (char **p = v; p && *p; p++)
                if (same_dir(dir, *p))
                        return 1;
        return 0;
}

/* ---- changes ------------------------------------------------------------- */

static int on_change(sd_bus_message *m, void *data, sd_bus_error *e)
{
        struct systemd *s = data;

        (void)m, (void)e;
        s->changed = true;
        return 0;
}

/* What units do, in every state of theirs, and whether they are loaded. */
static int subscribe(struct systemd *s)
{
        _cleanup_free_ char *match = NULL;
        const char *sender = bus_sender(s->bus, BUS_SYSTEMD);
        int r;

        match = str_printf("type='signal'%s%s%s,interface='org.freedesktop.DBus.Properties',"
                           "member='PropertiesChanged',arg0='org.freedesktop.systemd1.Unit'",
                           sender ? ",sender='" : "", sender ?: "", sender ? "'" : "");
        if (!match)
                return -ENOMEM;
        r = sd_bus_add_match(s->bus, &s->changes, match, on_change, s);
        if (r >= 0)
                r = bus_call_method(s->bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "Subscribe", BUS_TIMEOUT, NULL,
                                    NULL, NULL);
        s->changed = true;
        return r;
}

int systemd_wait(struct systemd *s, uint64_t deadline, struct ec_err *err)
{
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        if (!s->changes)
                r = subscribe(s);
        while (r >= 0 && !s->changed && clock_usec() < deadline) {
                r = interrupt_check(err);
                if (r >= 0)
                        r = bus_poll(bus, deadline);
        }
        s->changed = false;
        /* The next call connects again. */
        if (r == -ECONNRESET || r == -ENOTCONN)
                return 0;
        return r < 0 && r != -ECANCELED ? bus_err(err, r, NULL, "cannot wait for changes of units") : MIN(r, 0);
}
