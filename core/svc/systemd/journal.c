/* SPDX-License-Identifier: MIT */
#include "svc/systemd/journal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-messages.h>
#include <unistd.h>

#include "svc/systemd/journal_entries.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

#define SYNC_SOCKET "/run/systemd/journal/io.systemd.journal"
#define SYNC_CALL   "{\"method\":\"io.systemd.Journal.Synchronize\"}"
#define SYNC_MS     2000

/* Waits until journald has processed everything that was sent to it. */
static void synchronise(void)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = SYNC_SOCKET };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char reply[256];

        if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
                return;
        if (send(fd, SYNC_CALL, sizeof(SYNC_CALL), MSG_NOSIGNAL) != sizeof(SYNC_CALL))
                return;
        if (poll(&p, 1, SYNC_MS) > 0)
                (void)!read(fd, reply, sizeof(reply));
}

static int match_unit(sd_journal *j, const char *unit)
{
        _cleanup_free_ char *of = str_printf("_SYSTEMD_UNIT=%s", unit), *about = str_printf("UNIT=%s", unit);
        int r;

        if (!of || !about)
                return -ENOMEM;
        r = sd_journal_add_match(j, of, 0);
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = sd_journal_add_match(j, "_PID=1", 0);
        if (r >= 0)
                r = sd_journal_add_match(j, about, 0);
        return r;
}

uint64_t journal_failed_at(const char *unit, uint64_t since_usec)
{
        _cleanup_free_ char *about = str_printf("UNIT=%s", unit);
        _cleanup_journal_ sd_journal *j = NULL;
        uint64_t t;

        synchronise();
        if (!about || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0)
                return 0;
        if (sd_journal_add_match(j, "_PID=1", 0) < 0 || sd_journal_add_match(j, about, 0) < 0 ||
            sd_journal_add_match(j, "MESSAGE_ID=" SD_MESSAGE_UNIT_FAILED_STR, 0) < 0)
                return 0;
        if ((since_usec ? sd_journal_seek_realtime_usec(j, since_usec) : sd_journal_seek_head(j)) < 0)
                return 0;
        while (sd_journal_next(j) > 0)
                if (journal_recent(j, since_usec) && sd_journal_get_realtime_usec(j, &t) >= 0)
                        return t;
        return 0;
}

int journal_tail_unit(const char *unit, uint64_t since_usec, uint64_t until_usec, size_t max, char ***ret,
                      struct ec_err *err)
{
        _cleanup_journal_ sd_journal *j = NULL;
        int r;

        *ret = NULL;
        synchronise();
        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = match_unit(j, unit);
        /* A journal that is missing or cannot be read is empty. */
        if (r >= 0)
                r = journal_tail(j, since_usec, until_usec, max, NULL, ret);
        return r == -ENOMEM ? err_oom(err) : 0;
}
