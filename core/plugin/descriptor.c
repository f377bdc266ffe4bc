/* SPDX-License-Identifier: MIT */
#include "plugin/descriptor.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "util/err.h"
#include "util/name.h"
#include "util/strv.h"

#define ITEMS_MAX  1024 /* of one array */
#define STRIDE_MAX 4096 /* bytes of one item, of any minor to come */

#define KNOWN_SCOPES        (EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START | EC_SCOPE_SHELL | EC_SCOPE_DESTROY)
#define KNOWN_COMMAND_FLAGS (EC_CMD_ROOT | EC_CMD_HIDDEN | EC_CMD_DEFINITION | EC_CMD_LISTING | EC_CMD_WORDS)
#define KNOWN_PROVIDES      EC_PROVIDES_GCROOT
#define KNOWN_OPTION_FLAGS  (EC_OPT_FINAL | EC_OPT_REPEAT | EC_OPT_HIDDEN)

/* The sizes of 1.0: a struct of any version is at least as long. */
#define PLUGIN_SIZE_1_0  (offsetof(struct ec_plugin, done) + sizeof(void *))
#define HOOKS_SIZE_1_0   (offsetof(struct ec_hooks, finish) + sizeof(void *))
#define COMMAND_SIZE_1_0 (offsetof(struct ec_command, run) + sizeof(void *))
#define OPTION_SIZE_1_0  (offsetof(struct ec_option, short_name) + sizeof(int32_t))
#define SETTING_SIZE_1_0 (offsetof(struct ec_setting, help) + sizeof(void *))

/* The descriptor being read, for messages. */
struct reading {
        const struct bounds *bounds;
        struct descriptor *descriptor;
        uint16_t minor; /* the plugin's */
        bool own;       /* options of one command */
        struct ec_err *err;
};

static bool in_bounds(const struct bounds *b, const void *p, size_t len)
{
        uintptr_t at = (uintptr_t)p;

        for (size_t i = 0; i < b->n; i++)
                if (at >= b->spans[i].start && at <= b->spans[i].end && len <= b->spans[i].end - at)
                        return true;
        return false;
}

static int too_new(const struct reading *r, const char *what)
{
        return err_set(r->err, -EPROTO,
                       "%s uses something that ABI %u.%u does not have: the plugin was built for %u.%u", what,
                       EC_ABI_MAJOR, EC_ABI_MINOR, EC_ABI_MAJOR, r->minor);
}

/* Copies a struct of another version: missing members become zero, and unknown ones must be zero. */
static int copy_struct(const struct reading *r, void *dst, size_t dst_size, const void *src, size_t src_size,
                       const char *what)
{
        const char *s = src;

        memset(dst, 0, dst_size);
        memcpy(dst, src, src_size < dst_size ? src_size : dst_size);
        for (size_t i = dst_size; i < src_size; i++)
                if (s[i])
                        return too_new(r, what);
        return 0;
}

/* Replaces an array by one with our stride, and checks each item. */
static int read_array(const struct reading *r, struct ec_array *a, size_t size, size_t min_size, const char *what,
                      int (*check)(const struct reading *r, void *items, uint32_t i))
{
        char *items;
        int e = 0;

        if (a->count > ITEMS_MAX)
                return err_set(r->err, -EPROTO, "it has too many %s (%u)", what, a->count);
        if (a->count) {
                if (!a->items)
                        return err_set(r->err, -EPROTO, "its array of %s is NULL", what);
                if (a->stride < min_size || a->stride > STRIDE_MAX || a->stride % _Alignof(int32_t))
                        return err_set(r->err, -EPROTO, "its array of %s has a stride of %u bytes", what, a->stride);
                if (!in_bounds(r->bounds, a->items, (size_t)a->count * a->stride))
                        return err_set(r->err, -EPROTO, "its array of %s is outside the plugin's memory", what);
        }
        items = calloc((size_t)a->count + 1, size);
        if (strv_push_take(&r->descriptor->arrays, items) < 0)
                return err_oom(r->err);
        for (uint32_t i = 0; e >= 0 && i < a->count; i++)
                e = copy_struct(r, items + i * size, size, (const char *)a->items + (size_t)i * a->stride, a->stride,
                                what);
        a->items = items;
        a->stride = size;
        for (uint32_t i = 0; e >= 0 && i < a->count; i++)
                e = check(r, items, i);
        return e;
}

