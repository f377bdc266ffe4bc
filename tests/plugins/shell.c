/* SPDX-License-Identifier: MIT */
#include "../../plugins/shell/shell.h"
#include "fake_host.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

extern const struct ec_plugin ec_plugin_v1_shell;
#define PLUGIN  (&ec_plugin_v1_shell)
#define SESSION SESSION_VARIABLE

static struct fake fake;
static void *self;
static struct ec_container *web;
static int saved_stdin;
static char dir[64], home[80], claim[96], *old_path; /* the directory of the session and the user's home */

static int setup(void **state)
{
        char bin[80];

        (void)state;
        unsetenv("EXTRA_CONTAINER_ETC");
        unsetenv(SESSION);
        unsetenv("ZDOTDIR");
        strcpy(dir, "/tmp/ec-shell.XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(bin, sizeof(bin), "%s/bin", dir);
        snprintf(home, sizeof(home), "%s/home", dir);
        snprintf(claim, sizeof(claim), "%s/sessions/web", dir);
        assert_int_equal(mkdir(bin, 0700) | mkdir(home, 0700), 0);
        setenv("HOME", home, 1);
        setenv("SHELL", "/bin/sh", 1);
        old_path = strdup(getenv("PATH"));
        fake_init(&fake);
        fake.shell.dir = dir;
        fake_path(&fake, "run-state", dir);
        web = fake_container(&fake, "web", "/x", 0);
        self = fake_load(&fake, PLUGIN);
        fake_option(&fake, "expr", "{ }");
        saved_stdin = dup(STDIN_FILENO);
        return 0;
}

static int teardown(void **state)
{
        char cmd[96];

        (void)state;
        dup2(saved_stdin, STDIN_FILENO);
        close(saved_stdin);
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        setenv("PATH", old_path, 1);
        free(old_path);
        snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
        return system(cmd);
}

static void expect(int result, const char *calls)
{
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), result);
        assert_string_equal(fake.calls, calls);
        assert_string_equal(fake.out, "");
}

#define BEFORE "deploy.destroy 6\n  web\n"
#define AFTER  "deploy.destroy 14\n  web\n"
#define FIRST  "deploy.build\ncontainers.foreach\n"
#define CLAIM  "deploy.lock\ncontainers.find web\ncontainers.select 2\n"

static void test_descriptor(void **state)
{
        const struct ec_command *c;

        (void)state;
        fake_check_descriptor(PLUGIN);
        c = fake_find_command(PLUGIN, "shell");
        assert_true(c->scopes & EC_SCOPE_SHELL && c->flags & EC_CMD_ROOT);
        /* `extra-container` without a command runs the first command with that scope. */
        c = fake_find_command(PLUGIN, "shell-exec");
        assert_int_equal(c->scopes, 0);
        assert_true(c->flags & EC_CMD_HIDDEN && c->flags & EC_CMD_WORDS && c->flags & EC_CMD_ROOT);
}

static void test_session(void **state)
{
        (void)state;
        fake.status = 7;
        expect(7, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
        assert_non_null(strstr(fake.log, "Destroying container 'web'"));
}

static void test_run(void **state)
{
        (void)state;
        fake_option(&fake, "run", "c");
        fake_option(&fake, "run", "hostname");
        fake.status = 130;
        /* Started without EC_START_DETACH, because the command needs the running container. */
        expect(130, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 3\nshell.open web\nproc c hostname\n" AFTER);
        assert_string_equal(fake.log, "");
}

static void test_options(void **state)
{
        (void)state;
        fake_option(&fake, "no-destroy", NULL);
        fake_option(&fake, "restart-changed", NULL);
        expect(0, FIRST "deploy.install\ndeploy.start 15\nshell.open web\nproc /bin/sh\n");
        fake_option(&fake, "destroy", NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -EINVAL);
        assert_true(fake.err.usage);
}

static void test_several(void **state)
{
        (void)state;
        fake_container(&fake, "zoo", "/x", 0);
        expect(-EINVAL, FIRST);
        assert_true(fake.err.usage);
        assert_non_null(strstr(fake.err.msg, "has 2 (web, zoo); add one name, for example 'web'"));
}

static void test_several_of_file(void **state)
{
        (void)state;
        fake_container(&fake, "zoo", "/x", 0);
        fake_reset(&fake);
        fake_args(&fake, "two.nix", (char *)NULL);
        expect(-EINVAL, FIRST);
        assert_non_null(strstr(fake.err.msg, "has 2 (web, zoo); add one name: `shell two.nix web`"));
}

/* A command without --run. */
static void test_forgotten_run(void **state)
{
        (void)state;
        fake_reset(&fake);
        fake_args(&fake, "demo.nix", "c", "hostname", (char *)NULL);
        expect(-EINVAL, "");
        assert_true(fake.err.usage);
        assert_non_null(strstr(fake.err.msg, "a command comes after --run: `shell demo.nix --run c hostname`"));
}

/* After ^C, a message says that the container is gone, if there was one. */
static void test_interrupted(void **state)
{
        (void)state;
        fake.fail_at = "deploy.start";
        fake.fail_code = -ECANCELED;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -ECANCELED);
        assert_null(strstr(fake.log, "was destroyed"));
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "destroy", NULL);
        fake.fail_at = "deploy.start";
        fake.fail_code = -ECANCELED;
        web->installed = 1;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -ECANCELED);
        assert_non_null(strstr(fake.log, "container 'web' was destroyed"));
        assert_non_null(strstr(fake.err.msg, "deploy.start"));
}

