/* SPDX-License-Identifier: MIT */
#include "svc/machine/retry.h"

#include <signal.h>
#include <string.h>

#include "svc/machine/machine.h"
#include "svc/process/children.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/systemd.h"
#include "util/cleanup.h"
#include "util/name.h"

bool machine_name_was_taken(struct systemd *s, const char *unit, uint64_t since_usec)
{
        _cleanup_free_ char *name = container_name_of_unit(unit);
        struct journal_machine m;
        bool cleared = false;

        if (!name)
                return false;
        if (machine_clear_stale(s, name) > 0)
                cleared = true;
        if (machine_running(s, name, NULL) == 0 && machine_clear_mount(name) > 0)
                cleared = true;
        m = journal_machine(unit, since_usec, journal_failure(unit, since_usec).end);
        /* One that had the name has failed for another reason. */
        if (m.began)
                return false;
        return cleared || (m.starting && (m.ended || machine_registered(name)));
}

void machine_stop_again(struct systemd *s, const char *unit)
{
        uint64_t pid;

        /* NixOS tells systemd-nspawn to send this signal. */
        if (systemd_get_u64(s, unit, "Service", "MainPID", &pid, NULL) >= 0)
                proc_signal_children((pid_t)pid, SIGRTMIN + 3);
}
