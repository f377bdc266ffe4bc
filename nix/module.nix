# SPDX-License-Identifier: MIT
# The NixOS module: programs.extra-container.
#
# For NixOS 22.05 and later. Nothing here depends on boot.enableContainers, which NixOS disables on hosts without a
# declarative container; if it is enabled, the definitions agree.
{ config, lib, options, pkgs, ... }:

let
  inherit (lib)
    attrNames concatMap concatMapStrings concatStringsSep filter filterAttrs groupBy literalExpression mapAttrsToList
    mkDefault mkEnableOption mkIf mkMerge mkOption mkOverride optional optionalAttrs types;

  cfg = config.programs.extra-container;
  settings = import ./settings.nix { inherit lib; };

  ## The INI

  given = filterAttrs (_: v: v != null);
  # [ { section, key, line } ] of all that is set, in a stable order.
  linesOf = section: mapAttrsToList
    (key: v: { inherit section key; line = "${key} = ${settings.text section v}"; })
    (given cfg.settings.${section});
  lines = concatMap linesOf (attrNames cfg.settings);
  sectionText = section: ls: "[${section}]\n" + concatMapStrings (l: "${l.line}\n") ls;
  ini = concatStringsSep "\n" (mapAttrsToList sectionText (groupBy (l: l.section) lines));

  name = s: builtins.match "[A-Za-z0-9_-]{1,49}" s != null;
  isPlugin = n: n == "search-path" || builtins.match "[a-z][a-z0-9_]{0,31}" n != null;
  problem = section: key: text: "programs.extra-container.settings.${section}${key}: ${text}";
  problems =
    map (l: problem l.section ".${l.key}" "the line is longer than the 198 bytes that extra-container reads")
      (filter (l: builtins.stringLength l.line > 198) lines)
    ++ map (s: problem "\"${s}\"" "" "the name of a section has letters, digits, '-' and '_', 49 at most")
      (filter (s: !name s) (attrNames cfg.settings))
    ++ map (l: problem l.section ".\"${l.key}\"" "the name of a setting has letters, digits, '-' and '_', 49 at most")
      (filter (l: !name l.key) lines)
    ++ map
      (n: problem "plugins" ".\"${n}\""
        "a plugin's name is a lower-case letter, and up to 31 lower-case letters, digits and '_'")
      (filter (n: !isPlugin n) (attrNames cfg.settings.plugins));

  ## Interfaces of containers on the host

  # ve-NAME, or vb-NAME if it is part of a bridge.
  interfaces = [ "ve-*" "vb-*" ];
  proxies = lib.any (i: i.proxyARP or false) (lib.attrValues (config.networking.interfaces or { }));
  units = if cfg.settings.paths.units != null then cfg.settings.paths.units else "/etc/systemd-mutable/system";
in
{
  # The module of this name in NixOS is for the shell program and has only the option `enable`.
  disabledModules = [ "programs/extra-container.nix" ];

  options.programs.extra-container = {
    enable = mkEnableOption "extra-container, which runs declarative containers without rebuilding the host";

    package = mkOption {
      type = types.package;
      # The package of this name in nixpkgs may be the shell program.
      default =
        if (pkgs.extra-container or { }) ? withPlugins then pkgs.extra-container
        else pkgs.callPackage ./package.nix { };
      defaultText = literalExpression "pkgs.extra-container";
      description = "The package of extra-container.";
    };

    plugins = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = literalExpression "[ my-plugin ]";
      description = ''
        Packages with more plugins. The `.so` files of each are in {file}`lib/extra-container/plugins`.
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
        freeformType = types.attrsOf (types.attrsOf settings.other);
        inherit (settings) options;
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
        The contents of {file}`/etc/extra-container.ini`; see {manpage}`extra-container.ini(5)`. Without settings the
        file does not exist. {file}`/etc/extra-container.d/*.ini`, which overrides it, is left to you.

        Each plugin has a section of its name, including plugins that this module does not know.
      '';
    };

    allowForward = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether the firewall of the host lets containers reach other networks if it filters forwarded packets
        ({option}`networking.firewall.filterForward`). If it does not, `extra.enableWAN` has no effect on such a host.
      '';
    };
  };

  config = mkMerge [
    {
      programs.extra-container.finalPackage =
        if cfg.plugins == [ ] then cfg.package
        else if cfg.package ? withPlugins then cfg.package.withPlugins cfg.plugins
        else
          throw ("programs.extra-container.plugins: the package "
            + "${cfg.package.name or "of programs.extra-container.package"} takes no plugins: it has no `withPlugins'");
    }

    (mkIf cfg.enable (mkMerge [
      {
        assertions = map (message: { assertion = false; inherit message; }) problems ++ [
          {
            assertion = options.boot ? extraSystemdUnitPaths;
            message =
              "programs.extra-container needs the option boot.extraSystemdUnitPaths, which NixOS has since 21.05.";
          }
        ];

        # extra-container passes commands of nixos-container on to it, which NixOS installs only with declarative
        # containers.
        environment.systemPackages = [ cfg.finalPackage ]
          ++ optional (pkgs ? nixos-container && !(config.boot.enableContainers or false)) pkgs.nixos-container;

        environment.etc."extra-container.ini" = mkIf (lines != [ ]) { text = ini; };

        # For autoStart: installed containers are wanted by machines.target.
        systemd.targets.multi-user.wants = [ "machines.target" ];

        # Containers cannot load modules, and a host with locked modules cannot load them later.
        boot.kernelModules = [ "bridge" "macvlan" "tap" "tun" "veth" ];

        # The units of the containers set the addresses and routes of these interfaces.
        networking.dhcpcd.denyInterfaces = interfaces;
        services.udev.extraRules = mkIf config.networking.networkmanager.enable ''
          # NetworkManager leaves the interfaces of containers alone.
          ENV{INTERFACE}=="v[eb]-*", ENV{NM_UNMANAGED}="1"
        '';

        # Each container uses at least four of the 128 that the kernel allows a user. Other NixOS modules set this
        # with mkDefault, which must not conflict, so the priority here is lower.
        boot.kernel.sysctl."fs.inotify.max_user_instances" = mkOverride 1100 8192;
      }

      (optionalAttrs (options.boot ? extraSystemdUnitPaths) {
        boot.extraSystemdUnitPaths = [ units ];
      })

      # enableWAN enables forwarding at run time. Before 26.05, every rebuild of a NixOS host that does not need
      # forwarding itself disables it again.
      (mkIf (lib.versionOlder config.system.nixos.release "26.05" && !proxies) {
        boot.kernel.sysctl."net.ipv4.conf.all.forwarding" = mkOverride 900 null;
      })

      # The file for these interfaces that comes with systemd would replace their addresses and start a DHCP server.
      (optionalAttrs (options.systemd ? network) {
        systemd.network.networks."79-extra-container" = mkIf config.systemd.network.enable {
          enable = mkDefault true;
          matchConfig.Name = "ve-*";
          linkConfig.Unmanaged = true;
        };
      })

      # Only the nftables firewall filters forwarded packets.
      (optionalAttrs (options.networking.firewall ? filterForward && options.networking.firewall ? extraForwardRules) {
        networking.firewall.extraForwardRules = mkIf (cfg.allowForward && config.networking.firewall.filterForward) ''
          iifname "ve-*" accept comment "extra-container"
        '';
      })
    ]))
  ];
}