static void test_failures(void **state)
{
        const char *const phases[] = { "deploy.build", "deploy.install", "deploy.start", "shell.open" };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                fake_reset(&fake);
                fake_option(&fake, "expr", "{ }");
                fake.fail_at = phases[i];
                fake.fail_code = -ECANCELED;
                assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -ECANCELED);
                assert_non_null(strstr(fake.err.msg, phases[i]));
                /* Everything that was begun is undone; a failure before that undoes nothing. */
                assert_int_equal(strstr(fake.calls, AFTER) != NULL, i > 0);
        }
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake.fail_code = 0;
        fake.fail_at = " "; /* deploy.destroy */
        expect(-EIO, FIRST CLAIM BEFORE);
        assert_int_equal(access(claim, F_OK), -1);
}

/* Only what a session has made is destroyed without a question. */
static void test_exists(void **state)
{
        _cleanup_free_ char *root = str_printf("%s/state", dir), *file = str_printf("%s/state/file", dir);

        (void)state;
        web->installed = 1;
        expect(-EEXIST, FIRST "deploy.lock\ncontainers.find web\n");
        assert_non_null(strstr(fake.err.msg, "'web' exists already"));
        assert_non_null(strstr(fake.err.msg, "--no-destroy"));
        assert_non_null(strstr(fake.err.msg, "--destroy to"));
        assert_int_equal(access(claim, F_OK), -1);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "destroy", NULL);
        expect(0, FIRST "deploy.lock\n" BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
        /* A session that was killed has left its file. */
        assert_int_equal(close(open(claim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        expect(0, FIRST "deploy.lock\n" BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
        assert_int_equal(access(claim, F_OK), -1);

        /* Files of a container that is not installed. */
        web->installed = 0;
        free(web->state_path);
        web->state_path = strdup(root);
        assert_int_equal(mkdir(root, 0700), 0);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        expect(0, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
        assert_int_equal(close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        expect(-EEXIST, FIRST CLAIM);
        assert_non_null(strstr(fake.err.msg, root));
}

static void test_busy(void **state)
{
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd;

        (void)state;
        *strrchr(claim, '/') = 0;
        assert_int_equal(mkdir(claim, 0700), 0);
        claim[strlen(claim)] = '/';
        fd = open(claim, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) >= 0 && dprintf(fd, "47\n") > 0);
        fake_option(&fake, "destroy", NULL);
        expect(-EBUSY, FIRST "deploy.lock\n");
        assert_non_null(strstr(fake.err.msg, "a session with 'web' is open (process 47)"));
        assert_int_equal(ftruncate(fd, 0), 0);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "destroy", NULL);
        expect(-EBUSY, FIRST "deploy.lock\n");
        assert_string_equal(fake.err.msg, "a session with 'web' is open; end it first");
        assert_int_equal(access(claim, F_OK), 0);
        close(fd);
}

static void test_no_file(void **state)
{
        (void)state;
        *strrchr(claim, '/') = 0;
        assert_int_equal(mkdir(claim, 0700), 0);
        claim[strlen(claim)] = '/';
        assert_int_equal(mkfifo(claim, 0600), 0);
        fake_option(&fake, "destroy", NULL);
        expect(-EBADFD, FIRST "deploy.lock\n");
        assert_non_null(strstr(fake.err.msg, "/sessions/web: it is not a regular file"));
}

static void test_inside(void **state)
{
        char *value;

        (void)state;
        assert_true(asprintf(&value, "web=/ db=/no/such/session") > 0);
        setenv(SESSION, value, 1);
        free(value);
        expect(0, FIRST "deploy.install\ndeploy.start 3\n");
        assert_non_null(strstr(fake.log, "you are already in its session"));

        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "run", "true");
        expect(0, FIRST "deploy.install\ndeploy.start 3\nshell.open web\nproc true\n");

        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "destroy", NULL);
        /* It belongs to the session around us. */
        expect(0, FIRST BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);

        /* A session that has ended, and one of another container. */
        setenv(SESSION, "web=/no/such/session webb=/ we=/ =/ web", 1);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        expect(0, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
}

static void test_stdin(void **state)
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void)state;
        assert_true(null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO);
        close(null);
        if (open("/dev/tty", O_RDONLY | O_CLOEXEC) < 0) {
                fake_reset(&fake);
                expect(-EINVAL, "");
                assert_true(fake.err.usage);
                fake_reset(&fake);
                fake_args(&fake, "-", (char *)NULL);
                expect(-EINVAL, "");
        }
        fake_reset(&fake);
        fake_option(&fake, "run", "true");
        expect(0, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 3\nshell.open web\nproc true\n" AFTER);
        fake_reset(&fake);
        setenv("EXTRA_CONTAINER_ETC", "/nix/store/x", 1);
        expect(0, FIRST CLAIM BEFORE "deploy.install\ndeploy.start 11\nshell.open web\nproc /bin/sh\n" AFTER);
}

static void hook(const char *calls)
{
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), 0);
        assert_string_equal(fake.calls, calls);
}

