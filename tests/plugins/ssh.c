/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugins/ssh/ssh.h"
#include "fake_host.h"

extern const struct ec_plugin ec_plugin_v1_ssh;
#define PLUGIN (&ec_plugin_v1_ssh)

#define BASE64 "AAAAC3NzaC1lZDI1NTE5AAAAIHHPqZTJtUqJ0oYj4zX1y3oZQm6V0wN2cKk5xSgH8bQ7"
#define PUBLIC "ssh-ed25519 " BASE64

static struct fake fake;
static void *self;
static char dir[32], keys[64];

static char *at(const char *name)
{
        char *p;

        assert_true(asprintf(&p, "%s/%s", keys, name) > 0);
        return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
        char *p = at(name);
        FILE *f = fopen(p, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(chmod(p, mode), 0);
        free(p);
}

static char *content(const char *name)
{
        char *p = at(name), *text = calloc(1, 4096);
        FILE *f = fopen(p, "re");

        assert_non_null(f);
        assert_true(fread(text, 1, 4095, f) > 0);
        fclose(f);
        free(p);
        return text;
}

static size_t entries(void)
{
        DIR *d = opendir(keys);
        size_t n = 0;

        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        closedir(d);
        return n;
}

/* Runs the real program, because the files that ssh-keygen writes matter. */
static int answer_program(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        extern char **environ;
        posix_spawn_file_actions_t fa;
        int out[2], status;
        ssize_t n;
        pid_t pid;

        (void)f;
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        posix_spawn_file_actions_init(&fa);
        posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&fa, out[1], 1);
        posix_spawn_file_actions_adddup2(&fa, out[1], 2);
        assert_int_equal(posix_spawnp(&pid, p->argv[0], &fa, NULL, (char **)p->argv, environ), 0);
        posix_spawn_file_actions_destroy(&fa);
        close(out[1]);
        free(ret->out);
        free(ret->err);
        ret->out = calloc(1, 8192);
        while ((n = read(out[0], ret->out + ret->out_len, 8191 - ret->out_len)) > 0)
                ret->out_len += n;
        close(out[0]);
        ret->err = strdup(ret->out);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return 0;
}

static int setup(void **state)
{
        (void)state;
        strcpy(dir, "/tmp/ssh-test.XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(keys, sizeof(keys), "%s/keys", dir);
        fake_init(&fake);
        fake_setting(&fake, "key-dir", keys);
        fake_setting(&fake, "timeout", "30s");
        fake_path(&fake, "root", "");
        fake.proc = answer_program;
        self = fake_load(&fake, PLUGIN);
        return 0;
}

static int teardown(void **state)
{
        char cmd[128];

        (void)state;
        PLUGIN->hooks->finish(self, &fake.op, 0);
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        snprintf(cmd, sizeof(cmd), "chmod -R u+rwX %s; rm -r %s", dir, dir);
        return system(cmd);
}

static int get(int make, struct key *k)
{
        return key_get(&fake.host, &fake.op, make, k, &fake.err);
}

static void refused_at(int make, const char *where, const char *why)
{
        struct key k = { 0 };

        assert_true(get(make, &k) < 0);
        assert_non_null(strstr(fake.err.msg, where));
        if (!strstr(fake.err.msg, why))
                fail_msg("'%s' is not in: %s", why, fake.err.msg);
        assert_null(k.path);
        fake.host.err->clear(&fake.err);
}

static void refused(int make, const char *why)
{
        refused_at(make, keys, why);
}

static void test_descriptor(void **state)
{
        (void)state;
        fake_check_descriptor(PLUGIN);
}

static void test_parse_public(void **state)
{
        static const char *const bad[] = {
                "",          "ssh-ed25519", "ssh-ed25519 AAAA",     "ssh-rsa " BASE64, PUBLIC "AAAA",
                PUBLIC "-x", " " PUBLIC,    "ssh-ed25519  " BASE64,
        };
        static const char *const good[] = { PUBLIC, PUBLIC "\n", PUBLIC " me@here\n", PUBLIC "\r\n" };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_null(key_parse_public(bad[i]));
        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
                char *s = key_parse_public(good[i]);

                assert_string_equal(s, PUBLIC);
                free(s);
        }
}

