# SPDX-License-Identifier: MIT
# Functions for flakes that define containers.
#
# nixpkgs: the default for callers that pass none. packageFor: system -> the program.
{ nixpkgs, packageFor, systems }:

let
  inherit (builtins) attrNames concatStringsSep elem filter foldl' head isAttrs mapAttrs typeOf;

  # The arguments and their types; those with null are checked where they are used.
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

  typeName = import ./eval/type-name.nix;
  article = type: { set = "an attribute set"; bool = "a boolean"; }.${type} or "a ${type}";

  # caller: the name of the function that was called, for messages.
  evaluate = caller: runnerFor: args:
    let
      fail = msg: throw "extra-container: ${caller}: ${msg}";
      quoted = names: concatStringsSep ", " (map (n: "'${n}'") names);

      unknown = filter (n: !(known ? ${n})) (attrNames args);
      missing = filter (n: !(args ? ${n})) required;
      wrong = filter (n: known.${n} != null && !elem (typeOf args.${n}) known.${n}) (attrNames args);
      wrongText = n:
        "argument '${n}' is ${typeName args.${n}}, not ${concatStringsSep " or " (map article known.${n})}";

      path = args.nixpkgs.outPath or args.nixpkgs or nixpkgs.outPath or nixpkgs;
      chosen = import ./features.nix { lib = import (path + "/lib"); features = args.features or null; };
    in
    if !isAttrs args then fail "its argument is ${typeName args}, not an attribute set"
    else if unknown != [ ] then fail "there is no argument '${head unknown}'; there are ${quoted (attrNames known)}"
    else if missing != [ ] then fail "argument '${head missing}' is missing"
    else if wrong != [ ] then fail (wrongText (head wrong))
    else if isAttrs path then
      fail "argument 'nixpkgs' is neither a flake nor a path; for a set of packages, pass its attribute 'path'"
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
            fail ("there is no runner for system '${args.system}', only for ${quoted systems}; "
              + "with addRunner = false none is built")
          else runnerFor args.system;
      };
in
{
  supportedSystems = systems;

  # f: system -> { packages = ...; }. The result has the systems below these names, like the outputs of a flake.
  eachSupportedSystem = f: foldl'
    (all: system: all // mapAttrs (name: value: (all.${name} or { }) // { ${system} = value; }) (f system))
    { }
    systems;

  # config: the definition, a module or a file. The result has `config`, `containers`, and `etc`, which is installed.
  evalContainers = evaluate "evalContainers" null;

  # The `etc` output, with `config` and `containers`, and with bin/container, which runs the program for these
  # containers.
  buildContainers = args:
    let
      result = evaluate "buildContainers" (system: "${packageFor system}/bin/extra-container") args;
    in
    result.etc // {
      meta.mainProgram = "container";
      inherit (result) config containers;
    };
}
