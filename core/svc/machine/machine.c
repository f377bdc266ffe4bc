/* SPDX-License-Identifier: MIT */
#include "svc/machine/machine.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "svc/systemd/systemd.h"
#include "util/err.h"
#include "util/strv.h"

#define MACHINED_PATH    "/org/freedesktop/machine1"
#define MACHINED_MANAGER "org.freedesktop.machine1.Manager"
#define MACHINED_TIMEOUT (30 * USEC_PER_SEC)
#define GONE_TIMEOUT     (15 * USEC_PER_SEC)
#define ANSWER_TIMEOUT   (2 * USEC_PER_SEC)

static int machined(sd_bus *bus, const char *method, const char *name, sd_bus_error *e, sd_bus_message **ret)
{
        return bus_call_method(bus, BUS_MACHINED, MACHINED_PATH, MACHINED_MANAGER, method, MACHINED_TIMEOUT, e, ret,
                               "s", name);
}

static bool absent(const sd_bus_error *e)
{
        return sd_bus_error_has_name(e, BUS_NO_SUCH_MACHINE);
}

static int machined_err(struct ec_err *err, int r, const sd_bus_error *e, const char *name, const char *what)
{
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return err_set(err, -ENOSYS, "cannot %s machine '%s': this host has no systemd-machined", what, name);
        if (sd_bus_error_has_name(e, "org.freedesktop.systemd1.UnitMasked"))
                return err_set(err, r,
                               "cannot %s machine '%s': systemd-machined is masked, and containers need it: run "
                               "'systemctl unmask systemd-machined dbus-org.freedesktop.machine1'",
                               what, name);
        if (r == -ETIMEDOUT)
                return err_set(err, r,
                               "cannot %s machine '%s': systemd-machined does not answer; try 'systemctl restart "
                               "systemd-machined'",
                               what, name);
        /* systemd answers itself, on its private socket, because the bus is down. */
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
            sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD))
                return err_set(err, -ENOTCONN,
                               "cannot %s machine '%s': the system bus of this host does not answer; start dbus.socket",
                               what, name);
        return bus_err(err, r, e, "cannot %s machine '%s'", what, name);
}

/* 1 and the object path; 0: no such machine. */
static int get_machine(sd_bus *bus, const char *name, char **ret_path, sd_bus_error *e)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        const char *path;
        int r = machined(bus, "GetMachine", name, e, &m);

        if (r < 0 && absent(e))
                return 0;
        if (r >= 0)
                r = sd_bus_message_read(m, "o", &path);
        if (r < 0)
                return r;
        if (ret_path) {
                *ret_path = strdup(path);
                if (!*ret_path)
                        return -ENOMEM;
        }
        return 1;
}

int machine_running(struct systemd *s, const char *name, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = get_machine(bus, name, NULL, &e);
        return r < 0 ? machined_err(err, r, &e, name, "look for") : r;
}

bool machine_registered(const char *name)
{
        _cleanup_free_ char *path = str_printf("/run/systemd/machines/%s", name);

        return path && !access(path, F_OK);
}

int machine_unit(struct systemd *s, const char *name, char **ret, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;
        const char *unit;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = get_machine(bus, name, &path, &e);
        if (r == 0)
                return 0;
        if (r > 0)
                r = bus_get(bus, BUS_MACHINED, path, "org.freedesktop.machine1.Machine", "Unit", BUS_TYPES("s"), &e,
                            &m);
        /* It has just ended. */
        if (path && sd_bus_error_has_name(&e, SD_BUS_ERROR_UNKNOWN_OBJECT))
                return 0;
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &unit);
        if (r < 0)
                return machined_err(err, r, &e, name, "look for");
        *ret = strdup(unit);
        return *ret ? 1 : err_oom(err);
}

/* -EHOSTDOWN: no such machine, or it has just ended. */
static int get_leader(sd_bus *bus, const char *name, uint32_t *ret, sd_bus_error *e)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;
        int r = get_machine(bus, name, &path, e);

        if (r == 0)
                return -EHOSTDOWN;
        if (r >= 0)
                r = bus_get(bus, BUS_MACHINED, path, "org.freedesktop.machine1.Machine", "Leader", BUS_TYPES("u"), e,
                            &m);
        if (path && sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT))
                return -EHOSTDOWN;
        return r < 0 ? r : sd_bus_message_read(m, "u", ret);
}

