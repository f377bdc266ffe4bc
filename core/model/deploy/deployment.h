/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/containers/containers.h"
#include "model/definition/definition.h"
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <stdbool.h>
#include <stdint.h>
/* What the phases of one operation share: model/deploy/deploy.c and its neighbours only. */

enum change_state {
        CHANGE_NONE, /* unit and conf resolve to what is installed */
        CHANGE_NEW,
        CHANGE_UPDATE,  /* only SYSTEM_PATH differs: the running system can switch */
        CHANGE_RESTART, /* anything else differs */
};
struct change {
        struct ec_container *c; /* of the deployment's list */
        enum change_state state;
        char *old_unit_path; /* where it is installed until now, if in another place */
        char *old_wants_path;
        char *old_conf_path;
        bool wants_differs; /* its link in machines.target.wants is not as it should be */
        bool unit_differs;  /* systemd has to read its unit anew */
};

struct deployment {
        bool parsed, built, installed;
        struct definition definition;
        char *output; /* store path; held by a root below op->tmp.path if we built it */
        struct ec_eval *eval;
        bool prebuilt; /* a flake builds its output, and knows no names before */
        bool loaded;
        struct container_list list;
        struct change *changes; /* one a container, in the same order */
};
int deployment_get(struct ec_op *op, struct deployment **ret, struct ec_err *err);
/* Reads the containers of the output; builds it first. */
int deployment_load(struct ec_op *op, struct deployment **ret, struct ec_err *err);
/* Names that the definition defines, without a build where that is possible. */
int deployment_names(struct ec_op *op, char ***ret, struct ec_err *err);

/* model/deploy/compare.c: what installing would change. Touches nothing. */
int compare_all(const struct ec_op *op, struct deployment *d, struct ec_err *err);

/* model/containers/pending.c: notes that a container runs on something older than is installed. They live until it is started anew, or the host is. */
int pending_set(const struct ec_op *op, const char *name, enum change_state state, struct ec_err *err);
enum change_state pending_get(const struct ec_op *op, const char *name);
void pending_clear(const struct ec_op *op, const char *name);
/* A start takes long, and is not under the lock: what is noted meanwhile, by another run, is not made good by it. */
struct pending_mark {
        uint64_t dev, ino, sec, nsec;
}; /* of the note that was there before; all 0: none */
struct pending_mark pending_mark(const struct ec_op *op, const char *name);
void pending_settle(const struct ec_op *op, const char *name, const struct pending_mark *before);
/* Links of these containers change, and neither systemd nor all plugins know yet: survives a run that was killed. */
int pending_reload_set(const struct ec_op *op, const char *const *names, struct ec_err *err);
void pending_reload_clear(const struct ec_op *op);
bool pending_reload(const struct ec_op *op);
/* Those that an earlier run did not get through with; new. */
int pending_unfinished(const struct ec_op *op, char ***ret, struct ec_err *err);

/* model/containers/links.c: symlinks of one container, which can be put back as they were. */
struct links {
        struct link {
                char *path, *old;
        } items[16];
        size_t n;
};
int links_set(struct links *l, const char *path, const char *target, struct ec_err *err); /* target NULL: removes it */
void links_undo(struct links *l);
void links_done(struct links *l);
/* machines.target is wanted at boot while a container is wanted by it. Returns 1 if a link changed. */
int links_machines_target(const struct ec_op *op, struct ec_err *err);

/* model/deploy/report.c: what went wrong, container by container. */
struct report {
        char **failures;
        size_t n;
};
void report_done(struct report *r);
int report_add(struct report *r, struct ec_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* All of it: 0, or -EIO with the one failure, or with their number after each was logged. */
int report_result(struct report *r, size_t of, const char *what, struct ec_err *err);
/* Why a unit did not start: failed units inside, or those that it waited for if its time was over, last lines of
 * the journals, of its first try since then; to stderr. */
void report_unit(struct ec_op *op, const struct ec_container *c, uint64_t since_usec, bool timed_out);
void report_failed_inside(struct ec_op *op, const struct ec_container *c);
uint64_t report_now(void);

/* The state of a unit among sorted ones, and its ActiveState; what is absent (NULL) is inactive. */
struct unit_state;
const struct unit_state *unit_state_find(const struct unit_state *states, size_t n, const char *unit);
const char *unit_active(const struct unit_state *states, size_t n, const char *unit);

/* Below another root than the host's own, its systemd has no part. */
int host_reload(struct ec_op *op, struct ec_err *err); /* daemon-reload; settles pending_reload() */