#define COMMAND                                                                                \
        "shell.command c\n#!/bin/sh\nexec '/it'\\''s/extra-container' shell-exec web \"$@\"\n" \
        "c [CMD...]\tRun a command in the container; without one, a root shell\n"              \
        "shell.command h\n#!/bin/sh\nexec cat '/session/help'\n(no help)\n"

static void test_hook(void **state)
{
        (void)state;
        fake.host.program = "/it's/extra-container";
        fake.shell.dir = (char *)"/session";
        fake_setting(&fake, "prompt", "yes");
        hook("shell.setenv " SESSION "\n  = web=/session\nshell.setenv ip\n  unset\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  = web\n" COMMAND);
        setenv(SESSION, "db=/ old=/no/such/session", 1);
        fake_conf(web, "LOCAL_ADDRESS6", "fd00::2/64");
        hook("shell.setenv " SESSION "\n  = db=/ web=/session\nshell.setenv ip\n  = fd00::2\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  = web\n" COMMAND);
        fake_conf(web, "LOCAL_ADDRESS", "10.0.0.2/24");
        fake_setting(&fake, "prompt", "no");
        hook("shell.setenv " SESSION "\n  = db=/ web=/session\nshell.setenv ip\n  = 10.0.0.2\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  unset\n" COMMAND);
}

static void test_hook_fails(void **state)
{
        const char *const at[] = { "shell.setenv", "shell.command" };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                fake_reset(&fake);
                fake.fail_at = at[i];
                assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), -EIO);
        }
}

static void test_exec(void **state)
{
        (void)state;
        fake_reset(&fake);
        fake_args(&fake, "web", "ls", "-l", (char *)NULL);
        fake.status = 3;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), 3);
        assert_string_equal(fake.calls, "machine.exec web\n  ls -l\n");
        fake_reset(&fake);
        fake_args(&fake, "web", "no such", (char *)NULL);
        fake.status = 127;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), 127);
        assert_non_null(strstr(fake.log, "to run it as a command line, use: sh -c 'no such'"));
        fake_reset(&fake);
        fake_args(&fake, (char *)NULL, (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), -EINVAL);
        assert_true(fake.err.usage);
        fake_reset(&fake);
        fake_args(&fake, "web", (char *)NULL);
        fake.fail_at = "machine.exec";
        fake.fail_code = -EHOSTDOWN;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), -EHOSTDOWN);
}

