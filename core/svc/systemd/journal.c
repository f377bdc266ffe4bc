/* SPDX-License-Identifier: MIT */
#include "svc/systemd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-messages.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/escape.h"
#include "util/resolve.h"
#include "util/strv.h"

#define LINE_BYTES  1000   /* longer lines are cut */
#define SCAN_MAX    200000 /* entries looked at before giving up */
#define SYNC_SOCKET "/run/systemd/journal/io.systemd.journal"
#define SYNC_CALL   "{\"method\":\"io.systemd.Journal.Synchronize\"}"
#define SYNC_MS     2000

#define _cleanup_journal_ _cleanup_(sd_journal_closep)

/* ---- text --------------------------------------------------------------- */

/* A value of the current entry, NUL-terminated; NULL: none, or no memory. */
static char *field(sd_journal *j, const char *name)
{
        const void *data;
        size_t len, n = strlen(name) + 1;

        if (sd_journal_get_data(j, name, &data, &len) < 0 || len < n)
                return NULL;
        return strndup((const char *)data + n, len - n);
}

/* Most messages of systemd already begin with the unit. */
static int push_line(char ***v, const char *unit, char *text)
{
        size_t n = strlen(unit);

        escape_clean(text, LINE_BYTES);
        if (!*text)
                return 0;
        if (!n || (!strncmp(text, unit, n) && text[n] == ':'))
                return strv_push(v, text);
        return strv_pushf(v, "%s: %s", unit, text);
}

/* The lines of the current entry, in their order. */
static int entry_lines(sd_journal *j, char ***ret)
{
        _cleanup_free_ char *message = field(j, "MESSAGE"), *unit = field(j, "UNIT");
        char *save = NULL;
        int r = 0;

        if (!message)
                return 0;
        if (!unit)
                unit = field(j, "_SYSTEMD_UNIT");
        if (!unit)
                unit = field(j, "SYSLOG_IDENTIFIER");
        if (unit)
                escape_clean(unit, LINE_BYTES);
        for (char *line = strtok_r(message, "\n", &save); line && r >= 0; line = strtok_r(NULL, "\n", &save))
                r = push_line(ret, unit ? unit : "", line);
        return r;
}

/* ---- reading ------------------------------------------------------------ */

/* Is the current entry recent enough? */
static bool recent(sd_journal *j, uint64_t since)
{
        uint64_t t;

        return !since || (sd_journal_get_realtime_usec(j, &t) >= 0 && t >= since);
}

/* Positions for sd_journal_previous(). */
static int seek_end(sd_journal *j, uint64_t until)
{
        return until ? sd_journal_seek_realtime_usec(j, until) : sd_journal_seek_tail(j);
}

/* Reads backwards from the end. boot: only entries of this boot. */
static int tail(sd_journal *j, uint64_t since, uint64_t until, size_t max, const sd_id128_t *boot, char ***ret)
{
        _cleanup_strv_ char **reversed = NULL;
        size_t n = 0;
        int r;

        if (seek_end(j, until) < 0)
                return 0;
        while (n < max && sd_journal_previous(j) > 0 && recent(j, since)) {
                _cleanup_strv_ char **lines = NULL;
                sd_id128_t id;

                if (boot && (sd_journal_get_monotonic_usec(j, NULL, &id) < 0 || !sd_id128_equal(id, *boot)))
                        break;
                r = entry_lines(j, &lines);
                if (r < 0)
                        return r;
                for (size_t k = strv_len(STRV_CONST(lines)); k-- > 0 && n < max; n++) {
                        r = strv_push(&reversed, lines[k]);
                        if (r < 0)
                                return r;
                }
        }
        for (size_t k = 0; k < n / 2; k++) {
                char *s = reversed[k];

                reversed[k] = reversed[n - 1 - k];
                reversed[n - 1 - k] = s;
        }
        *ret = TAKE_PTR(reversed);
        return 0;
}

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
                if (recent(j, since_usec) && sd_journal_get_realtime_usec(j, &t) >= 0)
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
                r = tail(j, since_usec, until_usec, max, NULL, ret);
        return r == -ENOMEM ? err_oom(err) : 0;
}

/* ---- a container's journal ---------------------------------------------- */

static void forget(char **v, const char *s)
{
        size_t n = strv_len(STRV_CONST(v));

        for (size_t k = 0; k < n; k++) {
                if (strcmp(v[k], s))
                        continue;
                free(v[k]);
                memmove(v + k, v + k + 1, (n - k) * sizeof(*v));
                return;
        }
}

static int add(char ***v, const char *s)
{
        return strv_contains(STRV_CONST(*v), s) ? 0 : strv_push(v, s);
}

/* Evaluates a message of systemd about a unit. During a shutdown, units that start belong to the shutdown; targets are
 * started both at boot and at shutdown. */