/* ---- the key ---- */

static void test_made_and_reused(void **state)
{
        struct key k = { 0 }, again = { 0 };
        struct stat st;
        char *public;

        (void)state;
        assert_int_equal(get(0, &k), 0);
        assert_int_equal(access(keys, F_OK), -1);
        assert_int_equal(get(1, &k), 1);
        assert_int_equal(stat(keys, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(stat(k.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(entries(), 2);
        public = content("key.pub");
        assert_int_equal(strncmp(public, k.public, strlen(k.public)), 0);
        free(public);
        fake_reset(&fake);
        assert_int_equal(get(1, &again), 1);
        assert_string_equal(again.public, k.public);
        assert_string_equal(fake.calls, "");
        key_done(&again);
        assert_int_equal(get(0, &again), 1);
        assert_string_equal(again.public, k.public);
        key_done(&again);
        key_done(&k);
}

static void test_umask(void **state)
{
        mode_t old = umask(0277);
        struct key k = { 0 };
        int r = get(1, &k);

        (void)state;
        umask(old);
        assert_int_equal(r, 1);
        key_done(&k);
}

/* A lost public half is derived again from the private one, which is unchanged. */
static void test_public_half(void **state)
{
        static const char *const bad[] = { "", "nonsense\n", "ssh-rsa AAAA x\n", NULL };
        struct key k = { 0 }, again = { 0 };
        char *p, *private;

        (void)state;
        assert_int_equal(get(1, &k), 1);
        private = content("key");
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                char *now;

                p = at("key.pub");
                assert_int_equal(unlink(p), 0);
                free(p);
                if (bad[i])
                        put("key.pub", bad[i], 0644);
                assert_int_equal(get(0, &again), 1);
                assert_string_equal(again.public, k.public);
                key_done(&again);
                now = content("key.pub");
                assert_int_equal(strncmp(now, k.public, strlen(k.public)), 0);
                free(now);
                now = content("key");
                assert_string_equal(now, private);
                free(now);
                assert_int_equal(entries(), 2);
        }
        free(private);
        key_done(&k);
}

/* A public half without its private key is replaced with the next key. */
static void test_private_half(void **state)
{
        struct key k = { 0 }, again = { 0 };
        char *p;

        (void)state;
        assert_int_equal(get(1, &k), 1);
        p = at("key");
        unlink(p);
        free(p);
        assert_int_equal(get(0, &again), 0);
        assert_int_equal(get(1, &again), 1);
        assert_string_not_equal(again.public, k.public);
        assert_int_equal(entries(), 2);
        key_done(&again);
        key_done(&k);
}

static void test_bad_keys(void **state)
{
        char *p = at("key");

        (void)state;
        mkdir(keys, 0700);
        put("key", "nonsense", 0600);
        refused(1, "ssh-keygen cannot read");
        chmod(p, 0640);
        refused(1, "others have access");
        unlink(p);
        assert_int_equal(symlink("/etc/hostname", p), 0);
        refused(0, "is not a regular file");
        unlink(p);
        assert_int_equal(mkfifo(p, 0600), 0);
        refused(1, "is not a regular file");
        unlink(p);
        if (geteuid() == 0) {
                put("key", "nonsense", 0600);
                assert_int_equal(chown(p, 65534, 65534), 0);
                refused(1, "is not trusted");
        }
        free(p);
}

static void test_directory(void **state)
{
        static const mode_t modes[] = { 0701, 0755, 0770, 0777, 0500, 0300 };
        char other[128];

        (void)state;
        snprintf(other, sizeof(other), "%s/other", dir);
        mkdir(other, 0700);
        assert_int_equal(symlink(other, keys), 0);
        refused(1, "a symbolic link");
        refused(0, "a symbolic link");
        unlink(keys);
        assert_int_equal(symlink("/nowhere", keys), 0);
        refused(1, "a symbolic link");
        unlink(keys);
        close(open(keys, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        refused(1, "not a directory");
        unlink(keys);
        mkdir(keys, 0700);
        for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
                assert_int_equal(chmod(keys, modes[i]), 0);
                refused(1, "mode");
                refused(0, "mode");
        }
        chmod(keys, 0700);
        if (geteuid() == 0) {
                assert_int_equal(chown(keys, 65534, 0), 0);
                refused(1, "belongs to user 65534, not to user 0");
        }
        assert_int_equal(access(other, F_OK), 0);
}

/* No other user may be able to replace a parent directory. */
static void test_parents(void **state)
{
        struct key k = { 0 };
        char link[128];

        (void)state;
        chmod(dir, 0777);
        refused(1, "others may write to");
        chmod(dir, 01777);
        assert_int_equal(get(1, &k), 1);
        key_done(&k);
        chmod(dir, 0700);
        /* A link in the path is resolved. */
        snprintf(link, sizeof(link), "%s/link", dir);
        assert_int_equal(symlink(dir, link), 0);
        strcat(link, "/deep/er/keys/");
        fake_setting(&fake, "key-dir", link);
        assert_int_equal(get(0, &k), 0);
        assert_int_equal(get(1, &k), 1);
        assert_null(strstr(k.path, "link"));
        assert_non_null(strstr(k.path, "/deep/er/keys/key"));
        key_done(&k);
}

/* A link owned by another user can be changed by that user, so no key is created or used in its target. */
static void test_links_above(void **state)
{
        char link[128], path[160], inner[128];
        struct key k = { 0 };

        (void)state;
        if (geteuid() != 0)
                skip();
        snprintf(link, sizeof(link), "%s/link", dir);
        snprintf(inner, sizeof(inner), "%s/inner", dir);
        assert_int_equal(symlink(dir, link), 0);
        snprintf(path, sizeof(path), "%s/made/keys", link);
        fake_setting(&fake, "key-dir", path);
        assert_int_equal(get(1, &k), 1);
        key_done(&k);
        assert_int_equal(lchown(link, 65534, 65534), 0);
        refused_at(0, link, "belongs to user 65534");
        refused_at(1, link, "belongs to user 65534");
        /* Also with another link before it, and without a directory at the target yet. */
        assert_int_equal(rename(link, inner), 0);
        assert_int_equal(symlink("inner", link), 0);
        snprintf(path, sizeof(path), "%s/new/er/keys", link);
        fake_setting(&fake, "key-dir", path);
        refused_at(1, inner, "belongs to user 65534");
        snprintf(path, sizeof(path), "%s/new", dir);
        assert_int_equal(access(path, F_OK), -1);
        /* A link that points to itself. */
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink("link", link), 0);
        snprintf(path, sizeof(path), "%s/keys", link);
        fake_setting(&fake, "key-dir", path);
        refused_at(1, link, strerror(ELOOP));
}

static void test_root_prefix(void **state)
{
        struct key k = { 0 };
        char *expect;

        (void)state;
        fake_path(&fake, "root", dir);
        fake_setting(&fake, "key-dir", "/tmp/keys");
        assert_int_equal(get(1, &k), 1);
        assert_true(asprintf(&expect, "%s/tmp/keys/key", dir) > 0);
        assert_string_equal(k.path, expect);
        free(expect);
        key_done(&k);
}

/* Each user has a directory that others cannot occupy. */
static void test_default(void **state)
{
        char run[64], tmp[64], user[64];
        struct key k = { 0 };
        struct stat st;

        (void)state;
        snprintf(run, sizeof(run), "%s/run-state", dir);
        snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
        snprintf(user, sizeof(user), "%s/user", dir);
        assert_int_equal(mkdir(tmp, 0700) | chmod(tmp, 01777) | mkdir(user, 0700), 0);
        fake_setting(&fake, "key-dir", "");
        fake_path(&fake, "root", dir);
        fake_path(&fake, "run-state", run);
        setenv("XDG_RUNTIME_DIR", "/user", 1);
        if (geteuid() == 0) {
                assert_int_equal(get(1, &k), 1);
                assert_int_equal(strncmp(k.path, run, strlen(run)), 0);
                assert_string_equal(k.path + strlen(run), "/ssh/key");
                key_done(&k);
                assert_int_equal(stat(run, &st), 0);
                assert_int_equal(st.st_mode & 07777, 0700); /* as the program demands */
                assert_int_equal(chmod(dir, 0755) | chown(user, 65534, 65534) | chown(run, 65534, 65534), 0);
                assert_int_equal(seteuid(65534), 0);
        }
        assert_int_equal(get(1, &k), 1);
        assert_true(str_ends(k.path, "/user/extra-container-ssh/key"));
        key_done(&k);
        setenv("XDG_RUNTIME_DIR", "/tmp", 1); /* of another user, as after su */
        if (geteuid() == 65534) {
                assert_int_equal(get(1, &k), 1);
                assert_true(str_ends(k.path, "/tmp/extra-container-ssh-65534/key"));
                key_done(&k);
                assert_int_equal(seteuid(0), 0);
        }
        unsetenv("XDG_RUNTIME_DIR");
}

static void test_bad_setting(void **state)
{
        static const char *const bad[] = { "/tmp/100%", "/tmp/$HOME", "/tmp/a\nb" };
        struct key k = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                fake_setting(&fake, "key-dir", bad[i]);
                assert_true(get(1, &k) < 0);
                assert_non_null(strstr(fake.err.msg, "'key-dir' must be a path without"));
                fake.host.err->clear(&fake.err);
        }
}

static void test_no_keygen(void **state)
{
        struct key k = { 0 };

        (void)state;
        fake.fail_at = "proc.run";
        assert_int_equal(get(1, &k), -ENOENT);
        assert_non_null(strstr(fake.err.msg, "install OpenSSH"));
        assert_int_equal(entries(), 0);
        fake_reset(&fake);
        fake.fail_code = -ECANCELED;
        assert_int_equal(get(1, &k), -ECANCELED);
        assert_int_equal(entries(), 0);
        fake_reset(&fake);
        fake.fail_at = NULL;
        fake.proc = NULL;
        fake.status = 1;
        assert_true(get(1, &k) < 0);
        assert_non_null(strstr(fake.err.msg, "ssh-keygen cannot create"));
        assert_int_equal(entries(), 0);
}

/* Temporary directories of killed runs are removed, but not those of a run in progress. */
static void test_stale_directories(void **state)
{
        struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
        struct key k = { 0 };
        char *p;

        (void)state;
        mkdir(keys, 0700);
        p = at("new.old");
        mkdir(p, 0700);
        put("new.old/key", "x", 0600);
        utimensat(AT_FDCWD, p, old, 0);
        free(p);
        p = at("new.now");
        mkdir(p, 0700);
        assert_int_equal(get(1, &k), 1);
        assert_int_equal(entries(), 3);
        assert_int_equal(access(p, F_OK), 0);
        free(p);
        key_done(&k);
}

/* Several rounds of concurrent runs: all get the same key, and it is the one in the file. */
static void test_race(void **state)
{
        enum { ROUNDS = 10, RUNS = 6 };

        (void)state;
        for (int round = 0; round < ROUNDS; round++) {
                char first[256] = "";
                struct key k = { 0 };
                char cmd[128], *public;
                int out[2];

                snprintf(cmd, sizeof(cmd), "rm -rf %s", keys);
                assert_int_equal(system(cmd), 0);
                assert_int_equal(pipe2(out, O_CLOEXEC), 0);
                for (int i = 0; i < RUNS; i++) {
                        pid_t pid = fork();

                        assert_true(pid >= 0);
                        if (pid == 0) {
                                char line[256] = "";

                                if (get(1, &k) == 1)
                                        snprintf(line, sizeof(line), "%s", k.public);
                                else
                                        snprintf(line, sizeof(line), "%.200s", fake.err.msg);
                                _exit(write(out[1], line, sizeof(line)) != sizeof(line));
                        }
                }
                for (int i = 0; i < RUNS; i++) {
                        char line[256];
                        int status;

                        assert_true(wait(&status) > 0);
                        assert_int_equal(read(out[0], line, sizeof(line)), sizeof(line));
                        if (i == 0)
                                strcpy(first, line);
                        assert_string_equal(line, first);
                }
                close(out[0]);
                close(out[1]);
                assert_int_equal(get(0, &k), 1);
                assert_string_equal(k.public, first);
                assert_int_equal(entries(), 2);
                key_done(&k);
                /* The public key belongs to the private one. */
                public = at("key.pub");
                unlink(public);
                free(public);
                assert_int_equal(get(0, &k), 1);
                assert_string_equal(k.public, first);
                key_done(&k);
        }
}

/* ---- hooks ---- */

static void test_configure(void **state)
{
        (void)state;
        assert_int_equal(PLUGIN->hooks->configure(self, &fake.op, &fake.err), 0);
        assert_int_equal(access(keys, F_OK), -1);
        fake_option(&fake, "ssh", NULL);
        assert_int_equal(PLUGIN->hooks->configure(self, &fake.op, &fake.err), 0);
        assert_int_equal(entries(), 2);
        chmod(keys, 0755);
        assert_true(PLUGIN->hooks->configure(self, &fake.op, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, "0700"));
}

static void test_eval(void **state)
{
        char *private, *line;

        (void)state;
        fake_option(&fake, "ssh", NULL);
        assert_int_equal(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err), 0);
        assert_non_null(strstr(fake.calls, "nix.add_module /plugin/module.nix"));
        assert_non_null(strstr(fake.calls, "nix.add_arg ssh\n  = 1\n"));
        assert_non_null(strstr(fake.calls, "nix.add_arg sshKey\n  = ssh-ed25519 AAAA"));
        assert_null(strstr(fake.calls, "sshProblem"));
        /* Neither the private half nor its path is passed. */
        private = content("key");
        line = strtok(private, "\n");
        while ((line = strtok(NULL, "\n")))
                assert_null(strstr(strstr(fake.calls, "nix."), line));
        free(private);
        assert_null(strstr(strstr(fake.calls, "nix."), "/key\n  "));
}

/* Without the option nothing fails, and only a definition that enables SSH gets the problem. */
static void test_eval_problem(void **state)
{
        (void)state;
        mkdir(keys, 0755);
        assert_int_equal(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err), 0);
        assert_null(fake.err.msg);
        assert_null(strstr(fake.calls, "sshKey"));
        assert_null(strstr(fake.calls, "nix.add_arg ssh\n"));
        assert_non_null(strstr(fake.calls, "nix.add_arg sshProblem\n  = the SSH key directory"));
        fake_reset(&fake);
        fake_option(&fake, "ssh", NULL);
        assert_true(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, "0755"));
}

