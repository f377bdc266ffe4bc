# The firewall: with iptables, or with nftables if networking.nftables is enabled.
{ config, lib, pkgs, ... }:
let
  inherit (lib) concatMapStrings concatStringsSep mkOption optionalString types;
  cfg = config.networking.firewall;
  nft = config.networking.nftables;
  bool = default: mkOption { type = types.bool; inherit default; };
  lines = mkOption { type = types.lines; default = ""; };

  rangeType = types.attrsOf types.port;
  portOptions = {
    allowedTCPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = list: lib.sort (a: b: a < b) (lib.unique list); };
    allowedUDPPorts = mkOption { type = types.listOf types.port; default = [ ]; apply = list: lib.sort (a: b: a < b) (lib.unique list); };
    allowedTCPPortRanges = mkOption { type = types.listOf rangeType; default = [ ]; };
    allowedUDPPortRanges = mkOption { type = types.listOf rangeType; default = [ ]; };
  };

  # The open ports of all interfaces (null) and of single ones.
  openings = [ { interface = null; ports = cfg; } ] ++ lib.mapAttrsToList (interface: ports: { inherit interface ports; }) cfg.interfaces;
  perProtocol =
    f:
    concatMapStrings (
      o:
      f o.interface "tcp" o.ports.allowedTCPPorts o.ports.allowedTCPPortRanges
      + f o.interface "udp" o.ports.allowedUDPPorts o.ports.allowedUDPPortRanges
    ) openings;

  # --- iptables -------------------------------------------------------------

  # One transaction each for IPv4 and IPv6, except for the user's own commands.
  iptablesRules = v6: ''
    *filter
    :nixos-fw - [0:0]
    :nixos-fw-accept - [0:0]
    :nixos-fw-refuse - [0:0]
    :nixos-fw-log-refuse - [0:0]
    -A nixos-fw-accept -j ACCEPT
    ${if cfg.rejectPackets then ''
      -A nixos-fw-refuse -p tcp ! --syn -j DROP
      -A nixos-fw-refuse -p tcp -j REJECT --reject-with tcp-reset
      -A nixos-fw-refuse -j REJECT'' else "-A nixos-fw-refuse -j DROP"}
    ${optionalString cfg.logRefusedConnections "-A nixos-fw-log-refuse -p tcp --syn -j LOG --log-level info --log-prefix \"refused connection: \""}
    -A nixos-fw-log-refuse -j nixos-fw-refuse
    ${concatMapStrings (i: "-A nixos-fw -i ${i} -j nixos-fw-accept\n") cfg.trustedInterfaces}-A nixos-fw -m conntrack --ctstate ESTABLISHED,RELATED -j nixos-fw-accept
    ${perProtocol (
      interface: protocol: ports: ranges:
      let
        rule = port: "-A nixos-fw ${optionalString (interface != null) "-i ${interface} "}-p ${protocol} --dport ${port} -j nixos-fw-accept\n";
      in
      concatMapStrings (p: rule (toString p)) ports + concatMapStrings (r: rule "${toString r.from}:${toString r.to}") ranges
    )}
    ${if v6 then ''
      -A nixos-fw -p icmpv6 --icmpv6-type redirect -j DROP
      -A nixos-fw -p icmpv6 --icmpv6-type 139 -j DROP
      ${optionalString (!cfg.allowPing) "-A nixos-fw -p icmpv6 --icmpv6-type echo-request -j DROP"}
      -A nixos-fw -p icmpv6 -j nixos-fw-accept
      -A nixos-fw -d fe80::/64 -p udp --dport 546 -j nixos-fw-accept'' else
      optionalString cfg.allowPing "-A nixos-fw -p icmp --icmp-type echo-request -j nixos-fw-accept"}
    COMMIT
  '';
  # Removes blank lines and indentation, which the restore programs reject.
  restoreFile = name: text: pkgs.writeText name (
    concatStringsSep "\n" (lib.filter (l: l != "") (map (l: lib.trim l) (lib.splitString "\n" text))) + "\n"
  );

  helpers = ''
    ip46tables() {
        iptables -w "$@"
        ${optionalString config.networking.enableIPv6 "ip6tables -w \"$@\""}
    }
  '';
  families = [ "iptables" ] ++ lib.optional config.networking.enableIPv6 "ip6tables";
  # Declaring a chain creates or empties it, so that it can be removed.
  noChains = pkgs.writeText "firewall-none" (
    "*filter\n"
    + concatMapStrings (c: ":${c} - [0:0]\n") chains
    + concatMapStrings (c: "-X ${c}\n") chains
    + "COMMIT\n"
  );
  chains = [ "nixos-fw" "nixos-fw-log-refuse" "nixos-fw-refuse" "nixos-fw-accept" ];
  unhook = concatMapStrings (tables: "${tables} -w -D INPUT -j nixos-fw 2>/dev/null || true\n") families;
  start = pkgs.writeShellScriptBin "firewall-start" ''
    set -e
    ${helpers}
    ${unhook}
    iptables-restore -w --noflush < ${restoreFile "firewall-rules" (iptablesRules false)}
    ${optionalString config.networking.enableIPv6 "ip6tables-restore -w --noflush < ${restoreFile "firewall-rules6" (iptablesRules true)}"}
    ${cfg.extraCommands}
    ip46tables -A nixos-fw -j nixos-fw-log-refuse
    ip46tables -A INPUT -j nixos-fw
  '';
  # A failed update leaves a firewall that blocks new connections instead of an open one.
  reload = pkgs.writeShellScriptBin "firewall-reload" ''
    ${helpers}
    ip46tables -D INPUT -j nixos-drop 2>/dev/null || true
    ip46tables -F nixos-drop 2>/dev/null || true
    ip46tables -X nixos-drop 2>/dev/null || true
    ip46tables -N nixos-drop
    ip46tables -A nixos-drop -j DROP
    ip46tables -I INPUT -j nixos-drop
    ${cfg.extraStopCommands}
    if ${start}/bin/firewall-start; then
        ip46tables -D INPUT -j nixos-drop
        ip46tables -F nixos-drop
        ip46tables -X nixos-drop
    else
        echo "Failed to reload the firewall: all new connections are refused" >&2
        exit 1
    fi
  '';
  stop = pkgs.writeShellScriptBin "firewall-stop" ''
    ${helpers}
    ${unhook}
    ${concatMapStrings (tables: "${tables}-restore -w --noflush < ${noChains}\n") families}
    ${cfg.extraStopCommands}
  '';

  unit = {
    wantedBy = [ "sysinit.target" ];
    wants = [ "network-pre.target" ];
    before = [ "network-pre.target" "shutdown.target" ];
    conflicts = [ "shutdown.target" ];
    unitConfig = {
      # A container has a firewall only if it has a private network.
      ConditionCapability = "CAP_NET_ADMIN";
      DefaultDependencies = false;
    };
    reloadIfChanged = true;
  };
  oneshot = { Type = "oneshot"; RemainAfterExit = true; };

  # --- nftables -------------------------------------------------------------

  set = ports: ranges: concatStringsSep ", " (map toString ports ++ map (r: "${toString r.from}-${toString r.to}") ranges);
  nftFirewall = ''
    chain input {
      type filter hook input priority filter; policy drop;

      ${optionalString (cfg.trustedInterfaces != [ ]) "iifname { ${concatStringsSep ", " (map (i: "\"${i}\"") cfg.trustedInterfaces)} } accept comment \"trusted interfaces\""}
      ct state vmap { invalid : drop, established : accept, related : accept, new : jump input-allow, untracked : jump input-allow }
      ${optionalString cfg.logRefusedConnections "tcp flags syn / fin,syn,rst,ack log level info prefix \"refused connection: \""}
      ${optionalString cfg.rejectPackets ''
        meta l4proto tcp reject with tcp reset
        reject''}
    }

    chain input-allow {
      ${perProtocol (
        interface: protocol: ports: ranges:
        optionalString (ports != [ ] || ranges != [ ])
          "${optionalString (interface != null) "iifname \"${interface}\" "}${protocol} dport { ${set ports ranges} } accept\n"
      )}
      ${optionalString cfg.allowPing "icmp type echo-request accept comment \"allow ping\""}
      icmpv6 type != { nd-redirect, 139 } accept comment "Accept all ICMPv6 messages except redirects and node information queries"
      ip6 daddr fe80::/64 udp dport 546 accept comment "DHCPv6 client"
      ${cfg.extraInputRules}
    }
    ${optionalString cfg.filterForward ''
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state vmap { invalid : drop, established : accept, related : accept, new : jump forward-allow, untracked : jump forward-allow }
      }

      chain forward-allow {
        icmpv6 type != { router-renumbering, 139 } accept
        ct status dnat accept comment "allow port forward"
        ${cfg.extraForwardRules}
      }
    ''}
  '';
  tableText = t: optionalString t.enable ''
    table ${t.family} ${t.name} { }
    delete table ${t.family} ${t.name}
    table ${t.family} ${t.name} {
      ${t.content}
    }
  '';
  nftRules = pkgs.writeText "nftables-rules" ''
    #!${pkgs.nftables}/bin/nft -f
    ${optionalString nft.flushRuleset "flush ruleset"}
    ${concatMapStrings tableText (lib.attrValues nft.tables)}
    ${nft.ruleset}
    ${optionalString (nft.rulesetFile != null) "include \"${nft.rulesetFile}\""}
  '';
  nftRemove = pkgs.writeText "nftables-remove" (
    if nft.flushRuleset then "flush ruleset\n"
    else concatMapStrings (t: "table ${t.family} ${t.name} { }\ndelete table ${t.family} ${t.name}\n") (lib.filter (t: t.enable) (lib.attrValues nft.tables))
  );
