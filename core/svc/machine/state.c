/* SPDX-License-Identifier: MIT */
#include "svc/machine/state.h"

#include <stdlib.h>
#include <string.h>

#include "svc/machine/machine.h"
#include "svc/systemd/systemd.h"
#include "util/cleanup.h"
#include "util/err.h"

char *exec_unit_state(struct exec *x)
{
        _cleanup_free_ char *state = NULL;

        if (systemd_get_string(x->s, x->unit, "Unit", "ActiveState", &state, NULL) < 0)
                return NULL;
        /* Another unit runs the machine. */
        if (!strcmp(state, "inactive") && machine_running(x->s, x->name, NULL) > 0)
                return strdup("active");
        return TAKE_PTR(state);
}

bool exec_state_down(const char *state)
{
        return state && (!strcmp(state, "inactive") || !strcmp(state, "failed") || !strcmp(state, "deactivating"));
}

int exec_stopped(struct exec *x, struct ec_err *err)
{
        return err_set(err, -ECONNRESET, "container '%s' stopped while '%s' was running in it", x->name, x->label);
}
