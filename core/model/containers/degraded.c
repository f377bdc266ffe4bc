/* SPDX-License-Identifier: MIT */
#include "model/containers/degraded.h"

#include <string.h>

#include "model/operation/layout.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

void degraded_set(const struct layout *l, const char *name, bool degraded)
{
        _cleanup_free_ char *dir = fs_join(l->run_state, "degraded"), *path = dir ? fs_join(dir, name) : NULL;
        int r = -ENOMEM;

        if (path && !degraded)
                r = fs_unlink(path);
        else if (path)
                r = layout_make_run_state(l, dir, NULL);
        if (r >= 0 && degraded)
                r = fs_write_atomic(path, "", 0, 0600);
        if (r < 0)
                log_debug("cannot note the state of container '%s': %s", name, strerror(-r));
}

bool degraded_get(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = str_printf("%s/degraded/%s", l->run_state, name);

        return path && fs_exists(path);
}
