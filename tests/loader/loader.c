/* SPDX-License-Identifier: MIT
 *
 * Tests which plugins the loader accepts and why it rejects the others. ZOO is the
 * directory of the plugins that are built from zoo.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/builtin.h"
#include "plugin/commands.h"
#include "plugin/loader.h"
#include "svc/conf/conf.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

static const char *zoo;    /* directory of the plugins built from zoo.c */
static char tmp[PATH_MAX]; /* directory of the running test */

static int make_tmp(void **state)
{
        (void)state;
        strcpy(tmp, "/tmp/extra-container-loader.XXXXXX");
        return mkdtemp(tmp) && chmod(tmp, 0755) == 0 ? 0 : -1;
}

static int remove_tmp(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        return fs_remove_tree(tmp, &err);
}

static char *in_tmp(const char *name)
{
        static char paths[64][PATH_MAX + 64];
        static unsigned next;
        char *p = paths[next++ % 64];

        snprintf(p, sizeof(paths[0]), "%s/%s", tmp, name);
        return p;
}

static void write_file(const char *path, const char *text)
{
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
}

/* Copies a plugin of the zoo, because the loader checks the owner and mode of the file. */
static void copy_animal(const char *name, const char *to)
{
        _cleanup_free_ char *from = str_printf("%s/%s.so", zoo, name), *data = NULL;
        size_t len;

        assert_int_equal(fs_read(from, 64 << 20, &data, &len), 0);
        assert_int_equal(fs_write_atomic(to, data, len, 0644), 0);
}

static void load_own(const char *const *dirs, const char *ini, bool trust, const char *own, struct plugins *ret)
{
        struct plugin_search s = { .dirs = dirs, .check_trust = trust, .builtin = builtin_commands, .own = own };
        struct conf *conf = NULL;
        struct ec_err err = { 0 };

        if (ini) {
                write_file(in_tmp("conf.ini"), ini);
                assert_int_equal(conf_load(&conf, in_tmp("conf.ini"), &err), 0);
                s.conf = conf;
        }
        if (plugins_load(&s, ret, &err) < 0)
                fail_msg("%s", err_msg(&err));
        if (conf)
                conf_free(conf);
}

static void load(const char *const *dirs, const char *ini, bool trust, struct plugins *ret)
{
        load_own(dirs, ini, trust, NULL, ret);
}

static const struct plugin *get(const struct plugins *l, const char *name)
{
        const struct plugin *p = plugins_find(l, name);

        if (!p)
                fail_msg("plugin %s is not in the list", name);
        return p;
}

static void assert_state(const struct plugins *l, const char *name, enum plugin_state state, const char *reason)
{
        const struct plugin *p = get(l, name);

        if (p->state != state)
                fail_msg("%s is %s (%s), not %s", name, plugin_state_names[p->state], p->reason ? p->reason : "-",
                         plugin_state_names[state]);
        if (reason && (!p->reason || !strstr(p->reason, reason)))
                fail_msg("%s: the reason is '%s', not '%s'", name, p->reason ? p->reason : "-", reason);
        if (p->reason && strchr(p->reason, '\n'))
                fail_msg("%s: the reason has more than one line", name);
}

