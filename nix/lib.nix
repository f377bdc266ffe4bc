# SPDX-License-Identifier: MIT
# For flakes that define containers.
#
# nixpkgs: what is used where the caller gives none. packageFor: system -> the program.
{ nixpkgs, packageFor, systems }:

let
  defaultNixpkgs = nixpkgs;
  fail = msg: throw "extra-container: ${msg}";

  evaluate =
    { system
    , config
    , nixpkgs ? defaultNixpkgs
    , legacyInstallDirs ? false
    , specialArgs ? { }
    , features ? null
    , runner ? null
    }:
    let
      path = nixpkgs.outPath or nixpkgs;
      chosen = import ./features.nix { lib = import (path + "/lib"); inherit features; };
    in
    import ./eval-config.nix {
      definition = config;
      definitionName = "the containers' config";
      nixpkgsPath = path;
      inherit legacyInstallDirs runner specialArgs system;
      inherit (chosen) args disabled modules;
    };
in
rec {
  supportedSystems = systems;

  # f: system -> { packages = ...; }; the result has the systems below, as outputs of a flake do.
  eachSupportedSystem = f: builtins.foldl'
    (all: system: all // builtins.mapAttrs (name: value: (all.${name} or { }) // { ${system} = value; }) (f system))
    { }
    systems;

  # config: the definition, a module or a file. The result has `config`, `containers`, and `etc`, what is installed.
  evalContainers = args: evaluate (builtins.removeAttrs args [ "addRunner" ]);

  # The etc output, with `config` and `containers`; and with bin/container, which is the program for these containers.
  buildContainers = { system, addRunner ? true, ... }@args:
    let
      result = evaluate (builtins.removeAttrs args [ "addRunner" ] // {
        runner = if !addRunner then null else "${packageFor system}/bin/extra-container";
      });
    in
    result.etc // {
      meta.mainProgram = "container";
      inherit (result) config containers;
    };
}
