/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct conf;
struct ec_err;
/* The paths of this host: from [paths], or else by kind of host. All are below root. */
struct layout {
        bool nixos;                         /* there is /run/booted-system/nixos-version */
        bool legacy;                        /* the template unit's EnvironmentFile is that of NixOS before 22.05 */
        char *root;                         /* "" or a prefix without a trailing slash: for tests */
        char *units;                        /* where unit links are made */
        char **units_also;                  /* other places where earlier installations put them */
        char *conf, *conf_legacy;           /* /etc/nixos-containers, /etc/containers */
        char *state, *state_legacy;         /* /var/lib/nixos-containers, /var/lib/containers */
        char *profiles, *container_gcroots; /* /nix/var/nix/{profiles,gcroots}/per-container */
        char *gcroots;                      /* /nix/var/nix/gcroots/auto */
        char *run, *run_legacy;             /* /run/nixos-containers; /run/containers */
        char *run_state;                    /* /run/extra-container: root's own, mode 0700, with */
        char *lock, *tmp;                   /* lock, tmp/ for temporary directories, and */
        char *pending; /* pending/: a file for each container that runs an older system than the installed one */
        char *journal; /* /var/log/journal: containers' journals are linked there */
        char *data;    /* the program's own read-only files: eval-config.nix below nix/ */
        char *static_os_release; /* /etc/static/os-release */
};
int layout_init(struct layout *l, struct conf *c, struct ec_err *err);
void layout_done(struct layout *l);
const char *layout_path(const struct layout *l, const char *what); /* as struct ec_conf_api.path */
/* Below a root other than the host's own, systemd is not contacted. */
bool layout_offline(const struct layout *l);
extern const struct ec_array layout_settings;              /* [paths] */
int layout_make_dir(const char *path, struct ec_err *err); /* with those above it */
/* Makes run_state and one of the directories in it (NULL: none), which only their owner can enter. */
int layout_make_run_state(const struct layout *l, const char *dir, struct ec_err *err);
/* Checks what a host other than NixOS must have, and names what is missing. */
int layout_check_host(const struct layout *l, struct ec_err *err);
/* Makes what containers expect of a host, and closes directories in which they can write to other users. */
int layout_prepare_host(const struct layout *l, struct ec_err *err);
