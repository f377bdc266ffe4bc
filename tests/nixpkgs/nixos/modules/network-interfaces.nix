# Addresses, routes and name servers that a system sets itself, with scripts as in NixOS.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.networking;

  addresses = max: mkOption {
    type = types.listOf (types.submodule {
      options = {
        address = mkOption { type = types.str; };
        prefixLength = mkOption { type = types.addCheck types.int (n: n >= 0 && n <= max); };
      };
    });
    default = [ ];
  };
  gateway = mkOption {
    type = types.nullOr (types.coercedTo types.str (address: { inherit address; }) (types.submodule {
      options = {
        address = mkOption { type = types.str; };
        interface = mkOption { type = types.nullOr types.str; default = null; };
      };
    }));
    default = null;
  };
  route = ip: g: lib.optionalString (g != null) ''
    ${lib.optionalString (g.interface != null) "${ip} route replace ${g.address} dev ${g.interface} proto static"}
    ${ip} route replace default via ${g.address} ${lib.optionalString (g.interface != null) "dev ${g.interface}"} proto static
  '';

  resolvconf = "${pkgs.runtimeShell} ${../system/resolvconf.sh}";
  nameservers = lib.optionalString (cfg.search != [ ]) "search ${toString cfg.search}\n"
    + lib.concatMapStrings (s: "nameserver ${s}\n") cfg.nameservers;
  oneshot = { Type = "oneshot"; RemainAfterExit = true; };
  state = name: "/run/nixos/network/addresses/${name}";
in
{
  options.networking = {
    interfaces = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          useDHCP = mkOption { type = types.nullOr types.bool; default = null; };
          ipv4.addresses = addresses 32;
          ipv6.addresses = addresses 128;
        };
      });
      default = { };
    };
    defaultGateway = gateway;
    defaultGateway6 = gateway;
  };

  config.systemd.services = lib.mapAttrs' (
    name: i:
    lib.nameValuePair "network-addresses-${name}" {
      description = "Address configuration of ${name}";
      wantedBy = [ "network-setup.service" "network.target" ];
      before = [ "network-setup.service" ];
      after = [ "network-pre.target" ];
      stopIfChanged = false;
      path = [ pkgs.iproute2 ];
      serviceConfig = oneshot;
      script = ''
        mkdir -p ${dirOf (state name)}
        ip link set ${name} up
        ${lib.concatMapStrings (a: ''
          echo ${a.address}/${toString a.prefixLength} >> ${state name}
          ip addr add ${a.address}/${toString a.prefixLength} dev ${name}
        '') (i.ipv4.addresses ++ i.ipv6.addresses)}
      '';
      preStop = ''
        [[ -e ${state name} ]] || exit 0
        while read -r address; do ip addr del "$address" dev ${name} || :; done < ${state name}
        rm ${state name}
      '';
    }
  ) cfg.interfaces // lib.optionalAttrs (cfg.interfaces != { } || nameservers != "" || cfg.defaultGateway != null || cfg.defaultGateway6 != null) {
    network-setup = {
      description = "Networking Setup";
      wantedBy = [ "multi-user.target" ];
      after = [ "network-pre.target" ];
      before = [ "network.target" ];
      wants = [ "network.target" ];
      partOf = map (name: "network-addresses-${name}.service") (lib.attrNames cfg.interfaces);
      path = [ pkgs.iproute2 ];
      serviceConfig = oneshot;
      script = ''
        ${lib.optionalString cfg.resolvconf.enable "printf %s ${lib.escapeShellArg nameservers} | ${resolvconf} -m 1 -a static"}
        ${route "ip" cfg.defaultGateway}
        ${route "ip -6" cfg.defaultGateway6}
      '';
    };
  };
}
