/* SPDX-License-Identifier: MIT */
#include "svc/conf/conf.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "svc/conf/file.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_trusted.h"
#include "util/strv.h"

#define FILE_MAX ((size_t)256 << 10)

struct item {
        char *section, *key, *value;
        unsigned file, line; /* index into files */
};

struct declared {
        char *section, *key, *def;
};

struct conf {
        char **files;
        struct item *items;
        size_t n_items;
        struct declared *declared;
        size_t n_declared;
        char **sections; /* known sections */
        char **ignored;
};

/* ---- reading ------------------------------------------------------------ */

/* The last assignment wins: files come in the order in which they override. */
static const struct item *find(const struct conf *c, const char *section, const char *key)
{
        for (size_t i = c->n_items; i > 0; i--) {
                const struct item *it = &c->items[i - 1];

                if (!strcmp(it->section, section) && !strcmp(it->key, key))
                        return it;
        }
        return NULL;
}

static int add_item(void *data, const char *section, const char *key, const char *value, unsigned line,
                    struct ec_err *err)
{
        struct conf *c = data;
        unsigned file = strv_len(STRV_CONST(c->files)) - 1;
        const struct item *before = find(c, section, key);
        struct item *items, *it;

        if (before && before->file == file)
                return err_set(err, -EEXIST, "%s:%u: '%s' of [%s] is set a second time, after line %u", c->files[file],
                               line, key, section, before->line);
        items = reallocarray(c->items, c->n_items + 1, sizeof(*items));
        if (!items)
                return err_oom(err);
        c->items = items;
        it = &c->items[c->n_items++];
        *it = (struct item){
                .section = strdup(section),
                .key = strdup(key),
                .value = strdup(value),
                .file = file,
                .line = line,
        };
        return it->section && it->key && it->value ? 0 : err_oom(err);
}

