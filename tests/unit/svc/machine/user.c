/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>

#include "capture.h"
#include "svc/machine/user.h"
#include "util/fs.h"
#include "util/fs_remove.h"

static char dir[64];
static int root;

static int setup(void **state)
{
        char etc[80];

        (void)state;
        strcpy(dir, "/tmp/extra-container-user.XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(etc, sizeof(etc), "%s/etc", dir);
        root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return root < 0 ? -1 : mkdir(etc, 0755);
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        close(root);
        return fs_remove_tree(dir, &err);
}

static void put(const char *name, const char *text)
{
        char path[100];

        snprintf(path, sizeof(path), "%s/etc/%s", dir, name);
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
}

static void expect(const char *name, int result, const char *as, uid_t uid, gid_t gid, const char *home,
                   const char *shell, size_t groups)
{
        struct machine_user u = { 0 };

        assert_int_equal(machine_user_read(root, name, &u), result);
        if (result < 0)
                return;
        assert_string_equal(u.name, as);
        assert_int_equal(u.uid, uid);
        assert_int_equal(u.gid, gid);
        assert_string_equal(u.home, home);
        assert_string_equal(u.shell, shell);
        assert_int_equal(u.n_groups, groups);
        machine_user_done(&u);
}

static void test_users(void **state)
{
        (void)state;
        put("passwd", "root:x:0:0:System:/root:/run/current-system/sw/bin/bash\n"
                      "broken\nbad:x:-1:0::/:/bin/sh\nfar:x:4294967295:0::/:/bin/sh\nword:x:1x:0::/:/bin/sh\n"
                      "web:x:60:60:,,:/var/www:/bin/zsh\n1000:x:7:7::/seven:/bin/sh\nann:x:1000:100::relative:\n");
        put("group",
            "root:x:0:\nbroken\nweb:x:60:web\nwheel:x:1:ann,web\nusers:x:100:ann\nx:x:y:ann\nlast:x:9:annx,ann");
        expect("root", 0, "root", 0, 0, "/root", "/run/current-system/sw/bin/bash", 1);
        expect("0", 0, "root", 0, 0, "/root", "/run/current-system/sw/bin/bash", 1);
        expect("web", 0, "web", 60, 60, "/var/www", "/bin/zsh", 2);
        expect("60", 0, "web", 60, 60, "/var/www", "/bin/zsh", 2);
        expect("ann", 0, "ann", 1000, 100, "/", "/bin/sh", 3);
        /* If a user's name is a number, the name is preferred if it comes first. */
        expect("1000", 0, "1000", 7, 7, "/seven", "/bin/sh", 1);
        expect("bad", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        expect("far", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        expect("word", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        expect("nobody", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        expect("", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        expect("61", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
}

/* The kernel takes a limited number. */
static void test_many_groups(void **state)
{
        char *text;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        (void)state;
        assert_non_null(f);
        fprintf(f, "own:x:7:ann\n");
        for (unsigned i = 0; i < NGROUPS_MAX + 10; i++)
                fprintf(f, "g:x:%u:ann\n", 100000 - i);
        assert_int_equal(fclose(f), 0);
        put("passwd", "ann:x:1000:7::/ann:/bin/sh\n");
        put("group", text);
        expect("ann", 0, "ann", 1000, 7, "/ann", "/bin/sh", NGROUPS_MAX - 1); /* its own is counted once */
        put("group", "a:x:9:ann\nb:x:3:ann,ann\nc:x:9:ann\nd:x:7:ann\n");
        expect("ann", 0, "ann", 1000, 7, "/ann", "/bin/sh", 3);
        free(text);
}

/* Early in the first boot, there is no passwd file yet. */
static void test_no_users(void **state)
{
        (void)state;
        expect("root", 0, "root", 0, 0, "/root", "/bin/sh", 1);
        expect("0", 0, "root", 0, 0, "/root", "/bin/sh", 1);
        expect("web", -ENOENT, NULL, 0, 0, NULL, NULL, 0);
        put("passwd", "");
        expect("root", 0, "root", 0, 0, "/root", "/bin/sh", 1);
}

/* Links in a container are resolved inside the container. */
static void test_links(void **state)
{
        char path[100];

        (void)state;
        put("other", "root:x:0:0::/linked:/bin/sh\n");
        snprintf(path, sizeof(path), "%s/etc/passwd", dir);
        assert_int_equal(symlink("/etc/other", path), 0);
        expect("root", 0, "root", 0, 0, "/linked", "/bin/sh", 1);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("../../../../../../etc/passwd", path), 0); /* resolves to itself */
        expect("daemon", -ELOOP, NULL, 0, 0, NULL, NULL, 0);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0644), 0); /* does not wait for a writer */
        expect("daemon", FS_NOT_REGULAR, NULL, 0, 0, NULL, NULL, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { TEST(test_users), TEST(test_many_groups), TEST(test_no_users),
                                            TEST(test_links) };

        return cmocka_run_group_tests_name("machine_user", tests, NULL, NULL);
}
