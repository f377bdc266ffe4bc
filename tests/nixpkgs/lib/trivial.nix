{ lib }:
rec {
  inherit (builtins)
    isString isInt isBool isFloat isPath isNull
    pathExists readFile readDir typeOf seq deepSeq genericClosure
    add sub lessThan bitAnd bitOr bitXor ceil floor hashString hashFile
    addErrorContext throw tryEval;

  id = x: x;
  const = x: _: x;
  pipe = builtins.foldl' (value: f: f value);
  concat = a: b: a ++ b;
  and = a: b: a && b;
  xor = a: b: a != b;
  boolToString = b: if b then "true" else "false";
  boolToYesNo = b: if b then "yes" else "no";
  mergeAttrs = a: b: a // b;
  flip = f: a: b: f b a;
  mapNullable = f: value: if value == null then null else f value;
  defaultTo = fallback: value: if value == null then fallback else value;
  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
  mod = a: b: a - b * (a / b);
  compare = a: b: if a < b then -1 else if a > b then 1 else 0;
  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);

  release = "26.05";
  version = "${release}.stand-in";
  versionSuffix = ".stand-in";
  codeName = "Standin";
  oldestSupportedRelease = 2511;
  oldestSupportedReleaseIsAtLeast = number: number <= oldestSupportedRelease;
  isInOldestRelease = oldestSupportedReleaseIsAtLeast;
  inNixShell = false;
  inPureEvalMode = !(builtins ? currentSystem);
  revisionWithDefault = fallback: fallback;

  warn = message: value: builtins.trace "evaluation warning: ${message}" value;
  warnIf = cond: message: if cond then warn message else id;
  warnIfNot = cond: warnIf (!cond);
  throwIf = cond: message: if cond then throw message else id;
  throwIfNot = cond: throwIf (!cond);
  info = message: value: builtins.trace "INFO: ${message}" value;
  showWarnings = warnings: value: builtins.foldl' (acc: w: warn w acc) value warnings;
  checkListOfEnum =
    what: valid: given:
    let
      unknown = lib.subtractLists valid given;
    in
    if unknown == [ ] then
      id
    else
      throw "${what}: ${lib.concatMapStringsSep ", " toString unknown} unexpected; valid ones: ${lib.concatMapStringsSep ", " toString valid}";

  setFunctionArgs = f: args: {
    __functor = _: f;
    __functionArgs = args;
  };
  functionArgs = f: if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;
  isFunctor = f: builtins.isAttrs f && f ? __functor && builtins.isFunction (f.__functor f);
  isFunction = f: builtins.isFunction f || isFunctor f;
  toFunction = value: if isFunction value then value else _: value;
  mirrorFunctionArgs = f: let args = functionArgs f; in g: setFunctionArgs g args;

  toHexString =
    n:
    let
      digit = d: builtins.substring d 1 "0123456789ABCDEF";
    in
    if n < 16 then digit n else toHexString (n / 16) + digit (mod n 16);
}
