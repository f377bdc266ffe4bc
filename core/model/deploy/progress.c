/* SPDX-License-Identifier: MIT */
#include "model/deploy/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "svc/systemd/systemd.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/strv.h"

#define NAMES_MAX 5 /* more do not fit into a line */

int progress_init(struct progress *p, const char *verb, bool start, const struct group *g)
{
        *p = (struct progress){ .verb = verb, .start = start, .group = g, .begin = clock_usec() };
        p->done = calloc(g->n + 1, sizeof(*p->done));
        p->limits = calloc(g->n + 1, sizeof(*p->limits));
        return p->done && p->limits ? 0 : -ENOMEM;
}

void progress_done(struct progress *p)
{
        free(p->done);
        free(p->limits);
        *p = (struct progress){ 0 };
}

/* "Container running: (1 of 2) User job hang.service/start running (2s / no limit)...": the container chooses it. */
const char *progress_waits_for(const char *text, size_t *ret_len)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
        const char *unit = strstr(text, "job ");

        unit = unit ? unit + strlen("job ") : NULL;
        *ret_len = unit ? strspn(unit, allowed) : 0;
        return *ret_len && (str_after(unit + *ret_len, "/start running") || str_after(unit + *ret_len, "/stop running"))
                       ? unit
                       : NULL;
}

/* "web (at most 60 s; waits for hang.service)". NULL: no memory. */
static char *describe(const struct progress *p, size_t i, struct systemd *s)
{
        const struct ec_container *c = p->group->items[i];
        _cleanup_free_ char *status = NULL, *limit = NULL, *wait = NULL;
        uint64_t usec = p->limits[i];
        const char *unit = NULL;
        size_t len = 0;

        if (s && !usec)
                (void)systemd_get_u64(s, c->unit, "Service", p->start ? "TimeoutStartUSec" : "TimeoutStopUSec", &usec,
                                      NULL);
        p->limits[i] = usec;
        if (s && systemd_get_string(s, c->unit, "Service", "StatusText", &status, NULL) >= 0)
                unit = progress_waits_for(status, &len);
        if (usec && usec != UINT64_MAX)
                limit = str_printf("%s %" PRIu64 " s", clock_usec() - p->begin > usec ? "over its limit of" : "at most",
                                   usec / USEC_PER_SEC);
        if (unit)
                wait = str_printf("%swaits for %.*s", limit ? "; " : "", (int)len, unit);
        if (!limit && !wait)
                return strdup(c->name);
        return str_printf("%s (%s%s)", c->name, limit ? limit : "", wait ? wait : "");
}

void progress_show(const struct progress *p, struct systemd *s)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *list = NULL;
        size_t done = 0, n = 0;

        if (!term_colour())
                return;
        for (size_t i = 0; i < p->group->n; i++) {
                done += p->done[i];
                if (!p->done[i] && n++ < NAMES_MAX && strv_push_take(&names, describe(p, i, s)) < 0)
                        return;
        }
        list = strv_join(STRV_CONST(names), ", ");
        term_progress("%s: %zu of %zu, %" PRIu64 " s%s%s", p->verb, done, p->group->n,
                      (clock_usec() - p->begin) / USEC_PER_SEC, list && *list ? "; " : "", list ? list : "");
}
