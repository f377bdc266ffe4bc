# SPDX-License-Identifier: MIT
# Makes nixos-containers.nix a module of this evaluation: it sees the host of host-config.nix and the containers that
# are evaluated, and feature modules can add NixOS modules to the system of a container:
#
#   options.containers = lib.mkOption {
#     type = lib.types.attrsOf (lib.types.submodule ({ config, ... }: {
#       config.extra.modules = lib.mkIf config.extra.foo [ { services.foo.enable = true; } ];
#     }));
#   };
#
# They must not define `config` instead: its definition is how NixOS knows that a container is not defined by `path`
# or `flake`, so those two would become unusable. `extra.modules` are part of the evaluation of `config` and have no
# effect on containers without one. A container with none of config, path and flake consists of `extra.modules` only.
#
# modulesPath: the directory of NixOS's modules.
{ lib, view, modulesPath, fail }:

let
  inherit (builtins) attrNames head isAttrs isString hasContext pathExists substring stringLength;
  inherit (lib) functionArgs isFunction mkOption setFunctionArgs types;

  # Makes a module of `module` that sees `pre module args` and whose result is `post args result`.
  mapModule = names: pre: post: module:
    let
      m = if isFunction module || isAttrs module then module else import module;
    in
    if isFunction m then setFunctionArgs (args: post args (m (pre m args))) (functionArgs m // names)
    else setFunctionArgs (args: post args m) names;

  inStore = p: substring 0 (stringLength builtins.storeDir + 1) p == builtins.storeDir + "/";

  # The conf file has the system as text: a store path gets a context, so that the garbage collector keeps it; other
  # paths must not be copied into the store.
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

  # Does this NixOS leave it to us to change how its option `warnings` is read?
  warningsAreFree = modules:
    let
      file = "${modules}/misc/assertions.nix";
      module = import file;
      formals = functionArgs module;
      options = (module { inherit lib; }).options or { };
    in
    pathExists file && isFunction module && lib.all (n: n == "lib" || formals.${n}) (attrNames formals)
    && options ? warnings && !(options.warnings ? apply);

  # NixOS's warnings do not name the container.
  named = { config, name, ... }:
    let
      modules = if config ? nixpkgs then "${toString config.nixpkgs}/nixos/modules" else modulesPath;
    in
    lib.optional (warningsAreFree modules) {
      options.warnings = mkOption { apply = map (text: "container '${name}': ${text}"); };
    };

  additions = args: map (value: { file = "extra-container"; inherit value; }) (args.config.extra.modules ++ named args);

  patchSubmodule = nixpkgs: args: result:
    let
      configOption = result.options.config;
      # NixOS drops the file of a definition, which errors should name.
      locate = d: d // lib.optionalAttrs (isAttrs d.value || isFunction d.value) {
        value = { _file = d.file; imports = [ d.value ]; };
      };
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

  patchContainers = nixpkgs: isTop: result:
    let
      option = result.options.containers;
      subs = option.type.getSubModules or null;
      names = { config = false; name = false; };
      type = option.type.substSubModules (map (mapModule names (_: a: a) (patchSubmodule nixpkgs)) subs);
    in
    # It may import the file that declares the option.
    if !(result ? options.containers) && !(result ? imports) && isTop then
      fail "the NixOS module for containers of this nixpkgs declares no option 'containers'"
    else if !(result ? options.containers) || subs == null then result
    else result // { options = result.options // { containers = option // { inherit type; }; }; };

  # A module that sees the host. What it imports sees the same, and counts as a part of it.
  viewed = post: isTop: module:
    let
      withImports = result: result // lib.optionalAttrs (result ? imports) {
        imports = map (viewed post false) result.imports;
      };
    in
    mapModule { config = false; options = false; } view (args: result: withImports (post isTop result)) module;
in
{
  # file: of the NixOS module. nixpkgs: default of containers.*.nixpkgs, or null.
  nixos = { file, nixpkgs }:
    viewed (isTop: result: patchContainers nixpkgs isTop result // { _file = toString file; }) true file;

  # A feature module, which sees the same host and the same containers.
  feature = { file, module }: viewed (_: result: { _file = file; } // result) true module;
}