static const struct {
        const char *name, *reason; /* NULL: it loads */
} expected[] = {
        { "good", NULL },
        { "minimal", NULL },
        { "newer_unused", NULL },
        { "own_like_core", NULL },
        { "zz_no_clash", NULL },
        { "traced", NULL },
        { "nosymbol", "it has no symbol ec_plugin_v1_nosymbol" },
        { "wrongsymbol", "it has no symbol ec_plugin_v1_wrongsymbol" },
        { "othername", "its descriptor has the name 'impostor'" },
        { "noname", "no valid name" },
        { "major2", "it was built for ABI 2, this program has 1.0" },
        { "majorfield", "it was built for ABI 3.1, this program has 1.0" },
        { "function", "its symbol ec_plugin_v1_function is not data" },
        { "short_size", "claims a size of 24 bytes" },
        { "long_size", "its descriptor claims a size of" },
        { "noversion", "it has no version" },
        { "nosummary", "it has no summary" },
        { "newer_plugin", "its descriptor uses something that ABI 1.0 does not have: the plugin was built for 1.7" },
        { "newer_option", "options uses something that ABI 1.0 does not have: the plugin was built for 1.7" },
        { "newer_command", "commands uses something that ABI 1.0 does not have: the plugin was built for 1.7" },
        { "newer_hooks", "a hook uses something that ABI 1.0 does not have: the plugin was built for 1.7" },
        { "newer_flag", "next-four uses something that ABI 1.0 does not have: the plugin was built for 1.7" },
        { "needs_minor", "it needs ABI 1.7, this program has 1.0" },
        { "needs_nothing", NULL },
        { "provides_unknown", "its descriptor uses something that ABI 1.0 does not have" },
        { "reserved_used", "its descriptor uses something that ABI 1.0 does not have" },
        { "hooks_reserved", "its table of hooks uses something that ABI 1.0 does not have" },
        { "setting_default", "the default of setting 'wait' must be a duration, as 10s, 500ms or 2min, not 'soon'" },
        { "paths", "its name is reserved: section [paths] of the configuration is the program's" },
        { "plugins", "its name is reserved: section [plugins] of the configuration is the program's" },
        { "aaa_session", "command 'zoo' already belongs to plugin good" },
        { "session", NULL },
        { "array_null", "its array of commands is NULL" },
        { "array_stride", "its array of settings has a stride of 4 bytes" },
        { "array_huge", "it has too many settings (100000000)" },
        { "array_outside", "its array of options is outside the plugin's memory" },
        { "array_long", "its array of settings is outside the plugin's memory" },
        { "hooks_size", "its table of hooks has the wrong size" },
        { "command_noname", "a command has no name" },
        { "command_badname", "'-rf' is not a valid command name" },
        { "command_nosummary", "command 'mute' has no summary" },
        { "command_norun", "command 'lame' has no function" },
        { "command_flag", "command 'flagged' has an unknown flag or scope" },
        { "command_twice", "command 'other' is declared twice" },
        { "option_noname", "an option has no name" },
        { "option_badname", "'a=b' is not a valid option name" },
        { "option_nohelp", "option --mystery has no help" },
        { "option_noscope", "option --nowhere has no scope" },
        { "option_short", "option --greedy has a short name" },
        { "option_kind", "option --odd has an unknown kind" },
        { "option_type", "option --typed has an unknown type, or one without a value" },
        { "option_metavar", "option --nameless takes a value but has no metavar" },
        { "option_twice", "command 'doubled': option -x is declared twice" },
        { "option_itself", "option --self is declared twice" },
        { "setting_type", "setting 'size' has an unknown type" },
        { "setting_twice", "setting 'size' is declared twice" },
        { "clash_core_option", "option --show-trace belongs to extra-container itself" },
        { "clash_core_own", "option --expr belongs to extra-container itself" },
        { "clash_core_command", "command 'plugins' already belongs to extra-container itself" },
        { "zz_clash_command", "command 'another' already belongs to plugin good" },
        { "zz_clash_option", "option --zoo-option already belongs to plugin good" },
        { "zz_clash_own", "option --fast already belongs to plugin good" },
        { "undefined", "it cannot be loaded: undefined symbol: there_is_no_such_symbol" },
        { "borrowed", "its descriptor comes from another library" },
};

/* All in one directory: no plugin affects another. */
static void test_zoo(void **state)
{
        const char *dirs[] = { zoo, NULL };
        struct plugins l = { 0 };

        (void)state;
        load_own(dirs, NULL, false, "good", &l);
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
                assert_state(&l, expected[i].name, expected[i].reason ? PLUGIN_REJECTED : PLUGIN_LOADED,
                             expected[i].reason);
        for (size_t i = 0; i < l.n; i++) {
                bool known = false;

                for (size_t k = 0; k < ARRAY_SIZE(expected); k++)
                        known = known || !strcmp(expected[k].name, l.items[i].name);
                if (!known)
                        fail_msg("%s has no expectation in this test", l.items[i].name);
                if (i && strcmp(l.items[i - 1].name, l.items[i].name) >= 0)
                        fail_msg("the list is not sorted");
        }
        plugins_done(&l);
}

