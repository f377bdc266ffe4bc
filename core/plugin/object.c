/* SPDX-License-Identifier: MIT */
#include "plugin/object.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "model/operation/call.h"
#include "plugin/descriptor.h"
#include "plugin/libraries.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs_trusted.h"
#include "util/strv.h"

struct segments {
        const struct link_map *map;
        struct bounds *bounds;
};

static int add_segments(struct dl_phdr_info *info, size_t size, void *data)
{
        struct segments *s = data;

        (void)size;
        if (info->dlpi_addr != s->map->l_addr || strcmp(info->dlpi_name, s->map->l_name))
                return 0;
        for (int i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *h = &info->dlpi_phdr[i];
                uintptr_t start = info->dlpi_addr + h->p_vaddr;

                if (h->p_type != PT_LOAD || !(h->p_flags & PF_R) || s->bounds->n == ARRAY_SIZE(s->bounds->spans))
                        continue;
                s->bounds->spans[s->bounds->n].start = start;
                s->bounds->spans[s->bounds->n++].end = start + h->p_memsz;
        }
        return 1;
}

/* Is there a descriptor of another major version? */
static int other_major(void *handle, const char *name)
{
        for (int major = 0; major < 100; major++) {
                char symbol[64];

                snprintf(symbol, sizeof(symbol), "ec_plugin_v%d_%s", major, name);
                if (major != EC_ABI_MAJOR && dlsym(handle, symbol))
                        return major;
        }
        return -1;
}

/* The descriptor, its size in the symbol table, and the memory of the plugin's own data: dlsym() also finds symbols of
 * libraries that the plugin links. */
static int find_descriptor(void *handle, const char *name, const void **ret, size_t *ret_size,
                           struct bounds *ret_bounds, struct ec_err *err)
{
        struct segments segments = { .bounds = ret_bounds };
        struct link_map *own = NULL;
        const ElfW(Sym) *sym = NULL;
        char symbol[64];
        Dl_info info;
        void *p;

        snprintf(symbol, sizeof(symbol), "ec_plugin_v%d_%s", EC_ABI_MAJOR, name);
        p = dlsym(handle, symbol);
        if (!p) {
                int major = other_major(handle, name);

                if (major >= 0)
                        return err_set(err, -EPROTO, "it was built for ABI %d, this program has %u.%u", major,
                                       EC_ABI_MAJOR, EC_ABI_MINOR);
                return err_set(err, -EPROTO, "it is not a plugin of that name: it has no symbol %s", symbol);
        }
        if (dlinfo(handle, RTLD_DI_LINKMAP, &own) < 0 || !own ||
            !dladdr1(p, &info, (void **)&segments.map, RTLD_DL_LINKMAP) || segments.map != own)
                return err_set(err, -EPROTO, "its descriptor comes from another library");
        if (!dladdr1(p, &info, (void **)&sym, RTLD_DL_SYMENT) || !sym || info.dli_saddr != p ||
            ELF64_ST_TYPE(sym->st_info) != STT_OBJECT)
                return err_set(err, -EPROTO, "its symbol %s is not data", symbol);
        dl_iterate_phdr(add_segments, &segments);
        *ret = p;
        *ret_size = sym->st_size;
        return 0;
}

static int check_file(const char *file, bool check_trust, struct ec_err *err)
{
        _cleanup_free_ char *dir = strdup(file);
        struct stat st;
        int r;

        if (!dir)
                return err_oom(err);
        *strrchr(dir, '/') = 0;
        if (check_trust) {
                r = fs_trusted(dir, err);
                if (r >= 0)
                        r = fs_trusted(file, err);
                if (r < 0)
                        return r;
        }
        /* Opening a FIFO would block. */
        if (stat(file, &st) < 0)
                return err_set(err, -errno, "%s: %s", file, strerror(errno));
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EINVAL, "it is not a regular file");
        return check_trust ? libraries_trusted(file, err) : 0;
}

int object_open(const char *file, const char *name, bool check_trust, struct descriptor **ret, struct ec_err *err)
{
        struct bounds bounds = { 0 };
        const void *raw = NULL;
        size_t raw_size = 0;
        struct call call;
        void *handle;
        int r = check_file(file, check_trust, err);

        if (r < 0)
                return r;
        call_enter(&call, NULL, name, "constructors", true);
        handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        call_leave(&call);
        if (!handle) {
                const char *text = dlerror(), *rest = text ? str_after(text, file) : NULL;

                rest = rest && str_after(rest, ": ") ? str_after(rest, ": ") : text;
                return err_set(err, -ELIBACC, "it cannot be loaded: %s", rest ?: "unknown error");
        }
        r = find_descriptor(handle, name, &raw, &raw_size, &bounds, err);
        if (r < 0)
                return r;
        call_enter(&call, NULL, name, "descriptor", true); /* its strings may point anywhere */
        r = descriptor_read(raw, raw_size, &bounds, name, ret, err);
        call_leave(&call);
        return r;
}
