/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svc/nix/reads_host.h"

#define MISSING(name) "attribute '" name "' missing"

static char file[] = "/tmp/ec-test.XXXXXX";

static int setup(void **state)
{
        static const char text[] = "{ config, ... }:\n"                                  /* 1 */
                                   "  uid = config.users.users.photos.uid;\n"            /* 2 */
                                   "  inherit (config.age.secrets) key;\n"               /* 3 */
                                   "  other = config.containers.web.localAddress;\n"     /* 4 */
                                   "  mine = x.config.users; y = myconfig.users;\n"      /* 5 */
                                   "  many = config.containers; z = config.networking;"; /* 6 */
        int fd = mkstemp(file);

        (void)state;
        return fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd);
}

static int teardown(void **state)
{
        (void)state;
        return unlink(file);
}

static void test_reads(void **state)
{
        (void)state;
        assert_true(nix_reads_host(file, 2, MISSING("users")));
        assert_true(nix_reads_host(file, 2, MISSING("photos")));
        assert_true(nix_reads_host(file, 2, MISSING("photos") "\nDid you mean x?"));
        assert_true(nix_reads_host(file, 3, MISSING("age")));
        assert_true(nix_reads_host(file, 6, MISSING("networking")));
}

static void test_others(void **state)
{
        (void)state;
        assert_false(nix_reads_host(file, 2, MISSING("user")));
        assert_false(nix_reads_host(file, 2, "undefined variable 'users'"));
        assert_false(nix_reads_host(file, 4, MISSING("web")));
        assert_false(nix_reads_host(file, 5, MISSING("users")));
        assert_false(nix_reads_host(file, 1, MISSING("users")));
        assert_false(nix_reads_host(file, 7, MISSING("users")));
        assert_false(nix_reads_host("/nothing", 2, MISSING("users")));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_reads), cmocka_unit_test(test_others) };

        return cmocka_run_group_tests(tests, setup, teardown);
}