/* Items of a longer stride are read at the right offsets and copied to the current size. */
static void test_newer_arrays(void **state)
{
        const char *dirs[] = { zoo, NULL };
        const struct ec_command *c;
        const struct ec_option *o;
        const struct ec_plugin *p;
        struct plugins l = { 0 };

        (void)state;
        load(dirs, NULL, false, &l);
        p = get(&l, "newer_unused")->plugin;
        assert_int_equal(p->size, sizeof(*p));
        assert_int_equal(p->commands.stride, sizeof(*c));
        c = p->commands.items;
        assert_string_equal(c[1].name, "next-two");
        assert_string_equal(c[1].synopsis, "");
        o = p->options.items;
        assert_string_equal(o[1].name, "second-next");
        assert_int_equal(p->hooks->size, sizeof(*p->hooks));
        plugins_done(&l);
}

static void test_files(void **state)
{
        const char *dirs[] = { tmp, NULL };
        struct plugins l = { 0 };

        (void)state;
        write_file(in_tmp("text.so"), "no program at all\n");
        write_file(in_tmp("empty.so"), "");
        assert_int_equal(mkdir(in_tmp("folder.so"), 0755), 0);
        assert_int_equal(mkfifo(in_tmp("pipe.so"), 0644), 0);
        assert_int_equal(symlink("nowhere", in_tmp("dangling.so")), 0);
        copy_animal("minimal", in_tmp("Bad-Name.so"));
        copy_animal("minimal", in_tmp(".hidden.so"));
        copy_animal("minimal", in_tmp("minimal.so"));
        copy_animal("minimal", in_tmp("other.so"));
        write_file(in_tmp("README"), "not a plugin\n");
        load(dirs, NULL, false, &l);
        assert_state(&l, "text", PLUGIN_REJECTED, "it cannot be loaded: ");
        assert_state(&l, "empty", PLUGIN_REJECTED, "it cannot be loaded: ");
        assert_state(&l, "folder", PLUGIN_REJECTED, "it is not a regular file");
        assert_state(&l, "pipe", PLUGIN_REJECTED, "it is not a regular file");
        assert_state(&l, "dangling", PLUGIN_REJECTED, "No such file");
        assert_state(&l, "Bad-Name", PLUGIN_REJECTED, "its name may have");
        assert_state(&l, "other", PLUGIN_REJECTED, "it has no symbol ec_plugin_v1_other");
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        assert_int_equal(l.n, 8);
        plugins_done(&l);
}

static void test_directories(void **state)
{
        char *first = in_tmp("first"), *second = in_tmp("second");
        const char *dirs[] = { in_tmp("absent"), first, second, NULL };
        struct plugins l = { 0 };
        char file[PATH_MAX + 32];

        (void)state;
        assert_int_equal(mkdir(first, 0755), 0);
        assert_int_equal(mkdir(second, 0755), 0);
        copy_animal("minimal", in_tmp("first/minimal.so"));
        write_file(in_tmp("second/minimal.so"), "broken, and not looked at\n");
        copy_animal("good", in_tmp("second/good.so"));
        /* A plugin in a later directory loses a clash, regardless of the names. */
        copy_animal("zz_clash_command", in_tmp("first/zz_clash_command.so"));
        load(dirs, NULL, false, &l);
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        snprintf(file, sizeof(file), "%s/minimal.so", first);
        assert_string_equal(get(&l, "minimal")->file, file);
        assert_state(&l, "zz_clash_command", PLUGIN_LOADED, NULL);
        assert_state(&l, "good", PLUGIN_REJECTED, "command 'zoo' already belongs to plugin zz_clash_command");
        plugins_done(&l);
}

