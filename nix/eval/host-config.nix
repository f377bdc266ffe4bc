# SPDX-License-Identifier: MIT
# The host as the NixOS module and the feature modules see it: our own values for its `config`, those of whole-host.nix
# for the rest, and the other arguments of a module.
#
# narrow: config -> the containers that are evaluated.
{ lib, pkgs, utils, wholeHost, defaultSystem, kernelVersion, legacyInstallDirs, narrow }:

let
  inherit (builtins) functionArgs intersectAttrs;

  # Old releases do not have this package, and the unit only needs it to reload.
  nixosContainer = {
    type = "derivation";
    name = "nixos-container";
    pname = "nixos-container";
    meta.mainProgram = "nixos-container";
    outPath = "/run/current-system/sw";
    outputs = [ "out" ];
    override = _: nixosContainer;
  };
  modulePkgs = if pkgs ? nixos-container then pkgs else pkgs // { nixos-container = nixosContainer; };
in
rec {
  platform = pkgs.stdenv.hostPlatform or { system = pkgs.stdenv.system or defaultSystem; };
  inherit (platform) system;

  # Adds the host's values to the `config` of this evaluation.
  extend = config: config // {
    containers = narrow config;
    boot = (config.boot or { }) // {
      kernelPackages.kernel.version = if kernelVersion == "" then "999" else kernelVersion;
    };
    networking = (config.networking or { }) // {
      networkmanager = (config.networking.networkmanager or { }) // { enable = false; };
    };
    nix = (config.nix or { }) // { package = pkgs.nix; };
    nixpkgs = (config.nixpkgs or { }) // {
      inherit system pkgs;
      localSystem = platform;
      crossSystem = null;
      hostPlatform = platform;
      config = { };
      overlays = [ ];
    };
    system = (config.system or { }) // { stateVersion = if legacyInstallDirs then "21.11" else "99.05"; };
    systemd = (config.systemd or { }) // { package = pkgs.systemd; };
    virtualisation = (config.virtualisation or { }) // {
      containers = (config.virtualisation.containers or { }) // { enable = false; };
    };
  };

  configOf = args: extend (wholeHost.config args);

  # The arguments of a module that sees this host.
  view = module: args: args // wholeHost.arguments module args // {
    config = configOf args;
    options = wholeHost.options args;
    pkgs = modulePkgs;
  };

  # nixos/lib/utils.nix, whose arguments differ between releases.
  utilsFor = args:
    if functionArgs utils == { } then utils pkgs
    else utils (intersectAttrs (functionArgs utils) { inherit lib pkgs; config = configOf args; });
}
