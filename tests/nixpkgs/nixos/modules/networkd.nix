# systemd-networkd: which interfaces it manages, for hosts.
{ config, lib, utils, ... }:
let
  inherit (lib) mkOption types;
  inherit (utils.systemdUtils) lines sectionOption;
  cfg = config.systemd.network;
  sections = { Match = "matchConfig"; Link = "linkConfig"; Network = "networkConfig"; };
in
{
  options.systemd.network = {
    enable = mkOption { type = types.bool; default = config.networking.useNetworkd; };
    networks = mkOption {
      type = types.attrsOf (types.submodule {
        options = lib.foldl' (a: name: a // sectionOption name) {
          enable = mkOption { type = types.bool; default = true; };
        } (lib.attrValues sections);
      });
      default = { };
    };
  };

  config.environment.etc = lib.mkIf cfg.enable (
    lib.mapAttrs' (name: n: {
      name = "systemd/network/${name}.network";
      value.text = lib.concatStrings (
        lib.mapAttrsToList (
          title: option: lib.optionalString (n.${option} != { }) "[${title}]\n${lines n.${option}}\n"
        ) sections
      );
    }) (lib.filterAttrs (_: n: n.enable) cfg.networks)
  );
}
