# systemd units.
{ config, lib, pkgs, utils, ... }:
let
  inherit (lib) mkOption types;
  unitLib = utils.systemdUtils;
  inherit (unitLib) otherText sectionOption unitSubmodule;
  cfg = config.systemd;

  units = options: mkOption { type = types.attrsOf (unitSubmodule options); default = { }; };

  # Sockets and timers have short forms of the keys that they need.
  socketOptions = sectionOption "socketConfig" // {
    listenStreams = mkOption { type = types.listOf types.str; default = [ ]; };
    listenDatagrams = mkOption { type = types.listOf types.str; default = [ ]; };
  };

  sectionOf = config': unitLib.lines config';
  kinds = {
    service = lib.mapAttrs' (n: c: entry "${n}.service" c (unitLib.serviceText pkgs "${n}.service" c cfg.globalEnvironment)) cfg.services;
    socket = lib.mapAttrs' (
      n: c:
      entry "${n}.socket" c (
        otherText "Socket" (
          lib.concatMapStrings (s: "ListenStream=${s}\n") c.listenStreams
          + lib.concatMapStrings (s: "ListenDatagram=${s}\n") c.listenDatagrams
          + sectionOf c.socketConfig
        ) c
      )
    ) cfg.sockets;
    target = lib.mapAttrs' (n: c: entry "${n}.target" c (otherText null "" c)) cfg.targets;
    timer = lib.mapAttrs' (n: c: entry "${n}.timer" c (otherText "Timer" (sectionOf c.timerConfig) c)) cfg.timers;
    path = lib.mapAttrs' (n: c: entry "${n}.path" c (otherText "Path" (sectionOf c.pathConfig) c)) cfg.paths;
    slice = lib.mapAttrs' (n: c: entry "${n}.slice" c (otherText "Slice" (sectionOf c.sliceConfig) c)) cfg.slices;
  };
  entry = name: c: text: {
    inherit name;
    value = { inherit text; inherit (c) enable overrideStrategy wantedBy requiredBy upheldBy aliases; };
  };

  unitOptions = types.submodule (
    { name, config, ... }:
    {
      options = {
        enable = mkOption { type = types.bool; default = true; };
        text = mkOption { type = types.nullOr types.str; default = null; };
        overrideStrategy = mkOption { type = types.str; default = "asDropinIfExists"; };
        wantedBy = mkOption { type = types.listOf types.str; default = [ ]; };
        requiredBy = mkOption { type = types.listOf types.str; default = [ ]; };
        upheldBy = mkOption { type = types.listOf types.str; default = [ ]; };
        aliases = mkOption { type = types.listOf types.str; default = [ ]; };
        unit = mkOption { type = types.package; internal = true; };
      };
      config.unit = lib.mkDefault (
        pkgs.runCommand "unit-${lib.replaceStrings [ "@" ":" "\\" "[" "]" ] [ "-" "-" "-" "" "" ] name}" {
          text = if config.text == null then "" else config.text;
          passAsFile = [ "text" ];
        } ''
          mkdir $out
          ${if config.enable then "cp $textPath" else "ln -s /dev/null"} "$out/"${lib.escapeShellArg name}
        ''
      );
    }
  );

  # Units of the distribution are extended, not replaced.
  existing = [
    "basic.target" "dbus.service" "dbus.socket" "emergency.service" "emergency.target" "exit.target" "final.target" "halt.target"
    "local-fs-pre.target" "local-fs.target" "machines.target" "multi-user.target" "network-online.target" "network-pre.target" "network.target"
    "nss-lookup.target" "nss-user-lookup.target" "paths.target" "poweroff.target" "reboot.target" "remote-fs-pre.target"
    "remote-fs.target" "rescue.service" "rescue.target" "shutdown.target" "sigpwr.target" "slices.target" "sockets.target"
    "swap.target" "sysinit.target" "systemd-exit.service" "systemd-halt.service" "systemd-journal-flush.service"
    "systemd-journald-dev-log.socket" "systemd-journald.service" "systemd-journald.socket" "systemd-poweroff.service"
    "systemd-reboot.service" "systemd-sysctl.service" "systemd-tmpfiles-setup.service" "time-set.target" "time-sync.target"
    "timers.target" "umount.target" "user.slice"
  ];
  isDropin = name: u: u.enable && (u.overrideStrategy == "asDropin" || lib.elem name existing);

  all = cfg.units;
  names = lib.attrNames all;
  plain = lib.filter (n: !isDropin n all.${n}) names;
  dropins = lib.filter (n: isDropin n all.${n} && !emptyDropin all.${n}) names;
  # The drop-in of a target that only appears in `wantedBy` is empty.
  emptyDropin = u: u.text == "[Unit]\n";

  edges =
    kind: field:
    lib.foldl' (
      acc: n: lib.foldl' (acc: t: acc // { "${t}.${kind}" = acc."${t}.${kind}" or [ ] ++ [ n ]; }) acc all.${n}.${field}
    ) { } names;
  linkFolders = edges "wants" "wantedBy" // edges "requires" "requiredBy" // edges "upholds" "upheldBy";

  dirCommands =
    dir:
    ''
      mkdir -p ${dir} ${lib.concatMapStringsSep " " (n: "${dir}/${lib.escapeShellArg n}.d") dropins} ${lib.concatMapStringsSep " " (d: "${dir}/${lib.escapeShellArg d}") (lib.attrNames linkFolders)}
      ${lib.optionalString (plain != [ ]) "ln -st ${dir} ${lib.concatMapStringsSep " " (n: lib.escapeShellArg "${all.${n}.unit}/${n}") plain}"}
      ${lib.concatMapStrings (n: "ln -sT ${lib.escapeShellArg "${all.${n}.unit}/${n}"} ${dir}/${lib.escapeShellArg n}.d/overrides.conf\n") dropins}
      ${lib.concatMapStrings (n: lib.concatMapStrings (a: "ln -sT ${lib.escapeShellArg n} ${dir}/${lib.escapeShellArg a}\n") all.${n}.aliases) names}
    ''
    + lib.concatMapStrings (
      d: "ln -st ${dir}/${lib.escapeShellArg d} ${lib.concatMapStringsSep " " (n: "../${lib.escapeShellArg n}") linkFolders.${d}}\n"
    ) (lib.attrNames linkFolders)
    + lib.optionalString (cfg.defaultUnit != "multi-user.target") "ln -sT ${cfg.defaultUnit} ${dir}/default.target\n";
