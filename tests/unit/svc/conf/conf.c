/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "svc/conf/conf.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

struct dir {
        char *path;
        struct ec_err err;
};

/* Root reads only files in directories that no other user can write to; /tmp is accepted because it is sticky. */
static int setup(void **state)
{
        struct dir *d = calloc(1, sizeof(*d));

        d->path = temp_dir();
        *state = d;
        return 0;
}

static int teardown(void **state)
{
        struct dir *d = *state;

        assert_int_equal(fs_remove_tree(d->path, &d->err), 0);
        free(d->path);
        free(d);
        return 0;
}

static char *put(struct dir *d, const char *name, const char *text)
{
        char *path = fs_join(d->path, name), *parent = strdup(path);

        *strrchr(parent, '/') = 0;
        assert_int_equal(fs_mkdir_p(parent, 0755), 0);
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
        free(parent);
        return path;
}

static struct conf *load(struct dir *d)
{
        struct conf *c = NULL;
        int r = conf_load_dir(&c, d->path, &d->err);

        assert_string_equal(err_msg(&d->err), "");
        assert_int_equal(r, 0);
        return c;
}

static void declare(struct dir *d, struct conf *c, const char *section, const struct ec_setting *s, uint32_t n)
{
        struct ec_array a = { s, n, sizeof(*s) };

        assert_int_equal(conf_declare(c, section, &a, &d->err), 0);
}

static void test_absent(void **state)
{
        struct dir *d = *state;
        struct conf *c = load(d);

        assert_null(conf_get(c, "a", "b"));
        conf_free(c);
        conf_free(NULL);
        char *path = fs_join(d->path, "none.ini");

        assert_int_equal(conf_load(&c, path, &d->err), -ENOENT);
        assert_err(&d->err, -ENOENT, "none.ini'");
        free(path);
}

static void test_override(void **state)
{
        struct dir *d = *state;

        free(put(d, "extra-container.ini", "[a]\nk = main\nl = main\n"));
        free(put(d, "extra-container.d/20-b.ini", "[a]\nk = b\n"));
        free(put(d, "extra-container.d/10-a.ini", "[a]\nk = a\nm = a\n"));
        free(put(d, "extra-container.d/.hidden.ini", "broken\n"));
        free(put(d, "extra-container.d/readme.txt", "broken\n"));
        struct conf *c = load(d);

        assert_string_equal(conf_get(c, "a", "k"), "b");
        assert_string_equal(conf_get(c, "a", "l"), "main");
        assert_string_equal(conf_get(c, "a", "m"), "a");
        conf_free(c);
}

static void test_given_file(void **state)
{
        struct dir *d = *state;
        char *path = put(d, "x.ini", "[a]\nk = x\n");
        struct conf *c;

        free(put(d, "extra-container.ini", "[a]\nl = main\n"));
        assert_int_equal(conf_load(&c, path, &d->err), 0);
        assert_string_equal(conf_get(c, "a", "k"), "x");
        assert_null(conf_get(c, "a", "l"));
        conf_free(c);
        free(path);
}

static void test_where(void **state)
{
        struct dir *d = *state;
        char *where, *text;
        struct conf *c;

        free(put(d, "extra-container.ini", "[a]\nk = 1\nl = 1\n"));
        text = put(d, "extra-container.d/a.ini", "\n[a]\nk = 2\n");
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), 0);
        where = conf_where(c, "a", "k"); /* the line that counts */
        assert_true(str_after(where, text) && !strcmp(str_after(where, text), ":3"));
        assert_null(conf_where(c, "a", "m"));
        free(where);
        free(text);
        conf_free(c);
}

static void test_twice(void **state)
{
        struct dir *d = *state;
        char *text = NULL;
        struct conf *c;

        free(put(d, "extra-container.ini", "[a]\nk = 1\n[b]\nk = 1\n[a]\nl = 1\nk = 1\n"));
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), -EEXIST);
        text = str_printf("%s/extra-container.ini:7: 'k' of [a] is set a second time, after line 2", d->path);
        assert_string_equal(err_msg(&d->err), text);
        err_done(&d->err);
        free(text);
}

