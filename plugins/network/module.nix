# SPDX-License-Identifier: MIT
# Networks of containers: addresses, internet access, and access to services in containers.
{ config, lib, pkgs, ecArgs ? { }, ... }:

let
  inherit (builtins) elem filter head match;
  inherit (lib)
    attrNames concatMap concatStringsSep mkAfter mkBefore mkDefault mkIf mkMerge mkOption optional optionals
    optionalString types;

  address = import ./address.nix { inherit lib; };

  # What the program knows about the host; without the program, as in a flake, its defaults.
  net = {
    firewall = "auto";
    connections = 16384;
    partition = 0;
    v4 = { range = "10.236.0.0/16"; base = 183238656; slots = 16384; taken = [ ]; assigned = { }; };
    v6 = {
      range = "fd65:7863:6e74::/48";
      head = "fd65:7863:6e74";
      base = 0;
      slots = 65536;
      taken = [ ];
      assigned = { };
    };
  } // (if ecArgs ? network then builtins.fromJSON ecArgs.network else { })
    // builtins.intersectAttrs { firewall = null; connections = null; } (ecArgs.settings.network or { });

  containers = config.containers;
  autos = option: filter (n: containers.${n}.extra.${option} == "auto") (attrNames containers);
  # Slots of the addresses that containers of the definition set themselves; they may not be installed yet.
  setSlots = option: local: of:
    concatMap
      (c: if c.extra.${option} == "auto" || c.${local} == null then [ ] else of c.${local})
      (lib.attrValues containers);
  pick = range: option: local: of: more:
    address.pickAll net.partition
      (range // { taken = range.taken ++ setSlots option local (of range); }) (autos option ++ more);
  picks = {
    v4 = pick net.v4 "addressPrefix" "localAddress" address.of4;
    v6 = pick net.v6 "addressPrefix6" "localAddress6" address.of6;
  };
  picked = lib.mapAttrs (_: p: p [ ]) picks;
  pickedAddress = family: name: end:
    let
      # A container that was asked for may read the address of another one in the definition.
      slot = picked.${family}.${name} or (picks.${family} [ name ]).${name};
    in
    if slot == null then
      throw ("extra-container: container '${name}': no network is free in ${net.${family}.range}: the host's routes "
        + "and other containers use all of them; set another '${if family == "v4" then "range" else "range6"}' in "
        + "section [network] of extra-container.ini")
    else address.${family} net.${family} slot end;

  noMask = a: head (lib.splitString "/" a);
  given = list: map noMask (filter (a: a != null) list);

  ## Addresses from a prefix

  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  isPrefix4 = p: match "${octet}[.]${octet}[.]${octet}" p != null;
  # One to seven groups, or fewer and "::" for the others.
  prefix6 = p: lib.removeSuffix "::" (lib.toLower p);
  isPrefix6 = p:
    match "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6}" (prefix6 p) != null
    && (lib.hasSuffix "::" p || builtins.length (lib.splitString ":" p) <= 7);

  ends4 = name: prefix: end: if prefix == "auto" then pickedAddress "v4" name end else "${prefix}.${toString end}";
  ends6 = name: prefix: end:
    if prefix == "auto" then pickedAddress "v6" name end
    else
      let
        # Seven groups leave only one for the end, so "::" would be empty.
        colons = if builtins.length (lib.splitString ":" (prefix6 prefix)) >= 7 then ":" else "::";
      in
      "${prefix6 prefix}${colons}${toString end}";

  ## Settings that cannot work

  # isFixed: the system is not evaluated here, so nothing can be added to it.
  problems = name: c: isFixed:
    let
      e = c.extra;
      local = given [ c.localAddress c.localAddress6 ];
      host = given [ c.hostAddress c.hostAddress6 ];
      used = filter (o: e.${o} != null && e.${o} != false)
        [ "addressPrefix" "addressPrefix6" "enableWAN" "firewallAllowHost" "exposeLocalhost" ];
      option = o: "containers.${name}.extra.${o}";
      inside = filter (o: elem o used) [ "firewallAllowHost" "exposeLocalhost" ];
      needs = o: list: what: optional (elem o used && c.privateNetwork && list == [ ]) "${option o} needs ${what}";
      setPrefix = "set extra.addressPrefix, or";
    in
    map (text: "container '${name}': ${text}") (
      optional (e.addressPrefix != null && e.addressPrefix != "auto" && !isPrefix4 e.addressPrefix)
        "${option "addressPrefix"} is '${e.addressPrefix}', but must be three numbers like \"10.250.0\", or \"auto\""
      ++ optional (e.addressPrefix6 != null && e.addressPrefix6 != "auto" && !isPrefix6 e.addressPrefix6)
        ("${option "addressPrefix6"} is '${e.addressPrefix6}', but must be the first groups of an address like "
          + "\"fd00:1:2:3\", or \"auto\"")
      ++ optional (used != [ ] && !c.privateNetwork)
        ("${option (head used)} needs a private network: "
          + (if elem (head used) [ "addressPrefix" "addressPrefix6" ] then "do not set privateNetwork to false"
          else "set extra.addressPrefix, or privateNetwork and addresses"))
      ++ needs "enableWAN" local "an address of the container: ${setPrefix} localAddress or localAddress6"
      ++ needs "exposeLocalhost" local "an address of the container: ${setPrefix} localAddress or localAddress6"
      ++ needs "firewallAllowHost" host "an address of the host: ${setPrefix} hostAddress or hostAddress6"
      ++ optional (inside != [ ] && isFixed)
        "${option (head inside)} needs a system that is defined by `config`, not by `path` or `flake`"
    );

  ## The host's programs

  tools = lib.makeBinPath (
    [ pkgs.nftables pkgs.iptables ]
    ++ optional (pkgs ? util-linux || pkgs ? utillinux) (pkgs.util-linux or pkgs.utillinux)
    ++ optional (pkgs ? conntrack-tools || pkgs ? conntrack_tools) (pkgs.conntrack-tools or pkgs.conntrack_tools)
  );
  shell = pkgs.runtimeShell or pkgs.stdenv.shell;
  script = file: args: "PATH=${tools}:$PATH ${shell} ${file} ${args}";
  firewallScript = builtins.path {
    name = "firewall";
    path = ./.;
    filter = file: _: match "firewall.*[.]sh" (baseNameOf file) != null;
  } + "/firewall.sh";
  firewall = action: name: script firewallScript "${action} ${name}";
  networkd = action: name: "${shell} ${./networkd.sh} ${action} ${name}";

  isBridged = c: (c.hostBridge or null) != null;
  linkOf = name: if isBridged containers.${name} then "bridge" else "veth";
  localAddresses = name: given [ containers.${name}.localAddress containers.${name}.localAddress6 ];
  rulesFor = name:
    let
      what = concatStringsSep "+" (optional (hasWAN name) "wan" ++ optional (hasPorts name) "ports");
    in
    toString ([ net.firewall net.connections (linkOf name) what ] ++ localAddresses name);
  hasWAN = name: containers.${name}.extra.enableWAN;
  hasPorts = name:
    let
      c = containers.${name};
    in
    c.privateNetwork && (c.forwardPorts or [ ]) != [ ] && given [ c.localAddress c.localAddress6 ] != [ ];
  udpPorts = name: map (p: p.hostPort)
    (filter (p: hasPorts name && p.protocol == "udp") (containers.${name}.forwardPorts or [ ]));
  # Those that need rules of the host, and that it forwards packets.
  forwarded = filter (n: hasWAN n || hasPorts n) (attrNames containers);
  forwardService = name: {
    # Units that set up a firewall may first remove all rules.
    after = [
      "nftables.service" "firewall.service" "iptables.service" "ip6tables.service" "netfilter-persistent.service"
      "ufw.service" "firewalld.service" "docker.service"
    ];
    preStart = mkAfter ''
      ${firewall "up" name} ${rulesFor name}
    '';
    postStart = mkIf (udpPorts name != [ ]) (mkAfter ''
      ${firewall "ports" name} ${toString (udpPorts name)} || :
    '');
    # Runs however the container ends, even if its start failed. A failure does not stop the other scripts; the next
    # start tries again.
    postStop = ''
      ${firewall "down" name} || :
    '';
  };

  # NixOS copies the host's resolv.conf before the container boots, and does not start it if there is none.
  resolved = filter (n: (containers.${n}.copyResolvConf or true) && (hasWAN n || hasEnds n)) (attrNames containers);
  # false: it only uses name servers of its own.
  usesHostServers = name:
    let r = builtins.tryEval (containers.${name}.config.networking.useHostResolvConf or true);
    in !r.success || r.value;
  resolvService = name:
    let
      c = containers.${name};
      families = optional (c.localAddress != null) "4" ++ optional (c.localAddress6 != null) "6";
      choose = script ./resolver.sh (toString ([ name ] ++ families));
    in
    {
      script = mkBefore ''
        resolv=${if hasWAN name && usesHostServers name then "$(${choose})" else "/etc/resolv.conf"}
        [[ -e $resolv ]] || COPY_RESOLV_CONF=0
        cp() {
          command cp "''${@/#\/etc\/resolv.conf/$resolv}"
          ${optionalString (hasWAN name) "rm -f /run/extra-container/network/.resolv-${name}"}
        }
      '';
    };

  # Removes rules of an earlier definition, which this one replaced while the container ran, with the programs that
  # created them.
  others = filter (n: !elem n forwarded) (attrNames containers);
  pathOf = name: "PATH=$(sed -n 's/^path=//p' /run/extra-container/network/${name}):$PATH";
  otherService = name:
    let
      clear = ''
        [[ ! -e /run/extra-container/network/${name} ]] || ${pathOf name} ${shell} ${firewallScript} down ${name}'';
    in
    {
      # What remained would open the container.
      preStart = clear;
      postStop = "${clear} || :";
    };

  # Forwarding that other containers need must not open this one, and they must not seem to be the host. The interface
  # of a container with a long name has a name that systemd-nspawn chooses, so the rules are renewed after its start.
  renewGuard = ''
    [[ ! $(ls /run/extra-container/network 2>/dev/null) ]] || ${script firewallScript "guard"}
  '';
  # What must succeed before the interface is up, or null.
  guardOf = name:
    if lib.stringLength name <= 12 || !isAddressed containers.${name} then null
    else if elem name forwarded then firewall "own" name
    else renewGuard;
  # Links whose addresses the unit sets, and bridges of others.
  extraLinks = name:
    lib.concatLists (lib.mapAttrsToList
      (link: l:
        [ (if isBridged l then "bridge:${l.hostBridge}" else link) ]
        ++ map (a: "address:${a}") (given [ l.localAddress l.localAddress6 ]))
      (containers.${name}.extraVeths or { }));
  linked = filter (n: extraLinks n != [ ]) (attrNames containers);
  noteService = name: {
    preStart = mkBefore ''
      ${firewall "links" name} ${lib.escapeShellArgs (extraLinks name)}
    '';
    # `down` reads the notes.
    postStop = mkAfter ''
      ${firewall "links" name} || :
    '';
  };
  guardService = name: {
    # Also without addresses: the rules may still have the interface, because the container had some before.
    preStart = mkIf (!elem name forwarded) (mkAfter renewGuard);
    # Before NixOS sets the link up, if link.sh could not.
    postStart = mkIf (guardOf name != null) (mkBefore ''
      ${guardOf name}
    '');
  };

  ## The host's ends of links

  # Of each link whose address or bridge the container's unit sets, the arguments of link.sh.
  endOf = name: c:
    let
      each = option: list: concatMap (a: [ option a ]) (filter (a: a != null) list);
      own = each "--address" [ c.hostAddress c.hostAddress6 ] ++ each "--route" [ c.localAddress c.localAddress6 ];
    in
    [ "--link" name ] ++ (if isBridged c then [ "--master" c.hostBridge ] else own);
  endsOf = name: c:
    optionals (c.privateNetwork && isAddressed c) (endOf "ve-${name}" c)
    ++ lib.concatLists (lib.attrValues (lib.mapAttrs endOf (c.extraVeths or { })));
  hasEnds = name: endsOf name containers.${name} != [ ];
  # NixOS sets them up when the container has booted, and an address or route that exists then is not an error.
  endService = name:
    let
      c = containers.${name};
      ends = endsOf name c;
      args = optionals (guardOf name != null) [ "--guard" (guardOf name) ] ++ ends;
    in
    mkIf (ends != [ ]) {
      script = mkBefore ''
        ${shell} ${./link.sh} ${lib.escapeShellArgs args}
      '';
      postStart = mkBefore ''
        ip() {
          local args=("$@") i
          for i in "''${!args[@]}"; do
            if [[ ''${args[i]} == add ]]; then
              args=("''${args[@]:0:i}" show to "''${args[@]:i+1}")
              [[ ! $(command ip "''${args[@]}" 2>/dev/null) ]] || return 0
            fi
          done
          command ip "$@"
        }
      '';
    };

  private = filter (n: containers.${n}.privateNetwork) (attrNames containers);
  # Whether the container's unit sets the addresses of the interface ve-NAME; otherwise the host does.
  isAddressed = c:
    !isBridged c
    && given [ c.hostAddress c.hostAddress6 c.localAddress c.localAddress6 ] != [ ];
  linkService = name:
    if isAddressed containers.${name} then {
      # Otherwise networkd could be starting and have read its files or not.
      after = [ "systemd-networkd.service" ];
      # In parallel with the other scripts, because it waits for networkd. If it fails, the container still starts.
      preStart = mkBefore ''
        ${networkd "up" name} &
        networkd=$!
        # Also if another script fails, because postStop then removes what this one makes.
        trap 'wait "$networkd" || :' EXIT
      '';
      postStop = ''
        ${networkd "down" name} || :
      '';
    }
    else {
      # Removes the file of an earlier definition that an update replaced while the container ran, before guardService,
      # which closes the interfaces that have such files.
      preStart = ''
        [[ ! -e /run/systemd/network/79-extra-container-${name}.network ]] || ${networkd "down" name} || :
      '';
    };
in
{
  options.containers = mkOption {
    type = types.attrsOf (types.submodule ({ config, name, options, ... }: {
      options.extra = {
        addressPrefix = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "10.250.0";
          description = ''
            The first three numbers of the container's IPv4 network. Gives the container a private network in
            which its address is `''${addressPrefix}.2` and the host's is `''${addressPrefix}.1`.

            `"auto"` picks a network of four addresses that neither the host nor another container uses. A container
            keeps its network while it is installed, and usually gets the same one when it is installed again;
            `extra-container show-ip NAME` prints its address.

            This sets defaults for `privateNetwork`, `hostAddress` and `localAddress`, each of which you can override.
          '';
        };
        addressPrefix6 = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "fd00:1:2:3";
          description = ''
            The first groups of the container's IPv6 network, seven at most. Gives the container a private network in
            which its address is `''${addressPrefix6}::2` and the host's is `''${addressPrefix6}::1`. `"auto"` picks a
            network, as with `addressPrefix`. Both options can be set.
          '';
        };
        enableWAN = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the container can connect to the networks that the host can connect to, including the internet.
            The connections appear to come from the host. This does not allow connections from other machines to the
            container.

            Adds rules for address translation, with nftables or iptables, whichever the host uses. The rules are
            removed when the container stops. If the host does not forward packets, forwarding is enabled while such
            containers run, and only for them: other containers still reach only the host, and other machines can only
            reach forwarded ports. If the host's firewall still drops forwarded packets, a warning is printed when the
            container starts.
          '';
        };
        firewallAllowHost = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the container's firewall accepts all connections from the host (from `hostAddress` and
            `hostAddress6`). For other connections, `networking.firewall` decides.
          '';
        };
        exposeLocalhost = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether services that listen on the container's localhost (127.0.0.1 and ::1, TCP and UDP) can be
            reached at its address, by everyone who can reach that address, regardless of the container's firewall:
            the host, other containers with `enableWAN`, and other machines if the host forwards packets by itself.
            Nothing changes for services that listen on the address itself or on all addresses.
          '';
        };
        networkProblems = mkOption {
          type = types.listOf types.str;
          internal = true;
          visible = false;
          default = [ ];
        };
      };

      config = mkMerge [
        (mkIf (config.extra.addressPrefix != null) {
          privateNetwork = mkDefault true;
          hostAddress = mkDefault (ends4 name config.extra.addressPrefix 1);
          localAddress = mkDefault (ends4 name config.extra.addressPrefix 2);
        })
        (mkIf (config.extra.addressPrefix6 != null) {
          privateNetwork = mkDefault true;
          hostAddress6 = mkDefault (ends6 name config.extra.addressPrefix6 1);
          localAddress6 = mkDefault (ends6 name config.extra.addressPrefix6 2);
        })
        {
          extra.modules = mkIf (config.extra.firewallAllowHost || config.extra.exposeLocalhost) [
            (import ./container.nix {
              allowed = optionals config.extra.firewallAllowHost (given [ config.hostAddress config.hostAddress6 ]);
              exposed = optionals config.extra.exposeLocalhost (given [ config.localAddress config.localAddress6 ]);
            })
          ];
          extra.networkProblems = problems name config
            # A `path` that only has its default is evaluated here.
            ((config.flake or null) != null
              || !options.config.isDefined && options.path.isDefined && (options.path.highestPrio or 100) < 1500);
        }
      ];
    }));
  };

  config = {
    assertions = concatMap
      (n: map (message: { assertion = false; inherit message; }) containers.${n}.extra.networkProblems)
      (attrNames containers);
    systemd.services =
      let
        services = names: of: lib.listToAttrs (map (n: lib.nameValuePair "container@${n}" (of n)) names);
      in
      mkMerge [
        (services forwarded forwardService)
        (services others otherService)
        (services private linkService)
        (services linked noteService)
        (services resolved resolvService)
        (services (lib.unique (private ++ linked)) guardService)
        (services (attrNames containers) endService)
      ];
  };
}
