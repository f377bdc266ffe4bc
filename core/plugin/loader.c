/* SPDX-License-Identifier: MIT */
#include "plugin/loader.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "model/operation/call.h"
#include "model/operation/hooks.h"
#include "plugin/clash.h"
#include "plugin/descriptor.h"
#include "plugin/host.h"
#include "plugin/object.h"
#include "svc/conf/conf.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_trusted.h"
#include "util/name.h"
#include "util/strv.h"

const char *const plugin_state_names[] = { "loaded", "off", "missing", "rejected", NULL };
const char *const plugin_toggle_names[] = { "auto", "on", "required", "off", NULL };

static void plugin_done(struct plugin *p)
{
        free(p->name);
        free(p->file);
        free(p->dir);
        free(p->where);
        free(p->reason);
        descriptor_free(p->descriptor);
        plugin_host_free(p->host);
        *p = (struct plugin){ 0 };
}

struct plugin *plugins_find(const struct plugins *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++)
                if (!strcmp(l->items[i].name, name))
                        return &l->items[i];
        return NULL;
}

static int add(struct plugins *l, const char *name, struct plugin **ret, struct ec_err *err)
{
        struct plugin *items = reallocarray(l->items, l->n + 1, sizeof(*items)), *p;

        if (!items)
                return err_oom(err);
        l->items = items;
        p = &items[l->n];
        *p = (struct plugin){ .name = strdup(name), .state = PLUGIN_MISSING };
        if (!p->name)
                return err_oom(err);
        l->n++;
        *ret = p;
        return 0;
}

/* ---- where plugins are ------------------------------------------------- */

int plugins_search_path(struct conf *conf, const char *builtin, char ***ret, struct ec_err *err)
{
        const char *user = geteuid() != 0 ? secure_getenv("EXTRA_CONTAINER_PLUGIN_DIR") : NULL;
        _cleanup_free_ char *path = str_printf("%s:%s", user && *user ? user : builtin,
                                               conf_get(conf, "plugins", PLUGIN_PATH_KEY) ?: "");
        _cleanup_strv_ char **dirs = path ? strv_split(path, ":") : NULL;

        if (!dirs)
                return err_oom(err);
        for (char **d = dirs; *d; d++)
                if (**d != '/' && !(user && *user))
                        return conf_refuse(conf, "plugins", PLUGIN_PATH_KEY, "a list of absolute paths", err);
        *ret = TAKE_PTR(dirs);
        return 0;
}

static int list_dir(const char *dir, bool optional, char ***ret, struct ec_err *err)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        _cleanup_strv_ char **names = NULL;

        if (!d && !(errno == ENOENT && optional))
                log_warn("plugins: %s: %s", dir, strerror(errno));
        for (struct dirent *e; d && (e = readdir(d));)
                if (e->d_name[0] != '.' && str_ends(e->d_name, ".so") && strv_push(&names, e->d_name) < 0)
                        return err_oom(err);
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

