# SPDX-License-Identifier: MIT
# Evaluates definitions of containers, without a NixOS host around them.
#
# Of NixOS this takes the one module that turns `containers` into units
# (nixos-containers.nix), and nothing else. There is no list of NixOS' options
# here: definitions that no option is declared for are collected, not refused.
# What the NixOS module defines for other parts of a host is dropped that way;
# what the user defines there gets a warning, and a misspelt option an error.
#
# nix-instantiate eval-config.nix --argstr definitionFile /dir/web.nix -A etc
#
# With flakeFile the definition is an attribute of a flake. `flake.build` is the path
# of one that is no definition, but a package or a NixOS configuration.
{
  # The definition: the absolute path of a file or of a directory with a
  # default.nix (a string, so that nothing is copied into the store), or a module.
  definitionFile ? null
, definition ? null
, # What to call the definition in messages and positions.
  definitionName ? null
, # A file with the metadata of a flake, in place of a definition, and the attribute path in it.
  flakeFile ? null
, flakeAttr ? ""
, # Attribute path into it, as for `nix-build -A`.
  attr ? null
, # JSON list of the containers to evaluate; null or [] is all of them.
  names ? null
, # JSON list of absolute paths of feature modules.
  modules ? "[]"
, # JSON attribute set, given to feature modules as `ecArgs`.
  args ? "{}"
, # JSON attribute set: option below containers.<name> -> disabled feature.
  disabled ? "{}"
, # Version of the running kernel; empty is taken for a recent one.
  kernelVersion ? ""
, system ? builtins.currentSystem
, # Directories as before NixOS 22.05.
  legacyInstallDirs ? false
, nixpkgsPath ? null
, nixosPath ? null
, pkgs ? null
, specialArgs ? { }
, # The program that bin/container of the output runs on its containers; null: there is none.
  runner ? null
}:

