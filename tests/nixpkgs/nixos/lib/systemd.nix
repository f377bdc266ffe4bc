# Options and texts of systemd units.
{ lib }:
let
  inherit (lib) concatLists concatMapStrings concatStrings mapAttrsToList mkOption types;

  strings = mkOption { type = types.listOf types.str; default = [ ]; };
  bool = default: mkOption { type = types.bool; inherit default; };

  # The value of a key in a unit: null omits it, a list repeats it.
  settingType =
    let
      atom = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path types.package ]);
    in
    types.coercedTo types.package toString (types.either atom (types.listOf atom));
  # Definitions of a key: lists are joined, other values must be equal.
  unitValue = lib.mkOptionType {
    name = "systemd option";
    check = v: settingType.check v;
    merge =
      loc: defs:
      if lib.any (d: builtins.isList d.value) defs then
        lib.concatMap (d: lib.toList d.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
  section = types.attrsOf unitValue;

  # [Unit] keys that have separate options.
  relations = {
    after = "After";
    before = "Before";
    wants = "Wants";
    requires = "Requires";
    requisite = "Requisite";
    bindsTo = "BindsTo";
    partOf = "PartOf";
    conflicts = "Conflicts";
    onFailure = "OnFailure";
    onSuccess = "OnSuccess";
    documentation = "Documentation";
    upholds = "Upholds";
  };

  commonOptions = lib.mapAttrs (_: _: strings) relations // {
    enable = bool true;
    description = mkOption { type = types.singleLineStr; default = ""; };
    overrideStrategy = mkOption { type = types.enum [ "asDropinIfExists" "asDropin" ]; default = "asDropinIfExists"; };
    unitConfig = mkOption { type = section; default = { }; };
    wantedBy = strings;
    requiredBy = strings;
    upheldBy = strings;
    aliases = strings;
    startLimitIntervalSec = mkOption { type = types.nullOr types.int; default = null; };
    startLimitBurst = mkOption { type = types.nullOr types.int; default = null; };
    restartTriggers = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    reloadTriggers = mkOption { type = types.listOf types.unspecified; default = [ ]; };
  };

  sectionOption = name: { ${name} = mkOption { type = section; default = { }; }; };

  script = mkOption { type = types.lines; default = ""; };
  serviceOptions = {
    serviceConfig = mkOption { type = section; default = { }; };
    environment = mkOption {
      type = types.attrsOf (types.nullOr (types.oneOf [ types.str types.path types.package types.int ]));
      default = { };
    };
    path = mkOption { type = types.listOf (types.oneOf [ types.package types.str ]); default = [ ]; };
    script = script;
    scriptArgs = mkOption { type = types.str; default = ""; };
    preStart = script;
    postStart = script;
    reload = script;
    preStop = script;
    postStop = script;
    jobScripts = mkOption { type = types.attrsOf types.path; internal = true; readOnly = true; default = { }; };
    enableStrictShellChecks = bool false;
    restartIfChanged = bool true;
    reloadIfChanged = bool false;
    stopIfChanged = bool true;
    notSocketActivated = bool false;
    startAt = mkOption { type = types.coercedTo types.str lib.singleton (types.listOf types.str); default = [ ]; };
    confinement = mkOption { type = types.raw; internal = true; default = null; };
  };
in
rec {
  inherit commonOptions serviceOptions sectionOption;

  unitSubmodule = kindOptions: types.submodule { options = commonOptions // kindOptions; };

  showValue = v: if v == true then "true" else if v == false then "false" else toString v;
  lines =
    set:
    concatStrings (
      concatLists (
        mapAttrsToList (k: v: map (x: "${k}=${showValue x}\n") (lib.filter (x: x != null) (lib.toList v))) set
      )
    );

  unitSection =
    cfg:
    let
      relation = lib.concatMapAttrs (
        opt: key: lib.optionalAttrs (cfg.${opt} != [ ]) { ${key} = lib.concatStringsSep " " cfg.${opt}; }
      ) relations;
      triggers = list: lib.concatMapStringsSep " " (t: if builtins.isPath t then "${t}" else toString t) list;
    in
    "[Unit]\n"
    + lines (
      relation
      // lib.optionalAttrs (cfg.description != "") { Description = cfg.description; }
      // lib.optionalAttrs (cfg.startLimitIntervalSec != null) { StartLimitIntervalSec = cfg.startLimitIntervalSec; }
      // lib.optionalAttrs (cfg.startLimitBurst != null) { StartLimitBurst = cfg.startLimitBurst; }
      // lib.optionalAttrs (cfg.restartTriggers != [ ]) { X-Restart-Triggers = triggers cfg.restartTriggers; }
      // lib.optionalAttrs (cfg.reloadTriggers != [ ]) { X-Reload-Triggers = triggers cfg.reloadTriggers; }
      // cfg.unitConfig
    );

  installSection =
    cfg:
    let
      keys = lib.filterAttrs (_: v: v != [ ]) { WantedBy = cfg.wantedBy; RequiredBy = cfg.requiredBy; Alias = cfg.aliases; };
    in
    lib.optionalString (keys != { }) ("\n[Install]\n" + lines (lib.mapAttrs (_: lib.concatStringsSep " ") keys));

  # A quoted assignment as systemd reads it.
  environmentLine =
    name: value:
    let
      text = toString value;
      quoted = lib.replaceStrings [ "\\" "\"" "\n" ] [ "\\\\" "\\\"" "\\n" ] "${name}=${text}";
    in
    "Environment=\"${quoted}\"\n";

  # A script of a service as a separate store path.
  jobScript =
    pkgs: unit: kind: strict: text:
    let
      base = lib.replaceStrings [ "\\" "@" ] [ "-" "_" ] (lib.removeSuffix ".service" unit);
      name = "${base}-${kind}";
      drv = pkgs.writeTextFile {
        name = "unit-script-${name}";
        destination = "/bin/${name}";
        executable = true;
        text = "#!${pkgs.runtimeShell}\n${
          if strict then "set -o errexit\nset -o nounset\nset -o pipefail\n\n" else "set -e\n\n"
        }${text}\n";
      };
    in
    "${drv}/bin/${name}";

  serviceText =
    pkgs: fullName: cfg: globalEnvironment:
    let
      scripts = {
        ExecStartPre = job "pre-start" cfg.preStart;
        ExecStart = job "start" cfg.script;
        ExecStartPost = job "post-start" cfg.postStart;
        ExecReload = job "reload" cfg.reload;
        ExecStop = job "pre-stop" cfg.preStop;
        ExecStopPost = job "post-stop" cfg.postStop;
      };
      job = kind: text: if text == "" then null else jobScript pkgs fullName kind cfg.enableStrictShellChecks text;
      ofScripts = lib.filterAttrs (_: v: v != null) scripts // lib.optionalAttrs (scripts.ExecStart != null) {
        ExecStart = "${scripts.ExecStart} ${cfg.scriptArgs}";
      };
      merged = builtins.zipAttrsWith (
        key: values: if builtins.length values == 1 then builtins.head values else lib.concatMap lib.toList values
      ) [ ofScripts cfg.serviceConfig ];
      clash = lib.optional (ofScripts ? ExecStart && cfg.serviceConfig ? ExecStart) fullName;
      path = lib.unique (map toString (cfg.path ++ (with pkgs; [ coreutils findutils gnugrep gnused systemd ])));
      environment = globalEnvironment // {
        PATH = "${lib.makeSearchPath "bin" path}:${lib.makeSearchPath "sbin" path}";
      } // lib.filterAttrs (_: v: v != null) cfg.environment;
    in
    if clash != [ ] then
      throw "The service `${fullName}' has both a script and serviceConfig.ExecStart."
    else
      unitSection cfg
      + "\n[Service]\n"
      + concatStrings (mapAttrsToList environmentLine environment)
      + (
        if cfg.reloadIfChanged then "X-ReloadIfChanged=true\n"
        else if !cfg.restartIfChanged then "X-RestartIfChanged=false\n"
        else ""
      )
      + lib.optionalString (!cfg.stopIfChanged) "X-StopIfChanged=false\n"
      + lib.optionalString cfg.notSocketActivated "X-NotSocketActivated=true\n"
      + lines merged
      + installSection cfg;

  otherText =
    title: extra: cfg:
    unitSection cfg + lib.optionalString (title != null) ("\n[${title}]\n" + extra) + installSection cfg;
}
