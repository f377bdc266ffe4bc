# SPDX-License-Identifier: MIT
# The NixOS module: programs.extra-container.
#
# For hosts from NixOS 22.05 on. Nothing here depends on boot.enableContainers, which
# NixOS switches off on hosts without a declarative container; where it is on, both
# say the same.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib)
    attrNames concatMap concatStringsSep filterAttrs literalExpression mapAttrs mapAttrsToList mkDefault mkEnableOption mkIf
    mkMerge mkOption mkOverride optional optionalAttrs types;

  cfg = config.programs.extra-container;
  given = filterAttrs (_: v: v != null);

  ## What the parser of the INI takes

  word = regex: what: types.strMatching regex // { description = what; };
  # Blanks around a value, and a ';' behind one, are not part of it.
  isValue = s: builtins.match "(${part}([[:blank:]]+${part})*)?" s != null;
  part = "[^[:cntrl:][:blank:];][^[:cntrl:][:blank:]]*";
  value = types.addCheck types.str isValue // {
    description = "string of one line, without blanks at its ends, and without a ';' behind a blank";
  };
  # As text: what lies beside the configuration is not copied, and a store path keeps its context.
  path = types.coercedTo types.path toString (word "/([^[:cntrl:];]*[^[:cntrl:][:blank:];])?" "absolute path");
  # One of a list of them, with `separator` between two.
  listed = separator: types.listOf (types.addCheck path (p: !lib.hasInfix separator (toString p)) // { description = "absolute path without '${separator}'"; });
  toggle = types.enum [ "required" "on" "auto" "off" ];
  duration = types.either types.ints.unsigned (
    word "[0-9]+|([0-9]+ *(ms|s|min|h|d) *)*[0-9]+ *(ms|s|min|h|d)" "duration like \"10s\", \"500ms\" or \"1min 30s\""
  ) // { description = "number of seconds, or duration like \"10s\", \"500ms\" or \"1min 30s\""; };
  octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
  # Bits behind the prefix are a slip of the pen.
  isRange = s:
    let
      parts = map lib.toInt (lib.splitString "." (lib.head (lib.splitString "/" s)));
      rest = lib.foldl' (n: _: n * 2) 1 (lib.range 1 (32 - lib.toInt (lib.last (lib.splitString "/" s))));
      number = lib.foldl' (n: part: n * 256 + part) 0 parts;
    in
    number == number / rest * rest;
  rangeText = word "(${octet}[.]){3}${octet}/([89]|[12][0-9]|30)" "range of IPv4 addresses like \"10.236.0.0/16\", from /8 to /30";
  range = types.addCheck rangeText isRange // { inherit (rangeText) description; };
  range6 = word "[0-9a-fA-F:]*:[0-9a-fA-F:]*/(4[89]|5[0-9]|6[0-4])" "range of IPv6 addresses like \"fd65:7863:6e74::/48\", from /48 to /64";
  # What the settings of plugins that are not known here can be.
  atom = types.nullOr (types.oneOf [ types.bool types.int value ]);

  setting = type: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit description;
  };
  section = description: options: mkOption {
    type = types.submodule { inherit options; };
    default = { };
    inherit description;
  };
  unset = "Without it, ";

  settingsOptions = {
    plugins = mkOption {
      type = types.submodule {
        freeformType = types.attrsOf (types.nullOr toggle);
        options.search-path = setting (listed ":") ''
          Further directories with plugins, each of them root's alone. A plugin that is a package belongs into
          {option}`programs.extra-container.plugins`.
        '';
      };
      default = { };
      example = { ssh = "off"; gc = "required"; };
      description = ''
        Which plugins are used: `required`, the program stops without it; `on`, it warns without it; `auto`, which
        is the default of each; `off`, its commands and options are gone.
      '';
    };
    paths = section "Where things are." (
      mapAttrs (_: text: setting path "${text} ${unset}what `extra-container.ini(5)` says.") {
        root = "A prefix of all other paths but `data`.";
        units = "Where units are linked. This module makes systemd look there.";
        conf = "Settings of the containers.";
        conf-legacy = "The same, before NixOS 22.05.";
        state = "Root file systems of the containers.";
        state-legacy = "The same, before NixOS 22.05.";
        profiles = "Nix profiles of the containers.";
        container-gcroots = "Garbage collector roots that containers make.";
        gcroots = "Garbage collector roots of what is installed.";
        run = "Root file systems of ephemeral containers.";
        run-state = "Lock, notes of outstanding updates and temporary files.";
        journal = "The journal of the host.";
        data = "The read-only files of the program.";
      }
      // {
        units-also = setting (listed " ") "Where units of earlier installations are looked for, too.";
        legacy = setting (types.enum [ "auto" "yes" "no" ]) ''
          Whether the places of before NixOS 22.05 are those of this host. ${unset}it follows from its units.
        '';
      }
    );
    create = section "Plugin create, which has no settings." { };
    gc = section "Plugin gc, which has no settings." { };
    network = section "Plugin network." {
      range = setting range ''Where `extra.addressPrefix = "auto"` takes networks from. ${unset}10.236.0.0/16.'';
      range6 = setting range6 ''Where `extra.addressPrefix6 = "auto"` takes networks from. ${unset}fd65:7863:6e74::/48.'';
      firewall = setting (types.enum [ "auto" "nft" "iptables" ]) ''
        What sets up the rules of `extra.enableWAN`. ${unset}what the host uses.
      '';
      wait = setting duration "How long the address of a started container may take to answer; 0 does not wait. ${unset}10s.";
    };
    shell = section "Plugin shell." {
      prompt = setting types.bool "Whether the prompt of a session has the name of the container. ${unset}it has.";
    };
    ssh = section "Plugin ssh." {
      key-dir = setting path "Directory of the SSH key, which must be root's alone. ${unset}/tmp/extra-container-ssh.";
      timeout = setting duration "How long cssh waits for a container to answer. ${unset}30s.";
    };
  };

  ## The INI

  text = section: key: v:
    if v == true then "yes"
    else if v == false then "no"
    else if builtins.isList v then concatStringsSep (if section == "plugins" then ":" else " ") (map toString v)
    else toString v;
  # [ { section, key, line } ] of all that is set, in a stable order.
  lines = concatMap (
    section: mapAttrsToList (key: v: { inherit section key; line = "${key} = ${text section key v}"; }) (given cfg.settings.${section})
  ) (attrNames cfg.settings);
  ini = concatStringsSep "\n" (
    mapAttrsToList (section: ls: "[${section}]\n" + lib.concatMapStrings (l: "${l.line}\n") ls) (lib.groupBy (l: l.section) lines)
  );

  name = s: builtins.match "[A-Za-z0-9_-]{1,49}" s != null;
  problems =
    map (l: "programs.extra-container.settings.${l.section}.${l.key}: the line is longer than the 198 bytes that extra-container reads")
      (lib.filter (l: builtins.stringLength l.line > 198) lines)
    ++ map (s: "programs.extra-container.settings.\"${s}\": the name of a section has letters, digits, '-' and '_', 49 at most")
      (lib.filter (s: !name s) (attrNames cfg.settings))
    ++ map (l: "programs.extra-container.settings.${l.section}.\"${l.key}\": the name of a setting has letters, digits, '-' and '_'")
      (lib.filter (l: !name l.key) lines)
    ++ map (n: "programs.extra-container.settings.plugins.\"${n}\": a plugin's name is a small letter, and up to 31 small letters, digits and '_'")
      (lib.filter (n: n != "search-path" && builtins.match "[a-z][a-z0-9_]{0,31}" n == null) (attrNames cfg.settings.plugins));

  ## Interfaces of containers on the host

  # ve-NAME, or vb-NAME where it is in a bridge.
  interfaces = [ "ve-*" "vb-*" ];
  proxies = lib.any (i: i.proxyARP or false) (lib.attrValues (config.networking.interfaces or { }));
  units = if cfg.settings.paths.units != null then cfg.settings.paths.units else "/etc/systemd-mutable/system";
