/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/install.h"
#include "model/deploy/stale.h"

/* An nft whose maps contain ports of two machines, and which notes what it deletes. */
static const char nft[] =
        "#!/bin/sh\n"
        "case \"$2 $4\" in\n"
        "'list ip') echo 'map m { elements = { tcp . 80 : 10.0.0.2 . 8080, tcp . 81 : 10.0.0.22 . 1,'\n"
        "        echo 'udp . 53 : 10.0.0.2 . 53 } }' ;;\n"
        "list*) exit 1 ;;\n"
        "*) echo \"$*\" >>\"${0%/*}/log\" ;;\n"
        "esac\n";

static void test_stale(void **state)
{
        struct fixture *f = fx_new();
        struct stale l = { 0 };
        struct ec_container *c;
        char *path = fx_path(f, "/bin/nft"), *bin = fx_path(f, "/bin"), *log = fx_path(f, "/bin/log"), *text = NULL;
        const char *const files[] = { "/run/nixos-containers/.#machine.a0123456789abcdef/etc/x",
                                      "/run/nixos-containers/.#.#machine.a0123456789abcdef.lck",
                                      "/run/containers/.#machine.aabcdef0123456789/var/x",
                                      "/run/nixos-containers/.#machine.a0123456789abcde/etc/x",
                                      "/run/nixos-containers/.#machine.ab0123456789abcdef/etc/x",
                                      "/run/nixos-containers/.#machine.b0123456789abcdef/etc/x",
                                      "/run/nixos-containers/a/x" };

        (void)state;
        fx_container(f, "etc", "a", 1, "LOCAL_ADDRESS=10.0.0.2/24\nLOCAL_ADDRESS6=fc00::2\n", false);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        assert_int_equal(container_installed(&f->layout, "a", &c, &f->err), 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                char *file = fx_path(f, "%s", files[i]);

                fx_write(file, "x");
                free(file);
        }
        fx_write(path, nft);
        assert_int_equal(chmod(path, 0755), 0);
        text = str_printf("%s:%s", bin, getenv("PATH"));
        setenv("PATH", text, 1);
        free(text);
        stale_clear(&l, &f->layout, c);
        stale_done(&l);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                assert_int_equal(fx_exists(f, files[i]), i >= 3);
        assert_true(fs_read(log, 1000, &text, NULL) >= 0);
        assert_string_equal(text, "delete element ip io.systemd.nat map_port_ipport {  tcp . 80 : 10.0.0.2 . 8080 }\n"
                                  "delete element ip io.systemd.nat map_port_ipport { udp . 53 : 10.0.0.2 . 53  }\n");
        free(text), free(path), free(bin), free(log);
        container_free(c);
        fx_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_stale) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
