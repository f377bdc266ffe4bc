# Evaluates a system of this stand-in NixOS.
evalArgs@{
  system ? builtins.currentSystem or null,
  pkgs ? null,
  baseModules ? import ../modules/module-list.nix,
  extraArgs ? { },
  specialArgs ? { },
  modules,
  modulesLocation ? null,
  check ? true,
  prefix ? [ ],
  lib ? import ../../lib,
  extraModules ? [ ],
}:
let
  own = {
    _file = ./eval-config.nix;
    config = {
      _module.args = { inherit baseModules extraModules modules; } // extraArgs;
      nixpkgs.system = lib.mkIf (system != null) (lib.mkDefault system);
      nixpkgs.pkgs = lib.mkIf (pkgs != null) (lib.mkForce pkgs);
    };
  };
  located = if modulesLocation == null then modules else map (lib.setDefaultModuleLocation modulesLocation) modules;
  evaluated = lib.evalModules {
    inherit prefix;
    check = if check then null else false;
    class = "nixos";
    modules = baseModules ++ extraModules ++ [ own ] ++ located;
    specialArgs = { modulesPath = toString ../modules; } // specialArgs;
  };
in
evaluated
// {
  inherit lib extraArgs;
  pkgs = evaluated._module.args.pkgs;
}