/* Users other than root create the key directory only with the option. */
static void test_eval_unasked(void **state)
{
        (void)state;
        assert_int_equal(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err), 0);
        if (geteuid() == 0) {
                assert_non_null(strstr(fake.calls, "nix.add_arg sshKey\n"));
        } else {
                assert_non_null(strstr(fake.calls, "sshProblem\n  = there is no SSH key yet"));
                assert_int_equal(access(keys, F_OK), -1);
        }
}

static void test_eval_fails(void **state)
{
        static const char *const at[] = { "nix.add_module", "nix.add_arg" };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                fake_reset(&fake);
                fake_option(&fake, "ssh", NULL);
                fake.fail_at = at[i];
                assert_true(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err) < 0);
        }
}

/* A container; marked: its system was built with SSH. */
static struct ec_container *container(int marked)
{
        struct ec_container *c = fake_container(&fake, "web", dir, 1);
        char *p;

        fake_conf(c, "SYSTEM_PATH", dir);
        fake_conf(c, "LOCAL_ADDRESS", "10.0.0.2");
        fake.host.plugin_dir = "plugins/ssh";
        if (!marked)
                return c;
        assert_true(asprintf(&p, "mkdir -p %s/etc/extra-container && echo 22 %s > %s/etc/extra-container/ssh", dir,
                             PUBLIC, dir) > 0);
        assert_int_equal(system(p), 0);
        free(p);
        return c;
}

