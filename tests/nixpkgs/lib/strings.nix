{ lib }:
let
  inherit (builtins) concatStringsSep replaceStrings substring stringLength;

  # Escapes that a JSON string and a Nix string have in common.
  chars = "abcdefghijklmnopqrstuvwxyz";
  lowerList = builtins.genList (i: substring i 1 chars) 26;
  upperChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  upperList = builtins.genList (i: substring i 1 upperChars) 26;

  # A pattern that matches the given text and nothing else.
  literally = replaceStrings
    [ "\\" "[" "]" "(" ")" "{" "}" "." "*" "+" "?" "^" "$" "|" ]
    [ "\\\\" "\\[" "\\]" "\\(" "\\)" "\\{" "\\}" "\\." "\\*" "\\+" "\\?" "\\^" "\\$" "\\|" ];
in
rec {
  inherit (builtins)
    concatStringsSep replaceStrings stringLength substring unsafeDiscardStringContext
    split match toJSON fromJSON isString parseDrvName compareVersions hasContext
    getContext storeDir;

  concatStrings = concatStringsSep "";
  concatMapStrings = f: list: concatStrings (map f list);
  concatMapStringsSep = sep: f: list: concatStringsSep sep (map f list);
  concatImapStrings = f: list: concatStrings (lib.imap1 f list);
  concatImapStringsSep = sep: f: list: concatStringsSep sep (lib.imap1 f list);
  concatMapAttrsStringSep = sep: f: set: concatStringsSep sep (lib.mapAttrsToList f set);
  concatLines = concatMapStrings (s: s + "\n");
  intersperse =
    sep: list:
    if builtins.length list < 2 then list
    else builtins.tail (builtins.concatMap (x: [ sep x ]) list);
  join = concatStringsSep;
  replicate = n: s: concatStrings (builtins.genList (_: s) n);
  optionalString = cond: s: if cond then s else "";
  stringAsChars = f: s: concatMapStrings f (stringToCharacters s);
  stringToCharacters = s: builtins.genList (i: substring i 1 s) (stringLength s);
  charToInt = c: lib.findFirstIndex (x: x == c) (throw "charToInt: not an ASCII letter: ${c}") (stringToCharacters upperChars) + 65;

  hasPrefix = prefix: s: substring 0 (stringLength prefix) s == prefix;
  hasSuffix =
    suffix: s:
    let
      n = stringLength s;
      m = stringLength suffix;
    in
    n >= m && substring (n - m) m s == suffix;
  hasInfix = infix: s: infix == "" || replaceStrings [ infix ] [ "" ] s != s;
  removePrefix =
    prefix: s: if hasPrefix prefix s then substring (stringLength prefix) (-1) s else s;
  removeSuffix =
    suffix: s:
    if suffix != "" && hasSuffix suffix s then substring 0 (stringLength s - stringLength suffix) s else s;

  splitString =
    sep: s:
    map (addContextFrom s) (
      if sep == "" then
        stringToCharacters s
      else
        builtins.filter builtins.isString (builtins.split (literally sep) (unsafeDiscardStringContext s))
    );
  splitStringBy =
    pred: keep: s:
    let
      step =
        acc: c:
        if pred acc.prev c then
          { parts = acc.parts ++ [ acc.cur ]; cur = if keep then c else ""; prev = c; }
        else
          { inherit (acc) parts; cur = acc.cur + c; prev = c; };
      end = builtins.foldl' step { parts = [ ]; cur = ""; prev = ""; } (stringToCharacters s);
    in
    end.parts ++ [ end.cur ];
  addContextFrom = source: target: substring 0 0 source + target;

  escape = list: replaceStrings list (map (c: "\\" + c) list);
  escapeC = list: replaceStrings list (map (c: "\\x${lib.toLower (lib.toHexString (charCode c))}") list);
  # Code of a printable ASCII character, by its place in a list of them all.
  charCode =
    c:
    let
      printable = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
      go = i: if substring i 1 printable == c then i + 32 else if i > 94 then throw "charCode: not printable ASCII: ${c}" else go (i + 1);
    in
    if c == "\n" then 10 else if c == "\t" then 9 else if c == "\r" then 13 else go 0;
  escapeShellArg =
    arg:
    let
      s = toString arg;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" s != null then s else "'${replaceStrings [ "'" ] [ "'\\''" ] s}'";
  escapeShellArgs = concatMapStringsSep " " escapeShellArg;
  isValidPosixName = name: builtins.match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;
  toShellVar =
    name: value:
    if builtins.isAttrs value && !isStringLike value then
      "declare -A ${name}=(${concatStringsSep " " (lib.mapAttrsToList (k: v: "[${escapeShellArg k}]=${escapeShellArg v}") value)})"
    else if builtins.isList value then
      "declare -a ${name}=(${escapeShellArgs value})"
    else
      "${name}=${escapeShellArg value}";
  toShellVars = set: concatStringsSep "\n" (lib.mapAttrsToList toShellVar set);
  escapeNixString = s: replaceStrings [ "$" ] [ "\\$" ] (builtins.toJSON s);
  escapeNixIdentifier = s: if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" s != null then s else escapeNixString s;
  escapeRegex = literally;
  escapeXML = replaceStrings [ "\"" "'" "<" ">" "&" ] [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];
  escapeURL = s: stringAsChars (c: if builtins.match "[A-Za-z0-9._~-]" c != null then c else "%${fixedWidthString 2 "0" (lib.toHexString (charCode c))}") s;

  toLower = replaceStrings upperList lowerList;
  toUpper = replaceStrings lowerList upperList;
  toSentenceCase = s: toUpper (substring 0 1 s) + toLower (substring 1 (-1) s);

  isStringLike = x: builtins.isString x || builtins.isPath x || x ? outPath || x ? __toString;
  isConvertibleWithToString =
    x:
    isStringLike x
    || builtins.elem (builtins.typeOf x) [ "null" "int" "float" "bool" ]
    || (builtins.isList x && builtins.all isConvertibleWithToString x);
  isStorePath =
    x:
    isStringLike x
    && (
      let
        s = toString x;
      in
      substring 0 1 s == "/" && dirOf s == builtins.storeDir
    );
  isCoercibleToString = isConvertibleWithToString;

  toInt =
    s:
    let
      trimmed = trim s;
      digits = builtins.match "(-?)0*([0-9]+)" trimmed;
    in
    if digits == null then
      throw "toInt: cannot read ${escapeNixString s} as a whole number"
    else if builtins.match "-?0[0-9]+" trimmed != null then
      throw "toInt: ${escapeNixString s} could be octal or zero-padded decimal"
    else
      builtins.fromJSON trimmed;
  toIntBase10 =
    s:
    let
      digits = builtins.match "[[:space:]]*(-?)0*([0-9]+)[[:space:]]*" s;
    in
    if digits == null then throw "toIntBase10: cannot read ${escapeNixString s}" else builtins.fromJSON (concatStrings digits);
  trim = s: let m = builtins.match "[[:space:]]*(.*[^[:space:]])[[:space:]]*" s; in if m == null then "" else builtins.head m;
  trimWith =
    { start ? false, end ? false }:
    s:
    let
      left = if start then builtins.head (builtins.match "[[:space:]]*(.*)" s) else s;
      right = builtins.match "(.*[^[:space:]])[[:space:]]*" left;
    in
    if !end then left else if right == null then "" else builtins.head right;
  fixedWidthString =
    width: filler: s:
    let
      n = stringLength s;
    in
    if n > width then throw "fixedWidthString: ${s} is wider than ${toString width}" else replicate (width - n) filler + s;
  fixedWidthNumber = width: n: fixedWidthString width "0" (toString n);
  floatToString = builtins.toJSON;
  normalizePath = s: let go = p: let q = replaceStrings [ "//" ] [ "/" ] p; in if q == p then p else go q; in go s;
  commonPrefixLength =
    a: b:
    let
      m = lib.min (stringLength a) (stringLength b);
      go = i: if i < m && substring i 1 a == substring i 1 b then go (i + 1) else i;
    in
    go 0;
  levenshtein =
    a: b:
    let
      n = stringLength b;
      row0 = lib.range 0 n;
      step =
        row: c:
        builtins.foldl' (
          acc: j:
          acc
          ++ [
            (lib.min (lib.min (builtins.elemAt row (j + 1) + 1) (lib.last acc + 1)) (
              builtins.elemAt row j + (if substring j 1 b == c then 0 else 1)
            ))
          ]
        ) [ (builtins.head row + 1) ] (lib.range 0 (n - 1));
    in
    lib.last (builtins.foldl' step row0 (stringToCharacters a));

  versionAtLeast = a: b: builtins.compareVersions a b >= 0;
  versionOlder = a: b: builtins.compareVersions a b < 0;
  getName = x: if builtins.isString x then (builtins.parseDrvName x).name else x.pname or (builtins.parseDrvName x.name).name;
  getVersion = x: if builtins.isString x then (builtins.parseDrvName x).version else x.version or (builtins.parseDrvName x.name).version;
  nameFromURL = url: sep: builtins.head (splitString sep (lib.last (splitString "/" url)));
  sanitizeDerivationName =
    s:
    let
      clean = concatStrings (
        map (part: if builtins.isList part then "-" else part) (
          builtins.split "[^[:alnum:]+._?=-]+" (unsafeDiscardStringContext (toString s))
        )
      );
      noDots = builtins.head (builtins.match "\\.*(.*)" clean);
    in
    if noDots == "" then "unknown" else substring (lib.max (stringLength noDots - 207) 0) (-1) noDots;

  makeSearchPath = sub: paths: concatStringsSep ":" (map (p: "${p}/${sub}") (builtins.filter (p: p != null) paths));
  makeSearchPathOutput = output: sub: paths: makeSearchPath sub (map (lib.getOutput output) paths);
  makeBinPath = makeSearchPathOutput "bin" "bin";
  makeLibraryPath = makeSearchPathOutput "lib" "lib";
  makeIncludePath = makeSearchPathOutput "dev" "include";

  withFeature = on: name: "--${if on then "with" else "without"}-${name}";
  enableFeature = on: name: "--${if on then "enable" else "disable"}-${name}";
  fileContents = file: removeSuffix "\n" (builtins.readFile file);
  readPathsFromFile = root: file: map (l: root + "/${l}") (builtins.filter (l: l != "" && !hasPrefix "#" l) (splitString "\n" (fileContents file)));
}
