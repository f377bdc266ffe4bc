/* SPDX-License-Identifier: MIT
 *
 * Built with a header whose structs have one more member at the end: how the core of a
 * later minor version reads a plugin of the current one.
 */
#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "plugin/descriptor.h"
#include "util/err.h"

int main(int argc, char **argv)
{
        struct bounds everything = { .spans = { { 0, UINTPTR_MAX } }, .n = 1 };
        struct descriptor *d = NULL;
        struct ec_err err = { 0 };
        const struct ec_plugin *raw;
        const struct ec_command *c;
        const struct ec_option *o;
        void *handle;

        assert(argc == 2);
        handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        raw = handle ? dlsym(handle, "ec_plugin_v1_frozen") : NULL;
        assert(raw && raw->size < sizeof(*raw));
        if (descriptor_read(raw, raw->size, &everything, "frozen", &d, &err) < 0) {
                fprintf(stderr, "%s\n", err_msg(&err));
                return 1;
        }
        assert(d->plugin.size == sizeof(d->plugin) && !d->plugin.next);
        assert(d->plugin.hooks->size == sizeof(d->hooks) && d->plugin.hooks->configure && !d->plugin.hooks->next);
        c = ARRAY_ITEMS(struct ec_command, d->plugin.commands);
        assert(d->plugin.commands.stride == sizeof(*c) && d->plugin.commands.count == 2);
        assert(!c[0].next && !c[1].next && !strcmp(c[1].name, "frozen-too"));
        o = ARRAY_ITEMS(struct ec_option, c[1].options);
        assert(c[1].options.stride == sizeof(*o) && !strcmp(o[1].name, "depth") && !o[0].next && !o[1].next);
        assert(!strcmp(ARRAY_ITEMS(struct ec_setting, d->plugin.settings)[2].key, "melts"));
        descriptor_free(d);
        err_done(&err);
        return 0;
}
