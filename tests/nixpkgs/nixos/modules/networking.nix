# Names and addresses.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.networking;
  bool = default: mkOption { type = types.bool; inherit default; };
in
{
  options.networking = {
    hostName = mkOption {
      type = types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$";
      default = "nixos";
    };
    domain = mkOption { type = types.nullOr types.str; default = null; };
    useDHCP = bool true;
    useNetworkd = bool false;
    useHostResolvConf = bool config.boot.isContainer;
    enableIPv6 = bool true;
    nameservers = mkOption { type = types.listOf types.str; default = [ ]; };
    search = mkOption { type = types.listOf types.str; default = [ ]; };
    hosts = mkOption { type = types.attrsOf (types.listOf types.str); default = { }; };
    extraHosts = mkOption { type = types.lines; default = ""; };
    dhcpcd.enable = bool true;
    dhcpcd.denyInterfaces = mkOption { type = types.listOf types.str; default = [ ]; };
    networkmanager.enable = bool false;
    resolvconf.enable = bool (!(config.environment.etc ? "resolv.conf"));
  };

  config.environment.etc = {
    hostname = lib.mkIf (cfg.hostName != "") { inline = true; text = cfg.hostName + "\n"; };
    hosts = {
      inline = true;
      text = ''
        127.0.0.1 localhost
        ${lib.optionalString cfg.enableIPv6 "::1 localhost"}
        ${lib.optionalString (cfg.hostName != "") "127.0.0.2 ${lib.optionalString (cfg.domain != null) "${cfg.hostName}.${cfg.domain} "}${cfg.hostName}"}
        ${lib.concatStrings (lib.mapAttrsToList (a: names: "${a} ${toString names}\n") cfg.hosts)}${cfg.extraHosts}
      '';
    };
  };
}