in
{
  options = {
    systemd = {
      package = mkOption { type = types.package; default = pkgs.systemd; };
      services = units unitLib.serviceOptions;
      sockets = units socketOptions;
      targets = units { };
      timers = units (sectionOption "timerConfig");
      paths = units (sectionOption "pathConfig");
      slices = units (sectionOption "sliceConfig");
      units = mkOption { type = types.attrsOf unitOptions; default = { }; };
      globalEnvironment = mkOption { type = types.attrsOf (types.nullOr types.str); default = { }; };
      defaultUnit = mkOption { type = types.str; default = "multi-user.target"; };
      tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
      enableStrictShellChecks = mkOption { type = types.bool; default = false; };
    };
    # Additional directories for units; the empty element at the end means the default directories.
    boot.extraSystemdUnitPaths = mkOption { type = types.listOf types.str; default = [ ]; };
    system.unitCommands = mkOption { type = types.raw; internal = true; readOnly = true; };
  };

  config = {
    _module.args.utils = import ../lib/utils.nix { inherit lib config pkgs; };

    systemd.units = lib.foldl' (a: b: a // b) { } (lib.attrValues kinds);
    # startAt is a short form of a timer.
    systemd.timers = lib.mapAttrs (_: s: {
      wantedBy = [ "timers.target" ];
      timerConfig.OnCalendar = s.startAt;
    }) (lib.filterAttrs (_: s: s.enable && s.startAt != [ ]) cfg.services);

    system.unitCommands = dirCommands;
    system.build.units = pkgs.runCommand "system-units" { } (dirCommands "$out");

    environment.etc."systemd/system.conf" = lib.mkIf (config.boot.extraSystemdUnitPaths != [ ]) {
      text = ''
        [Manager]
        ManagerEnvironment=SYSTEMD_UNIT_PATH='${lib.concatStringsSep ":" config.boot.extraSystemdUnitPaths}:'
      '';
    };

    environment.etc."tmpfiles.d/00-nixos.conf".text = ''
      d /run/lock 0755 root root - -
      d /run/log 0755 root root - -
      D! /tmp/.X11-unix 1777 root root - -
      ${lib.concatStringsSep "\n" cfg.tmpfiles.rules}
    '';
  };
}
