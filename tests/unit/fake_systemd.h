/* SPDX-License-Identifier: MIT */
#pragma once
/* svc/systemd, machine and journal of a host that behaves as the test sets it up. */
#include <stdlib.h>
#include <string.h>

#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/journal_inside.h"
#include "svc/systemd/systemd.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/strv.h"

static struct {
        char **ran;                         /* started, and active in the next list; owned */
        const char *active[8];              /* active units; NAME=STATE, NAME=STATE+ with a job */
        const char *late;                   /* this unit becomes active after the first query */
        const char *again;                  /* this unit becomes active again after it was killed */
        const char *failing;                /* this unit's jobs fail */
        const char *foreign, *machine_unit; /* the unit of this machine */
        bool machined_silent;
        const char *sick;         /* machine that has failed units inside */
        int sick_more;            /* so many more */
        uint64_t cut;             /* a command on the host failed, and the container was stopped */
        const char *ignored;      /* what systemd says, twice, of a setting of the unit container@a.service */
        const char *unit_line;    /* last line of each unit's journal */
        bool console;             /* which the container has written */
        const char *low;          /* a limit of each unit */
        bool by_hand;             /* no unit is started again by systemd */
        bool mute, dead;          /* the systemd of each container; and the container, without systemd's knowledge */
        const char *exec_line;    /* what each command in a container writes */
        uint32_t exec_timeout_ms; /* of the last command */
        int exec_status, exec_result, has_unit_dir, bus_error, machined_error, machine_unit_error, job_error;
        int inner_lines;         /* lines of the journal inside; every tenth is of */
        const char *inner_blame; /* this unit */
        void (*meanwhile)(void); /* called while a job or a command runs */
        char *log;               /* all calls in order */
} fake;

static void fake_note(const char *what, const char *arg)
{
        char *s = str_printf("%s%s%s%s\n", fake.log ? fake.log : "", what, *arg ? " " : "", arg);

        free(fake.log);
        fake.log = s;
}

static void fake_reset(void)
{
        free(fake.log);
        strv_free(fake.ran);
        memset(&fake, 0, sizeof(fake));
        fake.has_unit_dir = 1;
        fake.log = strdup("");
}

static int fake_done(void **state)
{
        (void)state;
        free(fake.log);
        fake.log = NULL;
        strv_free(TAKE_PTR(fake.ran));
        return 0;
}

struct systemd {
        int unused;
};

int systemd_new(struct sd_bus *bus, struct systemd **ret, struct ec_err *err)
{
        (void)bus, (void)err;
        *ret = calloc(1, sizeof(**ret));
        return 0;
}

void systemd_free(struct systemd *s)
{
        free(s);
}

static int fake_bus(struct ec_err *err)
{
        return fake.bus_error ? err_set(err, fake.bus_error, "no bus") : 0;
}

int systemd_bus(struct systemd *s, struct sd_bus **ret, struct ec_err *err)
{
        (void)s;
        *ret = NULL;
        return fake_bus(err);
}

static int fake_jobs(const char *what, const char *const *units, struct unit_result **ret, struct ec_err *err)
{
        _cleanup_free_ char *all = strv_join(units, " ");
        size_t n = strv_len(units);
        int failed = 0;

        fake_note(what, all);
        if (fake.meanwhile)
                fake.meanwhile();
        if (fake.job_error)
                return err_set(err, fake.job_error, "interrupted");
        *ret = calloc(n + 1, sizeof(**ret));
        for (size_t i = 0; i < n; i++) {
                (*ret)[i].unit = units[i];
                if (strstr(what, "start") && strv_push(&fake.ran, units[i]) < 0)
                        return err_oom(err);
                if (fake.failing && !strcmp(fake.failing, units[i])) {
                        (*ret)[i].code = -EIO;
                        (*ret)[i].reason = strdup("its job failed");
                        failed = 1;
                }
        }
        return failed;
}

void unit_results_done(struct unit_result *results, size_t n)
{
        for (size_t i = 0; results && i < n; i++)
                free(results[i].reason);
        free(results);
}

