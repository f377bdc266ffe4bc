/* SPDX-License-Identifier: MIT */
/* Fuzzes what is read from /proc: mountinfo, with names of mount points that a container has chosen, and the name of a
 * leader's cgroup. */
#include "fuzz.h"

/* Instead of /proc/self/mountinfo. */
static FILE *open_input(void);
#define fopen(path, mode) open_input()
#include "util/fs_unmount.c"
#undef fopen
#include "svc/machine/cgroup.c"

static char *input;
static size_t input_size;

static FILE *open_input(void)
{
        return fuzz_alloc(fmemopen(input, input_size, "r"));
}

static void check_mounts(void)
{
        static const char below[] = "/run/nixos-containers/web";
        char **v = NULL;

        must(mounts_below(below, &v) == 0);
        for (char **dir = v; dir && *dir; dir++)
                must(!strncmp(*dir, below, strlen(below)) && strchr("/", (*dir)[strlen(below)]));
        strv_free(v);
}

static void check_unescape(void)
{
        char *s = fuzz_alloc(strndup(input, input_size)), *copy = fuzz_alloc(strdup(s));

        fs_mountinfo_unescape(s);
        must(strlen(s) <= strlen(copy));
        must(strchr(copy, '\\') || !strcmp(s, copy));
        free(copy);
        free(s);
}

/* The container chooses what follows its own "/payload". */
static void check_cgroup(void)
{
        char *s = fuzz_alloc(strndup(input, input_size)), *longer = fuzz_alloc(str_printf("%s/payload/x", s));
        size_t n = strlen(s);

        if (cut_to_payload(s)) {
                must(strlen(s) <= n && str_ends(s, "/payload"));
                must(cut_to_payload(longer) && !strcmp(s, longer));
        }
        free(longer);
        free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (!size)
                return 0;
        input = fuzz_bytes(data, size);
        input_size = size;
        check_mounts();
        check_unescape();
        check_cgroup();
        free(input);
        return 0;
}