in
{
  # NixOS has a module of this name for the shell program, of which `enable` is the only option.
  disabledModules = [ "programs/extra-container.nix" ];

  options.programs.extra-container = {
    enable = mkEnableOption "extra-container, which runs declarative containers without a rebuild of the host";

    package = mkOption {
      type = types.package;
      # The package of this name in nixpkgs may be the shell program.
      default = if (pkgs.extra-container or { }) ? withPlugins then pkgs.extra-container else pkgs.callPackage ./package.nix { };
      defaultText = literalExpression "pkgs.extra-container";
      description = "The package of extra-container.";
    };

    plugins = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = literalExpression "[ my-plugin ]";
      description = ''
        Packages of further plugins: each has its `.so` files in {file}`lib/extra-container/plugins`.
      '';
    };

    finalPackage = mkOption {
      type = types.package;
      internal = true;
      readOnly = true;
      description = "The package with its plugins.";
    };

    settings = mkOption {
      type = types.submodule {
        freeformType = types.attrsOf (types.attrsOf atom);
        options = settingsOptions;
      };
      default = { };
      example = literalExpression ''
        {
          plugins.ssh = "off";
          network.range = "10.99.0.0/16";
          shell.prompt = false;
        }
      '';
      description = ''
        What stands in {file}`/etc/extra-container.ini`; see {manpage}`extra-container.ini(5)`. Without settings there is no such
        file. {file}`/etc/extra-container.d/*.ini`, which overrides it, is left to you.

        Each plugin has a section of its name, also one that is not known here.
      '';
    };

    allowForward = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the firewall of the host lets containers reach other networks, if it filters what the host forwards
        ({option}`networking.firewall.filterForward`). Else `extra.enableWAN` has no effect there.
      '';
    };
  };

  config = mkMerge [
    {
      programs.extra-container.finalPackage =
        if cfg.plugins == [ ] then cfg.package
        else if cfg.package ? withPlugins then cfg.package.withPlugins cfg.plugins
        else throw "programs.extra-container.plugins: the package ${cfg.package.name or "of programs.extra-container.package"} takes no plugins: it has no `withPlugins'";
    }

    (mkIf cfg.enable (mkMerge [
      {
        assertions = map (message: { assertion = false; inherit message; }) problems ++ [
          {
            assertion = options.boot ? extraSystemdUnitPaths;
            message = "programs.extra-container needs the option boot.extraSystemdUnitPaths, which NixOS has from 21.05 on.";
          }
        ];

        # nixos-container, which takes the commands that extra-container has not, else comes with declarative containers.
        environment.systemPackages = [ cfg.finalPackage ]
          ++ optional (pkgs ? nixos-container && !(config.boot.enableContainers or false)) pkgs.nixos-container;

        environment.etc."extra-container.ini" = mkIf (lines != [ ]) { text = ini; };

        # autoStart: what is installed is wanted by machines.target.
        systemd.targets.multi-user.wants = [ "machines.target" ];

        # A container loads none by itself, and a host whose modules are locked loads none later.
        boot.kernelModules = [ "bridge" "macvlan" "tap" "tun" "veth" ];

        # Addresses and routes of these interfaces are set by the containers' units.
        networking.dhcpcd.denyInterfaces = interfaces;
        services.udev.extraRules = mkIf config.networking.networkmanager.enable ''
          # NetworkManager leaves the interfaces of containers alone.
          ENV{INTERFACE}=="v[eb]-*", ENV{NM_UNMANAGED}="1"
        '';

        # Each container takes four or more of the 128 that the kernel allows a user. Weaker than the defaults
        # that parts of NixOS have, which must not meet another one of their strength.
        boot.kernel.sysctl."fs.inotify.max_user_instances" = mkOverride 1100 8192;
      }

      (optionalAttrs (options.boot ? extraSystemdUnitPaths) {
        boot.extraSystemdUnitPaths = [ units ];
      })

      # enableWAN switches forwarding on while the host runs. Before 26.05, NixOS switches it off
      # again, where nothing else asks for it, whenever a rebuild applies the kernel's settings.
      (mkIf (lib.versionOlder config.system.nixos.release "26.05" && !proxies) {
        boot.kernel.sysctl."net.ipv4.conf.all.forwarding" = mkOverride 900 null;
      })

      # systemd's own file for these interfaces would replace their addresses and serve DHCP on them.
      (optionalAttrs (options.systemd ? network) {
        systemd.network.networks."79-extra-container" = mkIf config.systemd.network.enable {
          enable = mkDefault true;
          matchConfig.Name = "ve-*";
          linkConfig.Unmanaged = true;
        };
      })

      # Only the firewall with nftables filters what is forwarded.
      (optionalAttrs (options.networking.firewall ? filterForward && options.networking.firewall ? extraForwardRules) {
        networking.firewall.extraForwardRules = mkIf (cfg.allowForward && config.networking.firewall.filterForward) ''
          iifname "ve-*" accept comment "extra-container"
        '';
      })
    ]))
  ];
}
