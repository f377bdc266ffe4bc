/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_op; struct ec_err;
/* What the command line says is to be built. Flake references are going to be
 * a kind of their own: see is_flake_reference() in definition.c. */
enum definition_kind { DEFINITION_FILE, DEFINITION_TEXT, DEFINITION_OUTPUT };
struct definition {
        enum definition_kind kind;
        char *path;     /* FILE: absolute; TEXT: the private copy; OUTPUT: the store path */
        char *display;  /* what messages call it */
        char **names;   /* that narrow, or NULL */
};
int definition_parse(struct ec_op *op, struct definition *ret, struct ec_err *err);
void definition_done(struct definition *d);