/* Winners of a clash: requested plugins, then plugins that ship with the program, then by name. */
static void test_clash_order(void **state)
{
        static const struct {
                const char *ini, *own, *winner, *loser, *reason, *session;
        } cases[] = {
                { NULL, NULL, "aaa_session", "good", "command 'zoo' already belongs to plugin aaa_session", "aaa" },
                { NULL, "good session", "good", "aaa_session", "command 'zoo' already belongs to plugin good",
                  "session" },
                { "[plugins]\naaa_session = on\n", "good session", "aaa_session", "good",
                  "command 'zoo' already belongs to plugin aaa_session", "aaa" },
                { "[plugins]\naaa_session = on\ngood = required\n", NULL, "good", "aaa_session",
                  "command 'zoo' already belongs to plugin good", "session" },
        };
        const char *dirs[] = { in_tmp("dir"), NULL };

        (void)state;
        assert_int_equal(mkdir(dirs[0], 0755), 0);
        copy_animal("aaa_session", in_tmp("dir/aaa_session.so"));
        copy_animal("good", in_tmp("dir/good.so"));
        copy_animal("session", in_tmp("dir/session.so"));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct plugins l = { 0 };
                struct command_ref ref;

                load_own(dirs, cases[i].ini, false, cases[i].own, &l);
                assert_state(&l, cases[i].winner, PLUGIN_LOADED, NULL);
                assert_state(&l, cases[i].loser, PLUGIN_REJECTED, cases[i].reason);
                /* Its tables remain readable, to report whose command is missing. */
                assert_non_null(get(&l, cases[i].loser)->plugin);
                assert_true(command_find_scope(&l, EC_SCOPE_SHELL, &ref));
                assert_string_equal(ref.command->name, cases[i].session);
                plugins_done(&l);
        }
}

static void test_toggles(void **state)
{
        char *dir = in_tmp("dir");
        const char *dirs[] = { dir, NULL };
        struct ec_err err = { 0 };
        struct plugins l = { 0 };

        (void)state;
        assert_int_equal(mkdir(dir, 0755), 0);
        copy_animal("minimal", in_tmp("dir/minimal.so"));
        copy_animal("noversion", in_tmp("dir/noversion.so"));
        copy_animal("traced", in_tmp("dir/traced.so"));
        setenv("ZOO_TRACE", in_tmp("trace"), 1);
        load(dirs, "[plugins]\ntraced = off\nminimal = on\nabsent = auto\nabsent_too = on\n", false, &l);
        unsetenv("ZOO_TRACE");
        assert_state(&l, "traced", PLUGIN_OFF, "it is off in /");
        assert_non_null(strstr(get(&l, "traced")->reason, ".ini:2"));
        assert_int_equal(access(in_tmp("trace"), F_OK), -1);
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        assert_state(&l, "absent", PLUGIN_MISSING, NULL);
        assert_null(get(&l, "absent")->reason);
        assert_state(&l, "absent_too", PLUGIN_MISSING, "it is on in /");
        assert_state(&l, "noversion", PLUGIN_REJECTED, NULL);
        assert_int_equal(get(&l, "noversion")->toggle, TOGGLE_AUTO);
        assert_int_equal(plugins_check(&l, &err), 0); /* warnings only */
        plugins_done(&l);

        load(dirs, "[plugins]\nnoversion = required\n", false, &l);
        assert_true(plugins_check(&l, &err) < 0);
        assert_non_null(strstr(err_msg(&err), ".ini:2, but was rejected: it has no version"));
        err_done(&err);
        plugins_done(&l);

        load(dirs, "[plugins]\nabsent = required\n", false, &l);
        assert_int_equal(plugins_check(&l, &err), -ENOENT);
        assert_non_null(strstr(err_msg(&err), "plugin absent is required in /"));
        assert_non_null(strstr(err_msg(&err), ".ini:2, but missing"));
        err_done(&err);
        plugins_done(&l);
}

static void test_bad_toggle(void **state)
{
        struct plugin_search s = { 0 };
        struct plugins l = { 0 };
        struct ec_err err = { 0 };
        struct conf *conf = NULL;

        (void)state;
        write_file(in_tmp("conf.ini"), "[plugins]\nminimal = maybe\n");
        assert_int_equal(conf_load(&conf, in_tmp("conf.ini"), &err), 0);
        s.conf = conf;
        assert_int_equal(plugins_load(&s, &l, &err), -EINVAL);
        assert_non_null(strstr(err_msg(&err),
                               "conf.ini:2: 'minimal' of [plugins] must be required, on, auto or off, not 'maybe'"));
        err_done(&err);
        conf_free(conf);
}