static bool same_file(const char *a, const char *b)
{
        struct stat sa, sb;

        return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Adds the plugins of one directory. A relative path is made absolute, because dlopen() would search for it; links are
 * kept, so that the trust check sees the directories they are in. */
static int scan_dir(struct plugins *l, const char *given, bool optional, struct ec_err *err)
{
        _cleanup_free_ char *real = *given == '/' ? NULL : realpath(given, NULL);
        const char *dir = real ?: given;
        _cleanup_strv_ char **files = NULL;
        int r = list_dir(dir, optional, &files, err);

        if (r < 0)
                return r;
        if (*dir != '/')
                return 0;
        for (char **f = files; f && *f; f++) {
                _cleanup_free_ char *name = strndup(*f, strlen(*f) - strlen(".so")), *file = fs_join(dir, *f);
                struct plugin *p;

                if (!name || !file)
                        return err_oom(err);
                p = plugins_find(l, name);
                if (p && p->file) {
                        if (!same_file(p->file, file))
                                log_warn("plugin %s: %s is ignored, because %s comes first", name, file, p->file);
                        continue;
                }
                if (!p) {
                        r = add(l, name, &p, err);
                        if (r < 0)
                                return r;
                }
                p->file = TAKE_PTR(file);
                p->dir = fs_join(dir, name);
                if (!p->dir)
                        return err_oom(err);
        }
        return 0;
}

/* ---- toggles ----------------------------------------------------------- */

struct toggles {
        const struct conf *conf;
        struct plugins *list;
        struct ec_err *err;
        int result;
};

static void read_toggle(void *data, const char *key, const char *value)
{
        struct toggles *t = data;
        struct plugin *p;

        if (t->result < 0 || !strcmp(key, PLUGIN_PATH_KEY) || !plugin_name_valid(key))
                return; /* an invalid name gets the warning about unknown keys */
        for (int i = 0; plugin_toggle_names[i]; i++) {
                if (strcmp(plugin_toggle_names[i], value))
                        continue;
                p = plugins_find(t->list, key);
                if (!p)
                        t->result = add(t->list, key, &p, t->err);
                if (t->result < 0)
                        return;
                p->toggle = i;
                p->where = conf_where(t->conf, "plugins", key);
                if (!p->where)
                        t->result = err_oom(t->err);
                return;
        }
        t->result = conf_refuse(t->conf, "plugins", key, "required, on, auto or off", t->err);
}

/* ---- one file ---------------------------------------------------------- */

/* A default that does not fit its type. */
static int check_defaults(const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_setting *s = p->settings.items;

        for (uint32_t i = 0; i < p->settings.count; i++) {
                const char *what = s[i].def ? conf_mismatch(s[i].type, s[i].def) : NULL;

                if (what)
                        return err_set(err, -EPROTO, "the default of setting '%s' must be %s, not '%s'", s[i].key, what,
                                       s[i].def);
        }
        return 0;
}

static int check_options(const struct ec_array *a, struct ec_err *err)
{
        const struct ec_option *o = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (o[i].type && (o[i].arg != EC_ARG_ONE || !strcmp(o[i].type, "list") || !conf_type_known(o[i].type)))
                        return err_set(err, -EPROTO, "option --%s has an unknown type, or one without a value",
                                       o[i].name);
        return 0;
}

/* Types of values, which a later minor may add to. */
static int check_types(const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_command *c = p->commands.items;
        int r = check_defaults(p, err);

        if (r >= 0)
                r = check_options(&p->options, err);
        for (uint32_t i = 0; r >= 0 && i < p->commands.count; i++)
                r = check_options(&c[i].options, err);
        return r;
}

static int load_file(const struct plugins *l, struct plugin *p, bool check_trust, struct ec_err *err)
{
        static const char *const reserved[] = { "nix", "paths", "plugins", "start", NULL }; /* sections of the INI */
        int r;

        if (!plugin_name_valid(p->name))
                return err_set(err, -EINVAL,
                               "its name may have only lower-case letters, digits and '_', and at most 32 of them");
        if (strv_contains(reserved, p->name))
                return err_set(err, -EINVAL, "its name is reserved: section [%s] of the configuration is the program's",
                               p->name);
        /* Its modules, scripts and feature.json, which root may run. */
        r = check_trust && fs_exists(p->dir) ? fs_trusted_tree(p->dir, err) : 0;
        if (r < 0)
                return r;
        r = object_open(p->file, p->name, check_trust, &p->descriptor, err);
        if (r < 0)
                return r;
        p->plugin = &p->descriptor->plugin;
        r = check_types(p->plugin, err);
        return r < 0 ? r : plugin_check_clash(l, p->plugin, err);
}

int plugin_reject(struct plugin *p, struct ec_err *err)
{
        p->state = PLUGIN_REJECTED;
        p->reason = strdup(err_msg(err));
        err_done(err);
        if (!p->reason)
                return -ENOMEM;
        p->reason[strcspn(p->reason, "\n")] = 0; /* dlerror() may return several lines */
        return 0;
}

/* The line of the configuration is the reason why a plugin is off, or why it is missed. */
static int set_reason(struct plugin *p, struct ec_err *err)
{
        if (p->where && p->toggle != TOGGLE_AUTO)
                p->reason = str_printf("it is %s in %s", plugin_toggle_names[p->toggle], p->where);
        return p->where && p->toggle != TOGGLE_AUTO && !p->reason ? err_oom(err) : 0;
}

/* Loads in the order of rank: the earlier one wins a clash. */
static int load_all(struct plugins *l, bool check_trust, struct ec_err *err)
{
        for (size_t i = 0; i < l->n; i++) {
                struct plugin *p = &l->items[i];
                struct ec_err e = { 0 };

                if (p->toggle == TOGGLE_OFF)
                        p->state = PLUGIN_OFF;
                else if (!p->file)
                        p->state = PLUGIN_MISSING;
                else if (load_file(l, p, check_trust, &e) >= 0)
                        p->state = PLUGIN_LOADED;
                else if (plugin_reject(p, &e) < 0)
                        return err_oom(err);
                if ((p->state == PLUGIN_OFF || p->state == PLUGIN_MISSING) && set_reason(p, err) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Plugins that are required or on come first, then those that ship with the program, then by directory. */
static int rank_all(struct plugins *l, const char *own, struct ec_err *err)
{
        static const int asked[] = { [TOGGLE_REQUIRED] = 0, [TOGGLE_ON] = 1, [TOGGLE_AUTO] = 2, [TOGGLE_OFF] = 3 };
        _cleanup_strv_ char **names = strv_split(own ?: "", " ");

        if (!names)
                return err_oom(err);
        for (size_t i = 0; i < l->n; i++) {
                struct plugin *p = &l->items[i];
                bool ours = strv_contains(STRV_CONST(names), p->name);

                p->rank = (asked[p->toggle] * 2 + !ours) * (int)l->n + (int)i;
        }
        return 0;
}

static int compare_ranks(const void *a, const void *b)
{
        return ((const struct plugin *)a)->rank - ((const struct plugin *)b)->rank;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(((const struct plugin *)a)->name, ((const struct plugin *)b)->name);
}

int plugins_load(const struct plugin_search *s, struct plugins *ret, struct ec_err *err)
{
        struct plugins l = { .builtin = s->builtin, .check_trust = s->check_trust };
        struct toggles t = { .conf = s->conf, .list = &l, .err = err };
        int r = strv_extend(&l.dirs, s->dirs) < 0 ? err_oom(err) : 0;

        for (size_t i = 0; r >= 0 && s->dirs && s->dirs[i]; i++)
                r = scan_dir(&l, s->dirs[i], i == 0, err);
        if (r >= 0 && s->conf) {
                conf_foreach(s->conf, "plugins", read_toggle, &t);
                r = t.result;
        }
        if (r >= 0)
                r = rank_all(&l, s->own, err);
        if (r >= 0 && l.n)
                qsort(l.items, l.n, sizeof(*l.items), compare_ranks);
        if (r >= 0)
                r = load_all(&l, s->check_trust, err);
        if (r < 0) {
                plugins_done(&l);
                return r;
        }
        if (l.n)
                qsort(l.items, l.n, sizeof(*l.items), compare_names);
        *ret = l;
        return 0;
}

int plugins_check(const struct plugins *l, struct ec_err *err)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct plugin *p = &l->items[i];

                if (p->toggle != TOGGLE_REQUIRED)
                        continue;
                if (p->state == PLUGIN_REJECTED)
                        return err_set(err, -ELIBBAD, "plugin %s is required in %s, but was rejected: %s", p->name,
                                       p->where, p->reason);
                if (p->state == PLUGIN_MISSING)
                        return err_set(err, -ENOENT, "plugin %s is required in %s, but missing", p->name, p->where);
        }
        return 0;
}

void plugins_warn(const struct plugins *l)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct plugin *p = &l->items[i];

                if (p->state == PLUGIN_REJECTED)
                        log_warn("plugin %s was rejected: %s", p->name, p->reason);
                if (p->state == PLUGIN_MISSING && p->toggle == TOGGLE_ON)
                        log_warn("plugin %s is on in %s, but missing", p->name, p->where);
        }
}

