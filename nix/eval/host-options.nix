# SPDX-License-Identifier: MIT
# The options of this evaluation: those that the units and files of containers come from. Definitions of all
# other options are collected (unmatched.nix).
#
# file: the position of these options. containerModules: modules of each container. narrow: config -> the
# containers that are evaluated.
{ lib, pkgs, file, units, unmatched, containerModules, specialArgs, host, narrow }:

let
  messages = lib.mkOptionType {
    name = "messages";
    merge = loc: defs: lib.concatMap (d: lib.toList d.value) defs;
  };

  # Passes the arguments of the definition's modules on to the modules of its containers.
  givenArgs = { options, ... }: {
    config =
      if options ? specialArgs then { specialArgs = lib.mapAttrs (_: lib.mkDefault) specialArgs; }
      # Before NixOS 23.05; these cannot be used in `imports`.
      else { extra.modules = [ { _module.args = specialArgs; } ]; };
  };

  # With `flake`, the settings have no system, so NixOS's error is not evaluated.
  flakeAndConfig = { config, options, ... }: {
    options.extra.hasFlakeAndConfig = lib.mkOption {
      internal = true;
      visible = false;
      default = (config.flake or null) != null && options.config.isDefined;
    };
  };

  beforeStart = name: {
    # Else lines of the container's console could claim to be an emergency of the host, which journald sends to every
    # terminal as it is.
    serviceConfig.SyslogLevelPrefix = lib.mkDefault false;
    script = lib.mkBefore ''
      ${pkgs.runtimeShell or pkgs.stdenv.shell} ${./before-start.sh} ${name}
      # NixOS's cp would fail.
      [[ -e /etc/resolv.conf ]] || COPY_RESOLV_CONF=0
      # Every user of a container could lock the host's Nix database, so that Nix waits for ever. An empty directory
      # that cannot be written keeps the container's Nix from making a database of its own; it uses the daemon. It is
      # not one of the host, which root in the container could write to.
      exec() {
        local arg args=() found=
        for arg; do
          if [[ ! $found && $arg == --bind-ro=/nix/var/nix/db* ]]; then
            found=1 arg=--tmpfs=/nix/var/nix/db:ro,mode=0755
          fi
          args+=("$arg")
        done
        builtin exec "''${args[@]}"
      }
    '';
  };

  # Otherwise the host would accept IPv6 routes and addresses that root in the container announces. This must be set
  # before the host's ends are up, and is here because it concerns every container, whichever plugins are used. A port
  # of a bridge ignores such packets, so the bridge, which is the host's own, decides. IPv4 redirects are accepted if
  # conf/all or the interface says so, and can change routes through other interfaces; those keep their own setting.
  refuseRoutes = name: c: {
    postStart = lib.mkBefore ''
      for link in ${lib.escapeShellArgs ([ "ve-${name}" "vb-${name}" ] ++ lib.attrNames (c.extraVeths or { }))}; do
        # The name in the definition may be too long for an interface, and only an alternative name.
        link=$(ip -o link show dev "$link" 2>/dev/null) || continue
        link=''${link#*: } link=''${link%%[@:]*}
        for file in /proc/sys/net/ipv6/conf/"$link"/{accept_ra,accept_redirects,autoconf} \
          /proc/sys/net/ipv4/conf/{all,"$link"}/accept_redirects; do
          [[ ! -e $file || "$(< "$file")" == 0 ]] || echo 0 > "$file" || {
            echo "container '${name}': cannot set $file to 0, so the container could change the host's routes;" \
              "make it writable, or set ''${file/$link/default} to 0 before the start" >&2
            exit 1
          }
        done
      done
    '';
  };

  # NixOS ends every machine of this name, and systemd-nspawn cannot register a second one.
  refuseForeign = name: {
    # After what users put first.
    preStart = lib.mkOrder 600 ''
      unit=$(timeout 10 machinectl show -p Unit --value ${name} 2>/dev/null) || :
      [[ ! $unit || $unit == container@${name}.service ]] || {
        echo "container '${name}': a machine of this name runs in $unit; end that first" >&2
        exit 1
      }
    '';
  };

  # Removes what a killed systemd-nspawn leaves, so that the container can be started again: a mount (since
  # systemd 256), and the registration, which machined keeps until the unit is inactive. A unit that is
  # restarted at once never is.
  cleanup = name:
    let
      # Newer versions of systemd have the second.
      unmount = "umount -q /run/systemd/nspawn/{unix-export/${name},${name}/unix-export} 2>/dev/null || :";
    in
    {
      path = [ (pkgs.util-linux or pkgs.utillinux) ];
      # What the unit needs for its stop; NixOS before 21.05 stops containers through machined. Otherwise these may end
      # first when the host shuts down.
      after = [ "dbus.service" "dbus.socket" "systemd-machined.service" ];
      # postStop did not run if systemd itself crashed.
      preStart = lib.mkAfter ''
        ${unmount}
      '';
      postStop = lib.mkAfter ''
        ${unmount}
        [[ "$SERVICE_RESULT" == success ||
          "$(timeout 10 machinectl show -p Unit --value ${name} 2>/dev/null)" != container@${name}.service ]] ||
          busctl --timeout=5 call org.freedesktop.machine1 /org/freedesktop/machine1 \
            org.freedesktop.machine1.Manager UnregisterMachine s ${name} >/dev/null 2>&1 || :
      '';
    };
in
{
  module = { config, options, ... }: {
    _file = file;
    imports = [ unmatched.module ];
    options = {
      assertions = lib.mkOption { type = messages; default = [ ]; };
      warnings = lib.mkOption { type = messages; default = [ ]; };
      systemd.services = units.option;
      environment.etc = lib.mkOption {
        type = lib.types.attrsOf (lib.types.submodule {
          imports = [ unmatched.module ];
          options = {
            text = lib.mkOption { type = lib.types.nullOr lib.types.lines; default = null; };
            source = lib.mkOption { default = null; };
          };
        });
        default = { };
      };
      containers = lib.mkOption {
        type = lib.types.attrsOf (lib.types.submodule {
          imports = [ flakeAndConfig ] ++ containerModules ++ lib.optional (specialArgs != { }) givenArgs;
        });
      };
    };
    config = {
      systemd.services = lib.mapAttrs'
        (name: c: lib.nameValuePair "container@${name}"
          (lib.mkMerge [ (beforeStart name) (refuseForeign name) (refuseRoutes name c) (cleanup name) ]))
        (narrow config);
      boot.enableContainers = lib.mkForce true;
      _module.args = {
        utils = host.utilsFor { inherit config options; };
        inherit (host) system;
        baseModules = [ ];
        extraModules = [ ];
        modules = [ ];
      };
    };
  };
}
