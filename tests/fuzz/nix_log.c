/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of Nix's log lines and the messages made from them. */
#include "fuzz.h"

#include "svc/nix/error.c"
#include "svc/nix/log.c"
#include "svc/nix/progress.c"
#include "svc/nix/text.c"
#include "util/clock.h"
#include "util/err.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
static int null_fd, real_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        real_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        return null_fd < 0 || real_fd < 0 ? -1 : 0;
}

/* The first byte selects the mode, the rest are lines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct nix_log l;
        struct nix_names names = {
                .files = (const char *const[]){ "/tmp/definition.nix", NULL },
                .names = (const char *const[]){ "(standard input)", NULL },
                .definition = "/tmp/definition.nix",
        };
        struct ec_err err = { 0 };
        char **warned = NULL, buf[200];
        int r;
        if (!size)
                return 0;
        uint8_t mode = *data++;
        size--;
        nix_log_init(&l);
        l.print_logs = mode & 1;
        l.raw = (mode & 6) == 6;
        l.warned = &warned;

        dup2(null_fd, STDERR_FILENO); /* text that is passed on does not matter */
        while (size) {
                const uint8_t *nl = memchr(data, '\n', size);
                size_t n = nl ? (size_t)(nl - data) : size;
                char *line = malloc(n + 1);
                if (!line)
                        break;
                memcpy(line, data, n); /* not terminated by a zero byte */
                nix_log_line(&l, line, n);
                free(line);
                nix_progress_format(&l, l.start_usec + USEC_PER_SEC, buf, sizeof(buf));
                n += nl ? 1 : 0;
                data += n;
                size -= n;
        }
        r = nix_error_set(&l, &names, "nix-store", mode & 8 ? 100 : 1, mode & 16, &err);
        dup2(real_fd, STDERR_FILENO);
        must(r < 0 && *err_msg(&err));

        err_done(&err);
        nix_log_done(&l);
        for (char **s = warned; s && *s; s++)
                free(*s);
        free(warned);
        return 0;
}
