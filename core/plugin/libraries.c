/* SPDX-License-Identifier: MIT */
/* dlopen() runs the constructors of needed libraries, so they are found before, in the way of ld.so(8). */
#include "plugin/libraries.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_trusted.h"
#include "util/strv.h"

#define OBJECTS_MAX 256 /* also of names and of directories */

struct libraries {
        char **files; /* to be looked at, in this order */
        char **dirs;  /* of all their search paths: DT_RPATH is also used for what a library needs */
        char **names; /* that they need */
        struct ec_err *err;
};

static void libraries_done(struct libraries *l)
{
        strv_free(l->files);
        strv_free(l->dirs);
        strv_free(l->names);
}

/* The parts of an ELF file that name libraries. */
struct object {
        const char *data;
        size_t size;
        const ElfW(Phdr) * headers;
        size_t n;
};

static const void *part(const struct object *o, uint64_t offset, uint64_t size)
{
        return offset <= o->size && size <= o->size - offset ? o->data + offset : NULL;
}

/* The bytes in the file from an address of memory on; NULL: there are none. */
static const char *at_address(const struct object *o, uint64_t address, size_t *ret_size)
{
        for (size_t i = 0; i < o->n; i++) {
                const ElfW(Phdr) *h = &o->headers[i];

                if (h->p_type != PT_LOAD || address < h->p_vaddr || address - h->p_vaddr >= h->p_filesz ||
                    !part(o, h->p_offset, h->p_filesz))
                        continue;
                *ret_size = h->p_filesz - (address - h->p_vaddr);
                return o->data + h->p_offset + (address - h->p_vaddr);
        }
        return NULL;
}

static bool find_headers(struct object *o)
{
        const ElfW(Ehdr) *e = part(o, 0, sizeof(*e));

        if (!e || memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_phentsize != sizeof(*o->headers) ||
            e->e_phoff % __alignof__(*o->headers))
                return false;
        o->n = e->e_phnum;
        o->headers = part(o, e->e_phoff, (uint64_t)o->n * sizeof(*o->headers));
        return o->headers != NULL;
}

static int add(struct libraries *l, char ***list, const char *s)
{
        if (strv_contains(STRV_CONST(*list), s))
                return 0;
        if (strv_len(STRV_CONST(*list)) >= OBJECTS_MAX)
                return err_set(l->err, -E2BIG, "it needs too many libraries");
        return strv_push(list, s) < 0 ? err_oom(l->err) : 0;
}

/* An entry of a search path, or a name with a slash: a path of the file system. */
static int expand(struct libraries *l, const char *file, const char *entry, char **ret)
{
        const char *rest = str_after(entry, "$ORIGIN") ?: str_after(entry, "${ORIGIN}");

        *ret = rest ? str_printf("%.*s%s", (int)(strrchr(file, '/') - file), file, rest) : strdup(entry);
        if (!*ret)
                return err_oom(l->err);
        if (**ret != '/' || (rest && *rest && *rest != '/') || strchr(rest ?: entry, '$'))
                return err_set(l->err, -EPERM, "'%s' needs libraries from '%s', which is not an absolute path", file,
                               entry);
        return 0;
}

static int untrusted(struct libraries *l, const char *file)
{
        return err_prefix(l->err, "'%s' needs a library that is not safe to load", file);
}

static int add_dirs(struct libraries *l, const char *file, const char *path)
{
        int r = 0;

        if (!*path)
                return 0; /* ignored by ld.so */
        /* Empty entries, which strv_split() drops, are the current directory. */
        if (*path == ':' || strstr(path, "::") || str_ends(path, ":"))
                return err_set(l->err, -EPERM, "'%s' needs libraries from the current directory", file);
        _cleanup_strv_ char **entries = strv_split(path, ":");

        if (!entries)
                return err_oom(l->err);
        for (char **e = entries; *e && r >= 0; e++) {
                _cleanup_free_ char *dir = NULL;

                r = expand(l, file, *e, &dir);
                if (r >= 0 && fs_trusted(dir, l->err) < 0)
                        r = untrusted(l, file);
                if (r >= 0)
                        r = add(l, &l->dirs, dir);
        }
        return r;
}

