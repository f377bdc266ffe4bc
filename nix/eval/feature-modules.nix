# SPDX-License-Identifier: MIT
# Feature modules, which plugins bring, and the options of features that are disabled.
#
# modules: absolute paths (strings or paths) or modules. disabled: option below containers.<name> -> feature.
# howToEnable: feature -> what the error of its options says to do.
{ lib, modules, disabled, howToEnable, fail }:

let
  inherit (builtins) filter head isString pathExists substring typeOf;

  toPath = s: /. + builtins.unsafeDiscardStringContext s;

  load = m:
    if isString m && substring 0 1 m != "/" then fail "feature module '${m}' is not an absolute path"
    else if isString m && !pathExists (toPath m) then fail "no such feature module: ${m}"
    else if isString m then import (toPath m)
    else if typeOf m == "path" then import m
    else m;

  # Any value but null is an error.
  disabledOption = option: feature: lib.setAttrByPath (lib.splitString "." option) (lib.mkOption {
    type = lib.mkOptionType {
      name = "option of plugin ${feature}, which is disabled";
      merge = loc: defs:
        let
          set = filter (d: d.value != null) defs;
        in
        if set == [ ] then null
        else fail ("${lib.showOption loc}: plugin ${feature} is disabled (defined in ${(head set).file}); "
          + howToEnable feature);
    };
    default = null;
    internal = true;
  });
in
rec {
  # [ { file, module } ]
  list = map
    (m: {
      file = if isString m || typeOf m == "path" then toString m else "feature module";
      module = load m;
    })
    modules;

  # Whether a definition in this file is one of a feature module.
  defines = file: lib.any
    (m: file == m.file || lib.hasPrefix "/" m.file && lib.hasPrefix "${dirOf m.file}/" file)
    list;

  # Modules of each container.
  containerModules = map (options: { inherit options; }) (lib.mapAttrsToList disabledOption disabled);

  # Paths of options that nothing else reads: their values must be forced for errors to show.
  unread = [ [ "extra" ] ] ++ map (lib.splitString ".") (lib.attrNames disabled);
}
