/* SPDX-License-Identifier: MIT */
/* Times commands against each other: in each round all of them run, one after
 * the other, so that what disturbs the machine disturbs them alike.
 *
 * pairs [-n ROUNDS] [-p SCRIPT] COMMAND [ARG...] [:: COMMAND [ARG...]]...
 *
 * -p: a script for sh before each command, whose time does not count; $WHICH is
 * the number of the command. A command "@reload" is systemd's Reload, called
 * over a connection that is there already.
 *
 * Prints for each command the median, the least and the greatest of its times,
 * and the median of what it took beyond the first command of its round; all in
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

int main(int argc, char **argv)
{
        char **commands[MAX_COMMANDS], *prepare = NULL, *shell[] = { (char[]){ "sh" }, (char[]){ "-ec" }, NULL, NULL };
        int rounds = 11, n = 0, opt, out = open("/dev/null", O_WRONLY | O_CLOEXEC);
        sd_bus *bus = NULL;
        int64_t *times, *v;
        double beyond[MAX_COMMANDS] = { 0 };

        while ((opt = getopt(argc, argv, "+n:p:")) != -1) {
                if (opt == 'n')
                        rounds = atoi(optarg);
                else if (opt == 'p')
                        prepare = optarg;
                else
                        return 2;
        }
        if (optind == argc || rounds < 1 || out < 0)
                return 2;
        for (char **a = commands[n++] = argv + optind; *a; a++) {
                if (strcmp(*a, "::"))
                        continue;
                *a = NULL;
                if (n == MAX_COMMANDS || !a[1])
                        return 2;
                commands[n++] = a + 1;
        }
        times = calloc((size_t)rounds * (n + 1), sizeof(*times));
        if (!times)
                fail("pairs", "out of memory");
        v = times + (size_t)rounds * n;
        shell[2] = prepare;
        for (int k = 0; k < rounds; k++) {
                for (int i = 0; i < n; i++) {
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
        }
        sd_bus_unref(bus);
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
        free(times);
        return 0;
}