static int note_unit(struct journal_inside *in, const char *unit, const char *id, const char *job, uint64_t when)
{
        bool stopping = in->stopping_usec != 0;

        if (!strcmp(id, SD_MESSAGE_UNIT_STOPPING_STR)) {
                if (!stopping)
                        in->stopping_usec = when;
                return 0;
        }
        if (!strcmp(id, SD_MESSAGE_UNIT_STARTING_STR))
                return stopping ? 0 : add(&in->starting, unit);
        if (!strcmp(id, SD_MESSAGE_UNIT_STARTED_STR)) {
                if (!str_ends(unit, ".target"))
                        in->stopping_usec = 0;
                forget(in->failed, unit);
                forget(in->starting, unit);
                return 0;
        }
        if (!strcmp(id, SD_MESSAGE_UNIT_FAILED_STR) && (!job || (strcmp(job, "failed") && strcmp(job, "timeout"))))
                return 0;
        /* A unit that the shutdown kills while it starts has not failed. */
        if (stopping && in->starting && strv_contains(STRV_CONST(in->starting), unit))
                return 0;
        forget(in->starting, unit);
        return add(&in->failed, unit);
}

static char **tidy(char **v)
{
        if (v && *v) {
                strv_sort(v);
                return v;
        }
        strv_free(v);
        return NULL;
}

static int read_units(sd_journal *j, uint64_t since, uint64_t until, const sd_id128_t *boot, struct journal_inside *in)
{
        static const char *const ids[] = { SD_MESSAGE_UNIT_FAILURE_RESULT_STR, SD_MESSAGE_UNIT_FAILED_STR,
                                           SD_MESSAGE_UNIT_STARTED_STR, SD_MESSAGE_UNIT_STARTING_STR,
                                           SD_MESSAGE_UNIT_STOPPING_STR };
        int r = sd_journal_add_match(j, "_PID=1", 0);

        for (size_t k = 0; k < ARRAY_SIZE(ids) && r >= 0; k++) {
                _cleanup_free_ char *match = str_printf("MESSAGE_ID=%s", ids[k]);

                r = match ? sd_journal_add_match(j, match, 0) : -ENOMEM;
        }
        if (r < 0 || (since ? sd_journal_seek_realtime_usec(j, since) : sd_journal_seek_head(j)) < 0)
                return r;
        for (size_t seen = 0; seen < SCAN_MAX && sd_journal_next(j) > 0; seen++) {
                _cleanup_free_ char *unit = NULL, *id = NULL, *job = NULL;
                sd_id128_t b;
                uint64_t t;

                if (sd_journal_get_realtime_usec(j, &t) < 0 || (until && t > until))
                        break;
                if (!recent(j, since) || sd_journal_get_monotonic_usec(j, NULL, &b) < 0 || !sd_id128_equal(b, *boot))
                        continue;
                unit = field(j, "UNIT");
                id = field(j, "MESSAGE_ID");
                job = field(j, "JOB_RESULT");
                if (!unit || !id)
                        continue;
                escape_clean(unit, LINE_BYTES);
                r = note_unit(in, unit, id, job, t);
                if (r < 0)
                        return r;
        }
        in->failed = tidy(in->failed);
        in->starting = tidy(in->starting);
        return 0;
}

/* Opens a directory's journal: 1 if it has entries of that time. It uses *ret_fd as long as it is open. */
static int open_at(int root, const char *path, uint64_t since, uint64_t until, int *ret_fd, sd_journal **ret,
                   sd_id128_t *ret_boot)
{
        *ret_fd = resolve_in(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (*ret_fd < 0 || sd_journal_open_directory_fd(ret, *ret_fd, 0) < 0)
                return 0;
        return seek_end(*ret, until) >= 0 && sd_journal_previous(*ret) > 0 && recent(*ret, since) &&
               sd_journal_get_monotonic_usec(*ret, NULL, ret_boot) >= 0;
}

int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err)
{
        /* Persistent, and volatile. */
        static const char *const places[] = { "var/log/journal", "run/log/journal" };
        struct journal_inside in = { 0 };
        _cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = 0;

        *ret = in;
        if (fd < 0)
                return 0;
        for (size_t k = 0; k < ARRAY_SIZE(places) && r == 0; k++) {
                _cleanup_close_ int dir = -1;
                _cleanup_journal_ sd_journal *j = NULL;
                sd_id128_t boot;

                r = open_at(fd, places[k], since_usec, until_usec, &dir, &j, &boot);
                if (r <= 0)
                        continue;
                r = read_units(j, since_usec, until_usec, &boot, &in);
                sd_journal_flush_matches(j);
                if (r >= 0)
                        r = tail(j, since_usec, up_only && in.stopping_usec ? in.stopping_usec - 1 : until_usec, max,
                                 &boot, &in.lines);
                if (r >= 0)
                        r = 1;
        }
        if (r == -ENOMEM) {
                journal_inside_done(&in);
                return err_oom(err);
        }
        *ret = in;
        return 0;
}

void journal_inside_done(struct journal_inside *in)
{
        strv_free(in->lines);
        strv_free(in->failed);
        strv_free(in->starting);
        *in = (struct journal_inside){ 0 };
}
