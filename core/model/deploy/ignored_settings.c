/* SPDX-License-Identifier: MIT */
#include "model/deploy/ignored_settings.h"

#include <string.h>

#include "model/deploy/deployment.h"
#include "model/operation/op.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

struct warned {
        const struct deployment *d;
        char **said; /* a unit may be read more than once */
};

static int warn(void *data, const char *unit, const char *text)
{
        struct warned *w = data;

        for (size_t i = 0; i < w->d->list.n; i++) {
                const struct ec_container *c = w->d->list.items[i];
                _cleanup_free_ char *line = NULL;

                if (!w->d->changes[i].unit_differs || strcmp(c->unit, unit) != 0)
                        continue;
                line = str_printf("container '%s': a setting of its unit has no effect: %s", c->name, text);
                if (!line || (!strv_contains(STRV_CONST(w->said), line) && strv_push(&w->said, line) < 0))
                        return -ENOMEM;
        }
        return 0;
}

/* systemd reads a unit that does not run only when it is needed. */
static int load_all(struct ec_op *op, const struct deployment *d, struct ec_err *err)
{
        _cleanup_strv_ char **units = NULL;
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        for (size_t i = 0; i < d->list.n && r >= 0; i++)
                if (d->changes[i].unit_differs && strv_push(&units, d->list.items[i]->unit) < 0)
                        r = err_oom(err);
        return r < 0 || !units ? r : systemd_load_units(s, STRV_CONST(units), err);
}

void ignored_settings_warn(struct ec_op *op, const struct deployment *d, uint64_t since_usec)
{
        _cleanup_err_ struct ec_err err = { 0 };
        struct warned w = { .d = d };

        if (load_all(op, d, &err) >= 0)
                (void)journal_ignored_settings(since_usec, warn, &w);
        for (char **s = w.said; s && *s; s++)
                log_warn("%s", *s);
        strv_free(w.said);
}