/* ---- programs in a session ---- */

/* The hooks of a session: the plugin's own and one of another plugin. */
static int hooks(void *data, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        const struct ec_shell_api *a = fake.host.shell;

        (void)data;
        assert_int_equal(PLUGIN->hooks->shell(self, op, sh, err), 0);
        assert_int_equal(a->setenv(sh, "ip", "10.0.0.2", err), 0);
        assert_int_equal(a->setenv(sh, "stale", NULL, err), 0);
        return a->command(sh, "greet", "#!/bin/sh\necho \"hello $1 from $ip\"\n", "greet NAME\tSay 'hello'", err);
}

static const struct ec_hooks both = { .size = sizeof(both), .shell = hooks };
static const struct ec_plugin pair = { .hooks = &both };

/* Runs a script in a session and returns its output. */
static int spawn(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        struct ec_proc q = *p;
        int r;

        assert_true(q.flags & EC_PROC_TERMINAL);
        q.flags = EC_PROC_CAPTURE;
        r = fake_spawn(f, &q, ret);
        fake_note(f, "%s", ret->out);
        return r;
}

static void session(const char *const *argv, int32_t expected, const char *out)
{
        int32_t status = -1;

        fake_reset(&fake);
        fake.proc = spawn;
        fake.shell.plugin = &pair;
        assert_int_equal(session_run(&fake.host, &fake.op, web, argv, &status, &fake.err), 0);
        assert_int_equal(status, expected);
        assert_non_null(strstr(fake.calls, out));
}

static void test_inside_a_session(void **state)
{
        const char *argv[] = { "sh", "-c", "greet you; echo \"$name $ip${stale-}\"; h; exit 7", NULL };
        _cleanup_free_ char *path = str_printf("=%s/bin:%s=", dir, old_path);

        (void)state;
        setenv("stale", "of a session around this one", 1);
        session(argv, 7,
                "hello you from 10.0.0.2\nweb 10.0.0.2\n"
                "Container web ($name)\nFilesystem /x/state/web\n$ip is 10.0.0.2\n\nCommands:\n"
                "  c [CMD...]  Run a command in the container; without one, a root shell\n"
                "  greet NAME  Say 'hello'\n  h           Show this help\n");
        unsetenv("stale");
        argv[2] = "echo \"=$PATH=\"";
        session(argv, 0, path);
}

static int check_shell(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f, (void)ret;
        assert_int_equal(p->flags, EC_PROC_TERMINAL | EC_PROC_HANGUP);
        assert_null(p->argv[1]);
        return 0;
}

static int terminal_fd;

static int close_terminal(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f, (void)p;
        close(terminal_fd);
        ret->status = 0;
        return 0;
}