/* Words of the command line: "update-changed". */
static bool word_valid(const char *s)
{
        return *s && *s != '-' && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static int check_option(const struct reading *r, void *items, uint32_t i)
{
        const struct ec_option *o = (const struct ec_option *)items + i;

        if (!o->name)
                return err_set(r->err, -EPROTO, "an option has no name");
        if (!word_valid(o->name))
                return err_set(r->err, -EPROTO, "'%s' is not a valid option name", o->name);
        if (!o->help)
                return err_set(r->err, -EPROTO, "option --%s has no help", o->name);
        if (o->arg > EC_ARG_REST || o->flags & ~KNOWN_OPTION_FLAGS || o->scopes & ~KNOWN_SCOPES) {
                if (r->minor > EC_ABI_MINOR)
                        return too_new(r, o->name);
                return err_set(r->err, -EPROTO, "option --%s has an unknown kind, flag or scope", o->name);
        }
        if (o->arg != EC_ARG_NONE && !o->metavar)
                return err_set(r->err, -EPROTO, "option --%s takes a value but has no metavar", o->name);
        if (!r->own && !o->scopes)
                return err_set(r->err, -EPROTO, "option --%s has no scope", o->name);
        if (!r->own && o->short_name)
                return err_set(r->err, -EPROTO,
                               "option --%s has a short name, which only a command's own options may have", o->name);
        if (o->short_name && (!isascii(o->short_name) || !isalnum(o->short_name)))
                return err_set(r->err, -EPROTO, "the short name of option --%s is not a letter or digit", o->name);
        for (const struct ec_option *before = items; before < o; before++) {
                if (!strcmp(before->name, o->name))
                        return err_set(r->err, -EPROTO, "option --%s is declared twice", o->name);
                if (o->short_name && before->short_name == o->short_name)
                        return err_set(r->err, -EPROTO, "option -%c is declared twice", o->short_name);
        }
        return 0;
}

static int read_command(const struct reading *r, void *items, uint32_t i)
{
        struct ec_command *c = (struct ec_command *)items + i;
        struct reading own = *r;

        own.own = true;
        if (!c->name)
                return err_set(r->err, -EPROTO, "a command has no name");
        if (!word_valid(c->name) || (c->alias && !word_valid(c->alias)))
                return err_set(r->err, -EPROTO, "'%s' is not a valid command name",
                               !word_valid(c->name) ? c->name : c->alias);
        if (!c->summary)
                return err_set(r->err, -EPROTO, "command '%s' has no summary", c->name);
        if (!c->run)
                return err_set(r->err, -EPROTO, "command '%s' has no function (run)", c->name);
        if (c->flags & ~KNOWN_COMMAND_FLAGS || c->scopes & ~KNOWN_SCOPES) {
                if (r->minor > EC_ABI_MINOR)
                        return too_new(r, c->name);
                return err_set(r->err, -EPROTO, "command '%s' has an unknown flag or scope", c->name);
        }
        if (!c->synopsis)
                c->synopsis = "";
        for (const struct ec_command *b = items; b < c; b++)
                if (!strcmp(b->name, c->name) || (b->alias && !strcmp(b->alias, c->name)) ||
                    (c->alias && (!strcmp(b->name, c->alias) || (b->alias && !strcmp(b->alias, c->alias)))))
                        return err_set(r->err, -EPROTO, "command '%s' is declared twice", c->name);
        return read_array(&own, &c->options, sizeof(struct ec_option), OPTION_SIZE_1_0, "options", check_option) < 0
                       ? err_prefix(r->err, "command '%s'", c->name)
                       : 0;
}

static int check_setting(const struct reading *r, void *items, uint32_t i)
{
        static const char *const types[] = { "string", "bool", "path", "int", "duration", "list", NULL };
        const struct ec_setting *s = (const struct ec_setting *)items + i;

        if (!s->key || !word_valid(s->key))
                return err_set(r->err, -EPROTO, "'%s' is not a valid setting name", s->key ? s->key : "(NULL)");
        if (!s->type || !strv_contains(types, s->type))
                return err_set(r->err, -EPROTO, "setting '%s' has an unknown type", s->key);
        if (!s->help)
                return err_set(r->err, -EPROTO, "setting '%s' has no help", s->key);
        for (const struct ec_setting *before = items; before < s; before++)
                if (!strcmp(before->key, s->key))
                        return err_set(r->err, -EPROTO, "setting '%s' is declared twice", s->key);
        return 0;
}

static int read_hooks(const struct reading *r)
{
        struct descriptor *d = r->descriptor;
        const struct ec_hooks *h = d->plugin.hooks;
        int e;

        if (!h)
                return 0;
        if (!in_bounds(r->bounds, h, sizeof(h->size)) || h->size < HOOKS_SIZE_1_0 || h->size > STRIDE_MAX ||
            !in_bounds(r->bounds, h, h->size))
                return err_set(r->err, -EPROTO, "its table of hooks has the wrong size");
        e = copy_struct(r, &d->hooks, sizeof(d->hooks), h, h->size, "a hook");
        if (e >= 0 && d->hooks.reserved)
                e = too_new(r, "its table of hooks");
        d->hooks.size = sizeof(d->hooks);
        d->plugin.hooks = &d->hooks;
        return e;
}

static int read_tables(const struct reading *r)
{
        struct ec_plugin *p = &r->descriptor->plugin;
        int e = read_array(r, &p->options, sizeof(struct ec_option), OPTION_SIZE_1_0, "options", check_option);

        if (e >= 0)
                e = read_array(r, &p->settings, sizeof(struct ec_setting), SETTING_SIZE_1_0, "settings", check_setting);
        if (e >= 0)
                e = read_array(r, &p->commands, sizeof(struct ec_command), COMMAND_SIZE_1_0, "commands", read_command);
        return e < 0 ? e : read_hooks(r);
}

int descriptor_read(const void *raw, size_t raw_size, const struct bounds *b, const char *name, struct descriptor **ret,
                    struct ec_err *err)
{
        _cleanup_(cleanup_descriptor_free) struct descriptor *d = NULL;
        struct reading r = { .bounds = b, .err = err };
        const struct ec_plugin *p = raw;
        int e;

        if ((uintptr_t)raw % _Alignof(struct ec_plugin) || raw_size < sizeof(p->size))
                return err_set(err, -EPROTO, "its descriptor is not a struct ec_plugin");
        if (p->size < PLUGIN_SIZE_1_0 || p->size > raw_size)
                return err_set(err, -EPROTO, "its descriptor claims a size of %u bytes but has %zu", p->size, raw_size);
        if (p->abi_major != EC_ABI_MAJOR)
                return err_set(err, -EPROTO, "it was built for ABI %u.%u, this program has %u.%u", p->abi_major,
                               p->abi_minor, EC_ABI_MAJOR, EC_ABI_MINOR);
        r.minor = p->abi_minor;
        if (p->needs_minor > EC_ABI_MINOR)
                return err_set(err, -EPROTO, "it needs ABI %u.%u, this program has %u.%u", EC_ABI_MAJOR, p->needs_minor,
                               EC_ABI_MAJOR, EC_ABI_MINOR);
        if (!p->name || !plugin_name_valid(p->name))
                return err_set(err, -EPROTO, "its descriptor has no valid name");
        if (strcmp(p->name, name))
                return err_set(err, -EPROTO, "its descriptor has the name '%s'", p->name);
        if (!p->version)
                return err_set(err, -EPROTO, "it has no version");
        if (!p->summary)
                return err_set(err, -EPROTO, "it has no summary");

        r.descriptor = d = calloc(1, sizeof(*d));
        if (!d)
                return err_oom(err);
        e = copy_struct(&r, &d->plugin, sizeof(d->plugin), p, p->size, "its descriptor");
        if (e < 0)
                return e;
        d->plugin.size = sizeof(d->plugin);
        if (d->plugin.reserved || d->plugin.provides & ~KNOWN_PROVIDES)
                return too_new(&r, "its descriptor");
        e = read_tables(&r);
        if (e < 0)
                return e;
        *ret = TAKE_PTR(d);
        return 0;
}

void descriptor_free(struct descriptor *d)
{
        if (!d)
                return;
        strv_free(d->arrays);
        free(d);
}
