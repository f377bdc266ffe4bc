/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "model/containers/containers.h"
struct ec_err;
struct layout;
/* Notes that a container runs an older system than the installed one. A note is kept until the container, or the host,
 * is started again. */
int pending_set(const struct layout *l, const char *name, uint32_t change, struct ec_err *err);
uint32_t pending_get(const struct layout *l, const char *name); /* EC_CHANGE_NONE, _UPDATE or _RESTART */
void pending_clear(const struct layout *l, const char *name);
/* A start takes long and runs without the lock, so another run may write a note meanwhile, which must be kept. */
struct pending_mark {
        uint64_t dev, ino, sec, nsec;
}; /* identifies a note; all 0: there was none */
struct pending_mark pending_mark(const struct layout *l, const char *name);
/* Removes the note, unless another one was written since the mark. */
void pending_clear_marked(const struct layout *l, const char *name, const struct pending_mark *before);
/* Notes that links of these containers change, before systemd and the plugins learn about it: the note survives a run
 * that is killed. */
int pending_reload_set(const struct layout *l, const char *const *names, struct ec_err *err);
void pending_reload_clear(const struct layout *l);
bool pending_reload(const struct layout *l);
/* The names that an earlier run noted and did not complete; a new vector. NULL: there is no such note. */
int pending_unfinished(const struct layout *l, char ***ret, struct ec_err *err);