/* The terminal is closed while the shell runs, which exits with 0. */
static void test_hangup(void **state)
{
        int32_t status = -1;
        int slave;

        (void)state;
        terminal_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(terminal_fd >= 0 && grantpt(terminal_fd) == 0 && unlockpt(terminal_fd) == 0);
        slave = open(ptsname(terminal_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(slave >= 0 && dup2(slave, STDIN_FILENO) == STDIN_FILENO);
        close(slave);
        fake_reset(&fake);
        fake.proc = close_terminal;
        assert_int_equal(session_run(&fake.host, &fake.op, web, NULL, &status, &fake.err), 0);
        assert_int_equal(status, 128 + SIGHUP);
}

static int check_command(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f, (void)ret;
        assert_int_equal(p->flags, EC_PROC_TERMINAL);
        return 0;
}

/* A shell gets HUP at the end; a command gets the signal itself. */
static void test_signals(void **state)
{
        int32_t status;

        (void)state;
        fake.proc = check_shell;
        assert_int_equal(session_run(&fake.host, &fake.op, web, NULL, &status, &fake.err), 0);
        assert_non_null(strstr(fake.calls, "proc /bin/sh\n"));
        fake.proc = check_command;
        assert_int_equal(
                session_run(&fake.host, &fake.op, web, (const char *const[]){ "true", NULL }, &status, &fake.err), 0);
}

/* A command that did not start has the status that a shell would give it. */
static void test_not_started(void **state)
{
        static const struct {
                int code, result, status;
        } cases[] = { { -ENOENT, 0, 127 }, { -EACCES, 0, 126 }, { -ECANCELED, -ECANCELED, -1 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *argv[] = { "absent", NULL };
                int32_t status = -1;

                fake_reset(&fake);
                fake.fail_at = "proc.run";
                fake.fail_code = cases[i].code;
                assert_int_equal(session_run(&fake.host, &fake.op, web, argv, &status, &fake.err), cases[i].result);
                assert_int_equal(status, cases[i].status);
                assert_string_equal(fake.log, cases[i].result ? "" : "3: absent: no such program\n");
        }
}

/* ---- the user's own shell ---- */

static void put(const char *name, const char *text)
{
        _cleanup_free_ char *path = fs_join(home, name);

        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600), 0);
}

static bool installed(const char *program)
{
        _cleanup_free_ char *cmd = str_printf("command -v %s >/dev/null", program);

        return system(cmd) == 0;
}

/* Runs an interactive shell like a session does, with input on its standard input. */
static char *interactive(const char *shell, const char *prompt, const char *input)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;
        struct ec_proc_result res = { .size = sizeof(res) };
        struct ec_proc p = { .size = sizeof(p), .flags = EC_PROC_CAPTURE, .in = input, .in_len = strlen(input) };

        assert_int_equal(rc_prepare(&fake.host, shell, dir, &argv, &env, &fake.err), 0);
        assert_int_equal(strv_push(&argv, "-i"), 0);
        assert_int_equal(strv_pushf(&env, prompt ? PROMPT_VARIABLE "=%s" : PROMPT_VARIABLE, prompt), 0);
        p.argv = STRV_CONST(argv);
        p.env = STRV_CONST(env);
        assert_int_equal(fake_spawn(&fake, &p, &res), 0);
        return res.out;
}

static void has(const char *shell, const char *out, const char *line)
{
        if (!strstr(out, line))
                fail_msg("%s: no '%s' in:\n%s", shell, line, out);
}

static void test_posix(void **state)
{
        static const char *const shells[] = { "bash", "dash", "zsh", "sh" };
        _cleanup_free_ char *path = str_printf("path=%s/bin:/usr/bin:/bin;", dir);

        (void)state;
        put(".bashrc", "PATH=/usr/bin:/bin; mine=yes; PS1='own> '; PROMPT_COMMAND='PS1=anew'\n");
        put(".zshrc", "PATH=/usr/bin:/bin; mine=yes; PROMPT='own> '\n");
        put(".zshenv", "early=yes\n");
        for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
                _cleanup_free_ char *out = NULL;
                bool rc = i == 0 || i == 2;

                if (!installed(shells[i]))
                        continue;
                setenv("PATH", "/usr/bin:/bin", 1);
                out = interactive(shells[i], "web",
                                  "echo \"path=$PATH;\"; echo \"mine=$mine early=$early\"; echo "
                                  "\"zdotdir=${ZDOTDIR-none}\"; echo \"prompt=$PS1\"\n");
                has(shells[i], out, path);
                has(shells[i], out, rc ? "mine=yes" : "mine= ");
                has(shells[i], out, i == 2 ? "early=yes" : "early=\n");
                has(shells[i], out, "zdotdir=none");
                has(shells[i], out, i == 0 ? "prompt=[web] anew" : i == 2 ? "prompt=[web] own> " : "prompt=[web] ");
        }
}

static void test_no_prompt(void **state)
{
        _cleanup_free_ char *out = NULL;

        (void)state;
        put(".bashrc", "PS1='own> '\n");
        out = interactive("bash", NULL, "echo \"prompt=$PS1;\"\n");
        has("bash", out, "prompt=own> ;");
}

/* The user's own rc file may make unset variables an error. */
static void test_no_unset(void **state)
{
        static const char *const shells[] = { "bash", "zsh" };

        (void)state;
        put(".bashrc", "exec 2>&1; set -u\n");
        put(".zshrc", "exec 2>&1; setopt nounset\n");
        for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
                _cleanup_free_ char *out = NULL;

                if (!installed(shells[i]))
                        continue;
                out = interactive(shells[i], NULL, "echo here;\n");
                has(shells[i], out, "here");
                if (strstr(out, "EXTRA_CONTAINER"))
                        fail_msg("%s: %s", shells[i], out);
        }
}

