# SPDX-License-Identifier: MIT
# Networks of containers: addresses, internet access, reaching services inside.
{ config, lib, pkgs, ecArgs ? { }, ... }:

let
  inherit (builtins) elem filter head match;
  inherit (lib) attrNames concatMap concatStringsSep mkAfter mkBefore mkDefault mkIf mkMerge mkOption optional types;

  address = import ./address.nix { inherit lib; };

  # What the program knows of the host. Without it (in a flake, say) its defaults.
  net = {
    firewall = "auto";
    lane = 0;
    v4 = { range = "10.236.0.0/16"; base = 183238656; slots = 16384; taken = [ ]; assigned = { }; };
    v6 = { range = "fd65:7863:6e74::/48"; head = "fd65:7863:6e74"; base = 0; slots = 65536; taken = [ ]; assigned = { }; };
  } // (if ecArgs ? network then builtins.fromJSON ecArgs.network else { })
    // builtins.intersectAttrs { firewall = null; } (ecArgs.settings.network or { });

  containers = config.containers;
  autos = option: filter (n: containers.${n}.extra.${option} == "auto") (attrNames containers);
  # Slots of the addresses that others of the definition set by hand: they are not installed yet.
  byHand = option: local: of: concatMap (c: if c.extra.${option} == "auto" || c.${local} == null then [ ] else of c.${local}) (lib.attrValues containers);
  pick = range: option: local: of:
    address.pickAll net.lane (range // { taken = range.taken ++ byHand option local (of range); }) (autos option);
  picked = {
    v4 = pick net.v4 "addressPrefix" "localAddress" address.of4;
    v6 = pick net.v6 "addressPrefix6" "localAddress6" address.of6;
  };
  pickedAddress = family: name: end:
    let
      slot = picked.${family}.${name} or null;
    in
    if slot == null then
      throw ("extra-container: container '${name}': no network is free in ${net.${family}.range}: "
        + "the host's routes or other containers have them all; set another [network] ${if family == "v4" then "range" else "range6"} in extra-container.ini")
    else address.${family} net.${family} slot end;

  noMask = a: head (lib.splitString "/" a);
  given = list: map noMask (filter (a: a != null) list);

  ## Addresses from a prefix

  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  isPrefix4 = p: match "${octet}[.]${octet}[.]${octet}" p != null;
  # One to seven groups, or fewer and the colons that stand for the rest.
  prefix6 = p: lib.removeSuffix "::" (lib.toLower p);
  isPrefix6 = p:
    match "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,6}" (prefix6 p) != null
    && (lib.hasSuffix "::" p || builtins.length (lib.splitString ":" p) <= 7);

  ends4 = name: prefix: end: if prefix == "auto" then pickedAddress "v4" name end else "${prefix}.${toString end}";
  ends6 = name: prefix: end:
    if prefix == "auto" then pickedAddress "v6" name end
    # Seven groups leave one for the end: there is nothing for colons to stand for.
    else "${prefix6 prefix}${if builtins.length (lib.splitString ":" (prefix6 prefix)) >= 7 then ":" else "::"}${toString end}";

  ## What cannot work

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
        "${option "addressPrefix6"} is '${e.addressPrefix6}', but must be the first groups of an address like \"fd00:1:2:3\", or \"auto\""
      ++ optional (used != [ ] && !c.privateNetwork)
        "${option (head used)} needs a network of the container's own: ${
          if elem (head used) [ "addressPrefix" "addressPrefix6" ] then "do not set privateNetwork to false"
          else "set extra.addressPrefix, or privateNetwork and addresses"}"
      ++ needs "enableWAN" local "an address of the container: ${setPrefix} localAddress or localAddress6"
      ++ needs "exposeLocalhost" local "an address of the container: ${setPrefix} localAddress or localAddress6"
      ++ needs "firewallAllowHost" host "an address of the host: ${setPrefix} hostAddress or hostAddress6"
      ++ optional (inside != [ ] && isFixed)
        "${option (head inside)} works on a system that is defined by `config`, not by `path` or `flake`"
    );

  ## The host's programs

  tools = lib.makeBinPath ([ pkgs.nftables pkgs.iptables ] ++ optional (pkgs ? util-linux || pkgs ? utillinux) (pkgs.util-linux or pkgs.utillinux));
  script = file: args: "PATH=${tools}:$PATH ${pkgs.runtimeShell or pkgs.stdenv.shell} ${file} ${args}";
  firewall = action: name: script ./firewall.sh "${action} ${name}";
  networkd = action: name: "${pkgs.runtimeShell or pkgs.stdenv.shell} ${./networkd.sh} ${action} ${name}";

  natted = filter (n: containers.${n}.extra.enableWAN) (attrNames containers);
  natService = name: {
    # Those that set up a firewall, which may begin by removing what there is.
    after = [
      "nftables.service" "firewall.service" "iptables.service" "ip6tables.service" "netfilter-persistent.service"
      "ufw.service" "firewalld.service" "docker.service"
    ];
    preStart = mkAfter ''
      ${firewall "up" name} ${net.firewall} ${concatStringsSep " " (given [ containers.${name}.localAddress containers.${name}.localAddress6 ])}
    '';
    # The container is as it was defined without it, so it is no reason to fail.
    postStart = mkAfter ''
      ${script ./resolver.sh name} || :
    '';
    # Runs however the container ends, also where its start has failed. The next
    # start tries again what did not work, and other scripts have their turn.
    postStop = ''
      ${firewall "down" name} || :
    '';
  };

  # Rules of an older definition, which this one has replaced while the container ran. They tell with which programs they were made.
  others = filter (n: !containers.${n}.extra.enableWAN) (attrNames containers);
  otherService = name: {
    postStop = ''
      if [[ -e /run/extra-container.network/${name} ]]; then
        PATH=$(sed -n 's/^path=//p' /run/extra-container.network/${name}):$PATH ${pkgs.runtimeShell or pkgs.stdenv.shell} ${./firewall.sh} down ${name} || :
      fi
    '';
  };

  private = filter (n: containers.${n}.privateNetwork) (attrNames containers);
  # Whether the container's unit sets the addresses of the interface ve-NAME, or leaves it to the host.
  isAddressed = c: (c.hostBridge or null) == null && given [ c.hostAddress c.hostAddress6 c.localAddress c.localAddress6 ] != [ ];
  linkService = name:
    if isAddressed containers.${name} then {
      # One that is just starting has read its files, or has not yet.
      after = [ "systemd-networkd.service" ];
      # Beside what else is to be done, as it has to wait for networkd. A container
      # that networkd meddles with is no worse than before, so it is no reason to fail.
      preStart = mkMerge [
        (mkBefore ''
          ${networkd "up" name} &
          networkd=$!
        '')
        (mkAfter ''
          wait "$networkd" || :
        '')
      ];
      postStop = ''
        ${networkd "down" name} || :
      '';
    }
    else {
      # That of an older definition, which an update has replaced while the container ran.
      preStart = mkAfter ''
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
            The first three numbers of the container's IPv4 network. Gives the container a network of
            its own, with the address `''${addressPrefix}.2`, where `''${addressPrefix}.1` is the host.

            `"auto"` picks a network of four addresses that neither the host nor another container uses.
            A container keeps its network for as long as it is installed, and mostly gets the same one
            later; `extra-container show-ip NAME` tells its address.

            It is a short form of setting `privateNetwork`, `hostAddress` and `localAddress`, each of which
            can be set to something else beside it.
          '';
        };
        addressPrefix6 = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "fd00:1:2:3";
          description = ''
            The first groups of the container's IPv6 network, seven at most. Gives the container a network
            of its own, with the address `''${addressPrefix6}::2`, where `''${addressPrefix6}::1` is the host.
            `"auto"` picks one, as for `addressPrefix`. Both can be set.
          '';
        };
        enableWAN = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the container reaches what the host reaches: other networks and the internet. To them, its
            connections come from the host. Nobody gets into the container that way.

            Switches on forwarding on the host, and sets up rules for its address translation, with nftables
            or iptables, as the host does. They are removed when the container stops. Where the host's own firewall
            still drops what is forwarded, starting the container says so.
          '';
        };
        firewallAllowHost = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether the container's firewall lets all connections from the host pass (from `hostAddress` and
            `hostAddress6`). For others, the settings of `networking.firewall` hold.
          '';
        };
        exposeLocalhost = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether services that listen on the container's localhost (127.0.0.1 and ::1, TCP and UDP) can be
            reached at its address, by everybody who can reach that address, whatever the container's firewall says.
            For services that listen on the address itself, or on all addresses, nothing changes.
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
              allowed = if config.extra.firewallAllowHost then given [ config.hostAddress config.hostAddress6 ] else [ ];
              exposed = if config.extra.exposeLocalhost then given [ config.localAddress config.localAddress6 ] else [ ];
            })
          ];
          extra.networkProblems = problems name config
            # A path that is a default is that of a container without a system of its own.
            ((config.flake or null) != null
              || !options.config.isDefined && options.path.isDefined && (options.path.highestPrio or 100) < 1500);
        }
      ];
    }));
  };

  config = {
    assertions = concatMap (n: map (message: { assertion = false; inherit message; }) containers.${n}.extra.networkProblems) (attrNames containers);
    systemd.services = mkMerge [
      (lib.listToAttrs (map (n: lib.nameValuePair "container@${n}" (natService n)) natted))
      (lib.listToAttrs (map (n: lib.nameValuePair "container@${n}" (otherService n)) others))
      (lib.listToAttrs (map (n: lib.nameValuePair "container@${n}" (linkService n)) private))
    ];
  };
}
