/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/definition/definition.h"
struct nix;

struct flake {
        char *source;   /* its copy in the store, held by a gc root */
        char *original; /* the user's own tree, or NULL */
        char *file;     /* what `nix flake metadata --json` said, for eval-config.nix */
};
/* Fetches the flake of a definition; Nix resolves its inputs. */
int flake_fetch(struct nix *n, const struct definition *def, struct flake *ret, struct ec_err *err);
void flake_done(struct flake *f);