static void test_prompt_commands(void **state)
{
        _cleanup_free_ char *out = NULL;

        (void)state;
        put(".bashrc", "PROMPT_COMMAND=(one two)\n");
        out = interactive("bash", "web", "echo \"commands=${PROMPT_COMMAND[*]};\"\n");
        has("bash", out, "commands=one two __extra_container_prompt;");
}

static void test_zdotdir(void **state)
{
        _cleanup_free_ char *other = fs_join(home, "other"), *line = str_printf("zdotdir=%s mine=yes;", other),
                            *out = NULL;

        (void)state;
        if (!installed("zsh"))
                skip();
        fs_mkdir_p(other, 0700);
        put("other/.zshrc", "mine=yes\n");
        setenv("ZDOTDIR", other, 1);
        out = interactive("zsh", "web", "echo \"zdotdir=$ZDOTDIR mine=$mine;\"\n");
        has("zsh", out, line);
}

static void test_fish(void **state)
{
        _cleanup_free_ char *path = str_printf("path=%s/bin", dir), *config = fs_join(home, ".config/fish"),
                            *out = NULL;

        (void)state;
        if (!installed("fish"))
                skip();
        assert_int_equal(fs_mkdir_p(config, 0700), 0);
        put(".config/fish/config.fish", "set -gx PATH /usr/bin /bin\nfunction fish_prompt; echo -n own $status; end\n");
        out = interactive("fish", "web", "echo path=$PATH[1]; false; echo prompt=(fish_prompt)!\n");
        has("fish", out, path);
        has("fish", out, "prompt=[web] own 1!");
}

static void test_choice(void **state)
{
        static const char *const useless[] = { NULL, "", "/usr/sbin/nologin", "/bin/false", "/no/such/shell", "/tmp" };
        _cleanup_free_ char *odd = fs_join(home, "odd");
        _cleanup_strv_ char **own_argv = NULL, **own_env = NULL;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(useless); i++) {
                _cleanup_strv_ char **argv = NULL, **env = NULL;

                assert_int_equal(rc_prepare(&fake.host, useless[i], dir, &argv, &env, &fake.err), 0);
                assert_string_equal(argv[0], "bash");
                assert_string_equal(argv[1], "--rcfile");
        }
        put("odd", "#!/bin/sh\n");
        assert_int_equal(chmod(odd, 0700), 0);
        assert_int_equal(rc_prepare(&fake.host, odd, dir, &own_argv, &own_env, &fake.err), 0);
        assert_string_equal(own_argv[0], odd);
        assert_null(own_argv[1]);
        assert_null(own_env);
}

/* No shell is run from a relative entry of PATH. */
static void test_no_shell_in_path(void **state)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;

        (void)state;
        put("bash", "#!/bin/sh\n");
        assert_int_equal(chdir(home) | chmod("bash", 0700), 0);
        setenv("PATH", ".:::/nonexistent", 1);
        assert_int_equal(rc_prepare(&fake.host, NULL, dir, &argv, &env, &fake.err), 0);
        assert_string_equal(argv[0], "sh");
        assert_int_equal(chdir("/"), 0);
}

static void test_rc_fails(void **state)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;

        (void)state;
        assert_int_equal(rc_prepare(&fake.host, "bash", "/nonexistent", &argv, &env, &fake.err), -ENOENT);
        assert_string_equal(fake.err.msg, "cannot write /nonexistent/bashrc: No such file or directory");
        assert_null(argv);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_descriptor),
                TEST(test_session),
                TEST(test_run),
                TEST(test_options),
                TEST(test_several),
                TEST(test_several_of_file),
                TEST(test_failures),
                TEST(test_forgotten_run),
                TEST(test_interrupted),
                TEST(test_exists),
                TEST(test_busy),
                TEST(test_no_file),
                TEST(test_hangup),
                TEST(test_inside),
                TEST(test_stdin),
                TEST(test_hook),
                TEST(test_hook_fails),
                TEST(test_exec),
                TEST(test_inside_a_session),
                TEST(test_signals),
                TEST(test_not_started),
                TEST(test_posix),
                TEST(test_no_prompt),
                TEST(test_no_unset),
                TEST(test_prompt_commands),
                TEST(test_zdotdir),
                TEST(test_fish),
                TEST(test_choice),
                TEST(test_no_shell_in_path),
                TEST(test_rc_fails),
        };

        return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
