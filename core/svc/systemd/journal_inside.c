/* SPDX-License-Identifier: MIT */
/* The files of a container's journal belong to the container, which may truncate them while they are mapped, or write
 * anything else: they are opened without following links, and read in a sandbox, which may crash. */
#include "svc/systemd/journal_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-messages.h>
#include <time.h>

#include "svc/process/sandbox.h"
#include "svc/systemd/journal_entries.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/escape.h"
#include "util/fs.h"
#include "util/resolve.h"
#include "util/strv.h"

#define SCAN_MAX  200000 /* entries looked at before giving up */
#define FILES_MAX 10000  /* files looked at, of which the newest are read */
#define TEXT_MAX  ((size_t)4 << 20)
#define LINES_MAX 10000 /* of the sandbox, which a container could have taken over */

/* ---- what it says about units -------------------------------------------- */

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
                if (!journal_recent(j, since) || sd_journal_get_monotonic_usec(j, NULL, &b) < 0 ||
                    !sd_id128_equal(b, *boot))
                        continue;
                unit = journal_field(j, "UNIT");
                id = journal_field(j, "MESSAGE_ID");
                job = journal_field(j, "JOB_RESULT");
                if (!unit || !id)
                        continue;
                escape_clean(unit, JOURNAL_LINE_BYTES);
                r = note_unit(in, unit, id, job, t);
                if (r < 0)
                        return r;
        }
        in->failed = tidy(in->failed);
        in->starting = tidy(in->starting);
        return 0;
}

/* ---- in the sandbox ------------------------------------------------------ */

struct request {
        int fds[SANDBOX_FDS];
        time_t times[SANDBOX_FDS];
        size_t n;
        uint64_t since, until;
        bool up_only;
        size_t max;
};

static void print(FILE *out, char kind, char **lines)
{
        for (char **l = lines; l && *l; l++)
                fprintf(out, "%c%s\n", kind, *l);
}

/* One file that is damaged would hide all others. */
static void drop_unreadable(struct request *q)
{
        size_t n = 0;

        for (size_t i = 0; i < q->n; i++) {
                _cleanup_journal_ sd_journal *j = NULL;
                int copy = fcntl(q->fds[i], F_DUPFD_CLOEXEC, 0); /* taken on success */

                if (copy >= 0 && sd_journal_open_files_fd(&j, &copy, 1, 0) >= 0)
                        q->fds[n++] = q->fds[i];
        }
        q->n = n;
}

/* One line for each result, with a letter before it; the first says that there are entries of that time. */
static void read_files(void *data, FILE *out)
{
        struct request *q = data;
        struct journal_inside in = { 0 };
        sd_journal *j = NULL;
        sd_id128_t boot;
        struct journal_query tail = { .since = q->since, .max = q->max, .boot = &boot };

        drop_unreadable(q);
        if (!q->n || sd_journal_open_files_fd(&j, q->fds, (unsigned)q->n, 0) < 0 || journal_seek_end(j, q->until) < 0 ||
            sd_journal_previous(j) <= 0 || !journal_recent(j, q->since) ||
            sd_journal_get_monotonic_usec(j, NULL, &boot) < 0)
                return;
        fputs("B\n", out);
        if (read_units(j, q->since, q->until, &boot, &in) < 0)
                return;
        print(out, 'F', in.failed);
        print(out, 'S', in.starting);
        fprintf(out, "T%" PRIu64 "\n", in.stopping_usec);
        /* Reading the lines may be what kills us. */
        (void)fflush(out);
        sd_journal_flush_matches(j);
        tail.until = q->up_only && in.stopping_usec ? in.stopping_usec - 1 : q->until;
        if (journal_tail(j, &tail, &in.lines) >= 0)
                print(out, 'L', in.lines);
}

int journal_inside_parse(const char *text, struct journal_inside *in)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        int r = lines ? 0 : -ENOMEM;

        for (char **l = lines; l && *l && l < lines + LINES_MAX && r >= 0; l++) {
                if (**l == 'T')
                        in->stopping_usec = strtoull(*l + 1, NULL, 10);
                else if (**l == 'F' || **l == 'S' || **l == 'L')
                        r = strv_push(**l == 'F' ? &in->failed : **l == 'S' ? &in->starting : &in->lines, *l + 1);
        }
        return r;
}

/* ---- its files ------------------------------------------------------------ */

/* Keeps the newest. */
static void add_file(struct request *q, int dir, const char *name)
{
        _cleanup_close_ int at = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int fd = at < 0 ? at : fs_reopen_regular(at, O_RDONLY);
        size_t oldest = 0;
        struct stat st;

        if (fd < 0)
                return;
        if (fstat(fd, &st) < 0)
                st.st_mtime = 0;
        if (q->n < SANDBOX_FDS) {
                q->fds[q->n] = fd;
                q->times[q->n++] = st.st_mtime;
                return;
        }
        for (size_t i = 1; i < q->n; i++)
                if (q->times[i] < q->times[oldest])
                        oldest = i;
        if (q->times[oldest] < st.st_mtime) {
                close(q->fds[oldest]);
                q->fds[oldest] = fd;
                q->times[oldest] = st.st_mtime;
        } else {
                close(fd);
        }
}

/* Takes fd. Files are in a directory for each machine.
 * NOLINTNEXTLINE(misc-no-recursion): only the top calls it again */
static void add_dir(struct request *q, int fd, bool top, size_t *seen)
{
        _cleanup_closedir_ DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d && fd >= 0)
                close(fd);
        for (struct dirent *e; d && (e = readdir(d)) && ++*seen < FILES_MAX;) {
                if (str_ends(e->d_name, ".journal"))
                        add_file(q, dirfd(d), e->d_name);
                else if (top && *e->d_name != '.')
                        add_dir(q, openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), false,
                                seen);
        }
}

int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err)
{
        /* Persistent, and volatile. */
        static const char *const places[] = { "var/log/journal", "run/log/journal" };
        _cleanup_close_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool found = false;
        int r = 0;

        *ret = (struct journal_inside){ 0 };
        /* The sandbox cannot read the time zone. */
        tzset();
        for (size_t k = 0; k < ARRAY_SIZE(places) && fd >= 0 && !found && r >= 0; k++) {
                struct request q = { .since = since_usec, .until = until_usec, .up_only = up_only, .max = max };
                _cleanup_free_ char *text = NULL;
                size_t seen = 0;

                add_dir(&q, resolve_in(fd, places[k], O_RDONLY | O_DIRECTORY | O_CLOEXEC), true, &seen);
                if (q.n && sandbox_run(read_files, &q, q.fds, q.n, TEXT_MAX, &text) >= 0) {
                        found = *text == 'B';
                        r = journal_inside_parse(text, ret);
                }
                for (size_t i = 0; i < q.n; i++)
                        close(q.fds[i]);
        }
        if (r >= 0)
                return 0;
        journal_inside_done(ret);
        return err_oom(err);
}

void journal_inside_done(struct journal_inside *in)
{
        strv_free(in->lines);
        strv_free(in->failed);
        strv_free(in->starting);
        *in = (struct journal_inside){ 0 };
}