static void test_unreadable(void **state)
{
        struct dir *d = *state;
        char *path = put(d, "extra-container.ini", "[a]\nk = 1\n");
        struct conf *c;

        assert_int_equal(chmod(path, 0666), 0);
        if (geteuid() == 0) {
                assert_int_equal(conf_load_dir(&c, d->path, &d->err), -EPERM);
                assert_err(&d->err, -EPERM, "writable by everybody");
        }
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), FS_NOT_REGULAR);
        assert_err(&d->err, FS_NOT_REGULAR, "extra-container.ini': it is not a regular file");
        assert_int_equal(rmdir(path), 0);
        free(path);
        path = put(d, "extra-container.d/a.ini", "");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0); /* does not wait for a writer */
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), FS_NOT_REGULAR);
        assert_err(&d->err, FS_NOT_REGULAR, "a.ini': it is not a regular file");
        assert_int_equal(unlink(path), 0);
        free(path);
        /* /dev/null is an empty file. */
        assert_int_equal(conf_load(&c, "/dev/null", &d->err), 0);
        conf_free(c);
        /* A dangling link in a directory does not count as absent. */
        path = put(d, "extra-container.d/a.ini", "");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("nowhere", path), 0);
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), -ENOENT);
        assert_err(&d->err, -ENOENT, "a.ini");
        free(path);
}

static void test_too_big(void **state)
{
        struct dir *d = *state;
        size_t n = 300 << 10;
        char *text = malloc(n + 1);
        struct conf *c;

        memset(text, '\n', n);
        text[n] = 0;
        free(put(d, "extra-container.ini", text));
        free(text);
        assert_int_equal(conf_load_dir(&c, d->path, &d->err), -EFBIG);
        assert_err(&d->err, -EFBIG, "extra-container.ini");
}

static void test_types(void **state)
{
        static const struct {
                const char *type, *good, *bad, *message;
        } types[] = {
                { "bool", "on", "maybe", "must be yes or no, not 'maybe'" },
                { "duration", "1min 5s", "5 parsecs", "must be a duration" },
                { "path", "/x", "x/y", "must be an absolute path, not 'x/y'" },
                { "path", "", "~", "must be an absolute path, not '~'" },
                { "int", "-5", "5x", "must be a whole number, not '5x'" },
                { "int", "0", "", "must be a whole number, not ''" },
                { "int", "9223372036854775807", "9223372036854775808", "must be a whole number" },
                { "string", "", NULL, NULL },
                { "list", "a b", NULL, NULL },
        };
        struct dir *d = *state;

        for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
                struct ec_setting s = { .key = "k", .type = types[i].type };
                struct ec_array a = { &s, 1, sizeof(s) };

                for (int bad = 0; bad < 2; bad++) {
                        const char *value = bad ? types[i].bad : types[i].good;
                        char *text;
                        struct conf *c;

                        if (!value)
                                continue;
                        text = str_printf("[p]\nk = %s\n", value);
                        free(put(d, "extra-container.ini", text));
                        free(text);
                        c = load(d);
                        assert_int_equal(conf_declare(c, "p", &a, &d->err), bad ? -EINVAL : 0);
                        if (bad)
                                assert_err(&d->err, -EINVAL, types[i].message);
                        conf_free(c);
                }
        }
}

static void test_bad_tables(void **state)
{
        static const struct ec_setting bad[] = {
                { .key = NULL, .type = "string" },
                { .key = "k", .type = "number" },
                { .key = "k", .type = NULL },
                { .key = "k", .type = "bool", .def = "perhaps" },
        };
        struct dir *d = *state;
        struct conf *c = load(d);
        struct ec_array a = { NULL, 0, 0 };

        assert_int_equal(conf_declare(c, "p", &a, &d->err), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                a = (struct ec_array){ &bad[i], 1, sizeof(bad[i]) };
                assert_int_equal(conf_declare(c, "p", &a, &d->err), -EINVAL);
                assert_err(&d->err, -EINVAL, "of [p] is declared with a bad type or default");
        }
        a = (struct ec_array){ bad, 1, 4 };
        assert_int_equal(conf_declare(c, "p", &a, &d->err), -EINVAL);
        assert_err(&d->err, -EINVAL, "bad size");
        conf_free(c);
}