/* --config /dev/null, and a link to it in the directory, which masks the name. */
static bool is_null(const char *file)
{
        struct stat st;

        return stat(file, &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* Unless it must exist, a missing file is not an error. */
static int load_file(struct conf *c, const char *file, bool must, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r;

        if (access(file, F_OK) < 0) {
                r = -errno;
                if (!must && (r == -ENOENT || r == -ENOTDIR))
                        return 0;
                return err_set(err, r, "cannot read '%s': %s", file, strerror(-r));
        }
        if (is_null(file))
                return 0;
        /* Its contents decide what root runs. */
        if (geteuid() == 0) {
                r = fs_trusted(file, err);
                if (r < 0)
                        return r;
        }
        r = fs_read(file, FILE_MAX, &text, &len);
        if (r < 0)
                return err_set(err, r, "cannot read '%s': %s", file, fs_strerror(r));
        if (strv_push(&c->files, file) < 0)
                return err_oom(err);
        return conf_file_parse(file, text, len, add_item, c, err);
}

static int load_dir(struct conf *c, const char *dir, struct ec_err *err)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        _cleanup_strv_ char **names = NULL;
        struct dirent *de;

        if (!d && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (!d)
                return err_set(err, -errno, "cannot read '%s': %s", dir, strerror(errno));
        while ((errno = 0, de = readdir(d)))
                if (de->d_name[0] != '.' && str_ends(de->d_name, ".ini") && strv_push(&names, de->d_name) < 0)
                        return err_oom(err);
        if (errno)
                return err_set(err, -errno, "cannot read '%s': %s", dir, strerror(errno));
        strv_sort(names);
        for (char **n = names; n && *n; n++) {
                _cleanup_free_ char *file = fs_join(dir, *n);
                int r;

                if (!file)
                        return err_oom(err);
                r = load_file(c, file, true, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int conf_load_dir(struct conf **ret, const char *dir, struct ec_err *err)
{
        _cleanup_(cleanup_conf_free) struct conf *c = calloc(1, sizeof(*c));
        _cleanup_free_ char *file = fs_join(dir, "extra-container.ini"), *more = fs_join(dir, "extra-container.d");
        int r;

        if (!c || !file || !more)
                return err_oom(err);
        r = load_file(c, file, false, err);
        if (r >= 0)
                r = load_dir(c, more, err);
        if (r >= 0)
                *ret = TAKE_PTR(c);
        return r;
}

int conf_new(struct conf **ret, struct ec_err *err)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : err_oom(err);
}

int conf_load(struct conf **ret, const char *file, struct ec_err *err)
{
        _cleanup_(cleanup_conf_free) struct conf *c = NULL;
        int r;

        if (!file)
                return conf_load_dir(ret, EC_SYSCONF_DIR, err);
        r = conf_new(&c, err);
        if (r >= 0)
                r = load_file(c, file, true, err);
        if (r >= 0)
                *ret = TAKE_PTR(c);
        return r;
}

void conf_free(struct conf *c)
{
        if (!c)
                return;
        for (size_t i = 0; i < c->n_items; i++) {
                free(c->items[i].section);
                free(c->items[i].key);
                free(c->items[i].value);
        }
        for (size_t i = 0; i < c->n_declared; i++) {
                free(c->declared[i].section);
                free(c->declared[i].key);
                free(c->declared[i].def);
        }
        strv_free(c->files);
        strv_free(c->sections);
        strv_free(c->ignored);
        free(c->items);
        free(c->declared);
        free(c);
}

/* ---- queries ------------------------------------------------------------ */

static const struct declared *find_declared(const struct conf *c, const char *section, const char *key)
{
        for (size_t i = 0; i < c->n_declared; i++)
                if (!strcmp(c->declared[i].section, section) && !strcmp(c->declared[i].key, key))
                        return &c->declared[i];
        return NULL;
}

const char *conf_get(const struct conf *c, const char *section, const char *key)
{
        const struct item *it = find(c, section, key);

        return it ? it->value : NULL;
}

char *conf_where(const struct conf *c, const char *section, const char *key)
{
        const struct item *it = find(c, section, key);

        return it ? str_printf("%s:%u", c->files[it->file], it->line) : NULL;
}

const char *conf_value(const struct conf *c, const char *section, const char *key)
{
        const char *value = conf_get(c, section, key);
        const struct declared *d = value ? NULL : find_declared(c, section, key);

        return d ? d->def : value;
}

bool conf_bool(const struct conf *c, const char *section, const char *key)
{
        const char *s = conf_value(c, section, key);
        bool value;

        return s && conf_parse_bool(s, &value) && value;
}

uint64_t conf_ms(const struct conf *c, const char *section, const char *key)
{
        const char *s = conf_value(c, section, key);
        uint64_t ms;

        return s && conf_parse_ms(s, &ms) ? ms : 0;
}

void conf_foreach(const struct conf *c, const char *section, void (*fn)(void *data, const char *key, const char *value),
                  void *data)
{
        for (size_t i = 0; i < c->n_items; i++) {
                const struct item *it = &c->items[i];
                bool first = true;

                if (strcmp(it->section, section))
                        continue;
                for (size_t j = 0; j < i && first; j++)
                        first = strcmp(c->items[j].section, section) != 0 || strcmp(c->items[j].key, it->key) != 0;
                if (first)
                        fn(data, it->key, conf_get(c, section, it->key));
        }
}

/* ---- declarations ------------------------------------------------------- */

const char *conf_mismatch(const char *type, const char *value)
{
        uint64_t ms;
        char *end;
        bool b;

        if (!strcmp(type, "bool"))
                return conf_parse_bool(value, &b) ? NULL : "yes or no";
        if (!strcmp(type, "duration"))
                return conf_parse_ms(value, &ms) ? NULL : "a duration, as 10s, 500ms or 2min";
        if (!strcmp(type, "path"))
                return !*value || *value == '/' ? NULL : "an absolute path";
        if (!strcmp(type, "int")) {
                errno = 0;
                (void)strtoll(value, &end, 10);
                return *value && !*end && !errno && *value != ' ' && *value != '\t' ? NULL : "a whole number";
        }
        return NULL;
}

bool conf_type_known(const char *type)
{
        static const char *const types[] = { "string", "bool", "path", "int", "duration", "list", NULL };

        return type && strv_contains(types, type);
}

static int refuse(const struct conf *c, const struct item *it, const char *what, struct ec_err *err)
{
        return err_set(err, -EINVAL, "%s:%u: '%s' of [%s] must be %s, not '%s'", c->files[it->file], it->line, it->key,
                       it->section, what, it->value);
}

int conf_refuse(const struct conf *c, const char *section, const char *key, const char *what, struct ec_err *err)
{
        const struct item *it = find(c, section, key);

        return it ? refuse(c, it, what, err) : err_set(err, -EINVAL, "'%s' of [%s] must be %s", key, section, what);
}

static int declare(struct conf *c, const char *section, const struct ec_setting *s, struct ec_err *err)
{
        struct declared *declared, *d;

        if (!s->key || !conf_type_known(s->type) || (s->def && conf_mismatch(s->type, s->def)))
                return err_set(err, -EINVAL, "setting '%s' of [%s] is declared with a bad type or default",
                               s->key ? s->key : "", section);
        for (size_t i = 0; i < c->n_items; i++) {
                const struct item *it = &c->items[i];
                const char *what;

                if (strcmp(it->section, section) || strcmp(it->key, s->key) != 0)
                        continue;
                what = conf_mismatch(s->type, it->value);
                if (what)
                        return refuse(c, it, what, err);
        }
        declared = reallocarray(c->declared, c->n_declared + 1, sizeof(*declared));
        if (!declared)
                return err_oom(err);
        c->declared = declared;
        d = &c->declared[c->n_declared++];
        *d = (struct declared){
                .section = strdup(section),
                .key = strdup(s->key),
                .def = s->def ? strdup(s->def) : NULL,
        };
        return d->section && d->key && (!s->def || d->def) ? 0 : err_oom(err);
}

int conf_declare(struct conf *c, const char *section, const struct ec_array *settings, struct ec_err *err)
{
        if (!strv_contains(STRV_CONST(c->sections), section) && strv_push(&c->sections, section) < 0)
                return err_oom(err);
        if (settings->count && settings->stride < sizeof(struct ec_setting))
                return err_set(err, -EINVAL, "the settings of [%s] are declared with a bad size", section);
        for (uint32_t i = 0; i < settings->count; i++) {
                const char *at = (const char *)settings->items + (size_t)i * settings->stride;
                int r = declare(c, section, (const struct ec_setting *)(const void *)at, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

void conf_ignore(struct conf *c, const char *section)
{
        /* Without memory, a warning is shown twice. */
        if (!strv_contains(STRV_CONST(c->ignored), section))
                (void)strv_push(&c->ignored, section);
}

static void warn_key(const struct conf *c, const struct item *it)
{
        _cleanup_strv_ char **keys = NULL;
        const char *nearest;

        for (size_t i = 0; i < c->n_declared; i++)
                if (!strcmp(c->declared[i].section, it->section))
                        (void)strv_push(&keys, c->declared[i].key);
        nearest = str_nearest(it->key, STRV_CONST(keys));
        log_warn(nearest ? "%s:%u: unknown setting '%s' in [%s], did you mean '%s'?"
                         : "%s:%u: unknown setting '%s' in [%s]",
                 c->files[it->file], it->line, it->key, it->section, nearest);
}

void conf_warn_unknown(const struct conf *c)
{
        _cleanup_strv_ char **told = NULL;

        for (size_t i = 0; i < c->n_items; i++) {
                const struct item *it = &c->items[i];
                const char *nearest;

                if (strv_contains(STRV_CONST(c->ignored), it->section) || strv_contains(STRV_CONST(told), it->section))
                        continue;
                if (strv_contains(STRV_CONST(c->sections), it->section)) {
                        if (!find_declared(c, it->section, it->key))
                                warn_key(c, it);
                        continue;
                }
                nearest = str_nearest(it->section, STRV_CONST(c->sections));
                log_warn(nearest ? "%s:%u: unknown section [%s], did you mean [%s]?" : "%s:%u: unknown section [%s]",
                         c->files[it->file], it->line, it->section, nearest);
                (void)strv_push(&told, it->section);
        }
}
