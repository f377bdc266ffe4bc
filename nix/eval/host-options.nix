# SPDX-License-Identifier: MIT
# The options of this evaluation: those that the units and files of containers come from. Definitions of all
# other options are collected, so that no NixOS option needs to be listed here.
#
# file: the position of these options. containerModules: modules of each container. narrow: config -> the
# containers that are evaluated.
{ lib, pkgs, file, units, containerModules, specialArgs, host, narrow }:

let
  hasFreeform = (lib.evalModules { modules = [ ]; }).options._module ? freeformType;

  messages = lib.mkOptionType {
    name = "messages";
    merge = loc: defs: lib.concatMap (d: lib.toList d.value) defs;
  };

  # The names are fixed, so that the module system does not look into the values.
  unmatchedType = lib.mkOptionType {
    name = "definitions without an option";
    merge = loc: defs: { _unmatched = defs; };
  };

  # Passes the arguments of the definition's modules on to the modules of its containers.
  givenArgs = { options, ... }: {
    config =
      if options ? specialArgs then { specialArgs = lib.mapAttrs (_: lib.mkDefault) specialArgs; }
      # Before NixOS 23.05; these cannot be used in `imports`.
      else { extra.modules = [ { _module.args = specialArgs; } ]; };
  };

  beforeStart = name: {
    script = lib.mkBefore ''
      ${pkgs.runtimeShell or pkgs.stdenv.shell} ${./before-start.sh} ${name}
    '';
  };

  # Removes what a killed systemd-nspawn leaves, so that the container can be started again: a mount (since
  # systemd 256), and the registration, which machined keeps until the unit is inactive. A unit that is
  # restarted at once never is.
  cleanup = name: {
    path = [ (pkgs.util-linux or pkgs.utillinux) ];
    # postStop did not run if systemd itself crashed.
    preStart = lib.mkAfter ''
      umount -q /run/systemd/nspawn/unix-export/${name} 2>/dev/null || :
    '';
    postStop = lib.mkAfter ''
      umount -q /run/systemd/nspawn/unix-export/${name} 2>/dev/null || :
      [[ "$SERVICE_RESULT" == success ]] || busctl --timeout=5 call org.freedesktop.machine1 /org/freedesktop/machine1 \
        org.freedesktop.machine1.Manager UnregisterMachine s ${name} >/dev/null 2>&1 || :
    '';
  };
in
{
  inherit hasFreeform;

  module = { config, ... }: {
    _file = file;
    options = {
      assertions = lib.mkOption { type = messages; default = [ ]; };
      warnings = lib.mkOption { type = messages; default = [ ]; };
      systemd.services = units.option;
      environment.etc = lib.mkOption {
        type = lib.types.attrsOf (lib.types.submodule {
          options = {
            text = lib.mkOption { type = lib.types.nullOr lib.types.lines; default = null; };
            source = lib.mkOption { default = null; };
          };
          config._module.check = false;
        });
        default = { };
      };
      containers = lib.mkOption {
        type = lib.types.attrsOf (lib.types.submodule {
          imports = containerModules ++ lib.optional (specialArgs != { }) givenArgs;
        });
      };
    };
    config = {
      systemd.services = lib.mapAttrs'
        (name: _: lib.nameValuePair "container@${name}" (lib.mkMerge [ (beforeStart name) (cleanup name) ]))
        (narrow config);
      boot.enableContainers = lib.mkForce true;
      _module = {
        args = {
          utils = host.utilsFor config;
          inherit (host) system;
          baseModules = [ ];
          extraModules = [ ];
          modules = [ ];
        };
      } // (if hasFreeform then { freeformType = unmatchedType; } else { check = false; });
    };
  };
}