static int open_shell(void)
{
        return PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err);
}

static void test_shell(void **state)
{
        struct key k = { 0 };

        (void)state;
        container(1);
        assert_int_equal(get(1, &k), 1);
        fake_reset(&fake);
        assert_int_equal(open_shell(), 0);
        assert_non_null(strstr(fake.calls, "shell.command cssh\n#!/bin/sh\nname=web conf='"));
        assert_non_null(strstr(fake.calls, k.path));
        assert_non_null(strstr(fake.calls, "cssh [CMD]\t"));
        assert_non_null(strstr(fake.calls, " timeout=30\n"));
        assert_non_null(strstr(fake.calls, "\nfail() {\n"));
        assert_string_equal(fake.log, "");
        key_done(&k);
}

static void test_shell_without(void **state)
{
        (void)state;
        container(0);
        assert_int_equal(open_shell(), 0);
        assert_non_null(strstr(fake.calls, "is built without SSH: open the session with --ssh"));
        assert_null(strstr(fake.calls, "cssh [CMD]"));
        assert_int_equal(access(keys, F_OK), -1);
        /* --ssh is too late for a container that is already built: a warning and cssh say so. */
        fake_option(&fake, "ssh", NULL);
        assert_int_equal(open_shell(), 0);
        assert_non_null(strstr(fake.log, "4: container 'web' was built without SSH"));
        assert_non_null(strstr(fake.calls, "shell.command cssh"));
        PLUGIN->hooks->finish(self, &fake.op, 0);
}