int systemd_jobs(struct systemd *s, enum unit_job job, const char *const *units, const struct job_limits *limits,
                 const struct job_hooks *hooks, struct unit_result **ret_results, struct ec_err *err)
{
        const char *const names[] = { "start", "stop", "restart", "start-detach", "kill" };
        int r = fake_jobs(names[job], units, ret_results, err);

        (void)s, (void)limits;
        for (size_t i = 0; hooks && hooks->done && r >= 0 && units[i]; i++)
                hooks->done(hooks->data, &(*ret_results)[i]);
        /* Afterwards, the killed units are not active. */
        for (size_t i = 0, n = 0; job == JOB_KILL && r >= 0 && i < 8; i++) {
                const char *name = fake.active[i];
                bool stopped = false;

                for (size_t k = 0; name && units[k]; k++)
                        stopped |= !strncmp(name, units[k], strlen(units[k])) && !(*ret_results)[k].code;
                fake.active[i] = NULL;
                if (!stopped)
                        fake.active[n++] = name;
        }
        if (job == JOB_KILL && fake.again)
                fake.active[0] = TAKE_PTR(fake.again);
        return r;
}

int systemd_reset_failed(struct systemd *s, const char *unit, struct ec_err *err)
{
        (void)s;
        fake_note("reset", unit);
        return fake_bus(err);
}

int systemd_daemon_reload(struct systemd *s, struct ec_err *err)
{
        (void)s;
        fake_note("reload", "");
        return fake_bus(err);
}

int systemd_load_units(struct systemd *s, const char *const *units, struct ec_err *err)
{
        _cleanup_free_ char *all = strv_join(units, " ");

        (void)s;
        if (fake.ignored)
                fake_note("load", all);
        return fake_bus(err);
}

static int fake_by_unit(const void *a, const void *b)
{
        return strcmp(((const struct unit_state *)a)->unit, ((const struct unit_state *)b)->unit);
}

int systemd_list(struct systemd *s, const char *pattern, struct unit_state **ret, size_t *ret_n, struct ec_err *err)
{
        size_t n = 0;

        (void)s, (void)pattern;
        if (fake_bus(err) < 0)
                return fake.bus_error;
        *ret = calloc(8 + strv_len(STRV_CONST(fake.ran)), sizeof(**ret));
        for (; n < 8 && fake.active[n]; n++) {
                const char *colon = strchr(fake.active[n], '=');

                (*ret)[n].unit = colon ? strndup(fake.active[n], colon - fake.active[n]) : strdup(fake.active[n]);
                (*ret)[n].active = strdup(colon ? colon + 1 : "active");
                (*ret)[n].queued = str_ends((*ret)[n].active, "+");
                (*ret)[n].active[strcspn((*ret)[n].active, "+")] = 0;
        }
        for (char **u = fake.ran; u && *u; u++) {
                size_t k = 0;

                while (k < n && strcmp((*ret)[k].unit, *u))
                        k++;
                free((*ret)[k].unit), free((*ret)[k].active);
                (*ret)[k] = (struct unit_state){ .unit = strdup(*u), .active = strdup("active") };
                n += k == n;
        }
        strv_free(TAKE_PTR(fake.ran));
        qsort(*ret, n, sizeof(**ret), fake_by_unit);
        *ret_n = n;
        if (fake.late)
                fake.active[0] = TAKE_PTR(fake.late);
        return 0;
}

void unit_states_free(struct unit_state *v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(v[i].unit);
                free(v[i].active);
                free(v[i].sub);
        }
        free(v);
}

int systemd_get_string(struct systemd *s, const char *unit, const char *iface, const char *prop, char **ret,
                       struct ec_err *err)
{
        const char *state = NULL;

        (void)s, (void)iface, (void)err;
        for (size_t i = 0; fake.active[i] && !strcmp(prop, "ActiveState"); i++)
                if (!strncmp(fake.active[i], unit, strlen(unit)) && fake.active[i][strlen(unit)] == '=')
                        state = fake.active[i] + strlen(unit) + 1;
        *ret = strdup(state ?: fake.mute && !strcmp(prop, "ActiveState") ? "active" : "exit-code");
        return 0;
}

int systemd_get_u64(struct systemd *s, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                    struct ec_err *err)
{
        (void)s, (void)unit, (void)iface, (void)err;
        *ret = fake.by_hand && !strcmp(prop, "NRestarts") ? 0 : fake.low && !strcmp(fake.low, prop) ? 8 : 4096;
        return 0;
}

int systemd_has_unit_dir(struct systemd *s, const char *dir, struct ec_err *err)
{
        (void)s, (void)dir;
        return fake_bus(err) < 0 ? fake.bus_error : fake.has_unit_dir;
}

void machine_stop_again(struct systemd *s, const char *unit)
{
        (void)s, (void)unit;
}

bool machine_name_was_taken(struct systemd *s, const char *unit, uint64_t since_usec)
{
        (void)s, (void)unit, (void)since_usec;
        return false;
}

