# The system: a store path that a container boots from and that a running
# container can be switched to.
{ config, lib, pkgs, ... }:
let
  base = pkgs.base;
  scripts = ../system;
  failed = lib.filter (a: !a.assertion) config.assertions;
  checked =
    value:
    if failed != [ ] then
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (a: "- ${a.message}") failed}"
    else
      lib.showWarnings config.warnings value;

  stub = name: text: ''
    printf '%s\n' '#!${base}/bin/bash' "SYSTEM=$out" 'BASE=${base}' ${text} > $out/${name}
  '';
in
{
  config.system.build.toplevel = checked (
    pkgs.runCommand "nixos-system-${config.system.name}-${config.system.nixos.label}" { } ''
      mkdir -p $out/bin $out/sw
      ${config.system.etcCommands}
      mkdir -p $out/etc/systemd
      ${config.system.unitCommands "$out/units"}
      ln -sT ../../units $out/etc/systemd/system
      ln -sT ${config.system.path}/bin $out/sw/bin
      ln -sT ${config.system.path}/sbin $out/sw/sbin
      ln -sT ${base} $out/systemd
      ln -sT ${config.system.build.users} $out/users
      printf %s ${pkgs.stdenv.hostPlatform.system} > $out/system
      ${lib.optionalString config.networking.useHostResolvConf "touch $out/use-host-resolv-conf"}
      printf %s ${config.system.nixos.label} > $out/nixos-version
      ${lib.optionalString (config.system.configurationRevision != null) "printf %s ${config.system.configurationRevision} > $out/configuration-revision"}
      ${lib.optionalString (config.system.extraDependencies != [ ]) "printf '%s\\n' ${lib.escapeShellArgs config.system.extraDependencies} > $out/extra-dependencies"}
      printf %s ${lib.escapeShellArg config.system.build.activationCommands} > $out/activation-commands
      ${stub "init" "'. ${scripts}/init.sh'"}
      ${stub "activate" "'. ${scripts}/activate.sh'"}
      ${stub "bin/switch-to-configuration" "'. ${scripts}/switch.sh'"}
      chmod +x $out/init $out/activate $out/bin/switch-to-configuration
    ''
  );
}