static void test_shell_no_script(void **state)
{
        (void)state;
        container(1);
        fake_option(&fake, "ssh", NULL);
        fake.host.plugin_dir = dir;
        assert_int_equal(open_shell(), -ENOENT);
        assert_non_null(strstr(fake.err.msg, "/cssh.sh: No such file"));
}

/* If the key is lost or not trusted, a session opens anyway. */
static void test_shell_no_key(void **state)
{
        (void)state;
        container(1);
        assert_int_equal(open_shell(), 0);
        assert_non_null(strstr(fake.log, "4: no cssh: the SSH key is gone"));
        fake_reset(&fake);
        mkdir(keys, 0755);
        assert_int_equal(open_shell(), 0);
        assert_null(fake.err.msg);
        assert_non_null(strstr(fake.log, "4: no cssh: the SSH key directory"));
        assert_null(strstr(fake.calls, "shell.command"));
        fake_option(&fake, "ssh", NULL);
        assert_true(open_shell() < 0);
}

static void test_close(void **state)
{
        struct ec_container *web = container(1), *other = fake_container(&fake, "other", dir, 1);
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        struct ssh *s = self;
        char *expect;
        int fd;

        (void)state;
        fake_option(&fake, "ssh", NULL);
        assert_int_equal(open_shell(), 0);
        free(s->sockets);
        s->sockets = strdup(dir);
        snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ssh-1", dir);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
        strcpy(strrchr(sa.sun_path, '/'), "/ssh-file");
        close(open(sa.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        fake.proc = NULL;
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->pre_destroy(self, &fake.op, other, &fake.err), 0);
        assert_string_equal(fake.calls, "");
        assert_int_equal(PLUGIN->hooks->pre_destroy(self, &fake.op, web, &fake.err), 0);
        assert_true(asprintf(&expect, "proc ssh -F /dev/null -S %s/ssh-1 -O exit container\n", dir) > 0);
        assert_string_equal(fake.calls, expect);
        /* A missing ssh program is ignored at the end. */
        fake_reset(&fake);
        fake.fail_at = "proc.run";
        PLUGIN->hooks->finish(self, &fake.op, 0);
        assert_string_equal(fake.calls, expect);
        fake_reset(&fake);
        PLUGIN->hooks->finish(self, &fake.op, 0);
        assert_string_equal(fake.calls, "");
        free(expect);
        close(fd);
}

/* ---- host keys ---- */

static void check_line(const char *text, const char *line)
{
        char *got = host_key_line("web", text);

        assert_true(line ? got != NULL : got == NULL);
        if (line)
                assert_string_equal(got, line);
        free(got);
}

/* The files are those of a container, which may contain anything. */
static void test_host_key_line(void **state)
{
        (void)state;
        check_line(PUBLIC " root@web\n", "web " PUBLIC "\n");
        check_line(PUBLIC, "web " PUBLIC "\n");
        check_line("ssh-rsa AAAA\n* ssh-rsa BBBB\n", "web ssh-rsa AAAA\n");
        check_line("ecdsa-sha2-nistp256 AAAA==\n", "web ecdsa-sha2-nistp256 AAAA==\n");
        check_line("", NULL);
        check_line("ssh-ed25519", NULL);
        check_line("ssh-ed25519 \n", NULL);
        check_line("ssh-ed25519 AA\033[2J\n", NULL);
        check_line("ssh-ed25519-cert-v01@openssh.com AAAA\n", NULL);
        check_line("@cert-authority * ssh-rsa AAAA\n", NULL);
        check_line("\nssh-rsa AAAA\n", NULL);
}

static void test_host_key_paths(void **state)
{
        char **paths = host_key_paths("22 " PUBLIC "\nHostKey /etc/ssh/a b\nHostKey /persist/key\n");

        (void)state;
        assert_string_equal(paths[0], "/etc/ssh/a b.pub");
        assert_string_equal(paths[1], "/persist/key.pub");
        assert_null(paths[2]);
        strv_free(paths);
        paths = host_key_paths("22 " PUBLIC "\n"); /* of an earlier version */
        assert_string_equal(paths[0], "/etc/ssh/ssh_host_ed25519_key.pub");
        assert_int_equal(strv_len(STRV_CONST(paths)), 3);
        strv_free(paths);
}

static void test_host_keys_errors(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, HOST_KEYS_COMMAND), -EINVAL);
        assert_true(fake.err.usage);
        fake_reset(&fake);
        container(0);
        fake_args(&fake, "web", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, HOST_KEYS_COMMAND), -ENOENT);
        assert_non_null(strstr(fake.err.msg, "container 'web' is built without SSH"));
}