int machine_running(struct systemd *s, const char *name, struct ec_err *err)
{
        (void)s, (void)name;
        return fake.machined_error ? err_set(err, fake.machined_error, "no machined") : 0;
}

bool machine_registered(const char *name)
{
        (void)name;
        return fake.machine_unit;
}

int machine_unit(struct systemd *s, const char *name, char **ret, struct ec_err *err)
{
        (void)s, (void)err;
        if (fake.machine_unit_error)
                return err_set(err, fake.machine_unit_error, "interrupted");
        if (!fake.machine_unit || (fake.foreign && strcmp(fake.foreign, name) != 0))
                return fake.machined_silent ? err_set(err, -ETIMEDOUT, "no answer") : 0;
        *ret = strdup(fake.machine_unit);
        return 1;
}

int machine_clear_mount(const char *name)
{
        (void)name;
        return 0;
}

int machine_terminate(struct systemd *s, const char *name, struct ec_err *err)
{
        (void)s, (void)err;
        fake_note("terminate", name);
        return 0;
}

int machine_exec_many(struct systemd *s, struct machine_command *commands, size_t n, struct ec_err *err)
{
        (void)s, (void)err;
        for (size_t i = 0; i < n; i++) {
                const struct ec_exec *x = commands[i].exec;
                _cleanup_free_ char *args = strv_join(x->argv, " "), *note = str_printf("%s: %s", x->machine, args);

                fake_note(i ? "exec parallel" : "exec", note);
                if (fake.meanwhile)
                        fake.meanwhile();
                if (fake.exec_line)
                        commands[i].line(commands[i].data, fake.exec_line);
                fake.exec_timeout_ms = x->timeout_ms;
                commands[i].status = fake.exec_status;
                commands[i].result = fake.exec_result;
                if (fake.exec_result)
                        err_set(commands[i].err, fake.exec_result, "no such machine");
        }
        term_queue_drain();
        return 0;
}

int machine_failed_units(struct systemd *s, const char *name, char ***ret, struct ec_err *err)
{
        (void)s, (void)err;
        *ret = NULL;
        if (fake.sick && !strcmp(fake.sick, name))
                if (strv_push(ret, "bad.service") < 0)
                        return -ENOMEM;
        for (int i = 0; *ret && i < fake.sick_more; i++)
                if (strv_pushf(ret, "more%02d.service", i + 1) < 0)
                        return -ENOMEM;
        return 0;
}

int machine_failed_units_many(struct systemd *s, struct machine_failed *v, size_t n, struct ec_err *err)
{
        for (size_t i = 0; i < n; i++) {
                int r = machine_failed_units(s, v[i].name, &v[i].units, err);

                if (r < 0)
                        return r;
                v[i].answered = r == 0 && !fake.mute;
                v[i].ended = fake.dead;
        }
        return 0;
}

int journal_ignored_settings(uint64_t since_usec, int (*fn)(void *data, const char *unit, const char *text), void *data)
{
        int r = 0;

        (void)since_usec;
        for (int i = 0; i < 2 && fake.ignored && !r; i++)
                r = fn(data, "container@a.service", fake.ignored);
        return r;
}

struct journal_failure journal_failure(const char *unit, uint64_t since_usec)
{
        (void)unit, (void)since_usec;
        return (struct journal_failure){ .cut = fake.cut };
}

int journal_tail_unit(const char *unit, uint64_t since_usec, const struct journal_failure *f, bool host, size_t max,
                      char ***ret, struct ec_err *err)
{
        (void)f, (void)unit;
        (void)since_usec, (void)max, (void)err;
        *ret = NULL;
        if (host && fake.console)
                return 0;
        return strv_pushf(ret, "12:00:00 %s", fake.unit_line ? fake.unit_line : "it went wrong");
}

int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err)
{
        (void)until_usec, (void)up_only;
        (void)root, (void)since_usec, (void)max, (void)err;
        *ret = (struct journal_inside){ 0 };
        for (int i = 0; i < fake.inner_lines; i++)
                if (strv_pushf(&ret->lines, "12:00:00 %s.service: line %d",
                               fake.inner_blame && i % 10 == 0 ? fake.inner_blame : "other", i) < 0)
                        return -ENOMEM;
        if (strv_push(&ret->starting, "slow.service") < 0)
                return -ENOMEM;
        return strv_push(&ret->failed, "inner.service");
}

void journal_inside_done(struct journal_inside *in)
{
        strv_free(in->lines);
        strv_free(in->failed);
        strv_free(in->starting);
}
