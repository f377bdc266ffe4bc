/* SPDX-License-Identifier: MIT */
/* The program's own options, and which commands get them. */
#include "plugin/core_options.h"

#include "util/cleanup.h"

static const struct ec_option core_option_table[] = {
        { .name = "expr",
          .metavar = "EXPR",
          .help = "Use a Nix expression as the definition",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE,
          .short_name = 'E' },
        { .name = "attr",
          .metavar = "PATH",
          .help = "Use one attribute of the definition; for a flake, write REFERENCE#PATH instead",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE,
          .short_name = 'A' },
        { .name = "nixpkgs-path",
          .metavar = "EXPR",
          .help = "Build with this nixpkgs: a path, <name>, or any Nix expression that returns one",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
        { .name = "nixos-path",
          .metavar = "EXPR",
          .help = "Build with this NixOS source (nixos/ in nixpkgs) instead",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
        { .name = "build-args",
          .metavar = "ARG...",
          .help = "Pass all words that follow to nix-build; for a flake, --override-input and the like also work",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_REST },
        { .name = "print-build-logs",
          .help = "Show the full output of the builds",
          .scopes = EC_SCOPE_BUILD,
          .short_name = 'L' },
        { .name = "allow-degraded",
          .help = "Succeed even if units failed in a container that was started or updated, with a warning",
          .scopes = EC_SCOPE_START },
        { .name = "no-block",
          .help = "Do not wait until containers have started or stopped; a restart only waits for the stop",
          .scopes = EC_SCOPE_START },
        { .name = "quiet",
          .help = "Do not print which containers are started, updated, restarted or stopped",
          .scopes = EC_SCOPE_START,
          .short_name = 'q' },
        { .name = "timeout",
          .metavar = "TIME",
          .help = "Wait at most TIME for each start, which continues then, and for each stop, which is ended then",
          .scopes = EC_SCOPE_START,
          .arg = EC_ARG_ONE,
          .type = "duration" },
        { .name = "show-trace", .help = "Show where in the Nix code an error came from", .scopes = EC_SCOPE_BUILD },
        { .name = "config",
          .metavar = "FILE",
          .help = "Read FILE instead of the system's configuration; refused for root",
          .arg = EC_ARG_ONE },
        { .name = "verbose", .help = "Print each step", .short_name = 'v' },
        { .name = "debug", .help = "Print everything, for a bug report" },
        { .name = "help", .help = "Show help and exit", .short_name = 'h' },
};
const struct ec_array core_options = EC_ARRAY(core_option_table);

static const struct ec_option json_option_table[] = { { .name = "json", .help = "Print JSON" } };
const struct ec_array json_option = EC_ARRAY(json_option_table);
const struct ec_option option_version = { .name = "version", .help = "Show the version and exit" };

bool option_applies(const struct ec_option *o, const struct ec_command *c)
{
        return o == json_option_table ? c->flags & EC_CMD_LISTING : !o->scopes || o->scopes & c->scopes;
}