static void test_search_path(void **state)
{
        struct ec_err err = { 0 };
        struct conf *conf = NULL;
        char **dirs = NULL;

        (void)state;
        write_file(in_tmp("conf.ini"), "[plugins]\nsearch-path = /srv/a:/srv/b\n");
        assert_int_equal(conf_load(&conf, in_tmp("conf.ini"), &err), 0);
        setenv("EXTRA_CONTAINER_PLUGIN_DIR", "/home/me/plugins", 1);
        assert_int_equal(plugins_search_path(conf, "/builtin", &dirs, &err), 0);
        unsetenv("EXTRA_CONTAINER_PLUGIN_DIR");
        /* Ignored when running as root. */
        assert_string_equal(dirs[0], geteuid() == 0 ? "/builtin" : "/home/me/plugins");
        assert_string_equal(dirs[1], "/srv/a");
        assert_string_equal(dirs[2], "/srv/b");
        assert_null(dirs[3]);
        strv_free(dirs);
        conf_free(conf);

        write_file(in_tmp("conf.ini"), "[plugins]\nsearch-path = plugins\n");
        assert_int_equal(conf_load(&conf, in_tmp("conf.ini"), &err), 0);
        assert_int_equal(plugins_search_path(conf, "/builtin", &dirs, &err), -EINVAL);
        assert_non_null(strstr(err_msg(&err), "'search-path' of [plugins] must be a list of absolute paths, not"));
        err_done(&err);
        conf_free(conf);
}

/* ---- trust: only as root ------------------------------------------------ */

#define USER 65534

/* Checks the state of tmp/dir/minimal.so with these owners and modes. */
static void check_trust(uid_t dir_owner, mode_t dir_mode, uid_t file_owner, mode_t file_mode, const char *reason)
{
        char *dir = in_tmp("dir"), *file = in_tmp("dir/minimal.so");
        const char *dirs[] = { dir, NULL };
        struct plugins l = { 0 };

        if (mkdir(dir, 0755) < 0)
                assert_int_equal(errno, EEXIST);
        copy_animal("minimal", file);
        assert_int_equal(chown(file, file_owner, 0), 0);
        assert_int_equal(chmod(file, file_mode), 0);
        assert_int_equal(chown(dir, dir_owner, 0), 0);
        assert_int_equal(chmod(dir, dir_mode), 0);
        load(dirs, NULL, true, &l);
        assert_state(&l, "minimal", reason ? PLUGIN_REJECTED : PLUGIN_LOADED, reason);
        plugins_done(&l);
}

static void test_trust(void **state)
{
        (void)state;
        if (geteuid() != 0)
                skip();
        check_trust(0, 0755, 0, 0755, NULL);
        check_trust(0, 0755, 0, 0444, NULL);
        check_trust(0, 0775, 0, 0755, "writable by its group");
        check_trust(0, 0757, 0, 0755, "writable by everybody");
        check_trust(USER, 0755, 0, 0755, "belongs to user 65534");
        check_trust(0, 0755, USER, 0755, "belongs to user 65534");
        check_trust(0, 0755, 0, 0775, "writable by its group");
        check_trust(0, 0755, 0, 0757, "writable by everybody");
        /* A parent directory may be sticky, as the Nix store is, but the plugin directory may not. */
        check_trust(0, 01775, 0, 0755, "writable by its group");
        assert_int_equal(chmod(tmp, 01775), 0);
        check_trust(0, 0755, 0, 0755, NULL);
        assert_int_equal(chmod(tmp, 0775), 0);
        check_trust(0, 0755, 0, 0755, "writable by its group");
}

/* A link is trusted if all directories on its way are trusted. */
static void test_trust_links(void **state)
{
        const char *dirs[] = { in_tmp("dir"), NULL };
        struct plugins l = { 0 };

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(in_tmp("store"), 0755), 0);
        assert_int_equal(mkdir(in_tmp("loose"), 0755), 0);
        assert_int_equal(mkdir(in_tmp("dir"), 0755), 0);
        copy_animal("minimal", in_tmp("store/minimal.so"));
        copy_animal("good", in_tmp("loose/good.so"));
        assert_int_equal(chmod(in_tmp("loose"), 0777), 0);
        assert_int_equal(symlink("../store/minimal.so", in_tmp("dir/minimal.so")), 0);
        assert_int_equal(symlink("../loose/good.so", in_tmp("dir/good.so")), 0);
        load(dirs, NULL, true, &l);
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        assert_state(&l, "good", PLUGIN_REJECTED, "writable by everybody");
        plugins_done(&l);
}