static int add_name(struct libraries *l, const char *file, const char *name)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (!strchr(name, '/'))
                return add(l, &l->names, name);
        r = expand(l, file, name, &path);
        return r < 0 ? r : add(l, &l->files, path);
}

static int read_dynamic(struct libraries *l, const char *file, const struct object *o, const ElfW(Phdr) * dynamic)
{
        const ElfW(Dyn) *d = part(o, dynamic->p_offset, dynamic->p_filesz);
        size_t n = d ? dynamic->p_filesz / sizeof(*d) : 0, size = 0;
        const char *strings = NULL;
        int r = 0;

        for (size_t i = 0; i < n && d[i].d_tag != DT_NULL; i++)
                if (d[i].d_tag == DT_STRTAB)
                        strings = at_address(o, d[i].d_un.d_ptr, &size);
        for (size_t i = 0; i < n && d[i].d_tag != DT_NULL && r >= 0; i++) {
                const char *s = strings && d[i].d_un.d_val < size ? strings + d[i].d_un.d_val : NULL;

                switch (d[i].d_tag) {
                case DT_RPATH:
                case DT_RUNPATH:
                case DT_NEEDED:
                case DT_AUXILIARY:
                case DT_FILTER:
                        if (!s || !memchr(s, 0, size - d[i].d_un.d_val))
                                return err_set(l->err, -EINVAL, "'%s' is damaged: it needs libraries without a name",
                                               file);
                        r = d[i].d_tag == DT_RPATH || d[i].d_tag == DT_RUNPATH ? add_dirs(l, file, s)
                                                                               : add_name(l, file, s);
                }
        }
        return r;
}

static int read_object(struct libraries *l, const char *file)
{
        _cleanup_close_ int fd = fs_open_regular(AT_FDCWD, file, O_RDONLY, 0);
        struct object o = { 0 };
        void *data = MAP_FAILED;
        struct stat st;
        int r = 0;

        if (fd < 0)
                return err_set(l->err, fd, "'%s': %s", file, fs_strerror(fd));
        if (fstat(fd, &st) >= 0 && st.st_size)
                data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
                return 0; /* nor can dlopen() load it */
        o = (struct object){ .data = data, .size = (size_t)st.st_size };
        if (!find_headers(&o))
                o.n = 0;
        for (size_t i = 0; r >= 0 && i < o.n; i++)
                if (o.headers[i].p_type == PT_DYNAMIC && o.headers[i].p_offset % __alignof__(ElfW(Dyn)) == 0)
                        r = read_dynamic(l, file, &o, &o.headers[i]);
        munmap(data, o.size);
        return r;
}

/* Adds each file that may be meant: an entry may come before the one that is used today. */
static int add_files(struct libraries *l)
{
        int r = 0;

        for (char **d = l->dirs; d && *d && r >= 0; d++)
                for (char **n = l->names; n && *n && r >= 0; n++) {
                        _cleanup_free_ char *path = fs_join(*d, *n);

                        r = !path ? err_oom(l->err) : fs_exists(path) ? add(l, &l->files, path) : 0;
                }
        return r;
}

int libraries_trusted(const char *file, struct ec_err *err)
{
        _cleanup_(libraries_done) struct libraries l = { .err = err };
        int r = add(&l, &l.files, file);

        /* Each file may add others.
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference): add() has added one */
        for (size_t i = 0; r >= 0 && l.files[i]; i++) {
                if (i && fs_trusted(l.files[i], err) < 0)
                        r = untrusted(&l, file);
                if (r >= 0)
                        r = read_object(&l, l.files[i]);
                if (r >= 0)
                        r = add_files(&l);
        }
        return r;
}
