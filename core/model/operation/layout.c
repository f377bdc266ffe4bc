/* SPDX-License-Identifier: MIT */
#include "model/operation/layout.h"

#include <extra-container/plugin.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svc/conf/conf.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#ifndef EC_DATA_DIR
#define EC_DATA_DIR "/usr/share/extra-container"
#endif

#define UNIT_FILE_MAX ((size_t)1 << 20)

static const struct ec_setting settings[] = {
        { "root", "path", NULL,
          "Prefix of all other paths except data; if it is set, containers can be installed but not started, because "
          "systemd is not contacted" },
        { "units", "path", NULL,
          "Directory for links to units; the default is /etc/systemd-mutable/system on NixOS, where "
          "boot.extraSystemdUnitPaths must contain it, and /etc/systemd/system elsewhere" },
        { "units-also", "list", NULL,
          "More directories to search for installed units, separated by blanks; the default is /usr/lib/systemd/system "
          "on hosts other than NixOS, and empty on NixOS" },
        { "legacy", "string", "auto",
          "Whether this host uses conf-legacy and state-legacy: yes, no, or auto, which reads the template unit "
          "container@.service of a NixOS host" },
        { "conf", "path", "/etc/nixos-containers", "Directory of the conf files of containers" },
        { "conf-legacy", "path", "/etc/containers", "The same on NixOS before 22.05" },
        { "state", "path", "/var/lib/nixos-containers", "Directory of the root file systems of containers" },
        { "state-legacy", "path", "/var/lib/containers", "The same on NixOS before 22.05" },
        { "profiles", "path", "/nix/var/nix/profiles/per-container", "Directory of the Nix profiles of containers" },
        { "container-gcroots", "path", "/nix/var/nix/gcroots/per-container",
          "Directory of the garbage collector roots that containers create" },
        { "gcroots", "path", "/nix/var/nix/gcroots/auto",
          "Directory of the garbage collector roots of installed containers" },
        { "run", "path", "/run/nixos-containers", "Directory of the root file systems of ephemeral containers" },
        { "run-legacy", "path", "/run/containers", "The same on NixOS before 22.05" },
        { "run-state", "path", "/run/extra-container",
          "Directory of the program's own state until the next boot, which only root may access: its lock, notes about "
          "containers whose update failed or was interrupted, and temporary files" },
        { "journal", "path", "/var/log/journal",
          "Directory of the host's journal, where systemd-nspawn links the journals of containers" },
        { "data", "path", EC_DATA_DIR, "Directory of the program's own read-only files" },
};
const struct ec_array layout_settings = EC_ARRAY(settings);

static const char *setting_default(const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
                if (!strcmp(settings[i].key, key))
                        return settings[i].def;
        return NULL;
}

static const char *setting(struct conf *c, const char *key)
{
        const char *v = c ? conf_value(c, "paths", key) : NULL;

        return v && *v ? v : setting_default(key);
}

/* A path below root, without a trailing slash. */
static int below(const struct layout *l, const char *path, char **ret)
{
        size_t n;

        *ret = str_printf("%s%s", l->root ?: "", path);
        if (!*ret)
                return -ENOMEM;
        for (n = strlen(*ret); n > 1 && (*ret)[n - 1] == '/'; n--)
                (*ret)[n - 1] = 0;
        return 0;
}

static bool exists(const char *root, const char *path)
{
        _cleanup_free_ char *p = str_printf("%s%s", root, path);

        return p && !access(p, F_OK);
}

/* The template unit shows which directories a NixOS host uses. */
static bool template_is_legacy(const struct layout *l)
{
        _cleanup_free_ char *path = str_printf("%s/etc/systemd/system/container@.service", l->root), *text = NULL;
        char *save = NULL;

        if (!path || fs_read(path, UNIT_FILE_MAX, &text, NULL) < 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *v = str_after(line, "EnvironmentFile=");

                if (v)
                        return str_after(v + (*v == '-'), "/etc/containers/") != NULL;
        }
        return false;
}

