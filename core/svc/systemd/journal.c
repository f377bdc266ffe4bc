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
#include "util/escape.h"
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

/* The messages of the host's systemd about a unit. */
static int match_manager(sd_journal *j, const char *unit)
{
        _cleanup_free_ char *about = str_printf("UNIT=%s", unit);
        int r = about ? sd_journal_add_match(j, "_PID=1", 0) : -ENOMEM;

        return r < 0 ? r : sd_journal_add_match(j, about, 0);
}

static int match_unit(sd_journal *j, const char *unit)
{
        _cleanup_free_ char *of = str_printf("_SYSTEMD_UNIT=%s", unit);
        int r = of ? sd_journal_add_match(j, of, 0) : -ENOMEM;

        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        return r < 0 ? r : match_manager(j, unit);
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
        _cleanup_journal_ sd_journal *j = NULL;
        struct journal_failure f = { 0 };
        uint64_t t;

        synchronise();
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0 || match_manager(j, unit) < 0 ||
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

int journal_tail_unit(const char *unit, uint64_t since_usec, const struct journal_failure *f, bool host, size_t max,
                      char ***ret, struct ec_err *err)
{
        const struct journal_query q = {
                .since = since_usec, .until = f->end, .cut = f->cut, .cut_sent = f->cut_sent, .max = max, .unit = unit
        };
        _cleanup_journal_ sd_journal *j = NULL;
        int r;

        *ret = NULL;
        synchronise();
        tzset();
        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
        if (r >= 0)
                r = host ? match_manager(j, unit) : match_unit(j, unit);
        /* A journal that is missing or cannot be read is empty. */
        if (r >= 0)
                r = journal_tail(j, &q, ret);
        return r == -ENOMEM ? err_oom(err) : 0;
}

/* ---- what systemd says of settings ------------------------------------------ */

/* Without the place, which is a link of ours, and the full stop that only some have. */
static int ignored_setting(sd_journal *j, int (*fn)(void *data, const char *unit, const char *text), void *data)
{
        _cleanup_free_ char *unit = journal_field(j, "UNIT"), *text = journal_field(j, "MESSAGE"),
                            *file = journal_field(j, "CONFIG_FILE"), *line = journal_field(j, "CONFIG_LINE"),
                            *place = file && line ? str_printf("%s:%s: ", file, line) : NULL;
        const char *rest;
        size_t n;

        if (!unit || !text)
                return 0;
        rest = place ? str_after(text, place) : NULL;
        if (rest)
                memmove(text, rest, strlen(rest) + 1);
        n = strlen(text);
        if (n && text[n - 1] == '.')
                text[n - 1] = 0;
        escape_clean(text, JOURNAL_LINE_BYTES);
        return fn(data, unit, text);
}

int journal_ignored_settings(uint64_t since_usec, int (*fn)(void *data, const char *unit, const char *text), void *data)
{
        _cleanup_journal_ sd_journal *j = NULL;
        int r;

        synchronise();
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0 ||
            sd_journal_add_match(j, "_PID=1", 0) < 0 ||
            sd_journal_add_match(j, "MESSAGE_ID=" SD_MESSAGE_INVALID_CONFIGURATION_STR, 0) < 0 ||
            sd_journal_seek_realtime_usec(j, since_usec) < 0)
                return 0;
        while (sd_journal_next(j) > 0) {
                r = journal_recent(j, since_usec) ? ignored_setting(j, fn, data) : 0;
                if (r)
                        return r;
        }
        return 0;
}

/* ---- what machined says ----------------------------------------------------- */

static int match_machine(sd_journal *j, const char *unit)
{
        _cleanup_free_ char *name = container_name_of_unit(unit), *of = name ? str_printf("NAME=%s", name) : NULL;
        int r = match_manager(j, unit);

        if (!of)
                return -ENOMEM;
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = sd_journal_add_match(j, "_SYSTEMD_UNIT=systemd-machined.service", 0);
        return r < 0 ? r : sd_journal_add_match(j, of, 0);
}

struct journal_machine journal_machine(const char *unit, uint64_t since_usec, uint64_t until_usec)
{
        _cleanup_journal_ sd_journal *j = NULL;
        struct journal_machine m = { 0 };

        synchronise();
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) < 0 || match_machine(j, unit) < 0 ||
            sd_journal_seek_realtime_usec(j, since_usec) < 0)
                return m;
        while (sd_journal_next(j) > 0) {
                _cleanup_free_ char *id = journal_field(j, "MESSAGE_ID");
                uint64_t t;

                if (!id || !journal_recent(j, since_usec) || sd_journal_get_realtime_usec(j, &t) < 0)
                        continue;
                if (!strcmp(id, SD_MESSAGE_UNIT_STARTING_STR))
                        m.starting = true;
                else if (m.starting && !strcmp(id, SD_MESSAGE_MACHINE_START_STR) && (!until_usec || t <= until_usec))
                        m.began = true;
                else if (m.starting && !strcmp(id, SD_MESSAGE_MACHINE_STOP_STR))
                        m.ended = true;
        }
        return m;
}
