/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of the libraries that a plugin names. The input is what follows the header of an ELF file. */
#include "fuzz.h"

#include "plugin/libraries.c"

#define REST_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct {
                ElfW(Ehdr) header;
                uint8_t rest[REST_MAX];
        } file;
        struct ec_err err = { 0 };
        int r;

        if (!size || size > REST_MAX)
                return 0;
        file.header = (ElfW(Ehdr)){ .e_phoff = sizeof(file.header),
                                    .e_phentsize = sizeof(ElfW(Phdr)),
                                    .e_phnum = size / sizeof(ElfW(Phdr)) < 3 ? size / sizeof(ElfW(Phdr)) : 3 };
        memcpy(file.header.e_ident, ELFMAG, SELFMAG);
        memcpy(file.rest, data, size);
        r = libraries_trusted(fuzz_file((uint8_t *)&file, sizeof(file.header) + size), &err);
        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0));
        err_done(&err);
        return 0;
}
