/* SPDX-License-Identifier: MIT */
#include "svc/systemd/reason.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "svc/systemd/bus.h"
#include "util/strv.h"

/* Properties of the unit, and of the command that failed. */
struct facts {
        char *result;
        int32_t code, status;
        uint64_t start_timeout;
        const char *step; /* property of a command that failed; static */
        int32_t step_code, step_status;
};

static void facts_done(struct facts *f)
{
        free(f->result);
}

static int read_commands(sd_bus_message *m, const char *prop, struct facts *f)
{
        int r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");

        while (r >= 0) {
                int32_t code, status;

                r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
                if (r <= 0)
                        break;
                r = sd_bus_message_skip(m, "sasbttttu");
                if (r >= 0)
                        r = sd_bus_message_read(m, "ii", &code, &status);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0 && code && (code != CLD_EXITED || status)) {
                        f->step = prop;
                        f->step_code = code;
                        f->step_status = status;
                }
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_property(sd_bus_message *m, const char *prop, struct facts *f)
{
        static const char *const steps[] = { "ExecCondition", "ExecStartPre", "ExecStartPost" };
        const char *s;
        int r;

        if (!strcmp(prop, "Result")) {
                r = sd_bus_message_read(m, "v", "s", &s);
                if (r < 0)
                        return r;
                free(f->result);
                f->result = strdup(s);
                return f->result ? 0 : -ENOMEM;
        }
        if (!strcmp(prop, "ExecMainCode"))
                return sd_bus_message_read(m, "v", "i", &f->code);
        if (!strcmp(prop, "ExecMainStatus"))
                return sd_bus_message_read(m, "v", "i", &f->status);
        if (!strcmp(prop, "TimeoutStartUSec"))
                return sd_bus_message_read(m, "v", "t", &f->start_timeout);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                if (strcmp(prop, steps[i]))
                        continue;
                r = sd_bus_message_enter_container(m, 'v', "a(sasbttttuii)");
                if (r >= 0)
                        r = read_commands(m, steps[i], f);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        }
        return sd_bus_message_skip(m, "v");
}

static int read_facts(sd_bus *bus, const char *unit, struct facts *f)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;
        const char *prop;
        int r;

        if (sd_bus_path_encode(BUS_SYSTEMD_PATH "/unit", unit, &path) < 0)
                return -ENOMEM;
        r = bus_call_method(bus, BUS_SYSTEMD, path, "org.freedesktop.DBus.Properties", "GetAll", 10 * USEC_PER_SEC,
                            NULL, &m, "s", "org.freedesktop.systemd1.Service");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0) {
                r = sd_bus_message_enter_container(m, 'e', "sv");
                if (r <= 0)
                        return r;
                r = sd_bus_message_read(m, "s", &prop);
                if (r >= 0)
                        r = read_property(m, prop, f);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

/* ---- state and conditions ------------------------------------------------ */

static int get_unit(sd_bus *bus, const char *unit, const char *prop, const char *type, sd_bus_message **ret)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *path = NULL;

        if (sd_bus_path_encode(BUS_SYSTEMD_PATH "/unit", unit, &path) < 0)
                return -ENOMEM;
        return bus_get(bus, BUS_SYSTEMD, path, BUS_SYSTEMD ".Unit", prop, BUS_TYPES(type), &e, ret);
}

/* 1: the property has this value. */
static int is_state(sd_bus *bus, const char *unit, const char *prop, const char *value)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        const char *s;
        int r = get_unit(bus, unit, prop, "s", &m);

        if (r >= 0)
                r = sd_bus_message_read(m, "s", &s);
        return r < 0 ? r : !strcmp(s, value);
}

int unit_runs(sd_bus *bus, const char *unit)
{
        int r = is_state(bus, unit, "ActiveState", "active");

        /* Without its main process, which RemainAfterExit= tolerates. */
        if (r > 0) {
                r = is_state(bus, unit, "SubState", "exited");
                r = r < 0 ? r : !r;
        } else if (r == 0) {
                r = is_state(bus, unit, "ActiveState", "reloading");
        }
        return r >= 0 || r == -ECANCELED || r == -ENOMEM || r == -ECONNRESET ? r : 1;
}

