# The package set that modules get as `pkgs`.
{ config, lib, options, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.nixpkgs;
  platform = types.either types.str types.attrs;
in
{
  options.nixpkgs = {
    pkgs = mkOption {
      type = types.pkgs;
      default = import ../.. {
        system = cfg.hostPlatform.system;
        inherit (cfg) config overlays;
      };
      description = "The package set; if it is set, `config` and `overlays` have no effect.";
      apply = pkgs: if options.nixpkgs.pkgs.highestPrio < 1500 && cfg.overlays != [ ] then pkgs.appendOverlays cfg.overlays else pkgs;
    };
    config = mkOption { type = types.attrsOf types.anything; default = { }; };
    overlays = mkOption { type = types.listOf (types.functionTo (types.functionTo types.raw)); default = [ ]; };
    system = mkOption { type = types.str; default = cfg.localSystem.system or cfg.localSystem; };
    localSystem = mkOption {
      type = platform;
      default = { system = builtins.currentSystem or (throw "nixpkgs.hostPlatform is not set"); };
    };
    crossSystem = mkOption { type = types.nullOr platform; default = null; };
    buildPlatform = mkOption { type = platform; default = cfg.hostPlatform; };
    hostPlatform = mkOption {
      type = platform;
      default = cfg.system;
      apply = lib.systems.elaborate;
    };
  };

  config._module.args.pkgs = lib.mkOverride 1000 cfg.pkgs;
}
