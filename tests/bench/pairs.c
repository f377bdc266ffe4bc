/* SPDX-License-Identifier: MIT */
/* Compares the run times of commands. Each round runs all of them one after another, so
 * that other load on the machine affects them equally.
 *
 * pairs [-n ROUNDS] [-p SCRIPT] COMMAND [ARG...] [:: COMMAND [ARG...]]...
 *
 * -p: a script for sh before each command, whose time is not measured; $WHICH is
 * the number of the command. A command "@reload" is systemd's Reload, called over an existing connection.
 *
 * Prints for each command the median, minimum and maximum of its times, and the median
 * of the differences to the first command of the same round; all in
 * microseconds. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 8

extern char **environ;

static int64_t now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void fail(const char *what, const char *why)
{
        fprintf(stderr, "pairs: %s: %s\n", what, why);
        exit(1);
}

static void run(char **argv, int out)
{
        posix_spawn_file_actions_t fa;
        int status, r;
        pid_t pid;

        posix_spawn_file_actions_init(&fa);
        posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
        r = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&fa);
        if (r)
                fail(argv[0], strerror(r));
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        fail("waitpid", strerror(errno));
        if (!WIFEXITED(status) || WEXITSTATUS(status)) {
                char text[64];

                snprintf(text, sizeof(text), WIFEXITED(status) ? "ended with status %d" : "was killed by signal %d",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
                fail(argv[0], text);
        }
}

static void reload(sd_bus *bus)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                   "org.freedesktop.systemd1.Manager", "Reload", &e, NULL, NULL);

        if (r < 0)
                fail("@reload", e.message ? e.message : strerror(-r));
        sd_bus_error_free(&e);
}

static int by_size(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return x < y ? -1 : x > y;
}

static double median(int64_t *v, int n)
{
        qsort(v, n, sizeof(*v), by_size);
        return (n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2.0) / 1000;
}

/* Splits the arguments at "::"; returns the number of commands, or -1 if they are invalid. */
static int split(char **argv, char **commands[])
{
        int n = 0;

        if (!*argv)
                return -1;
        for (char **a = commands[n++] = argv; *a; a++) {
                if (strcmp(*a, "::"))
                        continue;
                *a = NULL;
                if (n == MAX_COMMANDS || !a[1])
                        return -1;
                commands[n++] = a + 1;
        }
        return n;
}

/* Runs all commands in each round; times[i * rounds + k] is that of command i in round k. */
static void measure(char **commands[], int n, int rounds, char *prepare, int64_t *times)
{
        char *shell[] = { (char[]){ "sh" }, (char[]){ "-ec" }, prepare, NULL };
        int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
        sd_bus *bus = NULL;

        if (out < 0)
                fail("/dev/null", strerror(errno));
        for (int j = 0; j < rounds * n; j++) {
                int i = j % n, k = j / n;
                char which[12];
                int64_t start;

                snprintf(which, sizeof(which), "%d", i);
                setenv("WHICH", which, 1);
                if (prepare)
                        run(shell, out);
                if (strcmp(commands[i][0], "@reload")) {
                        start = now();
                        run(commands[i], out);
                } else {
                        if (!bus && sd_bus_open_system(&bus) < 0)
                                fail("@reload", "no bus");
                        start = now();
                        reload(bus);
                }
                times[i * rounds + k] = now() - start;
        }
        sd_bus_unref(bus);
        close(out);
}

/* The differences are computed first, because median() sorts the times and so loses the order of the rounds. */
static void print(int n, int rounds, int64_t *times)
{
        double beyond[MAX_COMMANDS] = { 0 };
        int64_t *v = times + (size_t)rounds * n;

        for (int i = n - 1; i > 0; i--) {
                for (int k = 0; k < rounds; k++)
                        v[k] = times[i * rounds + k] - times[k];
                beyond[i] = median(v, rounds);
        }
        for (int i = 0; i < n; i++) {
                int64_t *t = times + (size_t)i * rounds;
                double m = median(t, rounds);

                printf("%.0f %.0f %.0f %.0f\n", m, t[0] / 1000.0, t[rounds - 1] / 1000.0, beyond[i]);
        }
}

int main(int argc, char **argv)
{
        char **commands[MAX_COMMANDS], *prepare = NULL;
        int rounds = 11, n, opt;
        int64_t *times;

        while ((opt = getopt(argc, argv, "+n:p:")) != -1) {
                if (opt == 'n')
                        rounds = atoi(optarg);
                else if (opt == 'p')
                        prepare = optarg;
                else
                        return 2;
        }
        n = split(argv + optind, commands);
        if (n < 0 || rounds < 1)
                return 2;
        /* Plus space for the differences of one command. */
        times = calloc((size_t)rounds * (n + 1), sizeof(*times));
        if (!times)
                fail("pairs", "out of memory");
        measure(commands, n, rounds, prepare, times);
        print(n, rounds, times);
        free(times);
        return 0;
}
