# SPDX-License-Identifier: MIT
# For flakes that define containers.
#
# nixpkgs: what is used where the caller gives none. packageFor: system -> the program.
{ nixpkgs, packageFor, systems }:

let
  inherit (builtins) attrNames concatStringsSep elem filter foldl' head isAttrs mapAttrs typeOf;

  # Their types; null: it has a check of its own, further on.
  known = {
    system = [ "string" ];
    config = null;
    nixpkgs = [ "set" "path" "string" ];
    legacyInstallDirs = [ "bool" ];
    addRunner = [ "bool" ];
    specialArgs = [ "set" ];
    features = null;
  };
  required = [ "system" "config" ];

  # caller: the function that was called, for messages.
  evaluate = caller: runnerFor: args:
    let
      fail = msg: throw "extra-container: ${caller}: ${msg}";
      quoted = names: concatStringsSep ", " (map (n: "'${n}'") names);

      unknown = filter (n: !(known ? ${n})) (attrNames args);
      missing = filter (n: !(args ? ${n})) required;
      wrong = filter (n: known.${n} != null && !elem (typeOf args.${n}) known.${n}) (attrNames args);

      path = args.nixpkgs.outPath or args.nixpkgs or nixpkgs.outPath or nixpkgs;
      chosen = import ./features.nix { lib = import (path + "/lib"); features = args.features or null; };
    in
    if !isAttrs args then fail "its argument is ${typeOf args}, not a set"
    else if unknown != [ ] then fail "there is no argument '${head unknown}'; there are ${quoted (attrNames known)}"
    else if missing != [ ] then fail "argument '${head missing}' is missing"
    else if wrong != [ ] then
      fail "argument '${head wrong}' is ${typeOf args.${head wrong}}, not ${concatStringsSep " or " known.${head wrong}}"
    else if isAttrs path then fail "argument 'nixpkgs' is neither a flake nor a path; with a set of packages it is their 'path'"
    else
      import ./eval/eval-config.nix {
        definition = args.config;
        definitionName = "the containers' config";
        nixpkgsPath = path;
        inherit (args) system;
        inherit (chosen) args disabled modules;
        legacyInstallDirs = args.legacyInstallDirs or false;
        specialArgs = args.specialArgs or { };
        runner =
          if runnerFor == null || !(args.addRunner or true) then null
          else if !elem args.system systems then
            fail "there is no runner for system '${args.system}', only for ${quoted systems}; addRunner = false does without"
          else runnerFor args.system;
      };
in
{
  supportedSystems = systems;

  # f: system -> { packages = ...; }; the result has the systems below, as outputs of a flake do.
  eachSupportedSystem = f: foldl'
    (all: system: all // mapAttrs (name: value: (all.${name} or { }) // { ${system} = value; }) (f system))
    { }
    systems;

  # config: the definition, a module or a file. The result has `config`, `containers`, and `etc`, what is installed.
  evalContainers = evaluate "evalContainers" null;

  # The etc output, with `config` and `containers`; and with bin/container, which is the program for these containers.
  buildContainers = args:
    let
      result = evaluate "buildContainers" (system: "${packageFor system}/bin/extra-container") args;
    in
    result.etc // {
      meta.mainProgram = "container";
      inherit (result) config containers;
    };
}
