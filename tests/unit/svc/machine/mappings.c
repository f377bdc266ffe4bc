/* SPDX-License-Identifier: MIT */
#include "svc/machine/mappings.h"

#include <string.h>

#include "in_child.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* The libraries still work, and no mapping has a path. */
static void in_test_copy(void)
{
        _cleanup_free_ char *text = NULL, *before = NULL;

        must(fs_read("/proc/self/maps", 1 << 20, &before, NULL) >= 0);
        must(strstr(before, "libc.so"));
        must(mappings_copy() == 0);
        must(fs_read("/proc/self/maps", 1 << 20, &text, NULL) >= 0);
        must(!strchr(text, '/'));
        must(getenv("PATH") && strerror(ENOENT) && snprintf(NULL, 0, "%s %d", "text", 1) == 6);
}

static void test_copy(void **state)
{
        (void)state;
        in_child(in_test_copy);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy) };

        return cmocka_run_group_tests_name("mappings", tests, NULL, NULL);
}
