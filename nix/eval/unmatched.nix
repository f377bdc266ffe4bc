# SPDX-License-Identifier: MIT
# Definitions for which no option is declared: they are collected instead of rejected, so that no NixOS option needs to
# be listed here.
{ lib }:

let
  inherit (builtins) attrNames filter isAttrs;

  hasFreeform = (lib.evalModules { modules = [ ]; }).options._module ? freeformType;

  # The names are fixed, so that the module system does not look into the values.
  type = lib.mkOptionType {
    name = "definitions without an option";
    merge = loc: defs: { _unmatched = defs; };
  };

  # Before nixpkgs 20.09, the library gives the names of definitions, but not their values.
  old = prefix: set:
    if !isAttrs set || lib.isOption set then [ ]
    else
      lib.concatMap
        (m: map (n: { inherit (m) file; path = prefix ++ [ n ]; }) (filter (n: !(set ? ${n})) m.names))
        (set._definedNames or [ ])
      ++ lib.concatMap
        (n: old (prefix ++ [ n ]) set.${n})
        (filter (n: n != "_definedNames" && n != "_module") (attrNames set));
in
{
  # Added to a module, `of` gives what was collected: [ { file, value } ], or before nixpkgs 20.09 [ { file, path } ].
  module =
    if hasFreeform then { _module.freeformType = type; }
    else { options, ... }: {
      options._unmatched = lib.mkOption { internal = true; visible = false; default = old [ ] options; };
      config._module.check = false;
    };
  of = config: config._unmatched or [ ];
}
