/* SPDX-License-Identifier: MIT */
/* Asks the systemd of several containers at once: one that does not answer delays no other, and the answers can be of
 * any kind. */
#include <string.h>

#include "svc/machine/cgroups.h"
#include "svc/machine/inner_bus.h"
#include "svc/machine/machine.h"
#include "svc/machine/unit.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "util/err.h"
#include "util/name.h"
#include "util/strv.h"

#define ANSWER_TIMEOUT (5 * USEC_PER_SEC)
#define END_TIMEOUT    (2 * USEC_PER_SEC)
#define UNIT_NAME_MAX  255
#define FAILED_MAX     1000 /* names of failed units that are looked at */
/* Each has a bus. */
#define AT_ONCE 32

#define RESTARTING_MAX 16 /* units that wait for their next start */

/* A unit with Restart= that has ended, and is started again after RestartSec=. */
struct restarting {
        struct question *q;
        sd_bus_slot *call;
        char *unit;
};

struct question {
        struct machine_failed *of;
        struct leader leader;
        sd_bus *bus;
        sd_bus_slot *call;
        struct restarting restarting[RESTARTING_MAX];
        size_t n_restarting, n_asked;
        bool done;
        uint64_t lost_until; /* its connection was lost, perhaps because it ends; 0: it was not */
        int failure;         /* -ENOMEM */
};

/* Names of units come from the container, and are shown on our terminal. */
static bool is_unit_name(const char *s)
{
        size_t n = strlen(s);

        return n <= UNIT_NAME_MAX &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") == n;
}

static int on_result(sd_bus_message *m, void *data, sd_bus_error *error);

/* Did it fail, or end as it should? */
static int ask_result(struct question *q, const char *unit, const char *path)
{
        struct restarting *r = &q->restarting[q->n_restarting];
        int k;

        if (q->n_restarting == RESTARTING_MAX)
                return 0;
        r->q = q;
        r->unit = strdup(unit);
        if (!r->unit)
                return -ENOMEM;
        q->n_restarting++;
        k = sd_bus_call_method_async(q->bus, &r->call, BUS_SYSTEMD, path, "org.freedesktop.DBus.Properties", "Get",
                                     on_result, r, "ss", "org.freedesktop.systemd1.Service", "Result");
        q->n_asked += k >= 0;
        return k == -ENOMEM ? k : 0;
}

static int read_units(struct question *q, sd_bus_message *m)
{
        int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");

        /* Its bus belongs to the container, which could send millions. */
        for (size_t n = 0; r >= 0 && n < FAILED_MAX; n++) {
                const char *unit, *active, *path;

                r = sd_bus_message_read(m, "(ssssssouso)", &unit, NULL, NULL, &active, NULL, NULL, &path, NULL, NULL,
                                        NULL);
                if (r <= 0)
                        return r;
                /* A command of ours that failed stays for a moment. */
                if (!is_unit_name(unit) || str_after(unit, UNIT_PREFIX))
                        continue;
                r = strcmp(active, "failed") ? ask_result(q, unit, path) : strv_push(&q->of->units, unit);
        }
        return r;
}

static void settle(struct question *q, int r)
{
        if (r == -ENOMEM)
                q->failure = r;
        q->done = !q->n_asked || r < 0;
        if (q->done && q->of->units)
                strv_sort(q->of->units);
}

static int on_result(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct restarting *r = data;
        const char *result = "success";
        int k = 0;

        (void)error;
        r->q->n_asked--;
        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "v", "s", &result) >= 0 &&
            strcmp(result, "success"))
                k = strv_push(&r->q->of->units, r->unit);
        settle(r->q, k);
        return 0;
}

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct question *q = data;
        int r = 0;

        (void)error;
        if (sd_bus_is_open(q->bus) <= 0)
                return 0;
        q->done = true;
        if (sd_bus_message_is_method_error(m, NULL))
                return 0;
        r = read_units(q, m);
        q->of->answered = r >= 0;
        settle(q, r);
        return 0;
}

/* For many containers, machined would need two calls each. */
static int open_leader(struct systemd *s, const struct machine_cgroups *cgroups, const char *name, struct leader *ret)
{
        _cleanup_free_ char *unit = container_unit_of_name(name);
        const struct machine_cgroup *c = unit ? machine_cgroups_find(cgroups, unit) : NULL;
        uint32_t pid;

        if (!unit)
                return -ENOMEM;
        if (c && machine_cgroup_leader(c, ret) >= 0)
                return 0;
        return machine_leader(s, name, &pid, NULL) < 0 ? -ESRCH : leader_open(pid, unit, ret);
}

