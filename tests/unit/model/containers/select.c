/* SPDX-License-Identifier: MIT */
#include "model/containers/select.h"

#include "deploy_fixture.h"

static void put(struct fixture *f, const char *path, const char *text)
{
        char *p = fx_path(f, "%s", path);

        fx_write(p, text);
        free(p);
}

/* One of each origin, and files that are no containers. */
static int setup(void **state)
{
        struct fixture *f = fx_new();
        char *unit = fx_store(f, "unit", "[Service]\n"), *conf = fx_store(f, "conf", "SYSTEM_PATH=/s\n"), *p;

        p = fx_path(f, "/etc/units/container@ours.service");
        fx_link(unit, p);
        free(p);
        p = fx_path(f, "/etc/nixos-containers/ours.conf");
        fx_link(conf, p);
        free(p);
        free(unit);
        free(conf);
        put(f, "/etc/systemd/system/container@host-web.service", "[Service]\n");
        put(f, "/etc/nixos-containers/host-web.conf", "SYSTEM_PATH=/h\n");
        put(f, "/etc/systemd/system/container@bare.service", "[Service]\n");
        put(f, "/etc/nixos-containers/made.conf", "PRIVATE_NETWORK=1\n");
        put(f, "/etc/containers/older.conf", "FLAKE=.#x\n");
        put(f, "/etc/containers/registries.conf", "unqualified-search-registries = []\n");
        put(f, "/etc/nixos-containers/.hidden.conf", "PRIVATE_NETWORK=1\n");
        put(f, "/etc/nixos-containers/bad name.conf", "PRIVATE_NETWORK=1\n");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static char *list(const struct container_list *l)
{
        static const char *const origins[] = { "ours", "host", "other" };
        char **words = NULL, *s;

        for (size_t i = 0; i < l->n; i++)
                strv_pushf(&words, "%s=%s", l->items[i]->name, origins[l->items[i]->origin]);
        s = strv_join(STRV_CONST(words), " ");
        strv_free(words);
        return s;
}

static void test_all(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        char *s;

        assert_int_equal(containers_of_host(&f->layout, &l, &f->err), 0);
        s = list(&l);
        assert_string_equal(s, "bare=host host-web=host made=other older=other ours=ours");
        free(s);
        assert_string_equal(strrchr(l.items[3]->conf_path, '/') - 11, "/containers/older.conf");
        container_list_done(&l);
}

#define SELECT(flags, result, ...) chosen(*state, (const char *const[]){ __VA_ARGS__, NULL }, flags, result)
static void chosen(struct fixture *f, const char *const *patterns, uint32_t flags, const char *result)
{
        struct container_list l = { 0 };
        char *s;

        if (containers_select(&f->layout, patterns, flags, &l, &f->err) < 0) {
                assert_string_equal(err_msg(&f->err), result);
                err_done(&f->err);
                return;
        }
        s = list(&l);
        assert_string_equal(s, result);
        free(s);
        container_list_done(&l);
}

static void test_select(void **state)
{
        SELECT(EC_SELECT_HOST, "host-web=host ours=ours", "ours", "host-web", "ours");
        SELECT(EC_SELECT_HOST, "made=other older=other ours=ours", "o*", "mad?");
        SELECT(0, "ours=ours", "*");
        SELECT(0, "no container named 'made' is installed", "made");
        SELECT(EC_SELECT_HOST, "no container named 'mde' is installed; did you mean 'made'?", "mde");
        SELECT(EC_SELECT_HOST, "no container matches 'x*'", "ours", "x*");
        SELECT(0, "no container matches 'made*'", "made*");
        SELECT(EC_SELECT_HOST, "a container name must not be empty", "");
}

static void test_select_all(void **state)
{
        struct fixture *f = *state;

        SELECT(EC_SELECT_ALL, "ours=ours", NULL);
        SELECT(EC_SELECT_ALL | EC_SELECT_HOST, "bare=host host-web=host made=other older=other ours=ours", NULL);
        SELECT(EC_SELECT_ALL, "--all takes no names", "ours");
        /* None at all is not an error. */
        free(f->layout.units);
        f->layout.units = strdup("/nowhere");
        SELECT(EC_SELECT_ALL, "", NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_all), T(test_select), T(test_select_all) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
