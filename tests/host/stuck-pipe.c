/* SPDX-License-Identifier: MIT */
/* In a container with /dev/fuse: makes each process wait that uses a pipe of the container.
 *
 * usage: stuck-pipe SECONDS DIRECTORY PIPE [read]: mounts a file system on the directory, and puts a page of it into
 * the pipe, or into its stdout if that is "-"; with "read", it also reads the pipe. Then it waits. */
#include "../unit/stuck_page.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
        int out = argc > 3 && strcmp(argv[3], "-") ? open(argv[3], O_WRONLY | O_NONBLOCK | O_CLOEXEC) : 1, page;
        unsigned seconds = argc > 3 ? (unsigned)atoi(argv[1]) : 0;
        char byte;

        if (argc < 4 || out < 0 || stuck_page(argv[2], seconds, &page) < 0)
                return 2;
        if (splice(page, NULL, out, NULL, STUCK_PAGE, 0) != STUCK_PAGE)
                return 3;
        if (argc > 4 && !fork()) {
                int in = open(argv[3], O_RDONLY | O_CLOEXEC);

                _exit(read(in, &byte, 1) < 0);
        }
        /* Nothing tells that the reader waits. */
        sleep(argc > 4);
        close(open("stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        sleep(seconds);
        return 0;
}