static void test_host_keys(void **state)
{
        (void)state;
        container(1);
        fake_path(&fake, "/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA root@web\n");
        fake_args(&fake, "web", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, HOST_KEYS_COMMAND), 0);
        assert_non_null(strstr(fake.out, "web ssh-rsa AAAA\n"));
        fake.fail_at = "machine.read_file";
        assert_true(fake_run(&fake, PLUGIN, self, HOST_KEYS_COMMAND) < 0);
}

static void test_quote(void **state)
{
        char *q = shell_quote("a'b \"$c\\");

        (void)state;
        assert_string_equal(q, "'a'\\''b \"$c\\'");
        free(q);
        q = shell_quote("");
        assert_string_equal(q, "''");
        free(q);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_descriptor),
                T(test_parse_public),
                T(test_made_and_reused),
                T(test_umask),
                T(test_public_half),
                T(test_private_half),
                T(test_bad_keys),
                T(test_directory),
                T(test_parents),
                T(test_links_above),
                T(test_root_prefix),
                T(test_bad_setting),
                T(test_default),
                T(test_no_keygen),
                T(test_stale_directories),
                T(test_race),
                T(test_configure),
                T(test_eval),
                T(test_eval_problem),
                T(test_eval_unasked),
                T(test_eval_fails),
                T(test_shell),
                T(test_shell_without),
                T(test_shell_no_script),
                T(test_shell_no_key),
                T(test_close),
                T(test_host_key_line),
                T(test_host_key_paths),
                T(test_host_keys_errors),
                T(test_host_keys),
                T(test_quote),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
