# NixOS's own module of this name, for the bash version, which is not in this package set.
{ config, lib, pkgs, ... }:
{
  options.programs.extra-container.enable = lib.mkOption { type = lib.types.bool; default = false; };

  config = lib.mkIf config.programs.extra-container.enable {
    environment.systemPackages = [ pkgs.extra-container ];
    boot.extraSystemdUnitPaths = [ "/etc/systemd-mutable/system" ];
  };
}
