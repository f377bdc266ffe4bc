/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_op;
struct ec_err;
/* What the command line says is to be built. */
enum definition_kind { DEFINITION_FILE, DEFINITION_TEXT, DEFINITION_OUTPUT, DEFINITION_FLAKE };
struct definition {
        enum definition_kind kind;
        char *path;    /* FILE: absolute; TEXT: the private copy; OUTPUT: the store path; FLAKE: its reference, */
        char *dir;     /* as seen from here, or NULL: where we are, */
        char *attr;    /* and what stands behind the '#', or "" */
        char *display; /* what messages call it */
        char **names;  /* that narrow, or NULL */
};
int definition_parse(struct ec_op *op, struct definition *ret, struct ec_err *err);
/* Is what a flake gave a build output with containers? */
int definition_check_output(const char *display, const char *path, struct ec_err *err);
void definition_done(struct definition *d);