static void begin(struct question *q, struct systemd *s, const struct machine_cgroups *cgroups)
{
        int r = geteuid() ? -EPERM : open_leader(s, cgroups, q->of->name, &q->leader);

        q->of->ended = r == -ESRCH;
        if (r >= 0)
                r = inner_bus_open(&q->leader, NULL, &q->bus);
        q->done = r < 0;
}

/* < 0: it does not answer. */
static int step(struct question *q, struct pollfd *fd, uint64_t *deadline)
{
        int r = q->call ? 1 : sd_bus_is_ready(q->bus);

        if (r > 0 && !q->call)
                r = sd_bus_call_method_async(q->bus, &q->call, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                             "ListUnitsFiltered", on_answer, q, "as", 3, "failed", "auto-restart",
                                             "auto-restart-queued");
        if (r >= 0)
                r = bus_fill(q->bus, fd, deadline);
        if (r > 0)
                *deadline = 0;
        return r;
}

/* One whose bus has ended may be about to end. */
static void fill(struct question *q, struct pollfd *fd, uint64_t *deadline)
{
        if (!q->done && !q->lost_until && step(q, fd, deadline) < 0)
                q->lost_until = clock_usec() + END_TIMEOUT;
        if (q->done || !q->lost_until)
                return;
        *fd = (struct pollfd){ .fd = q->leader.fd, .events = POLLIN };
        *deadline = q->lost_until < *deadline ? q->lost_until : *deadline;
        q->done = leader_ended(&q->leader) || clock_usec() >= q->lost_until;
}

/* Waits for all. -ECANCELED. */
static int wait_for_answers(struct question *q, size_t n)
{
        uint64_t until = clock_usec() + ANSWER_TIMEOUT;

        while (clock_usec() < until) {
                struct pollfd fds[AT_ONCE + 1];
                uint64_t deadline = until;
                size_t open = 0;

                for (size_t i = 0; i < n; i++) {
                        fds[i] = (struct pollfd){ .fd = -1 };
                        fill(&q[i], &fds[i], &deadline);
                        open += !q[i].done;
                }
                if (!open)
                        return 0;
                if (interrupt_check(NULL) < 0)
                        return -ECANCELED;
                fds[n] = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
                if (poll(fds, n + 1, clock_timeout_ms(deadline)) < 0 && errno != EINTR)
                        return -errno;
        }
        return 0;
}

static int ask(struct systemd *s, const struct machine_cgroups *cgroups, struct machine_failed *v, size_t n,
               struct ec_err *err)
{
        struct question q[AT_ONCE] = { 0 };
        int r;

        for (size_t i = 0; i < n; i++) {
                q[i].of = &v[i];
                q[i].leader = (struct leader)LEADER_NONE;
                begin(&q[i], s, cgroups);
        }
        r = wait_for_answers(q, n);
        for (size_t i = 0; i < n; i++) {
                if (q[i].failure)
                        r = q[i].failure;
                for (size_t k = 0; k < q[i].n_restarting; k++) {
                        sd_bus_slot_unref(q[i].restarting[k].call);
                        free(q[i].restarting[k].unit);
                }
                sd_bus_slot_unref(q[i].call);
                sd_bus_close_unref(q[i].bus);
                if (q[i].leader.fd >= 0)
                        v[i].ended = leader_ended(&q[i].leader);
                leader_close(&q[i].leader);
        }
        return r == -ENOMEM ? err_oom(err) : r < 0 ? bus_err(err, r, NULL, "interrupted") : 0;
}

int machine_failed_units_many(struct systemd *s, struct machine_failed *v, size_t n, struct ec_err *err)
{
        _cleanup_(machine_cgroups_done) struct machine_cgroups cgroups = { 0 };
        int r = n && machine_cgroups_read(&cgroups) < 0 ? err_oom(err) : 0;

        for (size_t i = 0; i < n && r >= 0; i += AT_ONCE)
                r = ask(s, &cgroups, v + i, n - i < AT_ONCE ? n - i : AT_ONCE, err);
        return r;
}

int machine_failed_units(struct systemd *s, const char *name, char ***ret, struct ec_err *err)
{
        struct machine_failed v = { .name = name };
        int r = machine_failed_units_many(s, &v, 1, err);

        *ret = NULL;
        if (r < 0 || !v.answered) {
                strv_free(v.units);
                return r < 0 ? r : 1;
        }
        *ret = v.units;
        return 0;
}