/* In a later minor version, each entry is longer. */
static void test_stride(void **state)
{
        struct {
                struct ec_setting s;
                const char *more;
        } wide[2] = {
                { { .key = "a", .type = "int", .def = "1" }, "x" },
                { { .key = "b", .type = "int", .def = "2" }, "y" },
        };
        struct ec_array a = { wide, 2, sizeof(wide[0]) };
        struct dir *d = *state;
        struct conf *c = load(d);

        assert_int_equal(conf_declare(c, "p", &a, &d->err), 0);
        assert_string_equal(conf_value(c, "p", "a"), "1");
        assert_string_equal(conf_value(c, "p", "b"), "2");
        conf_free(c);
}

static void test_values(void **state)
{
        static const struct ec_setting settings[] = {
                { .key = "flag", .type = "bool", .def = "yes" },
                { .key = "off", .type = "bool", .def = "yes" },
                { .key = "wait", .type = "duration", .def = "3s" },
                { .key = "name", .type = "string" },
        };
        struct dir *d = *state;
        struct conf *c;

        free(put(d, "extra-container.ini", "[p]\noff = no\nwait = 20ms\n"));
        c = load(d);
        assert_false(conf_bool(c, "p", "flag")); /* nothing is declared yet */
        declare(d, c, "p", settings, 4);
        assert_true(conf_bool(c, "p", "flag"));
        assert_false(conf_bool(c, "p", "off"));
        assert_false(conf_bool(c, "p", "name"));
        assert_int_equal(conf_ms(c, "p", "wait"), 20);
        assert_int_equal(conf_ms(c, "p", "name"), 0);
        assert_null(conf_value(c, "p", "name"));
        assert_null(conf_get(c, "p", "flag"));
        assert_string_equal(conf_value(c, "p", "flag"), "yes");
        conf_free(c);
}

static void add(void *data, const char *key, const char *value)
{
        char **all = data, *more = str_printf("%s%s=%s ", *all ? *all : "", key, value);

        free(*all);
        *all = more;
}

static void test_foreach(void **state)
{
        struct dir *d = *state;
        char *all = NULL;
        struct conf *c;

        free(put(d, "extra-container.ini", "[p]\nb = 1\na = 2\n[q]\nz = 3\n"));
        free(put(d, "extra-container.d/x.ini", "[p]\nb = 4\nc = 5\n"));
        c = load(d);
        conf_foreach(c, "p", add, &all);
        assert_string_equal(all, "b=4 a=2 c=5 ");
        free(all);
        conf_free(c);
}

static void test_unknown(void **state)
{
        static const struct ec_setting settings[] = { { .key = "address", .type = "string" } };
        struct capture cap;
        struct dir *d = *state;
        struct conf *c;
        char *got, *want;

        free(put(d, "extra-container.ini",
                 "[network]\naddress = 1\nadress = 2\nzebra = 3\n[netwrok]\na = 1\nb = 2\n[off]\na = "
                 "1\n[elsewhere-entirely]\nx = 1\n"));
        c = load(d);
        declare(d, c, "network", settings, 1);
        conf_ignore(c, "off");
        conf_ignore(c, "off");
        capture_begin(&cap, STDERR_FILENO);
        conf_warn_unknown(c);
        got = capture_end(&cap);
        want = str_printf(
                "warning: %s/extra-container.ini:3: unknown setting 'adress' in [network], did you mean 'address'?\n"
                "warning: %s/extra-container.ini:4: unknown setting 'zebra' in [network]\n"
                "warning: %s/extra-container.ini:6: unknown section [netwrok], did you mean [network]?\n"
                "warning: %s/extra-container.ini:11: unknown section [elsewhere-entirely]\n",
                d->path, d->path, d->path, d->path);
        assert_string_equal(got, want);
        free(got);
        free(want);
        conf_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_absent),     TEST(test_override),   TEST(test_given_file), TEST(test_where),
                TEST(test_twice),      TEST(test_unreadable), TEST(test_too_big),    TEST(test_types),
                TEST(test_bad_tables), TEST(test_stride),     TEST(test_values),     TEST(test_foreach),
                TEST(test_unknown),
        };
        return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
