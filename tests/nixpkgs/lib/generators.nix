# Texts in other languages from Nix values.
{ lib }:
let
  inherit (builtins) isAttrs isList isString isFunction;
in
rec {
  mkValueStringDefault =
    { }:
    value:
    if value == true then "true"
    else if value == false then "false"
    else if value == null then "null"
    else if isList value || (isAttrs value && !lib.isStringLike value) || isFunction value then
      throw "generators.mkValueStringDefault: a ${builtins.typeOf value} cannot be written as a plain value"
    else toString value;
  mkKeyValueDefault =
    { mkValueString ? mkValueStringDefault { } }:
    sep: key: value:
    "${lib.escape [ sep ] key}${sep}${mkValueString value}";
  toKeyValue =
    { mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false, indent ? "" }:
    set:
    lib.concatStrings (
      lib.concatLists (
        lib.mapAttrsToList (
          k: v: map (x: "${indent}${mkKeyValue k x}\n") (if listsAsDuplicateKeys && isList v then v else [ v ])
        ) set
      )
    );
  toINI =
    { mkSectionName ? (n: lib.escape [ "[" "]" ] n), mkKeyValue ? mkKeyValueDefault { } "=", listsAsDuplicateKeys ? false }:
    set:
    lib.concatStringsSep "\n" (
      lib.mapAttrsToList (n: v: "[${mkSectionName n}]\n" + toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } v) set
    );
  toINIWithGlobalSection =
    opts:
    { globalSection, sections ? { } }:
    (if globalSection == { } then "" else toKeyValue { } globalSection + "\n") + toINI opts sections;
  toJSON = { }: builtins.toJSON;
  toYAML = toJSON;

  # A value in readable form. Never evaluates deeper than `depth`, so that error
  # messages can show values that contain errors.
  toPretty =
    { multiline ? true, indent ? "", allowPrettyValues ? false, depth ? 8 }:
    value:
    let
      inner = toPretty { inherit multiline allowPrettyValues; indent = indent + "  "; depth = depth - 1; };
      show = v: let r = builtins.tryEval (inner v); in if r.success then r.value else "«error»";
      open = if multiline then "\n${indent}  " else " ";
      close = if multiline then "\n${indent}" else " ";
      type = builtins.typeOf value;
    in
    if type == "string" then lib.escapeNixString value
    else if type == "path" then toString value
    else if type == "null" then "null"
    else if type == "bool" then lib.boolToString value
    else if type == "int" || type == "float" then toString value
    else if type == "lambda" then "<function>"
    else if type == "list" then
      if value == [ ] then "[ ]"
      else if depth <= 0 then "[ ... ]"
      else "[${open}${lib.concatMapStringsSep open show value}${close}]"
    else if value.type or null == "derivation" then "<derivation ${value.name or "???"}>"
    else if allowPrettyValues && value ? __pretty && value ? val then value.__pretty value.val
    else if value ? __functor then "<function>"
    else if value == { } then "{ }"
    else if depth <= 0 then "{ ... }"
    else
      "{${open}${
        lib.concatStringsSep open (lib.mapAttrsToList (n: v: "${lib.escapeNixIdentifier n} = ${show v};") value)
      }${close}}";
  withRecursion = { depthLimit, throwOnDepthLimit ? true }: value: value;
}
