# Option types. A type checks definitions and merges those of an option; its
# `functor` defines how it merges with the type of another declaration.
{ lib }:
let
  inherit (builtins)
    all any attrNames concatMap elem elemAt filter head isAttrs isBool isFloat isFunction isInt
    isList isString length listToAttrs mapAttrs match zipAttrsWith;
  inherit (lib) imap1 optionalString;
  inherit (lib.options) mergeEqualOption mergeOneOption mergeDefaultOption showDefs showFiles showOption;
  inherit (lib.modules) mergeDefinitions;

  mkOptionType =
    {
      name,
      description ? name,
      descriptionClass ? null,
      deprecationMessage ? null,
      check ? _: true,
      merge ? mergeDefaultOption,
      emptyValue ? { },
      getSubOptions ? _: { },
      getSubModules ? null,
      substSubModules ? _: null,
      nestedTypes ? { },
      functor ? null,
      typeMerge ? null,
    }@args:
    let
      type = {
        _type = "option-type";
        inherit
          name description descriptionClass deprecationMessage check merge emptyValue getSubOptions
          getSubModules substSubModules nestedTypes;
        functor = args.functor or (plainFunctor name type);
        typeMerge = args.typeMerge or (defaultTypeMerge type.functor);
      };
    in
    type;

  plainFunctor = name: type: {
    inherit name;
    type = _: type;
    wrapped = null;
    payload = null;
    binOp = _: _: null;
  };

  # Two types of the same name merge if both are plain, or if their payloads merge.
  defaultTypeMerge =
    f: g:
    let
      payload = f.binOp f.payload g.payload;
    in
    if f.name != g.name then
      null
    else if f.payload == null && g.payload == null then
      f.type null
    else if f.payload == null || g.payload == null || payload == null then
      null
    else
      f.type payload;

  # The functor of a type that contains another type.
  wrapping = name: make: inner: {
    inherit name;
    type = p: make p.elemType;
    wrapped = inner;
    payload.elemType = inner;
    binOp =
      a: b:
      let
        merged = a.elemType.typeMerge b.elemType.functor;
      in
      if merged == null then null else { elemType = merged; };
  };

  between =
    lowest: highest:
    let
      text = "integer between ${toString lowest} and ${toString highest} (both inclusive)";
    in
    addCheck (mkOptionType {
      name = "intBetween";
      description = text;
      check = isInt;
      merge = mergeEqualOption;
    }) (x: x >= lowest && x <= highest)
    // {
      description = text;
    };
  intOf =
    name: description: ok:
    mkOptionType {
      inherit name description;
      check = x: isInt x && ok x;
      merge = mergeEqualOption;
    };

  addCheck = type: check: type // { check = x: type.check x && check x; };
  describe = inner: if elem inner.descriptionClass [ "conjunction" "composite" ] then "(${inner.description})" else inner.description;

  attrsOfWith =
    { elemType, lazy ? false, placeholder ? "name" }:
    let
      name = if lazy then "lazyAttrsOf" else "attrsOf";
      one = loc: n: defs: mergeDefinitions (loc ++ [ n ]) elemType defs;
      perName = zipAttrsWith (_: builtins.concatLists);
      spread = defs: perName (map (d: mapAttrs (_: value: [ { inherit (d) file; inherit value; } ]) d.value) defs);
    in
    mkOptionType {
      inherit name;
      description = "${if lazy then "lazy " else ""}attribute set of ${describe elemType}";
      descriptionClass = "composite";
      check = isAttrs;
      merge =
        loc: defs:
        if lazy then
          mapAttrs (
            n: d:
            let
              m = one loc n d;
            in
            m.optionalValue.value or elemType.emptyValue.value or m.mergedValue
          ) (spread defs)
        else
          mapAttrs (_: m: m.mergedValue) (lib.filterAttrs (_: m: m.isDefined) (mapAttrs (one loc) (spread defs)));
      emptyValue.value = { };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<${placeholder}>" ]);
      getSubModules = elemType.getSubModules;
      substSubModules = m: attrsOfWith { elemType = elemType.substSubModules m; inherit lazy placeholder; };
      functor = wrapping name (elemType: attrsOfWith { inherit elemType lazy placeholder; }) elemType;
      nestedTypes.elemType = elemType;
    };

  types = rec {
    inherit mkOptionType addCheck;
    isType = type: value: value._type or "" == type;
    setType = type: value: value // { _type = type; };
    isOptionType = isType "option-type";
    inherit defaultTypeMerge;
    defaultFunctor = name: { inherit name; type = types.${name} or null; wrapped = null; payload = null; binOp = _: _: null; };

    raw = mkOptionType {
      name = "raw";
      description = "raw value";
      merge = mergeOneOption;
    };
    unspecified = mkOptionType {
      name = "unspecified";
      description = "unspecified value";
    };
    anything = mkOptionType {
      name = "anything";
      merge =
        loc: defs:
        let
          kind = x: if isAttrs x && (x ? outPath || x ? __toString) then "stringlike" else builtins.typeOf x;
          first = kind (head defs).value;
        in
        if any (d: kind d.value != first) defs then
          throw "The option `${showOption loc}' has conflicting option types in ${showFiles (lib.options.getFiles defs)}"
        else if first == "set" then
          (lazyAttrsOf anything).merge loc defs
        else if first == "list" && length defs == 1 then
          (listOf anything).merge loc defs
        else if first == "lambda" then
          arg: anything.merge (loc ++ [ "<function body>" ]) (map (d: d // { value = d.value arg; }) defs)
        else
          mergeEqualOption loc defs;
    };
    optionType = mkOptionType {
      name = "optionType";
      check = isOptionType;
      merge =
        loc: defs:
        if length defs == 1 then
          (head defs).value
        else
          (mergeDefinitions loc (submoduleWith { modules = map (d: { _file = d.file; freeformType = d.value; }) defs; }) [ ]).mergedValue;
    };

    bool = mkOptionType {
      name = "bool";
      description = "boolean";
      check = isBool;
      merge = mergeEqualOption;
    };
    boolByOr = mkOptionType {
      name = "boolByOr";
      description = "boolean (merged using or)";
      check = isBool;
      merge = _: defs: any (d: d.value) defs;
    };
    int = mkOptionType {
      name = "int";
      description = "signed integer";
      check = isInt;
      merge = mergeEqualOption;
    };
    ints = {
      inherit between;
      unsigned = intOf "unsignedInt" "unsigned integer, meaning >=0" (x: x >= 0);
      positive = intOf "positiveInt" "positive integer, meaning >0" (x: x > 0);
      u8 = intOf "unsignedInt8" "8 bit unsigned integer; between 0 and 255 (both inclusive)" (x: x >= 0 && x <= 255);
      u16 = intOf "unsignedInt16" "16 bit unsigned integer; between 0 and 65535 (both inclusive)" (x: x >= 0 && x <= 65535);
      u32 = intOf "unsignedInt32" "32 bit unsigned integer; between 0 and 4294967295 (both inclusive)" (x: x >= 0 && x <= 4294967295);
      s8 = intOf "signedInt8" "8 bit signed integer" (x: x >= -128 && x <= 127);
      s16 = intOf "signedInt16" "16 bit signed integer" (x: x >= -32768 && x <= 32767);
      s32 = intOf "signedInt32" "32 bit signed integer" (x: x >= -2147483648 && x <= 2147483647);
    };
    port = ints.u16;
    float = mkOptionType {
      name = "float";
      description = "floating point number";
      check = isFloat;
      merge = mergeEqualOption;
    };
    number = either int float;
    numbers = {
      between = a: b: addCheck number (x: x >= a && x <= b);
      nonnegative = addCheck number (x: x >= 0);
      positive = addCheck number (x: x > 0);
    };

    str = mkOptionType {
      name = "str";
      description = "string";
      check = isString;
      merge = mergeEqualOption;
    };
    string = str;
    nonEmptyStr = mkOptionType {
      name = "nonEmptyStr";
      description = "non-empty string";
      check = x: isString x && match "[[:space:]]*" x == null;
      inherit (str) merge;
    };
    singleLineStr = mkOptionType {
      name = "singleLineStr";
      description = "(optionally newline-terminated) single-line string";
      check = x: isString x && match "[^\n\r]*\n?" x != null;
      merge = loc: defs: lib.removeSuffix "\n" (mergeEqualOption loc defs);
    };
    strMatching =
      pattern:
      mkOptionType {
        name = "strMatching ${lib.escapeNixString pattern}";
        description = "string matching the pattern ${pattern}";
        check = x: isString x && match pattern x != null;
        inherit (str) merge;
      };
    separatedString =
      sep:
      mkOptionType {
        name = "separatedString";
        description = if sep == "" then "Concatenated string" else "strings concatenated with ${builtins.toJSON sep}";
        check = isString;
        merge = _: defs: lib.concatMapStringsSep sep (d: d.value) defs;
        functor = {
          name = "separatedString";
          payload = { inherit sep; };
          type = p: separatedString p.sep;
          wrapped = null;
          binOp = a: b: if a.sep == b.sep then a else null;
        };
      };
    lines = separatedString "\n";
    commas = separatedString ",";
    envVar = separatedString ":";
    passwdEntry =
      type:
      addCheck type (x: !lib.hasInfix ":" x && !lib.hasInfix "\n" x)
      // {
        name = "passwdEntry ${type.name}";
        description = "${type.description}, not containing newlines or colons";
      };

    attrs = mkOptionType {
      name = "attrs";
      description = "attribute set";
      check = isAttrs;
      merge = _: defs: builtins.foldl' (acc: d: acc // d.value) { } defs;
      emptyValue.value = { };
    };
    package = mkOptionType {
      name = "package";
      check = x: lib.isDerivation x || lib.isStorePath x;
      merge =
        loc: defs:
        let
          value = mergeOneOption loc defs;
        in
        if lib.isDerivation value then value else lib.toDerivation value;
    };
    shellPackage = package // {
      check = x: lib.isDerivation x && x ? shellPath;
    };
    pkgs = addCheck raw (x: isAttrs x && x._type or "" == "pkgs") // {
      name = "pkgs";
      description = "Nixpkgs package set";
    };
    path = mkOptionType {
      name = "path";
      description = "absolute path";
      check = x: lib.isStringLike x && builtins.substring 0 1 (toString x) == "/";
      merge = mergeEqualOption;
    };
    pathInStore = mkOptionType {
      name = "pathInStore";
      description = "path in the Nix store";
      check = x: lib.isStringLike x && lib.hasPrefix "${builtins.storeDir}/" (toString x);
      merge = mergeEqualOption;
    };
    externalPath = path;
    pathWith =
      { inStore ? null, absolute ? null }:
      mkOptionType {
        name = "path";
        description = "path";
        check =
          x:
          lib.isStringLike x
          && (absolute == null || lib.hasPrefix "/" (toString x) == absolute)
          && (inStore == null || lib.hasPrefix "${builtins.storeDir}/" (toString x) == inStore);
        merge = mergeEqualOption;
      };

    listOf =
      elemType:
      mkOptionType {
        name = "listOf";
        description = "list of ${describe elemType}";
        descriptionClass = "composite";
        check = isList;
        merge =
          loc: defs:
          concatMap (
            m: if m.isDefined then [ m.mergedValue ] else [ ]
          ) (
            builtins.concatLists (
              imap1 (
                n: d:
                imap1 (
                  m: value:
                  mergeDefinitions (loc ++ [ "[definition ${toString n}-entry ${toString m}]" ]) elemType [
                    { inherit (d) file; inherit value; }
                  ]
                ) d.value
              ) defs
            )
          );
        emptyValue.value = [ ];
        getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
        getSubModules = elemType.getSubModules;
        substSubModules = m: listOf (elemType.substSubModules m);
        functor = wrapping "listOf" listOf elemType;
        nestedTypes.elemType = elemType;
      };
    nonEmptyListOf =
      elemType:
      addCheck (listOf elemType) (l: l != [ ])
      // {
        description = "non-empty list of ${describe elemType}";
        emptyValue = { };
      };
    attrsOf = elemType: attrsOfWith { inherit elemType; };
    lazyAttrsOf = elemType: attrsOfWith { inherit elemType; lazy = true; };
    inherit attrsOfWith;
    loaOf = attrsOf;
    attrListOf = listOf;
    uniq = unique { message = ""; };
    unique =
      { message }:
      type:
      type
      // {
        name = "unique";
        merge = lib.options.mergeUniqueOption { inherit message; inherit (type) merge; };
        substSubModules = m: unique { inherit message; } (type.substSubModules m);
        functor = wrapping "unique" (unique { inherit message; }) type;
        typeMerge = defaultTypeMerge (wrapping "unique" (unique { inherit message; }) type);
      };
    nullOr =
      inner:
      mkOptionType {
        name = "nullOr";
        description = "null or ${describe inner}";
        descriptionClass = "conjunction";
        check = x: x == null || inner.check x;
        merge =
          loc: defs:
          let
            nulls = builtins.length (filter (d: d.value == null) defs);
          in
          if nulls == length defs then
            null
          else if nulls > 0 then
            throw "The option `${showOption loc}' is defined both null and not null, in ${showFiles (lib.options.getFiles defs)}.${lib.options.priorityHint}"
          else
            inner.merge loc defs;
        emptyValue.value = null;
        getSubOptions = inner.getSubOptions;
        getSubModules = inner.getSubModules;
        substSubModules = m: nullOr (inner.substSubModules m);
        functor = wrapping "nullOr" nullOr inner;
        nestedTypes.elemType = inner;
      };
    functionTo =
      inner:
      mkOptionType {
        name = "functionTo";
        description = "function that evaluates to a(n) ${describe inner}";
        descriptionClass = "composite";
        check = lib.isFunction;
        merge =
          loc: defs: arg:
          (mergeDefinitions (loc ++ [ "<function body>" ]) inner (map (d: d // { value = d.value arg; }) defs)).mergedValue;
        getSubOptions = prefix: inner.getSubOptions (prefix ++ [ "<function body>" ]);
        getSubModules = inner.getSubModules;
        substSubModules = m: functionTo (inner.substSubModules m);
        functor = wrapping "functionTo" functionTo inner;
        nestedTypes.elemType = inner;
      };

    submodule =
      modules:
      submoduleWith {
        shorthandOnlyDefinesConfig = true;
        modules = lib.toList modules;
      };
    submoduleWith =
      {
        modules,
        specialArgs ? { },
        shorthandOnlyDefinesConfig ? false,
        description ? null,
        class ? null,
      }@attrs:
      let
        asModule =
          d:
          if isAttrs d.value && shorthandOnlyDefinesConfig then
            { _file = d.file; config = d.value; }
          else if isAttrs d.value || lib.isFunction d.value then
            lib.modules.setDefaultModuleLocation d.file d.value
          else
            d.value;
        evaluate =
          loc: more:
          lib.modules.evalModules {
            inherit specialArgs class;
            modules =
              [
                {
                  _file = "<submodule>";
                  config._module.args.name = lib.mkOptionDefault (if loc == [ ] then "‹name›" else lib.last loc);
                }
              ]
              ++ modules
              ++ more;
            prefix = loc;
          };
      in
      mkOptionType {
        name = "submodule";
        description = if description == null then "submodule" else description;
        check = x: isAttrs x || lib.isFunction x || builtins.isPath x;
        merge = loc: defs: (evaluate loc (map asModule defs)).config;
        emptyValue.value = { };
        getSubOptions = prefix: builtins.removeAttrs (evaluate prefix [ ]).options [ "_module" ];
        getSubModules = modules;
        substSubModules = m: submoduleWith (attrs // { modules = m; });
        nestedTypes = { };
        functor = {
          name = "submodule";
          type = submoduleWith;
          wrapped = null;
          payload = { inherit modules specialArgs shorthandOnlyDefinesConfig description class; };
          binOp =
            a: b:
            let
              clash = builtins.attrNames (builtins.intersectAttrs a.specialArgs b.specialArgs);
            in
            if clash != [ ] then
              throw "A submodule option is declared multiple times with the same specialArgs \"${toString clash}\""
            else
              {
                modules = a.modules ++ b.modules;
                specialArgs = a.specialArgs // b.specialArgs;
                shorthandOnlyDefinesConfig = a.shorthandOnlyDefinesConfig || b.shorthandOnlyDefinesConfig;
                description = if a.description == null then b.description else a.description;
                class = if a.class == null then b.class else a.class;
              };
        };
      };
    deferredModule = deferredModuleWith { };
    deferredModuleWith =
      { staticModules ? [ ] }:
      mkOptionType {
        name = "deferredModule";
        description = "module";
        check = x: isAttrs x || lib.isFunction x || builtins.isPath x;
        merge = loc: defs: {
          imports =
            staticModules
            ++ map (d: lib.modules.setDefaultModuleLocation "${toString d.file}, via option ${showOption loc}" d.value) defs;
        };
        getSubModules = staticModules;
        substSubModules = m: deferredModuleWith { staticModules = m; };
        functor = {
          name = "deferredModule";
          type = deferredModuleWith;
          wrapped = null;
          payload = { inherit staticModules; };
          binOp = a: b: { staticModules = lib.unique (a.staticModules ++ b.staticModules); };
        };
      };

    enum =
      values:
      mkOptionType {
        name = "enum";
        description =
          if values == [ ] then "impossible (empty enum)"
          else "one of ${lib.concatMapStringsSep ", " (v: if isString v then ''"${v}"'' else if isBool v then lib.boolToString v else toString v) values}";
        descriptionClass = "conjunction";
        check = x: elem x values;
        merge = mergeEqualOption;
        functor = {
          name = "enum";
          payload = { inherit values; };
          type = p: enum p.values;
          wrapped = null;
          binOp = a: b: { values = lib.unique (a.values ++ b.values); };
        };
      };
    either =
      a: b:
      mkOptionType {
        name = "either";
        description = "${if a.name == "either" then a.description else describe a} or ${describe b}";
        descriptionClass = "conjunction";
        check = x: a.check x || b.check x;
        merge =
          loc: defs:
          let
            values = map (d: d.value) defs;
          in
          if all a.check values then a.merge loc defs
          else if all b.check values then b.merge loc defs
          else mergeOneOption loc defs;
        typeMerge =
          f:
          let
            left = a.typeMerge (elemAt f.payload.elemType 0).functor;
            right = b.typeMerge (elemAt f.payload.elemType 1).functor;
          in
          if f.name == "either" && left != null && right != null then either left right else null;
        functor = {
          name = "either";
          payload.elemType = [ a b ];
          type = p: either (elemAt p.elemType 0) (elemAt p.elemType 1);
          wrapped = [ a b ];
          binOp = _: _: null;
        };
        nestedTypes = { left = a; right = b; };
      };
    oneOf = ts: if ts == [ ] then throw "types.oneOf needs at least one type in its argument" else builtins.foldl' either (head ts) (builtins.tail ts);
    coercedTo =
      from: coerce: to:
      mkOptionType {
        name = "coercedTo";
        description = "${describe to} or ${describe from} convertible to it";
        check = x: (from.check x && to.check (coerce x)) || to.check x;
        merge = loc: defs: to.merge loc (map (d: d // { value = if from.check d.value then coerce d.value else d.value; }) defs);
        inherit (to) emptyValue getSubOptions getSubModules;
        substSubModules = m: coercedTo from coerce (to.substSubModules m);
        typeMerge = _: null;
        functor = plainFunctor "coercedTo" null;
        nestedTypes = { coercedType = from; finalType = to; };
      };
  };
in
types