let
  inherit (builtins) attrNames concatStringsSep elem filter functionArgs hasAttr head
    intersectAttrs isAttrs isFunction isList isString length match pathExists substring typeOf;

  fail = msg: throw "extra-container: ${msg}";

  # Arguments are JSON on the command line, values in a flake.
  json = what: v: if isString v then builtins.fromJSON v else v;
  flag = v: v == true || v == "1" || v == "true";

  ## The flake

  flake =
    if flakeFile == null then { }
    else import ./flake-reference.nix {
      metadata = builtins.fromJSON (builtins.readFile flakeFile);
      attr = flakeAttr;
      inherit where system fail;
    };

  ## Where nixpkgs and NixOS are

  # Strings and paths stay as they are: adding to a path copies nothing.
  toPath = p: if isString p then /. + builtins.unsafeDiscardStringContext p else p;
  source = what: p:
    if typeOf p == "path" || isAttrs p && p ? outPath then p
    else if isString p then
      if substring 0 1 p == "/" then p
      else fail "${what} '${p}' is not an absolute path"
    else fail "${what} is ${typeOf p}, not a path";

  nixosSource = source "the NixOS path" nixosPath;
  parent = p: if typeOf p == "path" then p + "/.." else dirOf (toString p);

  nixpkgs =
    if nixpkgsPath != null then source "the nixpkgs path" nixpkgsPath
    else if nixosPath != null then parent nixosSource
    else if pkgs != null then pkgs.path
    else if flakeFile != null then source "the flake's input 'nixpkgs'" flake.nixpkgs
    else
      let
        found = builtins.tryEval <nixpkgs>;
      in
      if found.success then found.value
      else fail "nixpkgs was not found: there is none on the Nix path (NIX_PATH); give it with --nixpkgs-path";
  nixos = if nixosPath != null then nixosSource else nixpkgs + "/nixos";

  importFrom = what: base: sub:
    let
      p = base + sub;
    in
    if pathExists p then import p
    else fail ("${what} '${toString base}' has no '${substring 1 999 sub}'"
      + (if nixosPath != null && nixpkgsPath == null then "; it is taken as the parent of the NixOS path, give the nixpkgs path too if it is another" else ""));

  lib = importFrom "nixpkgs path" nixpkgs "/lib/default.nix";

  allPkgs =
    if pkgs != null then pkgs
    else
      let
        f = importFrom "nixpkgs path" nixpkgs "/default.nix";
        wanted = { inherit system; config = { }; overlays = [ ]; };
        formals = functionArgs f;
      in
      if !isFunction f then f
      else if formals == { } then f wanted
      else f (intersectAttrs formals wanted);

  nixosModule =
    let
      dir = nixos + "/modules/virtualisation";
      new = dir + "/nixos-containers.nix";
      old = dir + "/containers.nix";
    in
    if pathExists new then new
    else if pathExists old then old
    else fail "NixOS path '${toString nixos}' has no modules/virtualisation/nixos-containers.nix";

  ## The definition

  select = import ./select.nix { inherit lib fail; };

  file =
    let
      p = toPath definitionFile;
    in
    if !isString definitionFile || substring 0 1 definitionFile != "/" then
      fail "the definition's path must be absolute"
    else if !pathExists p then fail "no such file: ${definitionFile}"
    else if pathExists (p + "/default.nix") then p + "/default.nix"
    else if (builtins.readDir (dirOf p)).${baseNameOf definitionFile} or "" == "directory" then
      fail "directory '${definitionFile}' has no default.nix"
    else p;

  where =
    if definitionName != null then definitionName
    else if definitionFile != null then toString file
    else "the definition";

  userModule =
    let
      value =
        if definitionFile != null && definition != null then fail "two definitions were given"
        else if flakeFile != null then flake.definition
        else if definitionFile != null then import file
        else if definition != null then definition
        else fail "no definition was given";
      selected = if attr == null || attr == "" then value else select.select where attr value;
      offered = [ "config" "lib" "modulesPath" "options" "pkgs" "specialArgs" "utils" "ecArgs" ] ++ attrNames specialArgs;
    in
    { _file = where; imports = [ (select.toModule where offered selected) ]; };

  ## What the NixOS module reads of its host

  systemd = allPkgs.systemd;

  # Old releases lack the package, and the unit would only need it to reload.
  nixosContainer = {
    type = "derivation";
    name = "nixos-container";
    pname = "nixos-container";
    meta.mainProgram = "nixos-container";
    outPath = "/run/current-system/sw";
    outputs = [ "out" ];
    override = _: nixosContainer;
  };
  modulePkgs = if allPkgs ? nixos-container then allPkgs else allPkgs // { nixos-container = nixosContainer; };

  hostPlatform = allPkgs.stdenv.hostPlatform or { system = allPkgs.stdenv.system or system; };

  # With these the NixOS module and the feature modules see `config`.
  hostConfig = config: config // {
    containers = narrowed config;
    boot = (config.boot or { }) // {
      kernelPackages.kernel.version = if kernelVersion == "" then "999" else kernelVersion;
    };
    networking = (config.networking or { }) // { networkmanager.enable = false; };
    nix = (config.nix or { }) // { package = allPkgs.nix; };
    nixpkgs = (config.nixpkgs or { }) // {
      system = hostPlatform.system;
      localSystem = hostPlatform;
      crossSystem = null;
      pkgs = allPkgs;
      config = { };
      overlays = [ ];
      inherit hostPlatform;
    };
    system = (config.system or { }) // {
      stateVersion = if flag legacyInstallDirs then "21.11" else "99.05";
    };
    systemd = (config.systemd or { }) // { package = systemd; };
    virtualisation = (config.virtualisation or { }) // { containers.enable = false; };
  };

  view = a: a // { config = hostConfig a.config; pkgs = modulePkgs; };

  utils = config:
    let
      f = importFrom "NixOS path" nixos "/lib/utils.nix";
      have = { inherit lib; config = hostConfig config; pkgs = allPkgs; };
    in
    if functionArgs f == { } then f allPkgs else f (intersectAttrs (functionArgs f) have);

  ## The evaluation

  units = import ./unit.nix { inherit lib systemd; pkgs = allPkgs; };
  wrap = import ./container-module.nix { inherit lib fail; };

  hasFreeform = (lib.evalModules { modules = [ ]; }).options._module ? freeformType;

  messages = lib.mkOptionType {
    name = "messages";
    merge = loc: defs: lib.concatMap (d: lib.toList d.value) defs;
  };

  unmatchedType = lib.mkOptionType {
    name = "definitions without an option";
    # Static names, so that the module system learns nothing of the values.
    merge = loc: defs: { _unmatched = defs; };
  };

  disabledOptions = lib.mapAttrsToList
    (option: feature: lib.setAttrByPath (lib.splitString "." option) (lib.mkOption {
      type = lib.mkOptionType {
        name = "option of the feature ${feature}, which is disabled";
        merge = loc: defs:
          let
            set = filter (d: d.value != null) defs;
          in
          if set == [ ] then null
          else fail "${lib.showOption loc}: feature ${feature} is disabled (defined in ${(head set).file})";
      };
      default = null;
      internal = true;
    }))
    (json "disabled" disabled);

  internalFile = "extra-container";

  # What the definition's modules are given, those of its containers are given, too.
  givenArgs = { options, ... }: {
    config =
      if options ? specialArgs then { specialArgs = lib.mapAttrs (_: lib.mkDefault) specialArgs; }
      # Before NixOS 23.05: for all but `imports`.
      else { extra.modules = [ { _module.args = specialArgs; } ]; };
  };

  hostModule = { config, ... }: {
    _file = internalFile;
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
          imports = map (options: { inherit options; }) disabledOptions ++ lib.optional (specialArgs != { }) givenArgs;
        });
      };
    };
    config = {
      # What a systemd-nspawn that was killed leaves, and no other starts over: a mount (256 and later), and its
      # registration, which machined keeps as long as the unit is not inactive (and it starts anew at once).
      systemd.services = lib.mapAttrs'
        (name: _: lib.nameValuePair "container@${name}" {
          path = [ (allPkgs.util-linux or allPkgs.utillinux) ];
          # Nothing was run after it if systemd itself crashed.
          preStart = lib.mkAfter ''
            umount -q /run/systemd/nspawn/unix-export/${name} 2>/dev/null || :
          '';
          postStop = lib.mkAfter ''
            umount -q /run/systemd/nspawn/unix-export/${name} 2>/dev/null || :
            [[ "$SERVICE_RESULT" == success ]] || busctl --timeout=5 call org.freedesktop.machine1 /org/freedesktop/machine1 \
              org.freedesktop.machine1.Manager UnregisterMachine s ${name} >/dev/null 2>&1 || :
          '';
        })
        (narrowed config);
      boot.enableContainers = lib.mkForce true;
      _module = {
        args = { utils = utils config; inherit (hostPlatform) system; baseModules = [ ]; extraModules = [ ]; modules = [ ]; };
      } // (if hasFreeform then { freeformType = unmatchedType; } else { check = false; });
    };
  };

  featureModules = map
    (m: {
      file = if isString m || typeOf m == "path" then toString m else "feature module";
      module =
        if isString m && substring 0 1 m != "/" then fail "feature module '${m}' is not an absolute path"
        else if isString m && !pathExists (toPath m) then fail "no such feature module: ${m}"
        else if isString m then import (toPath m)
        else if typeOf m == "path" then import m
        else m;
      inherit view;
    })
    (json "modules" modules);

  evaluated = lib.evalModules {
    modules =
      [ hostModule (wrap.nixos { file = nixosModule; inherit view; nixpkgs = if nixosPath != null then toString (parent nixosSource) else null; }) ]
      ++ map wrap.feature featureModules
      ++ [ userModule ];
    specialArgs = {
      pkgs = allPkgs;
      ecArgs = json "args" args;
      modulesPath = toString (nixos + "/modules");
    } // specialArgs;
  };

  inherit (evaluated) config options;

  ## Names

  asked =
    let
      list = if names == null then [ ] else json "names" names;
    in
    if list == [ ] then null else lib.unique list;

  # What the NixOS and feature modules see. User modules see every container.
  narrowed = config:
    if asked == null then config.containers
    else lib.genAttrs asked (n: config.containers.${n} or unknownName);

  known = attrNames config.containers;
  chosen = lib.sort (a: b: a < b) (if asked == null then known else asked);
  unknown = filter (n: !elem n known) chosen;
  unknownName =
    if known == [ ] then fail "${where} defines no containers"
    else fail "unknown container${if length unknown > 1 then "s" else ""} ${quoteAll unknown}; ${where} defines ${quoteAll known}";

  ## Checks

  quoteAll = l: concatStringsSep ", " (map (n: "'${n}'") l);

  validName = n: match "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?" n != null;
  badNames = filter (n: !validName n) chosen;

  isOption = v: isAttrs v && v._type or null == "option";
  isOurs = f:
    f == internalFile || f == toString nixosModule
    || lib.any (m: f == m.file || lib.hasPrefix "${dirOf m.file}/" f) (filter (m: lib.hasPrefix "/" m.file) featureModules)
    || lib.any (m: f == m.file) featureModules;

  # A definition's properties without their conditions that do not hold.
  discharge = v:
    if !isAttrs v then [ v ]
    else if v._type or null == "merge" then lib.concatMap discharge v.contents
    else if v._type or null == "if" then (if v.condition then discharge v.content else [ ])
    else if elem (v._type or null) [ "override" "order" ] then discharge v.content
    else [ v ];

  # Option paths of a value, no deeper than a reader needs. Nobody asked for
  # the value, so it may as well fail.
  pathsOf = depth: prefix: value:
    let
      try = builtins.tryEval (discharge value);
    in
    if !try.success then [ prefix ]
    else
      lib.concatMap
        (v:
          if depth == 0 || !isAttrs v || v ? _type || v.type or null == "derivation" || v == { } then [ prefix ]
          else lib.concatMap (n: pathsOf (depth - 1) (prefix ++ [ n ]) v.${n}) (attrNames v))
        try.value;

  # Libraries before 20.09 tell the names of definitions, not their values.
  unmatchedOld = prefix: set:
    if !isAttrs set || isOption set then [ ]
    else
      lib.concatMap (m: map (n: { inherit (m) file; path = prefix ++ [ n ]; }) (filter (n: !(set ? ${n})) m.names)) (set._definedNames or [ ])
      ++ lib.concatMap (n: unmatchedOld (prefix ++ [ n ]) set.${n}) (filter (n: n != "_definedNames" && n != "_module") (attrNames set));

  unmatched = if hasFreeform then config._unmatched or [ ] else unmatchedOld [ ] options;
  firstName = d: if hasFreeform then head (attrNames d.value) else head d.path;
  byUser = filter (d: !isOurs d.file);
  located = d: if hasFreeform then map (path: { inherit (d) file; inherit path; }) (pathsOf 2 [ ] d.value) else [ d ];

  # Units and files of the user's that are none of a container.
  strayNames = path: keep:
    let
      o = lib.getAttrFromPath path options;
    in
    lib.concatMap
      (d: map (n: { inherit (d) file; path = path ++ [ n ]; }) (filter (n: !keep n) (attrNames d.value)))
      (byUser (lib.zipListsWith (file: value: { inherit file value; }) o.files (o.definitions or [ ])));

  isKnown = m: m != null && config.containers ? ${head m};
  isUnit = n: isKnown (match "container@(.*)" n);
  isConf = n: isKnown (match "(.*)[.]conf" (baseNameOf n));
  stray = lib.concatMap located (byUser unmatched)
    ++ strayNames [ "systemd" "services" ] isUnit
    ++ strayNames [ "environment" "etc" ] isConf;

  # A first name that is none of these is taken for a misspelt one.
  namespaces = attrNames options ++ map firstName (filter (d: isOurs d.file) unmatched) ++ [
    "console" "documentation" "fileSystems" "fonts" "hardware" "i18n" "location" "networking" "nix" "nixpkgs" "oci"
    "power" "powerManagement" "programs" "security" "services" "swapDevices" "system" "time" "users" "virtualisation" "xdg" "zramSwap"
  ];

  typos = filter (s: !elem (head s.path) namespaces) stray;
  ineffective = filter (s: elem (head s.path) namespaces) stray;

  typoText = s:
    "${s.file}: option '${lib.showOption s.path}' does not exist"
    + (if match "[cC]onta.*" (head s.path) != null then "; did you mean 'containers'?"
    else "; a definition has 'containers.NAME' at its top level");

  # Each container alone: the checks that need its settings.
  kernelIsOld = kernelVersion != "" && builtins.compareVersions kernelVersion "5.8" <= 0;
  longName = n: kernelIsOld && builtins.stringLength n > 11 && config.containers.${n}.privateNetwork or false;
  # Forces what nobody may read: options of disabled features, and (for libraries
  # before 20.09, which check a set when it is read) the set that holds them.
  extras = lib.concatMap
    (n: map (path: let v = lib.attrByPath path null config.containers.${n}; in if isAttrs v then attrNames v else v)
      ([ [ "extra" ] ] ++ map (lib.splitString ".") (attrNames (json "disabled" disabled))))
    chosen;

  trim = s: let m = match "[ \n]*(.*[^ \n])[ \n]*" s; in if m == null then s else head m;
  indentLines = s: builtins.replaceStrings [ "\n" ] [ "\n  " ] (trim s);

  # NixOS puts the bare text of a failed assertion among them in one place.
  failedAssertions = lib.concatMap
    (a:
      if isString a then [ a ]
      else if isAttrs a && !(a.assertion or true) then [ (a.message or "an assertion failed") ]
      else [ ])
    config.assertions;

  warnings = lib.unique (
    map (s: "${s.file}: '${lib.showOption s.path}' has no effect here: only 'containers' is evaluated, no host") ineffective
    ++ map trim config.warnings
  );
  warn = lib.foldl' (acc: w: x: builtins.trace "extra-container: warning: ${w}" (acc x)) (x: x) warnings;

  checked = value:
    if typos != [ ] then fail (typoText (head typos))
    else if known == [ ] || unknown != [ ] then unknownName
    else if badNames != [ ] then
      fail "container name '${head badNames}' is not valid: at most 63 letters, digits and '-', and no '-' at either end"
    else if lib.any (n: longName n) chosen then
      fail "container name '${head (filter longName chosen)}' is too long: with privateNetwork it can have 11 characters on Linux ${kernelVersion}, more need a kernel newer than 5.8"
    else if failedAssertions != [ ] then
      fail (concatStringsSep "\n" (map indentLines failedAssertions))
    else builtins.deepSeq extras (warn value);

  ## Results

  outputs = import ./outputs.nix { inherit lib; pkgs = allPkgs; };

  containerFiles = name:
    let
      service = config.systemd.services."container@${name}" or (fail "this nixpkgs makes no unit for container '${name}'");
      etc = config.environment.etc;
      confDir =
        let
          dirs = filter (d: etc ? "${d}/${name}.conf") [ "nixos-containers" "containers" ];
        in
        if dirs == [ ] then fail "this nixpkgs makes no settings file for container '${name}'" else head dirs;
      entry = etc."${confDir}/${name}.conf";
      # A failing assertion inside says nothing of where it is.
      inside = builtins.addErrorContext or (_: v: v) "while evaluating container '${name}'";
      conf = if entry.source != null then entry.source else outputs.conf name (inside entry.text);

      unit = outputs.unit name (args: units.render args service);
      unitName = "container@${name}.service";
      unitFile = "${unit}/${unitName}";
      links = suffix: targets: map (t: { dir = "systemd/system/${t}.${suffix}"; name = unitName; target = unitFile; }) (lib.unique targets);
    in
    [
      { dir = confDir; name = "${name}.conf"; target = "${conf}"; }
      { dir = "systemd/system"; name = unitName; target = unitFile; }
    ]
    ++ links "wants" service.wantedBy
    ++ links "requires" service.requiredBy;

  # By directory, so that the builder makes each once.
  allLinks = lib.sort (a: b: a.dir < b.dir) (lib.concatMap containerFiles chosen);
in
{
  etc = checked (outputs.etc { links = allLinks; inherit runner; });
  config = checked (hostConfig config);
  containers = checked (lib.genAttrs chosen (n: config.containers.${n}));
  names = checked chosen;
  flake = if flake ? build then { inherit (flake) build; } else { };
  inherit options;
}