/* The conditions (or assertions) that are not met, as in the unit's file; NULL: none, or not known. -ENOMEM. */
static int read_conditions(sd_bus *bus, const char *unit, const char *prop, char **ret)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        _cleanup_strv_ char **failed = NULL;
        int r = get_unit(bus, unit, prop, "a(sbbsi)", &m);

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sbbsi)");
        while (r >= 0) {
                int trigger, negate, state;
                const char *type, *value;

                r = sd_bus_message_read(m, "(sbbsi)", &type, &trigger, &negate, &value, &state);
                if (r <= 0)
                        break;
                if (state < 0)
                        r = strv_pushf(&failed, "%s=%s%s%s", type, trigger ? "|" : "", negate ? "!" : "", value);
        }
        if (r == -ECANCELED || r == -ENOMEM || !failed)
                return r == -ECANCELED || r == -ENOMEM ? r : 0;
        *ret = strv_join(STRV_CONST(failed), ", ");
        return *ret ? 0 : -ENOMEM;
}

static int of_conditions(sd_bus *bus, const char *unit, const char *prop, const char *text, char **ret)
{
        _cleanup_free_ char *failed = NULL;
        int r = read_conditions(bus, unit, prop, &failed);

        if (r < 0)
                return r;
        *ret = failed ? str_printf("%s: %s", text, failed) : strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* ---- sentences ------------------------------------------------------------ */

static char *ended(const char *who, int code, int status)
{
        const char *sig;

        if (code == CLD_EXITED)
                return str_printf("%s ended with exit code %d%s", who, status,
                                  status == 203   ? " (it could not be executed)"
                                  : status == 200 ? " (its working directory could not be entered)"
                                                  : "");
        sig = sigabbrev_np(status);
        if (sig)
                return str_printf("%s was killed by SIG%s", who, sig);
        return str_printf("%s was killed by signal %d", who, status);
}

static bool main_failed(const struct facts *f)
{
        return f->code && (f->code != CLD_EXITED || f->status);
}

static char *of_exit(const struct facts *f)
{
        if (main_failed(f))
                return ended("its main process", f->code, f->status);
        if (f->step) {
                _cleanup_free_ char *who = str_printf("its %s command", f->step);

                return who ? ended(who, f->step_code, f->step_status) : NULL;
        }
        return strdup("one of its processes failed");
}

/* The sentence for a job that "failed", by the result of the unit. */
static char *of_result(const struct facts *f)
{
        static const struct {
                const char *result, *text;
        } texts[] = {
                { "watchdog", "its watchdog timed out" },
                { "start-limit-hit", "it was started too often within a short time" },
                { "resources", "systemd could not set up its processes" },
                { "protocol", "it ended before it was ready" },
                { "oom-kill", "it ran out of memory and was killed" },
                { "success", "it stopped while it was starting" },
        };

        if (!f->result || !*f->result)
                return strdup("its start failed");
        if (!strcmp(f->result, "timeout")) {
                if (!f->start_timeout || f->start_timeout == UINT64_MAX)
                        return strdup("its start timed out");
                return str_printf("its start timed out after %" PRIu64 " %s",
                                  f->start_timeout / (f->start_timeout % USEC_PER_SEC ? USEC_PER_MSEC : USEC_PER_SEC),
                                  f->start_timeout % USEC_PER_SEC ? "ms" : "s");
        }
        if (!strcmp(f->result, "exit-code") || !strcmp(f->result, "signal") || !strcmp(f->result, "core-dump") ||
            !strcmp(f->result, "exec-condition"))
                return of_exit(f);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (!strcmp(f->result, texts[i].result))
                        return strdup(texts[i].text);
        return str_printf("it failed with result '%s'", f->result);
}

static const char *of_job(const char *job_result)
{
        static const struct {
                const char *result, *text;
        } texts[] = {
                { "canceled", "its start was cancelled, for example because it was stopped meanwhile" },
                { "timeout", "its job timed out" },
                { "dependency", "a unit that it needs did not start" },
                { "invalid", "the job does not apply to it" },
                { "unsupported", "units of its type are not supported here" },
                { "collected", "it was unloaded before it was started" },
                { "once", "it was started once already and can be only once" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (!strcmp(job_result, texts[i].result))
                        return texts[i].text;
        return NULL;
}

#define NOT_MET "a condition of its unit is not met"

/* 1: a condition was not met; -ENODATA: systemd has unloaded the unit, and loaded it again for us. */
static int is_unmet(sd_bus *bus, const char *unit)
{
        _cleanup_bus_message_ sd_bus_message *when = NULL, *m = NULL;
        uint64_t checked;
        int met, r = get_unit(bus, unit, "ConditionTimestampMonotonic", "t", &when);

        if (r >= 0)
                r = sd_bus_message_read(when, "t", &checked);
        if (r >= 0)
                r = checked ? get_unit(bus, unit, "ConditionResult", "b", &m) : -ENODATA;
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &met);
        return r < 0 ? r : !met;
}

/* Its start job is done, but it does not run. */
static int of_done(sd_bus *bus, const char *unit, const struct facts *f, char **ret)
{
        int unmet = is_unmet(bus, unit), again = 0, exited = 0;

        /* ExecCondition= counts as one of them, and says more. */
        if (unmet > 0 && (!f->result || strcmp(f->result, "exec-condition") != 0))
                return of_conditions(bus, unit, "Conditions", NOT_MET, ret);
        if (unmet != -ECANCELED)
                again = is_state(bus, unit, "ActiveState", "activating");
        if (again != -ECANCELED)
                exited = is_state(bus, unit, "SubState", "exited");
        if (unmet == -ECANCELED || again == -ECANCELED || exited == -ECANCELED)
                return -ECANCELED;
        if (exited > 0)
                *ret = str_printf("its main process has ended, and RemainAfterExit= keeps its unit active; "
                                  "'systemctl restart %s' starts it again",
                                  unit);
        else if (f->result && strcmp(f->result, "success") != 0)
                *ret = of_result(f);
        else
                *ret = str_printf("it ended right after its start%s%s", unmet < 0 ? ", or " NOT_MET : "",
                                  again > 0 ? ", and systemd starts it again" : "");
        return *ret ? 0 : -ENOMEM;
}

static int reason(sd_bus *bus, const char *unit, const char *job_result, const struct facts *f, char **ret)
{
        const char *text = of_job(job_result);

        if (!strcmp(job_result, "skipped"))
                return of_conditions(bus, unit, "Conditions", NOT_MET, ret);
        if (!strcmp(job_result, "assert"))
                return of_conditions(bus, unit, "Asserts", "an assertion of its unit is not met", ret);
        if (!strcmp(job_result, "done"))
                return of_done(bus, unit, f, ret);
        *ret = text ? strdup(text) : of_result(f);
        return *ret ? 0 : -ENOMEM;
}

int unit_failure_read(sd_bus *bus, const char *unit, const char *job_result, struct unit_failure *ret)
{
        _cleanup_(facts_done) struct facts f = { 0 };
        struct unit_failure failure = { 0 };
        int r = of_job(job_result) ? 0 : read_facts(bus, unit, &f);

        if (r == -ECANCELED || r == -ENOMEM)
                return r;
        failure.main_process = main_failed(&f);
        failure.result = strdup(f.result ? f.result : "");
        r = failure.result ? reason(bus, unit, job_result, &f, &failure.reason) : -ENOMEM;
        if (r < 0) {
                unit_failure_done(&failure);
                return r;
        }
        *ret = failure;
        return 0;
}

void unit_failure_done(struct unit_failure *f)
{
        free(f->result);
        free(f->reason);
        *f = (struct unit_failure){ 0 };
}
