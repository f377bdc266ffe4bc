# SPDX-License-Identifier: MIT
# The options of `systemd.services.<name>` that units are rendered from, and the rendering.
#
# isNixos: file -> whether it is one of NixOS's module for containers.
{ lib, pkgs, unmatched, isNixos }:

let
  inherit (lib) attrNames concatMapStrings concatStringsSep filter isList mkOption optionalAttrs toList types;

  isPlain = v:
    if builtins.isAttrs v then v ? outPath || v ? __toString
    else !isList v && !builtins.isFunction v;
  anyOf = defs: lib.any (d: isList d.value) defs;

  # A list writes one line for each element; lists from several definitions are concatenated.
  directive = lib.mkOptionType {
    name = "unit directive";
    description = "text, number, boolean or path, or list of these";
    check = v: if isList v then lib.all isPlain v else isPlain v;
    merge = loc: defs:
      if anyOf defs then lib.concatMap (d: toList d.value) defs
      else lib.mergeEqualOption loc defs;
  };

  variable = directive // {
    name = "environment variable";
    description = "text, number or path";
    check = v: isPlain v && !builtins.isBool v;
  };

  # Lists of anything (packages, strings), concatenated.
  list = lib.mkOptionType {
    name = "list";
    description = "list";
    check = isList;
    merge = loc: defs: lib.concatLists (map (d: d.value) defs);
  };

  listOption = mkOption { type = list; default = [ ]; };
  linesOption = mkOption { type = types.lines; default = ""; };
  directivesOption = mkOption { type = types.attrsOf directive; default = { }; };
  optionalDirective = mkOption { type = directive; default = null; };

  # What NixOS's module defines is left out: it names the container's system, which a running container switches to.
  triggers = mkOption {
    type = lib.mkOptionType {
      name = "list of triggers";
      check = isList;
      merge = loc: defs: lib.concatLists (map (d: d.value) (filter (d: !isNixos d.file) defs));
    };
    default = [ ];
  };

  # Options for names of other units, and their directives.
  relations = {
    after = "After";
    before = "Before";
    bindsTo = "BindsTo";
    conflicts = "Conflicts";
    documentation = "Documentation";
    onFailure = "OnFailure";
    onSuccess = "OnSuccess";
    partOf = "PartOf";
    requires = "Requires";
    requisite = "Requisite";
    upholds = "Upholds";
    wants = "Wants";
  };

  # Options for scripts: the directive, and the end of the script's name.
  scripts = {
    preStart = { directive = "ExecStartPre"; suffix = "pre-start"; };
    script = { directive = "ExecStart"; suffix = "start"; };
    postStart = { directive = "ExecStartPost"; suffix = "post-start"; };
    reload = { directive = "ExecReload"; suffix = "reload"; };
    preStop = { directive = "ExecStop"; suffix = "pre-stop"; };
    postStop = { directive = "ExecStopPost"; suffix = "post-stop"; };
  };

  defaultPath =
    map (n: pkgs.${n}) (filter (n: pkgs ? ${n}) [ "coreutils" "findutils" "gnugrep" "gnused" ])
    ++ [ pkgs.systemd ];

  service = {
    imports = [ unmatched.module ];
    options = lib.mapAttrs (_: _: listOption) relations // lib.mapAttrs (_: _: linesOption) scripts // {
      description = mkOption { type = types.str; default = ""; };
      wantedBy = listOption;
      requiredBy = listOption;
      path = listOption;
      environment = mkOption { type = types.attrsOf variable; default = { }; };
      unitConfig = directivesOption;
      serviceConfig = directivesOption;
      scriptArgs = mkOption { type = types.str; default = ""; };
      restartIfChanged = mkOption { type = types.bool; default = true; };
      reloadIfChanged = mkOption { type = types.bool; default = false; };
      stopIfChanged = mkOption { type = types.bool; default = true; };
      startLimitIntervalSec = optionalDirective;
      startLimitBurst = optionalDirective;
      restartTriggers = triggers;
      reloadTriggers = triggers;
    };
    config.path = lib.mkAfter defaultPath;
  };

  value = x: if x == true then "true" else if x == false then "false" else toString x;
  lines = set: concatMapStrings
    (name: concatMapStrings (x: "${name}=${value x}\n") (toList set.${name}))
    (attrNames set);

  # Merges sets of directives; both may define the same directive.
  join = a: b: a // lib.mapAttrs (n: v: if a ? ${n} then toList a.${n} ++ toList v else v) b;

  # A path is copied into the store, so that what it contains counts. A hash has no newlines.
  hashOf = list:
    if list == [ ] then ""
    else builtins.hashString "sha256"
      (toString (map (t: if builtins.typeOf t == "path" then "${t}" else t) (lib.flatten list)));

  # name: of the container. out: path of the output that contains the unit and its scripts.
  render = { name, out }: cfg:
    let
      used = filter (s: cfg.${s} != "") (attrNames scripts);
      scriptName = s: "container_${name}-${scripts.${s}.suffix}";
      exec = s: "${out}/bin/${scriptName s}" + (if s == "script" then " ${cfg.scriptArgs}" else "");

      unit = join
        (lib.filterAttrs (_: v: v != null && v != "" && v != [ ]) (
          lib.mapAttrs' (opt: key: lib.nameValuePair key (toString cfg.${opt})) relations
          // {
            Description = cfg.description;
            StartLimitIntervalSec = cfg.startLimitIntervalSec;
            StartLimitBurst = cfg.startLimitBurst;
            X-Restart-Triggers = hashOf cfg.restartTriggers;
            X-Reload-Triggers = hashOf cfg.reloadTriggers;
          }))
        cfg.unitConfig;

      serviceSection = lib.foldl'
        (acc: s: join acc { ${scripts.${s}.directive} = [ (exec s) ]; })
        cfg.serviceConfig
        used;

      env = optionalAttrs (cfg.path != [ ])
        {
          PATH = concatStringsSep ":" (
            map (p: "${if lib.isDerivation p then lib.getBin p else p}/bin") cfg.path
            ++ map (p: "${if lib.isDerivation p then lib.getBin p else p}/sbin") cfg.path
          );
        } // cfg.environment;

      # A path is copied into the store.
      text = v: if builtins.isInt v || builtins.isFloat v then toString v else "${v}";
      environment = concatMapStrings
        (n: if env.${n} == null then "" else "Environment=${builtins.toJSON "${n}=${text env.${n}}"}\n")
        (attrNames env);

      switch =
        (if cfg.reloadIfChanged then "X-ReloadIfChanged=true\n"
        else if !cfg.restartIfChanged then "X-RestartIfChanged=false\n"
        else "")
        + (if !cfg.stopIfChanged then "X-StopIfChanged=false\n" else "");

      install = lines (lib.filterAttrs (_: v: v != "") {
        WantedBy = toString cfg.wantedBy;
        RequiredBy = toString cfg.requiredBy;
      });
    in
    {
      text = "[Unit]\n${lines unit}\n[Service]\n${environment}${switch}${lines serviceSection}"
        + (if install == "" then "" else "\n[Install]\n${install}");

      scripts = lib.listToAttrs (map
        (s: lib.nameValuePair s {
          name = scriptName s;
          text = "#!${pkgs.runtimeShell or pkgs.stdenv.shell}\nset -e\n\n${cfg.${s}}\n";
        })
        used);
    };
in
{
  option = mkOption {
    type = types.attrsOf (types.submodule service);
    default = { };
  };
  inherit render;
}
