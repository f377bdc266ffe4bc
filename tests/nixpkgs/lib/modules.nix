# The module system.
# A tree of modules is loaded and flattened; their `options` are merged into one
# tree of declarations, and `config` is the same tree with each option replaced
# by its merged definitions.
{ lib }:
let
  inherit (builtins)
    all any attrNames concatLists concatMap elem filter functionArgs genericClosure head
    isAttrs isBool isFunction isList isPath isString length listToAttrs mapAttrs
    removeAttrs tail zipAttrsWith;
  inherit (lib.options) isOption mkOption showDefs showFiles showOption;
  inherit (lib) types;

  property = value: if isAttrs value then value._type or "" else "";

  # --- properties of definitions ------------------------------------------

  # An attribute set of definitions, with conditions and priorities moved from
  # the set to its members, so that the names do not depend on conditions.
  pushDown =
    value:
    let
      kind = property value;
    in
    if kind == "merge" then
      concatMap pushDown value.contents
    else if kind == "if" then
      map (mapAttrs (_: v: mkIf value.condition v)) (pushDown value.content)
    else if kind == "override" then
      map (mapAttrs (_: v: mkOverride value.priority v)) (pushDown value.content)
    else if kind == "definition" then
      pushDown value.value
    else
      [ value ];

  # The values of a definition after its conditions are evaluated.
  discharge =
    value:
    let
      kind = property value;
    in
    if kind == "merge" then
      concatMap discharge value.contents
    else if kind == "if" then
      if isBool value.condition then
        (if value.condition then discharge value.content else [ ])
      else
        throw "`mkIf' called with a condition that is not a Boolean"
    else
      [ value ];

  dischargeDef =
    def:
    concatMap (
      value:
      if property value == "definition" then
        dischargeDef { inherit (value) file value; }
      else
        [ { inherit (def) file; inherit value; } ]
    ) (builtins.addErrorContext "while evaluating definitions from `${toString def.file}':" (discharge def.value));

  priorityOf = def: if property def.value == "override" then def.value.priority else defaultOverridePriority;

  # The definitions with the highest priority (the smallest number).
  strongest =
    defs:
    let
      highest = builtins.foldl' (p: d: lib.min (priorityOf d) p) 9999 defs;
      strip = d: if property d.value == "override" then d // { value = d.value.content; } else d;
    in
    {
      values = if length defs == 1 then map strip defs else map strip (filter (d: priorityOf d == highest) defs);
      highestPrio = highest;
    };

  sortByOrder =
    defs:
    if !any (d: property d.value == "order") defs then
      defs
    else
      let
        withPriority = map (
          d:
          if property d.value == "order" then
            d // { value = d.value.content; priority = d.value.priority; }
          else
            d // { priority = defaultOrderPriority; }
        ) defs;
      in
      map (d: removeAttrs d [ "priority" ]) (builtins.sort (a: b: a.priority < b.priority) withPriority);

  defaultOverridePriority = 100;
  defaultOrderPriority = 1000;

  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };

  # --- loading modules ----------------------------------------------------

  moduleKeys = [ "_file" "_class" "key" "disabledModules" "imports" "options" "config" "meta" "freeformType" ];

  # Arguments that a module function names are looked up lazily, so that
  # _module.args may itself be defined by modules.
  applyModule =
    f: file: args: config:
    let
      named = lib.functionArgs f;
      extra = mapAttrs (
        name: _:
        builtins.addErrorContext "while evaluating the module argument `${name}' in `${toString file}':" (
          args.${name} or config._module.args.${name}
        )
      ) (removeAttrs named (attrNames args));
    in
    f (args // extra);

  normalise =
    file: key: m:
    let
      where = toString (m._file or file);
      stray = removeAttrs m moduleKeys;
    in
    if !isAttrs m then
      throw "Module `${where}' does not look like a module: it is a ${builtins.typeOf m}."
    else if elem (property m) [ "if" "override" "merge" ] then
      normalise file key { config = m; }
    else if property m != "" && property m != "definition" then
      throw "Could not load a value as a module, because it is of type \"${m._type}\", in file ${where}."
    else if m ? config || m ? options then
      if stray != { } then
        throw "Module `${where}' has an unsupported attribute `${head (attrNames stray)}'. This is caused by introducing a top-level `config' or `options' attribute. Add configuration attributes immediately on the top level instead, or move all of them (namely: ${toString (attrNames stray)}) into the explicit `config' attribute."
      else
        {
          file = where;
          key = toString (m.key or key);
          disabled = m.disabledModules or [ ];
          imports = m.imports or [ ];
          options = m.options or { };
          config =
            let
              own = m.config or { };
              added = metaOf m // freeformOf m;
            in
            if added == { } then own else mkMerge [ own added ];
        }
    else
      {
        file = where;
        key = toString (m.key or key);
        disabled = m.disabledModules or [ ];
        imports = m.require or [ ] ++ m.imports or [ ];
        options = { };
        config = removeAttrs m [ "_file" "_class" "key" "disabledModules" "imports" "require" "freeformType" ] // freeformOf m;
      };
  metaOf = m: if m ? meta then { inherit (m) meta; } else { };
  freeformOf = m: if m ? freeformType then { _module.freeformType = m.freeformType; } else { };

  mkMerge = contents: { _type = "merge"; inherit contents; };

  loadModule =
    args: config: file: key: m:
    if lib.isFunction m then
      normalise file key (applyModule m file args config)
    else if isAttrs m then
      normalise file key m
    else if isPath m || isString m then
      let
        path = toString m;
        content = import m;
      in
      loadModule args config path path content
    else if isList m then
      throw "Module imports can't be nested lists. Perhaps you meant to remove one level of lists? In `${toString file}'."
    else
      throw "Module import of `${toString file}' is a ${builtins.typeOf m}, not a module.";

  # All modules that `modules` import, each one once, in the order found.
  collect =
    modulesPath: args: config: modules:
    let
      loadAll =
        file: parent:
        lib.imap1 (
          n: m:
          let
            loaded = loadModule args config file "${parent}:anon-${toString n}" m;
            isFile = isPath m || isString m;
          in
          {
            # The key of a file does not depend on its contents.
            key = if isFile then toString m else loaded.key;
            module = loaded;
          }
        );
      children = item: loadAll item.module.file item.key item.module.imports;
      start = loadAll lib.options.unknownModule "" modules;
      everything = genericClosure { startSet = start; operator = children; };
      disabledKeys = concatMap (i: map keyOfDisabled i.module.disabled) everything;
      keyOfDisabled =
        d:
        if isAttrs d then
          toString d.key
        else if lib.hasPrefix "/" (toString d) then
          toString d
        else
          "${toString modulesPath}/${toString d}";
      keep = filter (i: !elem i.key disabledKeys);
    in
    map (i: i.module) (
      if disabledKeys == [ ] then
        everything
      else
        genericClosure {
          startSet = keep start;
          operator = i: keep (children i);
        }
    );

  # --- merging ------------------------------------------------------------

  # One level of the tree. `decls` are { file, options }, `defs` { file, value }
  # whose values are attribute sets free of properties.
  mergeLevel =
    loc: decls: defs:
    let
      declared = zipAttrsWith (_: concatLists) (
        map (d: mapAttrs (_: option: [ { inherit (d) file; inherit option; } ]) (requireSet "options" d.file d.options)) decls
      );
      defined = zipAttrsWith (_: concatLists) (
        map (d: mapAttrs (_: value: [ { inherit (d) file; inherit value; } ]) (requireSet "config" d.file d.value)) defs
      );
      requireSet =
        what: file: value:
        if isAttrs value then
          value
        else
          throw "In module `${toString file}', the ${what} at `${showOption loc}' should be an attribute set, but is a ${builtins.typeOf value}.${
            lib.optionalString (what == "config") "\nIt stands where a set of options is declared."
          }";

      nodes = mapAttrs (
        name: here:
        let
          loc' = loc ++ [ name ];
          defs' = defined.${name} or [ ];
          option = evalOption loc' (mergeDeclarations loc' here) defs';
          options = filter (d: isOption d.option) here;
        in
        # The common case of a single declaration is handled first.
        if (tail here == [ ] && isOption (head here).option) || (tail here != [ ] && length options == length here) then
          {
            options = option;
            config = option.value;
            unmatched = [ ];
          }
        else if tail here != [ ] && options != [ ] then
          throw "The option `${showOption loc'}' in ${showFiles (map (d: d.file) options)} is a prefix of options in ${
            showFiles (map (d: d.file) (filter (d: !isOption d.option) here))
          }."
        else
          mergeLevel loc' (map (d: { inherit (d) file; options = d.option; }) here) (
            concatMap (d: expandDefinition d.file d.value) defs'
          )
      ) declared;
    in
    {
      options = mapAttrs (_: n: n.options) nodes;
      config = mapAttrs (_: n: n.config) nodes;
      unmatched =
        concatMap (name: map (d: { loc = loc ++ [ name ]; inherit (d) file value; }) defined.${name}) (
          filter (name: !(declared ? ${name})) (attrNames defined)
        )
        ++ concatMap (name: nodes.${name}.unmatched) (attrNames nodes);
    };

  expandDefinition =
    file: value:
    if property value == "definition" then
      expandDefinition value.file value.value
    else
      map (value: { inherit file value; }) (pushDown value);

  # Several declarations of one option become one.
  mergeDeclarations =
    loc: decls:
    let
      withFile =
        d:
        let
          option = d.option;
          sub = option.type.getSubModules or null;
        in
        option
        // {
          declarations = [ d.file ];
        }
        // lib.optionalAttrs (option ? type && sub != null) {
          # Messages about a submodule name the file that declares it.
          type = option.type.substSubModules (map (setDefaultModuleLocation d.file) sub);
        };
      join =
        a: b:
        let
          merged = a.type.typeMerge b.type.functor;
          clash = what: throw "The option `${showOption loc}' in ${showFiles b.declarations} is already declared in ${showFiles a.declarations}${what}.";
          both = name: a ? ${name} && b ? ${name};
        in
        if both "default" || both "apply" then
          clash ""
        else
          a
          // b
          // {
            declarations = a.declarations ++ b.declarations;
            type =
              if a ? type && b ? type then
                (if merged == null then clash ", with a type that cannot be merged" else merged)
              else
                a.type or b.type or types.unspecified;
          };
      joined = builtins.foldl' join (withFile (head decls)) (map withFile (tail decls));
    in
    { type = types.unspecified; } // joined // { inherit loc; };

  # An option with its value.
  evalOption =
    loc: opt: defs:
    let
      fromDefault = lib.optional (opt ? default) {
        file = head opt.declarations;
        value = mkOverride 1500 opt.default;
      };
      merged =
        if opt.readOnly or false && length defs > (if opt ? default then 0 else 1) then
          throw "The option `${showOption loc}' is read-only, but it's set multiple times. Definition values:${
            showDefs (concatMap dischargeDef (defs ++ fromDefault))
          }"
        else
          let
            general = mergeDefinitions loc opt.type (fromDefault ++ defs);
          in
          if defs != [ ] || !(opt ? default) then
            general
          else
            # The most common case: only a default, without a property.
            {
              inherit (general) sorted;
              isDefined = true;
              strong.highestPrio = 1500;
              mergedValue =
                if property opt.default == "" && opt.type.check opt.default then
                  opt.type.merge loc [ { file = head opt.declarations; value = opt.default; } ]
                else
                  general.mergedValue;
            };
      value = builtins.addErrorContext "while evaluating the option `${showOption loc}':" (
        if opt ? apply then opt.apply merged.mergedValue else merged.mergedValue
      );
    in
    opt
    // {
      inherit value;
      inherit (merged) isDefined;
      inherit (merged.strong) highestPrio;
      files = map (d: d.file) merged.sorted;
      definitions = map (d: d.value) merged.sorted;
      definitionsWithLocations = merged.sorted;
      declarationPositions = map (file: { inherit file; line = null; column = null; }) opt.declarations;
      valueMeta = { };
      __toString = _: showOption loc;
    };

  mergeDefinitions =
    loc: type: defs:
    let
      # A single plain definition does not need to be sorted.
      plain = defs != [ ] && tail defs == [ ] && property (head defs).value == "";
      strong =
        if plain then
          { values = defs; highestPrio = defaultOverridePriority; }
        else
          strongest (concatMap dischargeDef defs);
      sorted = if plain then defs else sortByOrder strong.values;
      isDefined = sorted != [ ];
      mergedValue =
        if isDefined then
          (
            if all (d: type.check d.value) sorted then
              type.merge loc sorted
            else
              throw "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values:${
                showDefs (filter (d: !type.check d.value) sorted)
              }"
          )
        else if type.emptyValue ? value then
          type.emptyValue.value
        else
          throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option.";
    in
    {
      inherit strong sorted isDefined mergedValue;
      defsFinal = sorted;
      optionalValue = if isDefined then { value = mergedValue; } else { };
    };

  # Declared by the system itself in every evaluation.
  internalModule =
    legacyArgs: legacyCheck: extendModules: specialArgs:
    {
      file = "<module system>";
      options._module = {
        args = mkOption {
          type = types.lazyAttrsOf types.raw;
          internal = true;
          description = "Further arguments that modules may name.";
        };
        check = mkOption {
          type = types.bool;
          internal = true;
          default = true;
          description = "Whether a definition without an option is an error.";
        };
        freeformType = mkOption {
          type = types.nullOr types.optionType;
          internal = true;
          default = null;
          description = "The type of what is defined without an option.";
        };
        specialArgs = mkOption {
          type = types.raw;
          internal = true;
          readOnly = true;
          description = "Arguments that modules may use in `imports'.";
        };
      };
      config._module =
        {
          args = legacyArgs // { inherit extendModules; };
          inherit specialArgs;
        }
        // lib.optionalAttrs (legacyCheck != null) { check = legacyCheck; };
    };

  setDefaultModuleLocation =
    file: m:
    {
      _file = file;
      imports = [ m ];
    };

  noSuchOption =
    prefix: options: unmatched:
    let
      first = head unmatched;
      defs = filter (d: d.loc == first.loc) unmatched;
      # The level that was reached, to suggest similar names.
      level = lib.attrByPath (lib.init (lib.drop (length prefix) first.loc)) { } options;
      near = filter (n: lib.strings.levenshtein n (lib.last first.loc) <= 2) (filter (n: n != "_module") (attrNames level));
    in
    "The option `${showOption first.loc}' does not exist. Definition values:${
      showDefs (concatMap dischargeShow defs)
    }${lib.optionalString (isAttrs level && !isOption level && near != [ ]) "\n\nDid you mean ${lib.concatMapStringsSep " or " (n: "`${showOption (lib.init first.loc ++ [ n ])}'") near}?"}";
  # Conditions are not evaluated for a message.
  dischargeShow =
    def:
    let
      kind = property def.value;
    in
    if kind == "if" then dischargeShow (def // { value = def.value.content; })
    else if kind == "override" || kind == "order" then dischargeShow (def // { value = def.value.content; })
    else if kind == "merge" then concatMap (v: dischargeShow (def // { value = v; })) def.value.contents
    else if kind == "definition" then dischargeShow { inherit (def.value) file value; }
    else [ def ];
in
rec {
  inherit
    mkIf mkOverride mkMerge mergeDefinitions setDefaultModuleLocation
    pushDown;
  inherit defaultOverridePriority defaultOrderPriority;
  pushDownProperties = pushDown;
  dischargeProperties = discharge;
  filterOverrides = defs: (strongest defs).values;
  filterOverrides' = strongest;
  sortProperties = sortByOrder;
  evalOptionValue = evalOption;
  mergeOptionDecls = loc: decls: mergeDeclarations loc (map (d: { file = d._file; option = d.options; }) decls);

  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkImageMediaOverride = mkOverride 60;
  mkForce = mkOverride 50;
  mkVMOverride = mkOverride 10;
  defaultPriority = defaultOverridePriority;
  mkOrder = priority: content: { _type = "order"; inherit priority content; };
  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;
  mkAssert = cond: message: content: mkIf (if cond then true else throw "\nFailed assertion: ${message}") content;
  mkDefinition = attrs: attrs // { _type = "definition"; };

  evalModules =
    evalArgs@{
      modules,
      prefix ? [ ],
      specialArgs ? { },
      args ? { },
      check ? null,
      class ? null,
    }:
    let
      extendModules =
        extension@{
          modules ? [ ],
          specialArgs ? { },
          prefix ? [ ],
        }:
        evalModules (
          evalArgs
          // {
            modules = evalArgs.modules ++ modules;
            specialArgs = evalArgs.specialArgs or { } // specialArgs;
            prefix = extension.prefix or evalArgs.prefix or [ ];
          }
        );

      moduleArgs = {
        inherit lib options config specialArgs;
        _class = class;
        _prefix = prefix;
      }
      // specialArgs;

      internal = internalModule args check extendModules specialArgs;
      # Later modules come first, which is the order for merging lists and lines.
      loaded = lib.reverseList (collect (specialArgs.modulesPath or "") moduleArgs config modules);
      tree = mergeLevel prefix
        ([ { inherit (internal) file options; } ] ++ filter (d: d.options != { }) (map (m: { inherit (m) file options; }) loaded))
        ([ { inherit (internal) file; value = internal.config; } ] ++ concatMap (m: expandDefinition m.file m.config) loaded);

      declared = tree.config;
      freeform = declared._module.freeformType;
      config =
        if freeform == null || tree.unmatched == [ ] then
          (if freeform == null then declared else lib.recursiveUpdate (freeformMerge [ ]) declared)
        else
          lib.recursiveUpdate (freeformMerge tree.unmatched) declared;
      freeformMerge =
        unmatched:
        freeform.merge prefix (
          map (d: { inherit (d) file; value = lib.setAttrByPath (lib.drop (length prefix) d.loc) d.value; }) unmatched
        );
      options = tree.options;

      checked =
        value:
        if declared._module.check && freeform == null && tree.unmatched != [ ] then
          throw (noSuchOption prefix options tree.unmatched)
        else
          value;
    in
    {
      _type = "configuration";
      inherit class extendModules;
      options = checked options;
      config = checked (removeAttrs config [ "_module" ]);
      _module = checked config._module;
      type = types.submoduleWith {
        inherit modules specialArgs class;
      };
    };

  doRename =
    {
      from,
      to,
      visible,
      warn,
      use,
      withPriority ? true,
      condition ? true,
    }:
    { config, options, ... }:
    let
      fromOpt = lib.getAttrFromPath from options;
      toOpt = lib.attrByPath to { } options;
      toValue = lib.getAttrFromPath to config;
    in
    {
      options = lib.setAttrByPath from (
        mkOption {
          inherit visible;
          description = "Alias of {option}`${showOption to}`.";
          apply = _: (if lib.hasAttrByPath to options then use toValue else throw "Renaming error: option `${showOption to}' does not exist.");
        }
        // lib.optionalAttrs (toOpt ? type) { inherit (toOpt) type; }
      );
      config = mkIf condition (mkMerge [
        (lib.optionalAttrs (options ? warnings) {
          warnings = lib.optional (warn && fromOpt.isDefined)
            "The option `${showOption from}' defined in ${showFiles fromOpt.files} has been renamed to `${showOption to}'.";
        })
        (
          if withPriority then
            mkAliasAndWrapDefsWithPriority (lib.setAttrByPath to) fromOpt
          else
            mkAliasAndWrapDefinitions (lib.setAttrByPath to) fromOpt
        )
      ]);
    };
  mkAliasDefinitions = mkAliasAndWrapDefinitions lib.id;
  mkAliasAndWrapDefinitions = wrap: option: mkIf (option.isDefined or false) (wrap (mkMerge option.definitions));
  mkAliasAndWrapDefsWithPriority =
    wrap: option:
    mkIf (option.isDefined or false) (
      wrap (mkMerge (map (mkOverride (option.highestPrio or defaultOverridePriority)) option.definitions))
    );
  mkMergedOptionModule =
    froms: to: merge:
    { config, options, ... }:
    {
      options = builtins.foldl' lib.recursiveUpdate { } (
        map (from: lib.setAttrByPath from (mkOption { visible = false; default = "_mkMergedOptionModule"; })) froms
      );
      config = mkMerge [
        {
          warnings = filter (w: w != "") (
            map (
              from:
              let
                opt = lib.getAttrFromPath from options;
              in
              lib.optionalString (opt.highestPrio < 1500)
                "The option `${showOption from}' defined in ${showFiles opt.files} has been changed to `${showOption to}' that has a different type."
            ) froms
          );
        }
        (lib.setAttrByPath to (mkIf (any (from: (lib.getAttrFromPath from options).highestPrio < 1500) froms) (merge config)))
      ];
    };
  mkChangedOptionModule = from: to: change: mkMergedOptionModule [ from ] to change;
  mkRenamedOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = false;
      warn = true;
      use = lib.id;
    };
  mkRenamedOptionModuleWith = { from, to, sinceRelease ? 0 }: mkRenamedOptionModule from to;
  mkAliasOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = true;
      warn = false;
      use = lib.id;
    };
  mkAliasOptionModuleMD = mkAliasOptionModule;
  mkRemovedOptionModule =
    path: replacement:
    { options, ... }:
    let
      opt = lib.getAttrFromPath path options;
    in
    {
      options = lib.setAttrByPath path (mkOption {
        visible = false;
        apply = _: throw "The option `${showOption path}' can no longer be used since it's been removed. ${replacement}";
      });
      config.assertions = [
        {
          assertion = !opt.isDefined;
          message = "The option definition `${showOption path}' in ${showFiles opt.files} no longer has any effect; please remove it.\n${replacement}";
        }
      ];
    };
  mkDerivedConfig = opt: f: mkOverride (opt.highestPrio or defaultOverridePriority) (f opt.value);
  importApply = path: args: setDefaultModuleLocation path (import path args);
  importJSON = file: { _file = file; config = lib.importJSON file; };
}