int plugins_registry(const struct plugins *l, struct registry *reg, struct ec_err *err)
{
        reg->plugins = calloc(l->n + 1, sizeof(*reg->plugins));
        if (!reg->plugins)
                return err_oom(err);
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        reg->plugins[reg->n++] = (struct plugin_ref){ .plugin = l->items[i].plugin };
        registry_sort(reg);
        reg->plugin_dirs = STRV_CONST(l->dirs);
        reg->check_trust = l->check_trust;
        return 0;
}

static int start(struct plugin *p, const struct host_context *ctx, struct ec_err *err)
{
        struct call call;
        /* NOLINTNEXTLINE(analyzer-null-dereference): the registry has only plugins of the list */
        int r = plugin_host_new(ctx, p->name, p->dir, &p->host, err);

        if (r < 0 || !p->plugin->init)
                return r;
        call_enter(&call, NULL, p->name, "init()", true);
        r = p->plugin->init(p->host, &p->self, err);
        call_leave(&call);
        if (r < 0 && !err->code)
                err_set(err, r, "%s", strerror(-r));
        if (r < 0)
                return err_prefix(err, "it could not be initialised");
        err_done(err); /* not a failure, even if the plugin set one */
        return 0;
}

int plugins_start(struct plugins *l, const struct host_context *ctx, struct registry *reg, struct ec_err *err)
{
        size_t n = 0;
        int r = plugins_registry(l, reg, err);

        for (size_t i = 0; r >= 0 && i < reg->n; i++) {
                struct plugin *p = plugins_find(l, reg->plugins[i].plugin->name);

                r = start(p, ctx, err);
                if (r >= 0) {
                        p->started = true;
                        reg->plugins[n++] = (struct plugin_ref){ p->plugin, p->self };
                        r = interrupt_check(err);
                        continue;
                }
                if (p->toggle == TOGGLE_REQUIRED || interrupt_signal()) {
                        err_prefix(err, "plugin %s", p->name);
                        break;
                }
                r = plugin_reject(p, err);
                if (r < 0)
                        r = err_oom(err);
        }
        reg->n = n;
        return r < 0 ? r : 0;
}

void plugins_done(struct plugins *l)
{
        struct registry reg = { 0 };
        struct ec_err err = { 0 };

        /* In reverse order of their start. */
        if (plugins_registry(l, &reg, &err) >= 0)
                for (size_t i = reg.n; i-- > 0;) {
                        struct plugin *p = plugins_find(l, reg.plugins[i].plugin->name);

                        /* NOLINTNEXTLINE(analyzer-null-dereference): the registry has only plugins of the list */
                        if (p->started && p->plugin->done) {
                                struct call call;

                                call_enter(&call, NULL, p->name, "done()", true);
                                p->plugin->done(p->self);
                                call_leave(&call);
                        }
                }
        registry_done(&reg);
        err_done(&err);
        for (size_t i = 0; i < l->n; i++)
                plugin_done(&l->items[i]);
        free(l->items);
        strv_free(l->dirs);
        *l = (struct plugins){ 0 };
}
