/* SPDX-License-Identifier: MIT */
#include "model/deploy/install.h"

#include <string.h>

#include "model/containers/links.h"
#include "model/containers/owner.h"
#include "model/containers/pending.h"
#include "model/deploy/compare.h"
#include "model/deploy/deploy.h"
#include "model/deploy/deployment.h"
#include "model/deploy/host_reload.h"
#include "model/deploy/ignored_settings.h"
#include "model/deploy/recover.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "model/operation/tmp_dir.h"
#include "svc/nix/nix.h"
#include "svc/nix/store.h"
#include "svc/process/env.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static int make_dirs(const struct layout *l, const struct deployment *d, struct ec_err *err)
{
        _cleanup_free_ char *wants = fs_join(l->units, "machines.target.wants");
        int r = wants ? layout_make_dir(l->units, err) : err_oom(err);

        for (size_t i = 0; r >= 0 && i < d->list.n; i++) {
                const struct ec_container *c = d->list.items[i];

                /* The list is sorted by name, so this repeats only where the layout changes. */
                if (i == 0 || c->legacy != d->list.items[i - 1]->legacy)
                        r = layout_make_dir(c->legacy ? l->conf_legacy : l->conf, err);
                if (r >= 0 && c->auto_start)
                        r = layout_make_dir(wants, err);
        }
        return r < 0 ? r : layout_prepare_host(l, err);
}

/* Checked before anything is changed: systemd answers, and loads units from our directory. */
static int check_systemd(struct ec_op *op, struct ec_err *err)
{
        const struct layout *l = op->layout;
        struct systemd *s;
        struct sd_bus *bus;
        int r;

        if (layout_offline(op->layout))
                return 0;
        r = op_systemd(op, &s, err);
        if (r >= 0)
                r = systemd_bus(s, &bus, err);
        if (r < 0 || !strcmp(l->units, "/etc/systemd/system"))
                return r < 0 ? r : 0;
        r = systemd_has_unit_dir(s, l->units, err);
        if (r != 0)
                return r < 0 ? r : 0;
        if (l->nixos)
                return err_set(err, -ENOENT,
                               "systemd does not load units from %s; add this to the configuration of the host and "
                               "rebuild it: "
                               "programs.extra-container.enable = true; or, without its module, "
                               "boot.extraSystemdUnitPaths = [ \"%s\" ];",
                               l->units, l->units);
        return err_set(err, -ENOENT, "systemd does not load units from %s ([paths] units)", l->units);
}

/* The unit comes last: until then the container counts as changed, and the next run repairs it. */
static int set_links(const struct change *ch, struct links *links, struct ec_err *err)
{
        const struct ec_container *c = ch->c;
        _cleanup_free_ char *wants_target = fs_join("..", c->unit);
        int r;

        if (!wants_target)
                return err_oom(err);
        /* Most containers neither have nor want such a link. */
        r = c->auto_start || ch->wants_differs || ch->old_wants_path
                    ? links_set(links, c->wants_path, c->auto_start ? wants_target : NULL, err)
                    : 0;
        if (r >= 0)
                r = links_set(links, c->conf_path, c->conf_target, err);
        if (r >= 0)
                r = links_set(links, c->unit_path, c->unit_target, err);
        return r;
}

static int drop_old_links(const struct change *ch, struct links *links, struct ec_err *err)
{
        const char *const old[] = { ch->old_wants_path, ch->old_conf_path, ch->old_unit_path };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(old); i++)
                if (old[i])
                        r = links_set(links, old[i], NULL, err);
        return r;
}

/* State is never moved automatically: it may be large, or belong to another container by now. */
static void tell_old_state(const struct ec_op *op, const struct change *ch)
{
        const struct layout *l = op->layout;
        _cleanup_free_ char *old = ch->old_conf_path ? fs_join(ch->c->legacy ? l->state : l->state_legacy, ch->c->name)
                                                     : NULL;

        if (old && !access(old, F_OK))
                log_warn("container '%s' has its root in %s now; the one in %s stays as it is", ch->c->name,
                         ch->c->state_path, old);
}

/* They may be what remains of another container of this name. */
static void tell_files(const struct change *ch)
{
        if (ch->c->change == EC_CHANGE_NEW && fs_has_entries(ch->c->state_path))
                log_notice("container '%s' uses the files that are already in %s", ch->c->name, ch->c->state_path);
}

static bool differs(const struct change *ch)
{
        return ch->c->change != EC_CHANGE_NONE || ch->wants_differs;
}

/* The hook is also called for an unchanged container: an earlier run may have been killed before it, and its note is
 * gone after a reboot. */
static int install_one(struct ec_op *op, struct change *ch, struct ec_err *err)
{
        bool noted = !ch->boot_only && (ch->c->change == EC_CHANGE_UPDATE || ch->c->change == EC_CHANGE_RESTART);
        uint32_t pending = noted ? pending_get(op->layout, ch->c->name) : EC_CHANGE_NONE;
        struct links links = { 0 };
        int r = 0;

        if (noted)
                r = pending_set(op->layout, ch->c->name, ch->c->change, err);
        if (r >= 0 && differs(ch))
                r = set_links(ch, &links, err);
        if (r >= 0 && differs(ch))
                r = drop_old_links(ch, &links, err);
        if (r >= 0)
                r = hooks_installed(op, ch->c, err);
        if (r >= 0) {
                links_done(&links);
                tell_old_state(op, ch);
                tell_files(ch);
                return 0;
        }
        interrupt_hold();
        links_undo(&links);
        if (noted && pending == EC_CHANGE_NONE)
                pending_clear(op->layout, ch->c->name);
        interrupt_release();
        return r == -ECANCELED ? r : err_prefix(err, "container '%s'", ch->c->name);
}