int machine_leader(struct systemd *s, const char *name, uint32_t *ret_pid, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        uint32_t pid = 0;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = get_leader(bus, name, &pid, &e);
        if (r == -EHOSTDOWN || (r >= 0 && !pid))
                return err_set(err, -EHOSTDOWN, "container '%s' is not running", name);
        if (r < 0)
                return machined_err(err, r, &e, name, "look for");
        *ret_pid = pid;
        return 0;
}

/* ---- stopping ----------------------------------------------------------- */

static int on_event(sd_bus_message *m, void *data, sd_bus_error *error)
{
        (void)m;
        (void)error;
        *(bool *)data = true;
        return 0;
}

/* 1: the machine with this leader is still there; another run may have started the next one of this name. 0 means any
 * leader. */
static int still_there(sd_bus *bus, const char *name, uint32_t leader, sd_bus_error *e)
{
        uint32_t now = 0;
        int r = leader ? get_leader(bus, name, &now, e) : get_machine(bus, name, NULL, e);

        if (r < 0)
                return r == -EHOSTDOWN ? 0 : r;
        return leader ? !now || now == leader : r;
}

/* 0: it is gone; -ETIMEDOUT. */
static int wait_gone(sd_bus *bus, const char *name, uint32_t leader, uint64_t timeout, sd_bus_error *e)
{
        _cleanup_bus_slot_ sd_bus_slot *match = NULL;
        uint64_t deadline = clock_usec() + timeout;
        bool event = true;
        int r = sd_bus_match_signal_async(bus, &match, bus_sender(bus, BUS_MACHINED), MACHINED_PATH, MACHINED_MANAGER,
                                          "MachineRemoved", on_event, NULL, &event);

        while (r >= 0) {
                if (event) {
                        event = false;
                        r = still_there(bus, name, leader, e);
                        /* The event may have arrived before the reply. */
                        if (r > 0)
                                continue;
                        return r;
                }
                if (interrupt_check(NULL) < 0)
                        return -ECANCELED;
                if (clock_usec() >= deadline)
                        return -ETIMEDOUT;
                r = bus_poll(bus, deadline);
        }
        return r;
}

int machine_terminate(struct systemd *s, const char *name, struct ec_err *err)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        uint32_t leader = 0;
        sd_bus *bus;
        int r = systemd_bus(s, &bus, err);

        if (r < 0)
                return r;
        r = get_leader(bus, name, &leader, &e);
        if (r == -EHOSTDOWN)
                return 0;
        sd_bus_error_free(&e);
        r = machined(bus, "TerminateMachine", name, &e, NULL);
        if (r < 0 && absent(&e))
                return 0;
        /* What machined returns for a machine that is already ending depends on its version. */
        if (r < 0 && r != -EDEADLK && r != -ESRCH)
                return machined_err(err, r, &e, name, "terminate");
        sd_bus_error_free(&e);
        r = wait_gone(bus, name, leader, GONE_TIMEOUT, &e);
        /* The processes have ended, but the registration is still there. */
        if (r == -ETIMEDOUT && !e.name && machine_clear_stale(s, name) > 0)
                return 0;
        if (r == -ETIMEDOUT && !e.name)
                return err_set(err, -EBUSY, "machine '%s' did not end within %d s", name,
                               (int)(GONE_TIMEOUT / USEC_PER_SEC));
        return r < 0 ? machined_err(err, r, &e, name, "terminate") : 0;
}

static bool alive(uint32_t pid)
{
        _cleanup_free_ char *path = str_printf("/proc/%" PRIu32, pid);

        return !path || !access(path, F_OK);
}

int machine_clear_stale(struct systemd *s, const char *name)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        uint32_t pid = 0;
        sd_bus *bus;

        if (systemd_bus(s, &bus, NULL) < 0 || get_leader(bus, name, &pid, &e) < 0 || (pid && alive(pid)))
                return 0;
        if (machined(bus, "UnregisterMachine", name, &e, NULL) < 0 && !absent(&e))
                return 0;
        return wait_gone(bus, name, 0, ANSWER_TIMEOUT, &e) >= 0;
}

static int clear_mount(const char *path)
{
        if (!path || umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
                return 0;
        (void)rmdir(path);
        return 1;
}

int machine_clear_mount(const char *name)
{
        /* Newer versions of systemd have the second. */
        _cleanup_free_ char *path = str_printf("/run/systemd/nspawn/unix-export/%s", name);
        _cleanup_free_ char *newer = str_printf("/run/systemd/nspawn/%s/unix-export", name);

        return clear_mount(path) + clear_mount(newer);
}
