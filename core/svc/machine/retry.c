/* SPDX-License-Identifier: MIT */
#include "svc/machine/retry.h"

#include <signal.h>
#include <string.h>

#include "svc/machine/machine.h"
#include "svc/process/children.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/systemd.h"
#include "util/name.h"
#include "util/strv.h"

bool machine_name_was_taken(struct systemd *s, const char *unit, uint64_t since_usec)
{
        static const char *const signs[] = { "already exists", "Failed to register machine", "is currently busy",
                                             "exists already, refusing" };
        _cleanup_free_ char *name = container_name_of_unit(unit);
        _cleanup_strv_ char **lines = NULL;
        struct journal_failure f;
        bool taken = false;

        if (!name)
                return false;
        if (machine_clear_stale(s, name) > 0)
                taken = true;
        if (machine_running(s, name, NULL) == 0 && machine_clear_mount(name) > 0)
                taken = true;
        if (taken)
                return true;
        f = journal_failure(unit, since_usec);
        if (journal_tail_host(unit, since_usec, &f, 30, &lines, NULL) < 0)
                return false;
        for (char **l = lines; l && *l && !taken; l++)
                for (size_t k = 0; k < ARRAY_SIZE(signs); k++)
                        taken = taken || strstr(*l, signs[k]);
        return taken;
}

void machine_stop_again(struct systemd *s, const char *unit)
{
        uint64_t pid;

        /* NixOS tells systemd-nspawn to send this signal. */
        if (systemd_get_u64(s, unit, "Service", "MainPID", &pid, NULL) >= 0)
                proc_signal_children((pid_t)pid, SIGRTMIN + 3);
}