/* The libraries that a plugin needs are loaded as root too. */
static void check_libraries(const char *path, uid_t owner, mode_t mode, const char *reason)
{
        const char *dirs[] = { in_tmp("dir"), NULL };
        struct plugins l = { 0 };

        assert_int_equal(chown(in_tmp(path), owner, 0), 0);
        assert_int_equal(chmod(in_tmp(path), mode), 0);
        load(dirs, NULL, true, &l);
        assert_state(&l, "borrowed", PLUGIN_REJECTED, reason);
        plugins_done(&l);
        assert_int_equal(chown(in_tmp(path), 0, 0), 0);
        assert_int_equal(chmod(in_tmp(path), 0755), 0);
}

static void test_trust_libraries(void **state)
{
        static const char *const later = "its descriptor comes from another library"; /* nothing else is wrong */

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(fs_mkdir_p(in_tmp("dir/lib/deep"), 0755), 0);
        assert_int_equal(mkdir(in_tmp("loose"), 0755), 0);
        copy_animal("borrowed", in_tmp("dir/borrowed.so"));
        copy_animal("lib/lender", in_tmp("dir/lib/lender.so"));
        copy_animal("lib/deep/deep", in_tmp("dir/lib/deep/deep.so"));
        check_libraries("dir/lib", USER, 0755, "belongs to user 65534");
        check_libraries("dir/lib", 0, 0777, "writable by everybody");
        check_libraries("dir/lib/lender.so", USER, 0755, "belongs to user 65534");
        check_libraries("dir/lib/deep", USER, 0755, "belongs to user 65534");
        check_libraries("dir/lib/deep/deep.so", 0, 0775, "writable by its group");
        check_libraries("dir/lib", 0, 0755, later);
        /* A link. */
        assert_int_equal(rename(in_tmp("dir/lib/deep/deep.so"), in_tmp("loose/deep.so")), 0);
        assert_int_equal(symlink("../../../loose/deep.so", in_tmp("dir/lib/deep/deep.so")), 0);
        check_libraries("loose", 0, 0777, "writable by everybody");
        check_libraries("loose", 0, 0755, later);
}

/* Root also runs the files of a plugin beside its library. */
static void test_trust_files(void **state)
{
        const char *dirs[] = { in_tmp("dir"), NULL };
        struct plugins l = { 0 };

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(fs_mkdir_p(in_tmp("dir/minimal/more"), 0755), 0);
        copy_animal("minimal", in_tmp("dir/minimal.so"));
        write_file(in_tmp("dir/minimal/more/script.sh"), "");
        load(dirs, NULL, true, &l);
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        plugins_done(&l);
        assert_int_equal(chown(in_tmp("dir/minimal/more/script.sh"), USER, 0), 0);
        load(dirs, NULL, true, &l);
        assert_state(&l, "minimal", PLUGIN_REJECTED, "dir/minimal/more/script.sh' belongs to user 65534");
        plugins_done(&l);
        load(dirs, NULL, false, &l);
        assert_state(&l, "minimal", PLUGIN_LOADED, NULL);
        plugins_done(&l);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_tmp, remove_tmp)
        const struct CMUnitTest tests[] = {
                TEST(test_zoo),         TEST(test_newer_arrays), TEST(test_files),           TEST(test_directories),
                TEST(test_clash_order), TEST(test_toggles),      TEST(test_bad_toggle),      TEST(test_search_path),
                TEST(test_trust),       TEST(test_trust_links),  TEST(test_trust_libraries), TEST(test_trust_files),
        };

        if (argc != 2) {
                fprintf(stderr, "usage: %s ZOO\n", argv[0]);
                return 2;
        }
        zoo = argv[1];
        cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
