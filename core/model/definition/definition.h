/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_op;
struct ec_err;
/* What to build, according to the command line. */
enum definition_kind { DEFINITION_FILE, DEFINITION_TEXT, DEFINITION_OUTPUT, DEFINITION_FLAKE };
struct definition {
        enum definition_kind kind;
        char *path;    /* FILE: absolute; TEXT: the private copy; OUTPUT: the store path; FLAKE: its reference, */
        char *dir;     /* relative to this directory, or NULL for the working directory, */
        char *attr;    /* and what comes after the '#', or "" */
        char *display; /* what messages call it */
        char **names;  /* the selected containers, or NULL */
};
int definition_parse(struct ec_op *op, struct definition *ret, struct ec_err *err);
/* Is the output that a flake gave a build output with containers? */
int definition_check_output(const char *display, const char *path, struct ec_err *err);
void definition_done(struct definition *d);
