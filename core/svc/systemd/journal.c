/* SPDX-License-Identifier: MIT */
#include "svc/systemd/journal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-messages.h>
#include <time.h>
#include <unistd.h>

#include "svc/systemd/journal_entries.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/name.h"
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

/* The shutdown of the container that follows says nothing about the failure. */
static bool is_cut(sd_journal *j, const char *id)
{
        _cleanup_free_ char *text = journal_field(j, "MESSAGE"), *command = NULL, *status = NULL;

        /* This message has no ID. */
        if (text && strstr(text, "start operation timed out"))
                return true;
        if (!id || strcmp(id, SD_MESSAGE_UNIT_PROCESS_EXIT_STR) != 0)
                return false;
        command = journal_field(j, "COMMAND");
        status = journal_field(j, "EXIT_STATUS");
        return command && !strcmp(command, "ExecStartPost") && status && strcmp(status, "0") != 0;
}

static uint64_t sent_at(sd_journal *j, uint64_t received)
{
        _cleanup_free_ char *text = journal_field(j, "_SOURCE_REALTIME_TIMESTAMP");
        uint64_t t = text ? strtoull(text, NULL, 10) : 0;

        return t && t < received ? t : received;
}

struct journal_failure journal_failure(const char *unit, uint64_t since_usec)
{
        _cleanup_free_ char *about = str_printf("UNIT=%s", unit);
        _cleanup_journal_ sd_journal *j = NULL;
        struct journal_failure f = { 0 };
        uint64_t t;

        synchronise();
        if (!about || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0 ||
            sd_journal_add_match(j, "_PID=1", 0) < 0 || sd_journal_add_match(j, about, 0) < 0 ||
            (since_usec ? sd_journal_seek_realtime_usec(j, since_usec) : sd_journal_seek_head(j)) < 0)
                return f;
        while (!f.end && sd_journal_next(j) > 0) {
                _cleanup_free_ char *id = NULL;

                if (!journal_recent(j, since_usec) || sd_journal_get_realtime_usec(j, &t) < 0)
                        continue;
                id = journal_field(j, "MESSAGE_ID");
                if (id && !strcmp(id, SD_MESSAGE_UNIT_FAILED_STR))
                        f.end = t;
                else if (!f.cut && is_cut(j, id))
                        f = (struct journal_failure){ .cut = t, .cut_sent = sent_at(j, t) };
        }
        return f;
}

/* systemd-nspawn registers a container before the first program in it runs. When machined said so, because its message
 * may reach journald after those of the container. 0: it did not. */
static uint64_t began(const char *unit, uint64_t since_usec)
{
        _cleanup_free_ char *name = container_name_of_unit(unit), *of = str_printf("NAME=%s", name ? name : "");
        _cleanup_journal_ sd_journal *j = NULL;
        uint64_t t;

        if (!of || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0 ||
            sd_journal_add_match(j, "_SYSTEMD_UNIT=systemd-machined.service", 0) < 0 ||
            sd_journal_add_match(j, "MESSAGE_ID=" SD_MESSAGE_MACHINE_START_STR, 0) < 0 ||
            sd_journal_add_match(j, of, 0) < 0 ||
            (since_usec ? sd_journal_seek_realtime_usec(j, since_usec) : sd_journal_seek_head(j)) < 0)
                return 0;
        while (sd_journal_next(j) > 0)
                if (journal_recent(j, since_usec) && sd_journal_get_realtime_usec(j, &t) >= 0)
                        return sent_at(j, t);
        return 0;
}

static int tail_unit(const char *unit, uint64_t since_usec, const struct journal_failure *f, size_t max,
                     uint64_t host_until, char ***ret, struct ec_err *err)
{
        const struct journal_query q = { .since = since_usec,
                                         .until = f->end,
                                         .cut = f->cut,
                                         .cut_sent = f->cut_sent,
                                         .max = max,
                                         .unit = unit,
                                         .host_until = host_until };
        _cleanup_journal_ sd_journal *j = NULL;
        int r;

        *ret = NULL;
        tzset();
        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = match_unit(j, unit);
        /* A journal that is missing or cannot be read is empty. */
        if (r >= 0)
                r = journal_tail(j, &q, ret);
        return r == -ENOMEM ? err_oom(err) : 0;
}

int journal_tail_unit(const char *unit, uint64_t since_usec, const struct journal_failure *f, size_t max, char ***ret,
                      struct ec_err *err)
{
        synchronise();
        return tail_unit(unit, since_usec, f, max, 0, ret, err);
}

int journal_tail_host(const char *unit, uint64_t since_usec, const struct journal_failure *f, size_t max, char ***ret,
                      struct ec_err *err)
{
        synchronise();
        return tail_unit(unit, since_usec, f, max, began(unit, since_usec), ret, err);
}