in
{
  options.networking = {
    firewall = portOptions // {
      enable = bool true;
      package = mkOption { type = types.package; default = pkgs.iptables; };
      allowPing = bool true;
      rejectPackets = bool false;
      logRefusedConnections = bool true;
      checkReversePath = mkOption { type = types.either types.bool (types.enum [ "strict" "loose" ]); default = false; };
      trustedInterfaces = mkOption { type = types.listOf types.str; default = [ ]; };
      interfaces = mkOption { type = types.attrsOf (types.submodule { options = portOptions; }); default = { }; };
      extraCommands = lines;
      extraStopCommands = lines;
      extraInputRules = lines;
      filterForward = bool false;
      extraForwardRules = lines;
      extraPackages = mkOption { type = types.listOf types.package; default = [ ]; };
    };
    nftables = {
      enable = bool false;
      flushRuleset = bool (nft.ruleset != "" || nft.rulesetFile != null);
      checkRuleset = bool true;
      ruleset = lines;
      rulesetFile = mkOption { type = types.nullOr types.path; default = null; };
      tables = mkOption {
        default = { };
        type = types.attrsOf (types.submodule ({ name, ... }: {
          options = {
            enable = bool true;
            name = mkOption { type = types.str; default = name; };
            content = mkOption { type = types.lines; };
            family = mkOption { type = types.enum [ "ip" "ip6" "inet" "arp" "bridge" "netdev" ]; };
          };
        }));
      };
    };
  };

  config = lib.mkMerge [
    { networking.firewall.trustedInterfaces = [ "lo" ]; }

    (lib.mkIf cfg.enable {
      assertions = [
        {
          assertion = !cfg.filterForward || nft.enable;
          message = "filterForward only works with the nftables based firewall";
        }
      ];
    })

    (lib.mkIf (cfg.enable && !nft.enable) {
      assertions = [
        {
          assertion = cfg.extraInputRules == "";
          message = "extraInputRules is incompatible with the iptables based firewall: ${cfg.extraInputRules}";
        }
      ];
      systemd.services.firewall = unit // {
        description = "Firewall";
        path = [ cfg.package ] ++ cfg.extraPackages;
        serviceConfig = oneshot // {
          ExecStart = "@${start}/bin/firewall-start firewall-start";
          ExecReload = "@${reload}/bin/firewall-reload firewall-reload";
          ExecStop = "@${stop}/bin/firewall-stop firewall-stop";
        };
      };
    })

    (lib.mkIf (cfg.enable && nft.enable) {
      assertions = [
        {
          assertion = cfg.extraCommands == "";
          message = "extraCommands is incompatible with the nftables based firewall: ${cfg.extraCommands}";
        }
        {
          assertion = cfg.extraStopCommands == "";
          message = "extraStopCommands is incompatible with the nftables based firewall: ${cfg.extraStopCommands}";
        }
      ];
      networking.nftables.tables.nixos-fw = { family = "inet"; content = nftFirewall; };
    })

    (lib.mkIf nft.enable {
      systemd.services.nftables = unit // {
        description = "nftables firewall";
        serviceConfig = oneshot // {
          ExecStart = "${pkgs.nftables}/bin/nft -f ${nftRules}";
          ExecReload = "${pkgs.nftables}/bin/nft -f ${nftRules}";
          ExecStop = "${pkgs.nftables}/bin/nft -f ${nftRemove}";
        };
      };
    })
  ];
}