static int install_all(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        int r;

        for (size_t i = 0; i < d->list.n; i++) {
                struct change *ch = &d->changes[i];

                r = interrupt_check(err);
                if (r >= 0)
                        r = install_one(op, ch, err);
                if (r < 0)
                        return r;
                if (i == 0)
                        op_result(op, "Installing containers:\n");
                op_result(op, ch->c->change == EC_CHANGE_NONE ? "%s (unchanged, skipped)\n" : "%s\n", ch->c->name);
        }
        return 0;
}

/* Before the first link is made, notes the containers in case this run is killed. */
static int note_changes(struct ec_op *op, const struct deployment *d, char **unfinished, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        int r = unfinished && strv_extend(&names, STRV_CONST(unfinished)) < 0 ? -ENOMEM : 0;

        for (size_t i = 0; i < d->list.n && r >= 0; i++)
                if (differs(&d->changes[i]))
                        r = strv_push(&names, d->list.items[i]->name);
        return r < 0 ? err_oom(err) : pending_reload_set(op->layout, STRV_CONST(names), err);
}

static int veto(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        for (size_t i = 0; i < d->list.n; i++) {
                int r = d->changes[i].c->change == EC_CHANGE_NONE ? 0 : hooks_pre_install(op, d->changes[i].c, err);

                if (r < 0)
                        return err_prefix(err, "container '%s'", d->changes[i].c->name);
        }
        return 0;
}

/* Registers a temporary gc root for a given store path, which also protects it from a collection that is running. */
static int hold_output(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        const char *dir;
        int r;

        if (d->definition.kind != DEFINITION_OUTPUT || layout_offline(op->layout))
                return 0;
        r = op_tmp_dir(op, &dir, err);
        if (r < 0)
                return r;
        r = nix_hold_path(d->output, dir, err);
        if (r == -ENOENT && !proc_find("nix-store", NULL)) {
                err_done(err);
                return 0; /* without Nix there are no collections */
        }
        return r;
}

static int check_owners(struct ec_op *op, const struct deployment *d, struct ec_err *err)
{
        int r = 0;

        if (!owner_any(op->layout))
                return 0;
        for (size_t i = 0; i < d->list.n && r >= 0; i++)
                r = owner_check(op->layout, d->list.items[i]->name, err);
        for (size_t i = 0; i < d->list.n && r >= 0; i++)
                owner_forget(op->layout, d->list.items[i]->name);
        return r;
}

static void warn_of_store(const struct ec_op *op)
{
        uid_t owner = nix_store_owner();

        if (!registry_provides(op->registry, EC_PROVIDES_GCROOT))
                log_warn("no plugin protects installed containers from Nix's garbage collector, which may delete their "
                         "systems");
        if (owner)
                log_warn("the Nix store belongs to user %u, who can change what root's systemd runs of installed "
                         "containers, and so become root; use a multi-user installation of Nix",
                         owner);
}

/* A run that was killed before it made the link, or removed it, leaves no note after a reboot. */
static bool boot_link_wrong(const struct layout *l, const struct deployment *d)
{
        if (links_boot_stale(l))
                return true;
        for (size_t i = 0; i < d->list.n; i++)
                if (d->list.items[i]->auto_start && !d->changes[i].old_unit_path)
                        return links_boot_missing(l);
        return false;
}

static int install_locked(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        _cleanup_err_ struct ec_err later = { 0 };
        _cleanup_strv_ char **unfinished = NULL, **left = NULL;
        bool reload, change, units = false;
        uint64_t since;
        int r = check_owners(op, d, err), k;

        if (r >= 0)
                r = compare_all(op->layout, d, err);
        tmp_dir_sweep(op->layout);
        if (r >= 0)
                r = pending_unfinished(op->layout, &unfinished, err);
        if (r < 0)
                return r;
        change = reload = pending_reload(op->layout) || boot_link_wrong(op->layout, d);
        for (size_t i = 0; i < d->list.n; i++) {
                change |= differs(&d->changes[i]);
                units |= differs(&d->changes[i]) && d->changes[i].unit_differs;
        }
        if (!change)
                return install_all(op, d, err);

        recover_temp(op);
        r = units || reload ? check_systemd(op, err) : 0;
        if (r >= 0)
                r = hold_output(op, d, err);
        if (r >= 0)
                r = veto(op, d, err);
        if (r < 0)
                return r;
        warn_of_store(op);
        r = make_dirs(op->layout, d, err);
        if (r >= 0 && units)
                r = note_changes(op, d, unfinished, err);
        if (r < 0)
                return r;
        r = install_all(op, d, err);
        if (r >= 0)
                r = recover_hooks(op, unfinished, &d->list, &left, err);

        /* systemd reads the links that were made, also after a failure. */
        since = clock_realtime_usec();
        interrupt_hold();
        k = units || reload ? host_reload(op, r < 0 ? unfinished : left, &later) : 0;
        interrupt_release();
        if (r >= 0 && k < 0) {
                err_move(err, &later);
                return k;
        }
        if (r >= 0 && units && !layout_offline(op->layout))
                ignored_settings_warn(op, d, since);
        return r;
}

int deploy_install(struct ec_op *op, struct ec_err *err)
{
        struct deployment *d;
        int r = deploy_load(op, &d, err);

        if (r < 0 || d->installed)
                return r < 0 ? r : 0;
        r = layout_offline(op->layout) ? 0 : layout_check_host(op->layout, err);
        if (r >= 0)
                r = op_lock(op, err);
        if (r < 0)
                return r;
        r = install_locked(op, d, err);
        op_unlock(op);
        d->installed = r >= 0;
        return r;
}
