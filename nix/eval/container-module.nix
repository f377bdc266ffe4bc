# SPDX-License-Identifier: MIT
# NixOS' nixos-containers.nix as a module of our own evaluation: what it reads
# of the host, the narrowed view of `containers`, and the additions of feature
# modules to a container's system.
#
# Feature modules add to the system of a container with
#
#   options.containers = lib.mkOption {
#     type = lib.types.attrsOf (lib.types.submodule ({ config, ... }: {
#       config.extra.modules = lib.mkIf config.extra.foo [ { services.foo.enable = true; } ];
#     }));
#   };
#
# and never by defining `config` there: a definition of `config` is what tells
# NixOS that a container is not defined by `path` or `flake`, so one of ours
# would make those two unusable. `extra.modules` is handed to the evaluation of
# `config` when that takes place, and has no effect on other containers. A
# container with none of config, path and flake is made of `extra.modules` alone.
{ lib, view, fail }:

let
  inherit (builtins) head isAttrs isString hasContext substring stringLength;
  inherit (lib) functionArgs isFunction mkOption setFunctionArgs types;

  # Calls `post args result` on whatever a module gives.
  mapModule = names: pre: post: module:
    let
      m = if isFunction module || isAttrs module then module else import module;
    in
    if isFunction m then setFunctionArgs (args: post args (m (pre args))) (functionArgs m // names)
    else setFunctionArgs (args: post args m) names;

  inStore = p: substring 0 (stringLength builtins.storeDir + 1) p == builtins.storeDir + "/";

  # The settings name the system as text: a path in the store becomes a reference
  # (else a garbage collection could delete it), and no path is copied there.
  systemPath = p:
    let
      s = toString p;
    in
    if isAttrs p || isString p && hasContext p then p
    else if !inStore s then s
    else if builtins ? currentSystem then builtins.storePath s
    # Pure evaluation.
    else builtins.appendContext s { ${topStorePath s} = { path = true; }; };
  topStorePath = p: "${builtins.storeDir}/${head (lib.splitString "/" (lib.removePrefix "${builtins.storeDir}/" p))}";

  additions = args: map (value: { file = "extra-container"; inherit value; }) args.config.extra.modules;

  patchSubmodule = nixpkgs: args: result:
    let
      configOption = result.options.config;
      # NixOS passes the bare values on; with their file an error can name it.
      locate = d: d // lib.optionalAttrs (isAttrs d.value || isFunction d.value) { value = { _file = d.file; imports = [ d.value ]; }; };
      merge = loc: defs: configOption.type.merge loc (map locate defs ++ additions args);
      patched = {
        config = configOption // { type = configOption.type // { inherit merge; }; };
        path = result.options.path // {
          # Only used if nothing defines `config`, `path` or `flake`.
          default = (merge [ "containers" args.name "config" ] [ ]).system.build.toplevel;
          defaultText = "the system that `config` defines";
          apply = systemPath;
        };
        extra = result.options.extra or { } // {
          modules = mkOption {
            type = types.listOf types.unspecified;
            default = [ ];
            description = ''
              NixOS modules that are added to `config`. They have no effect on
              a container that is defined by `path` or `flake`.
            '';
          };
        };
      } // lib.optionalAttrs (nixpkgs != null && result.options ? nixpkgs) {
        nixpkgs = result.options.nixpkgs // { default = nixpkgs; };
      };
    in
    if result ? options && result.options ? config && result.options ? path && configOption ? type
    then result // { options = result.options // patched; }
    else result;

  patchContainers = nixpkgs: result:
    let
      option = result.options.containers;
      subs = option.type.getSubModules or null;
      names = { config = false; name = false; };
      type = option.type.substSubModules (map (mapModule names (a: a) (patchSubmodule nixpkgs)) subs);
    in
    if !(result ? options) || !(result.options ? containers) then
      fail "this nixpkgs' NixOS module for containers declares no option 'containers'"
    else if subs == null then result
    else result // { options = result.options // { containers = option // { inherit type; }; }; };
in
{
  # file: of the NixOS module. nixpkgs: default of containers.*.nixpkgs, or null.
  nixos = { file, nixpkgs }:
    mapModule { config = false; } view
      (args: result: patchContainers nixpkgs result // { _file = toString file; })
      file;

  # A feature module; it sees the same host and the same containers.
  feature = { file, module }:
    mapModule { config = false; } view
      (args: result: { _file = file; } // result)
      module;
}
