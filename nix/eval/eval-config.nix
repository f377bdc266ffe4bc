# SPDX-License-Identifier: MIT
# Evaluates definitions of containers, without a NixOS host around them.
#
# Only the module that turns `containers` into units (nixos-containers.nix) is evaluated. What it reads of a host and we
# do not know, NixOS itself answers (whole-host.nix).
# NixOS options are not listed here: definitions for which no option is declared are collected, not rejected.
# So what the NixOS module defines for other parts of a host is dropped; what the user defines there gets a
# warning, and a misspelt option an error.
#
# nix-instantiate eval-config.nix --argstr definitionFile /dir/web.nix -A etc
#
# With flakeFile the definition is an attribute of a flake. If the attribute is a package instead, `flake.build` is its
# path. If it is a NixOS configuration, `flake.configuration` is true, and nothing but the flake decides the result.
{
  # The definition: the absolute path of a file or of a directory with a default.nix (a string, so that nothing is
  # copied into the store), or a module.
  definitionFile ? null
, definition ? null
, # What messages and positions call the definition.
  definitionName ? null
, # A file with the metadata of a flake, instead of a definition, and the attribute path in the flake.
  flakeFile ? null
, flakeAttr ? ""
, # Attribute path in the definition, as for `nix-build -A`.
  attr ? null
, # JSON list of the containers to evaluate; null or [] means all.
  names ? null
, # JSON list of absolute paths of feature modules.
  modules ? "[]"
, # JSON attribute set, passed to feature modules as `ecArgs`.
  args ? "{}"
, # JSON attribute set: option below containers.<name> -> disabled feature.
  disabled ? "{}"
, # Version of the running kernel; an empty string means a recent one.
  kernelVersion ? ""
, system ? builtins.currentSystem
, # Use the directories of NixOS before 22.05.
  legacyInstallDirs ? false
, nixpkgsPath ? null
, nixosPath ? null
, pkgs ? null
, specialArgs ? { }
, # The program that bin/container of the output runs for its containers, or null for none.
  runner ? null
}:

let
  inherit (builtins) attrNames concatStringsSep elem filter fromJSON isString length readFile;

  fail = msg: throw "extra-container: ${msg}";

  # Arguments are JSON on the command line, values in a flake.
  json = v: if isString v then fromJSON v else v;
  flag = v: v == true || v == "1" || v == "true";

  ## The definition and the host

  flake =
    if flakeFile == null then null
    else import ./flake-reference.nix {
      metadata = fromJSON (readFile flakeFile);
      attr = flakeAttr;
      inherit (definitionModule) where;
      inherit system fail;
    };

  sources = import ./sources.nix {
    inherit nixpkgsPath nixosPath pkgs system flake fail;
    declaring = wholeHost.containerModules;
  };
  # A NixOS configuration in a flake has its own nixpkgs.
  configuration =
    if flake ? configuration then import ./configuration.nix { inherit (flake) configuration; inherit where fail; }
    else null;
  lib = if configuration != null then configuration.lib else sources.lib;

  definitionModule = import ./definition.nix {
    inherit definitionFile definition definitionName flake attr specialArgs lib fail;
  };
  inherit (definitionModule) where;

  features = import ./feature-modules.nix {
    inherit lib fail;
    modules = json modules;
    disabled = json disabled;
    # The program passes text.
    howToEnable = name:
      if isString disabled
      then "'extra-container plugins' shows why; if it is off, write '${name} = on' in section [plugins] of "
        + "extra-container.ini"
      else "the argument `features` enables it";
  };

  wholeHost = import ./whole-host.nix {
    inherit (sources) lib nixos pkgs;
    inherit (host) system;
    known = [ "config" "lib" "options" ] ++ attrNames moduleArgs;
  };
  host = import ./host-config.nix {
    inherit (sources) lib pkgs utils;
    inherit kernelVersion narrow wholeHost;
    defaultSystem = system;
    legacyInstallDirs = flag legacyInstallDirs;
  };

  unmatched = import ./unmatched.nix { inherit (sources) lib; };
  units = import ./unit.nix {
    inherit (sources) lib pkgs;
    inherit unmatched;
    isNixos = file: elem file (map toString sources.nixosModules);
  };
  hostFile = "extra-container";
  hostOptions = import ./host-options.nix {
    inherit (sources) lib pkgs;
    inherit (features) containerModules;
    inherit units unmatched specialArgs host narrow;
    file = hostFile;
  };

  ## The evaluation

  moduleArgs = {
    inherit (sources) pkgs;
    ecArgs = json args;
    modulesPath = toString (sources.nixos + "/modules");
  } // specialArgs;

  wrap = import ./container-module.nix { inherit lib fail; inherit (host) view; inherit (moduleArgs) modulesPath; };

  evaluated = lib.evalModules {
    modules =
      [ hostOptions.module ]
      ++ map (file: wrap.nixos { inherit file; nixpkgs = sources.containerNixpkgs; }) sources.nixosModules
      ++ map wrap.feature features.list
      ++ [ definitionModule.module ];
    specialArgs = moduleArgs;
  };
  inherit (evaluated) config options;

  ## The containers that were asked for

  asked =
    let
      list = if names == null then [ ] else json names;
    in
    if list == [ ] then null else lib.unique list;

  # What the NixOS module and the feature modules see; modules of the definition see every container.
  narrow = config:
    if asked == null then config.containers
    else lib.genAttrs asked (n: config.containers.${n} or unknownName);

  known = if configuration != null then configuration.names else attrNames config.containers;
  chosen = lib.sort (a: b: a < b) (if asked == null then known else asked);

  unknownName =
    let
      unknown = filter (n: !elem n known) chosen;
      quoteAll = l: concatStringsSep ", " (map (n: "'${n}'") l);
      plural = if length unknown > 1 then "s" else "";
    in
    if known == [ ] then
      fail "${where} defines no containers; put the configuration of each into containers.NAME.config"
    else fail "unknown container${plural} ${quoteAll unknown}; ${where} defines ${quoteAll known}";

  checked = import ./checks.nix {
    inherit lib config options unmatched chosen unknownName kernelVersion fail;
    inherit (wholeHost) nixosNames;
    inherit (features) unread;
    isOurs = file: file == hostFile || elem file (map toString sources.nixosModules) || features.defines file;
  };

  ## Results

  outputs = import ./outputs.nix { inherit (if configuration != null then configuration else sources) lib pkgs; };
  files =
    if configuration != null then configuration.files
    else import ./files.nix { inherit lib config units outputs fail; };

  # Sorted by directory, because the builder makes each directory once.
  links = lib.sort (a: b: a.dir < b.dir) (lib.concatMap files chosen);
in
if configuration != null then
  let
    checked = v: if chosen == [ ] || lib.any (n: !elem n known) chosen then unknownName else v;
  in
  {
    etc = checked (outputs.etc { inherit links; });
    names = checked chosen;
    flake.configuration = true;
  }
else {
  etc = checked (outputs.etc { inherit links runner; });
  config = checked (host.extend config);
  containers = checked (lib.genAttrs chosen (n: config.containers.${n}));
  names = checked chosen;
  flake = if flake ? build then { inherit (flake) build; } else { };
  inherit options;
}
