/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
struct layout;

/* One container, of an etc output or installed. */
struct ec_container {
        char *name;
        char *unit;      /* container@NAME.service */
        char *unit_path; /* the link that is or would be installed */
        char *conf_path;
        char *wants_path; /* in machines.target.wants of the unit's directory */
        char *state_path;
        char *run_path;    /* of an ephemeral one: there while it runs */
        char *unit_target; /* store path the link (or the etc output) points at; NULL: none */
        char *conf_target;
        uint32_t origin; /* EC_ORIGIN_* */
        uint32_t change; /* EC_CHANGE_*; set by comparing it with what is installed */
        bool auto_start;
        bool legacy; /* conf and state in the older places */
        char **conf; /* "KEY=VALUE" of the conf file, parsed at first use */
        bool conf_loaded;
};
struct container_list {
        struct ec_container **items;
        size_t n;
};
/* Fills in the paths that follow from its name; units is the directory of its unit. -ENOMEM. */
int container_new(const struct layout *l, const char *name, const char *units, bool legacy, struct ec_container **ret);
void container_free(struct ec_container *c);
void container_list_done(struct container_list *l);
/* Fills in a container, and returns 1; 0: it is left out. */
typedef int (*container_find_fn)(void *data, const char *name, struct ec_container **ret, struct ec_err *err);
/* A list of the containers that find() returns for these names, sorted by name and without duplicates. */
int container_list_fill(struct container_list *ret, const char *const *names, container_find_fn find, void *data,
                        struct ec_err *err);
const char *container_root(const struct ec_container *c); /* state_path, or run_path of an ephemeral one that runs */
char *conf_file_path(const struct layout *l, const char *name, bool legacy); /* new; NULL: no memory */
/* The target of a link into the store, which this program makes. -EINVAL: it is something else. */
int container_store_link(const char *path, char **ret);
const char *container_conf_get(const struct ec_container *c, const char *key);

/* systemd's EnvironmentFile syntax: comments, quotes, continuation lines. "KEY=VALUE" each. */
int envfile_parse(const char *text, char ***ret);

/* All containers that this program installed in the unit directories, sorted by name. */
int containers_installed(const struct layout *l, struct container_list *ret, struct ec_err *err);
int container_installed(const struct layout *l, const char *name, struct ec_container **ret,
                        struct ec_err *err); /* -ENOENT */
/* Sets the error of a name that is not installed: -ENOENT with the nearest one that is. */
int container_unknown(const struct layout *l, const char *name, struct ec_err *err);
/* The same with a check of the name, and with the error of container_unknown(). */
int containers_find(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err);
/* Is it a container of the host's own configuration? */
bool container_is_declarative(const struct layout *l, const char *name);
/* The containers of an etc output (or a NixOS system), sorted by name; only those in names, if given. */
int containers_of_output(const struct layout *l, const char *store_path, const char *const *names,
                         struct container_list *ret, struct ec_err *err);
