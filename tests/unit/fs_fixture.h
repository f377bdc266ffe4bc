/* SPDX-License-Identifier: MIT */
/* A directory for a test's files, removed after the test. */
#pragma once
#include "in_child.h"

#include <limits.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/fs_remove.h"

static char *top;

static int setup(void **state)
{
        (void)state;
        top = temp_dir();
        assert_int_equal(chmod(top, 0755), 0);
        return 0;
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(top);
        return 0;
}

/* A path in it, valid until the fourth call from now. */
static const char *at(const char *name)
{
        static char paths[4][PATH_MAX];
        static unsigned n;
        char *p = paths[n++ % 4];

        snprintf(p, PATH_MAX, "%s/%s", top, name);
        return p;
}