static int init_units(struct layout *l, struct conf *c)
{
        const char *units = setting(c, "units"), *also = setting(c, "units-also");
        _cleanup_strv_ char **dirs = NULL;
        int r;

        if (!units)
                units = l->nixos ? "/etc/systemd-mutable/system" : "/etc/systemd/system";
        r = below(l, units, &l->units);
        if (r < 0)
                return r;
        if (!also)
                also = l->nixos ? "" : "/usr/lib/systemd/system";
        dirs = strv_split(also, " \t,");
        if (!dirs)
                return -ENOMEM;
        for (char **d = dirs; *d && r >= 0; d++) {
                _cleanup_free_ char *p = NULL;

                r = below(l, *d, &p);
                if (r >= 0 && strcmp(p, l->units))
                        r = strv_push_take(&l->units_also, TAKE_PTR(p));
        }
        return r;
}

/* The strings of a layout; those with a key are paths below root that a setting names. */
#define MEMBER(name) offsetof(struct layout, name)
static const struct {
        size_t at;
        const char *key;
} members[] = {
        { MEMBER(root) },
        { MEMBER(units) },
        { MEMBER(data) },
        { MEMBER(lock) },
        { MEMBER(pending) },
        { MEMBER(tmp) },
        { MEMBER(static_os_release) },
        { MEMBER(conf), "conf" },
        { MEMBER(conf_legacy), "conf-legacy" },
        { MEMBER(state), "state" },
        { MEMBER(state_legacy), "state-legacy" },
        { MEMBER(profiles), "profiles" },
        { MEMBER(container_gcroots), "container-gcroots" },
        { MEMBER(gcroots), "gcroots" },
        { MEMBER(run), "run" },
        { MEMBER(run_legacy), "run-legacy" },
        { MEMBER(run_state), "run-state" },
        { MEMBER(journal), "journal" },
};

static char **member(struct layout *l, size_t i)
{
        return (char **)((char *)l + members[i].at);
}

static int init_paths(struct layout *l, struct conf *c)
{
        int r = below(l, "/etc/static/os-release", &l->static_os_release);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(members); i++)
                if (members[i].key)
                        r = below(l, setting(c, members[i].key), member(l, i));
        if (r < 0)
                return r;
        l->lock = fs_join(l->run_state, "lock");
        l->pending = fs_join(l->run_state, "pending");
        l->tmp = fs_join(l->run_state, "tmp");
        l->data = strdup(setting(c, "data"));
        return l->lock && l->pending && l->tmp && l->data ? 0 : -ENOMEM;
}

static int init_all(struct layout *l, struct conf *c)
{
        const char *root = setting(c, "root"), *legacy = setting(c, "legacy");
        int r = below(l, root && strcmp(root, "/") ? root : "", &l->root);

        if (r < 0)
                return r;
        l->nixos = exists(l->root, "/run/booted-system/nixos-version");
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): it has a default */
        l->legacy = !strcmp(legacy, "yes") || (l->nixos && !strcmp(legacy, "auto") && template_is_legacy(l));
        r = init_units(l, c);
        return r < 0 ? r : init_paths(l, c);
}

int layout_init(struct layout *l, struct conf *c, struct ec_err *err)
{
        const char *legacy = setting(c, "legacy");

        *l = (struct layout){ 0 };
        /* NOLINTNEXTLINE(analyzer-null-argument): it has a default */
        if (strcmp(legacy, "auto") && strcmp(legacy, "yes") && strcmp(legacy, "no"))
                return conf_refuse(c, "paths", "legacy", "auto, yes or no", err);
        if (init_all(l, c) < 0) {
                layout_done(l);
                return err_oom(err);
        }
        return 0;
}

void layout_done(struct layout *l)
{
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                free(*member(l, i));
        strv_free(l->units_also);
        *l = (struct layout){ 0 };
}

