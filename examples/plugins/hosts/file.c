/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGIN "# begin extra-container: kept up to date by the hosts plugin\n"
#define END   "# end extra-container\n"

/* ---- reading --------------------------------------------------------------- */

/* -1 and errno, or the open file. */
static int open_regular(const char *path, struct stat *ret)
{
        /* A link is not followed (on NixOS /etc/hosts is one, into the store), and a FIFO does not block. */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        if (fd < 0)
                return -1;
        if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode))
                return fd;
        close(fd);
        errno = EINVAL;
        return -1;
}

static int read_all(int fd, size_t size, char **ret)
{
        char *text = malloc(size + 1);
        size_t used = 0;
        ssize_t n = 1;

        while (text && used < size && n > 0) {
                n = read(fd, text + used, size - used);
                used += n > 0 ? (size_t)n : 0;
        }
        if (!text || n < 0) {
                free(text);
                return -errno;
        }
        text[used] = 0;
        if (strlen(text) < used) { /* what follows a NUL would be lost */
                free(text);
                return -EILSEQ;
        }
        *ret = text;
        return 0;
}

/* A marker at the beginning of a line. */
static char *find_line(char *text, const char *line)
{
        char *s = text;

        while ((s = strstr(s, line)) && s != text && s[-1] != '\n')
                s++;
        return s;
}

static int find_block(const struct ec_host *h, struct hosts_file *f, struct ec_err *err)
{
        char *end;

        f->block = find_line(f->text, BEGIN);
        if (!f->block) {
                f->block = f->end = f->text + strlen(f->text);
                return 0;
        }
        end = find_line(f->block, END);
        if (!end)
                return h->err->set(err, -EBADMSG, "%s has a line '%.*s' without the line '%.*s' after it", f->path,
                                   (int)strlen(BEGIN) - 1, BEGIN, (int)strlen(END) - 1, END);
        f->end = end + strlen(END);
        return 0;
}

int hosts_file_read(const struct ec_host *h, const char *path, struct hosts_file *ret, struct ec_err *err)
{
        struct hosts_file f = { .path = path, .st.st_mode = 0644 };
        int fd = open_regular(path, &f.st), r;

        if (fd < 0 && (errno == ELOOP || errno == EINVAL))
                return h->err->set(err, -errno, "%s is not a regular file; set another one: [hosts] file", path);
        if (fd < 0 && errno != ENOENT)
                return h->err->set(err, -errno, "cannot open %s: %s", path, strerror(errno));
        r = fd < 0 ? read_all(-1, 0, &f.text) : read_all(fd, (size_t)f.st.st_size, &f.text);
        if (fd >= 0)
                close(fd);
        if (r < 0)
                return h->err->set(err, r, "cannot read %s: %s", path, strerror(-r));
        r = find_block(h, &f, err);
        if (r < 0) {
                hosts_file_done(&f);
                return r;
        }
        *ret = f;
        return 0;
}

void hosts_file_done(struct hosts_file *f)
{
        free(f->text);
        f->text = NULL;
}

const char *hosts_file_next(const struct hosts_file *f, const char **rest, size_t *ret_len)
{
        const char *line = *rest;

        if (!line)
                line = f->block == f->end ? f->end : f->block + strlen(BEGIN);
        if (line == f->end || !strncmp(line, END, strlen(END)))
                return NULL;
        *ret_len = strcspn(line, "\n");
        *rest = line + *ret_len + 1;
        return line;
}

/* ---- replacing ------------------------------------------------------------- */

static int unchanged(const struct hosts_file *f, const char *entries)
{
        const char *old = f->block + strlen(BEGIN);

        if (f->block == f->end)
                return !*entries;
        return *entries && (size_t)(f->end - old) == strlen(entries) + strlen(END) &&
               !strncmp(old, entries, strlen(entries));
}

/* The new text, with the mode and owner of the old file, safely on disk. -1 and errno. */
static int write_file(int fd, const struct hosts_file *f, const char *entries)
{
        FILE *out = fdopen(fd, "w");
        int r = 0;

        if (!out) {
                close(fd);
                return -1;
        }
        fwrite(f->text, 1, (size_t)(f->block - f->text), out);
        if (*entries) {
                if (f->block > f->text && f->block[-1] != '\n')
                        fputc('\n', out);
                fprintf(out, BEGIN "%s" END, entries);
        }
        fputs(f->end, out);
        if (fflush(out) || fchown(fd, f->st.st_uid, f->st.st_gid) || fchmod(fd, f->st.st_mode & 07777) || fsync(fd))
                r = -1;
        return fclose(out) ? -1 : r;
}

int hosts_file_replace(const struct ec_host *h, const struct hosts_file *f, const char *entries, struct ec_err *err)
{
        char *temp;
        int fd, r = 0;

        if (unchanged(f, entries))
                return 0;
        /* In the same directory, where rename() replaces the file atomically: no process ever reads half of it. */
        if (asprintf(&temp, "%s.XXXXXX", f->path) < 0)
                return h->err->set(err, -ENOMEM, "out of memory");
        fd = mkostemp(temp, O_CLOEXEC);
        if (fd < 0 || write_file(fd, f, entries) || rename(temp, f->path))
                r = h->err->set(err, -errno, "cannot replace %s: %s", f->path, strerror(errno));
        if (r < 0 && fd >= 0)
                unlink(temp);
        free(temp);
        return r;
}
