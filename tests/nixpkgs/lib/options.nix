# Declaring options, merging plain values, and naming them in messages.
{ lib }:
let
  inherit (builtins) all head isAttrs isBool isFunction isInt isList isString length tail;
in
rec {
  isOption = value: value._type or null == "option";
  mkOption = attrs: attrs // { _type = "option"; };
  mkEnableOption =
    what:
    mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${if what ? _type then what.text else what}.";
    };
  mkPackageOption =
    pkgs: name:
    {
      default ? name,
      nullable ? false,
      example ? null,
      extraDescription ? "",
      pkgsText ? "pkgs",
    }:
    let
      path = if isList name then name else [ name ];
      defaultPath = if isList default then default else [ default ];
    in
    mkOption (
      {
        type = (if nullable then lib.types.nullOr else lib.id) lib.types.package;
        description = "The ${lib.concatStringsSep "." path} package to use. ${extraDescription}";
      }
      // lib.optionalAttrs (default != null) {
        default = lib.attrByPath defaultPath (throw "${pkgsText}.${lib.concatStringsSep "." defaultPath} cannot be found") pkgs;
      }
    );
  mkPackageOptionMD = mkPackageOption;
  mkSinkUndeclaredOptions =
    attrs:
    mkOption (
      {
        internal = true;
        visible = false;
        default = false;
        description = "Takes what no other option is declared for.";
        type = lib.mkOptionType { name = "sink"; check = _: true; merge = _: _: false; };
        apply = _: throw "Option value is not readable because the option is not declared.";
      }
      // attrs
    );

  literalExpression = text: { _type = "literalExpression"; inherit text; };
  literalExample = literalExpression;
  literalMD = text: { _type = "literalMD"; inherit text; };
  literalDocBook = literalMD;
  mdDoc = text: text;
  renderOptionValue = value: if value ? _type && value ? text then value else literalExpression (lib.generators.toPretty { } value);

  getValues = map (d: d.value);
  getFiles = map (d: d.file);

  showOption =
    loc:
    lib.concatMapStringsSep "." (
      part: if builtins.match "<.*>|\\*|[a-zA-Z_][a-zA-Z0-9_'-]*" part != null then part else lib.escapeNixString part
    ) loc;
  showFiles = files: lib.concatMapStringsSep " and " (f: "`${toString f}'") files;
  showDefs =
    defs:
    lib.concatMapStrings (
      def:
      let
        shown = builtins.tryEval (lib.generators.toPretty { depth = 3; indent = "    "; } def.value);
      in
      "\n- In `${toString def.file}'" + (if shown.success then ": ${shown.value}" else "")
    ) defs;
  showOptionWithDefLocs = opt: "${showOption opt.loc}, with values defined in:\n${lib.concatMapStringsSep "\n" (f: "  - ${f}") opt.files}";
  unknownModule = "<unknown-file>";

  priorityHint = "\nUse `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions.";

  mergeOneOption = mergeUniqueOption { message = ""; };
  mergeUniqueOption =
    { message ? "", merge ? null }:
    loc: defs:
    if length defs == 1 then
      (if merge == null then (head defs).value else merge loc defs)
    else
      throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique.${
        if message == "" then "" else "\n${message}"
      }\nDefinition values:${showDefs defs}${priorityHint}";
  mergeEqualOption =
    loc: defs:
    if defs == [ ] then
      throw "The option `${showOption loc}' has no definition to merge."
    else if all (d: d.value == (head defs).value) (tail defs) then
      (head defs).value
    else
      throw "The option `${showOption loc}' has conflicting definition values:${showDefs defs}${priorityHint}";
  mergeDefaultOption =
    loc: defs:
    let
      values = getValues defs;
    in
    if length values == 1 then head values
    else if all isFunction values then arg: mergeDefaultOption loc (map (d: d // { value = d.value arg; }) defs)
    else if all isList values then builtins.concatLists values
    else if all isAttrs values then builtins.foldl' (a: b: a // b) { } values
    else if all isBool values then builtins.any lib.id values
    else if all isString values then lib.concatStrings values
    else if all isInt values && all (v: v == head values) values then head values
    else throw "Cannot merge definitions of `${showOption loc}'. Definition values:${showDefs defs}";

  scrubOptionValue =
    value:
    if lib.isDerivation value then value // { drvPath = value.name; outPath = value.name; }
    else if isList value then map scrubOptionValue value
    else if isAttrs value then builtins.mapAttrs (_: scrubOptionValue) (builtins.removeAttrs value [ "_args" ])
    else value;
  optionAttrSetToDocList = set: lib.collect isOption set;
}
