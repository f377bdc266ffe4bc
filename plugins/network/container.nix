# SPDX-License-Identifier: MIT
# What firewallAllowHost and exposeLocalhost add to a container's system.
#
# allowed: addresses whose connections the firewall accepts.
# exposed: the container's addresses at which services on its localhost are reached.
{ allowed, exposed }:
{ config, lib, options, pkgs, ... }:

let
  inherit (lib) concatMapStrings concatStringsSep hasInfix mkIf mkMerge optional optionalAttrs optionalString;

  useNft = config.networking.nftables.enable or false;
  iptablesPackage = config.networking.firewall.package or pkgs.iptables;

  isV6 = hasInfix ":";
  ip = a: if isV6 a then "ip6" else "ip";
  iptables = a: if isV6 a then "ip6tables" else "iptables";
  localhost = a: if isV6 a then "::1" else "127.0.0.1";
  has = f: lib.any f exposed;

  nftInput =
    concatMapStrings (a: "${ip a} saddr ${a} accept comment \"the host\"\n") allowed
    + concatMapStrings (a: "${ip a} daddr ${localhost a} ct status dnat accept comment \"localhost\"\n") exposed;
  iptablesInput =
    concatMapStrings (a: "${iptables a} -w -A nixos-fw -s ${a} -j nixos-fw-accept\n") allowed
    + concatMapStrings
      (a: "${iptables a} -w -A nixos-fw -d ${localhost a} -m conntrack --ctstate DNAT -j nixos-fw-accept\n")
      exposed;

  # Without NixOS's firewall, a ruleset of the user's own decides, to which nothing is added.
  nft = options.networking.nftables or { };
  isOwn = o: (nft.${o}.highestPrio or 1500) < 1500;
  ownTables = lib.filter (t: !lib.hasPrefix "nixos-" t) (lib.attrNames (config.networking.nftables.tables or { }));
  ownRules = useNft && !config.networking.firewall.enable
    && (isOwn "ruleset" || isOwn "rulesetFile" || ownTables != [ ]);
  ownWarning = option: rules:
    "extra.${option} adds no rule to the container's own nftables ruleset, because networking.firewall.enable is "
    + "false; the ruleset has to accept ${rules}";

  ## Localhost at an address: address translation, and routes that let such packets in

  # The rules leave out services that listen on the address itself or on all addresses: for those the firewall
  # decides, as without exposeLocalhost.
  nftDnat = a: "iifname eth0 ${ip a} daddr ${a} meta l4proto { tcp, udp } dnat ${ip a} to ${localhost a}\n";
  nftRules = builtins.toFile "extra-localhost.nft" ''
    table inet extra-container-localhost
    delete table inet extra-container-localhost
    table inet extra-container-localhost {
      chain prerouting {
        type nat hook prerouting priority -100; policy accept;
        meta l4proto { tcp, udp } socket wildcard 0 accept
        meta l4proto { tcp, udp } socket wildcard 1 accept
        ${concatMapStrings nftDnat exposed}
      }
    }
  '';
  nftUp = "nft -f ${nftRules}";
  nftDown = "nft delete table inet extra-container-localhost 2> /dev/null || true";

  iptablesDnat = a: p:
    "${iptables a} -w -t nat -A extra-localhost -p ${p} -j DNAT --to-destination ${localhost a}\n";
  iptablesUp = iptablesDown + concatMapStrings (a: ''
    ${iptables a} -w -t nat -N extra-localhost
    ${iptables a} -w -t nat -A extra-localhost -m socket --nowildcard -j RETURN
    ${concatMapStrings (iptablesDnat a) [ "tcp" "udp" ]}
    ${iptables a} -w -t nat -A PREROUTING -i eth0 -d ${a} -j extra-localhost
  '') exposed;
  iptablesDown = concatMapStrings (a: ''
    ${iptables a} -w -t nat -D PREROUTING -i eth0 -d ${a} -j extra-localhost 2> /dev/null || true
    ${iptables a} -w -t nat -F extra-localhost 2> /dev/null || true
    ${iptables a} -w -t nat -X extra-localhost 2> /dev/null || true
  '') exposed;

  # Without such a route, Linux accepts packets to ::1 on lo only.
  routeRule = "iif eth0 to ::1 lookup 7001";
  routesUp =
    optionalString (has (a: !isV6 a)) "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet\n"
    + optionalString (has isV6) ''
      ip -6 route replace local ::1 dev eth0 table 7001
      ip -6 rule del ${routeRule} 2> /dev/null || true
      ip -6 rule add ${routeRule}
    '';
  routesDown =
    optionalString (has (a: !isV6 a)) "echo 0 > /proc/sys/net/ipv4/conf/eth0/route_localnet\n"
    + optionalString (has isV6) ''
      ip -6 rule del ${routeRule} 2> /dev/null || true
      ip -6 route del local ::1 dev eth0 table 7001 2> /dev/null || true
    '';

  up = routesUp + (if useNft then nftUp else iptablesUp);
in
{
  _file = "extra-container: network";
  config = mkMerge [
    {
      networking.firewall =
        if useNft then optionalAttrs (options.networking.firewall ? extraInputRules) { extraInputRules = nftInput; }
        else { extraCommands = iptablesInput; };
      warnings =
        optional (ownRules && allowed != [ ])
          (ownWarning "firewallAllowHost" "connections from the host (${concatStringsSep ", " allowed})")
        ++ optional (ownRules && exposed != [ ])
          (ownWarning "exposeLocalhost" "connections with `ct status dnat` to localhost");
    }
    (mkIf (exposed != [ ]) {
      systemd.services.extra-localhost = {
        description = "Services on localhost, at the container's address";
        wantedBy = [ "multi-user.target" ];
        after = [ "firewall.service" "nftables.service" ];
        # A reload of nftables.service may remove all tables.
        unitConfig.ReloadPropagatedFrom = mkIf useNft [ "nftables.service" ];
        path = [ pkgs.iproute2 or pkgs.iproute ] ++ (if useNft then [ pkgs.nftables ] else [ iptablesPackage ]);
        serviceConfig = { Type = "oneshot"; RemainAfterExit = true; };
        script = up;
        reload = if useNft then nftUp else "";
        preStop = routesDown + (if useNft then nftDown else iptablesDown);
      };
    })
  ];
}
