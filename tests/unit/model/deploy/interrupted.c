/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/group.h"
#include "model/deploy/interrupted.h"
#include "svc/process/interrupt.h"

static char *tell(struct fixture *f, const struct group *g, bool destroy)
{
        char *p = fx_path(f, "/stderr"), *text;
        int fd = open(p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), old = dup(2);

        dup2(fd, 2);
        log_set_level(LOG_NOTICE);
        interrupted_tell(&f->op, g, destroy);
        log_set_level(LOG_CRIT);
        fflush(stderr);
        dup2(old, 2);
        close(old), close(fd);
        assert_int_equal(fs_read(p, 1 << 20, &text, NULL), 0);
        free(p);
        return text;
}

static void test_tell(void **state)
{
        struct fixture *f = fx_new();
        char *unit = fx_path(f, "/unit"), *gone = fx_path(f, "/none"), *text;
        struct ec_container c[] = {
                { .name = (char *)"a", .unit = (char *)"container@a.service", .unit_path = unit },
                { .name = (char *)"b", .unit = (char *)"container@b.service", .unit_path = unit },
                { .name = (char *)"c", .unit = (char *)"container@c.service", .unit_path = unit },
                { .name = (char *)"d", .unit = (char *)"container@d.service", .unit_path = gone },
        };
        struct group g;

        (void)state;
        fake_reset();
        fx_write(unit, "");
        assert_int_equal(group_init(&g, 4), 0);
        for (size_t i = 0; i < 4; i++)
                group_add(&g, &c[i]);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service=activating";
        fake.active[2] = "container@c.service=deactivating";
        text = tell(f, &g, false);
        assert_string_equal(text, "container 'a' runs\ncontainer 'b' is still starting\n"
                                  "container 'c' is still stopping\ncontainer 'd' does not run\n");
        free(text);
        text = tell(f, &g, true);
        assert_string_equal(text, "container 'a' is not destroyed, and runs\n"
                                  "container 'b' is not destroyed, and is still starting\n"
                                  "container 'c' is not destroyed, and is still stopping\n"
                                  "container 'd' is destroyed\n");
        free(text);
        fake.bus_error = -ENOENT;
        text = tell(f, &g, false);
        assert_string_equal(text, "");
        free(text);
        group_done(&g);
        systemd_free(f->op.systemd);
        free(unit), free(gone);
        fx_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_tell) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