const char *layout_path(const struct layout *l, const char *what)
{
        const struct {
                const char *what, *path;
        } paths[] = {
                { "units", l->units },
                { "conf", l->legacy ? l->conf_legacy : l->conf },
                { "conf-other", l->legacy ? l->conf : l->conf_legacy },
                { "gcroots", l->gcroots },
                { "state", l->legacy ? l->state_legacy : l->state },
                { "profiles", l->profiles },
                { "run", l->run },
                { "data", l->data },
                { "root", l->root },
                { "run-state", l->run_state },
        };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                if (!strcmp(paths[i].what, what))
                        return paths[i].path;
        return NULL;
}

static int make_private(const char *dir, struct ec_err *err)
{
        struct stat st;

        if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || lstat(dir, &st) < 0)
                return err_set(err, -errno, "cannot make the directory %s: %s", dir, strerror(errno));
        /* Its mode is not changed: the setting may name a directory that others use. */
        if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 0077)
                return err_set(err, -EPERM, "%s must be a directory of user %u that no other user can access", dir,
                               (unsigned)geteuid());
        return 0;
}

int layout_make_dir(const char *path, struct ec_err *err)
{
        int r = fs_mkdir_p(path, 0755);

        return r < 0 ? err_set(err, r, "cannot make the directory %s: %s", path, strerror(-r)) : 0;
}

static int make_parent(const char *path, struct ec_err *err)
{
        _cleanup_free_ char *copy = strdup(path);

        return copy ? layout_make_dir(dirname(copy), err) : err_oom(err);
}

int layout_make_run_state(const struct layout *l, const char *dir, struct ec_err *err)
{
        int r = make_parent(l->run_state, err);

        if (r >= 0)
                r = make_private(l->run_state, err);
        return r < 0 || !dir ? r : make_private(dir, err);
}

bool layout_offline(const struct layout *l)
{
        return *l->root;
}

int layout_check_host(const struct layout *l, struct ec_err *err)
{
        const char *store = getenv("NIX_STORE_DIR");
        _cleanup_strv_ char **missing = NULL;
        _cleanup_free_ char *list = NULL;
        int r = 0;

        if (l->nixos)
                return 0;
        if (!store || !*store)
                store = "/nix/store";
        if (!exists(l->root, "/run/systemd/system"))
                r = strv_push(&missing, "systemd as PID 1");
        if (r >= 0 && !exists(l->root, "/usr/lib/systemd/systemd-machined") &&
            !exists(l->root, "/lib/systemd/systemd-machined"))
                r = strv_push(&missing, "systemd-machined (often in a package named systemd-container)");
        if (r >= 0 && !exists(l->root, store))
                r = strv_pushf(&missing, "a Nix store at %s", store);
        if (r < 0)
                return err_oom(err);
        if (!missing)
                return 0;
        list = strv_join(STRV_CONST(missing), ", ");
        return list ? err_set(err, -EOPNOTSUPP, "this host lacks what containers need: %s", list) : err_oom(err);
}

/* A container can write into its directory in there, and a setuid program of its root may be one of the host's root. */
static int close_dir(const char *dir, struct ec_err *err)
{
        int r = make_parent(dir, err);

        if (r < 0)
                return r;
        if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || chmod(dir, 0700) < 0)
                return err_set(err, -errno, "cannot make %s a directory that only root can access: %s", dir,
                               strerror(errno));
        return 0;
}

static int make_static_os_release(const struct layout *l, struct ec_err *err)
{
        int r;

        if (l->nixos || !access(l->static_os_release, F_OK))
                return 0;
        /* A container's /etc/os-release is a link to this path, which nspawn follows on the host. */
        r = make_parent(l->static_os_release, err);
        if (r < 0)
                return r;
        r = fs_write_atomic(l->static_os_release, "", 0, 0644);
        return r < 0 ? err_set(err, r, "cannot make %s: %s", l->static_os_release, strerror(-r)) : 0;
}

int layout_prepare_host(const struct layout *l, struct ec_err *err)
{
        int r = close_dir(l->profiles, err);

        if (r >= 0)
                r = close_dir(l->container_gcroots, err);
        return r < 0 ? r : make_static_os_release(l, err);
}
