# SPDX-License-Identifier: MIT
# Attribute paths as in `nix-build -A`, and definitions that are functions.
{ lib, fail }:

let
  inherit (builtins) attrNames concatStringsSep elem elemAt filter fromJSON functionArgs
    head intersectAttrs isAttrs isFunction isList length match substring tail toXML;

  show = names: concatStringsSep "." (map (n: if match "[^.\"]+" n == null then ''"${n}"'' else n) names);

  # "a.\"b.c\".0" -> [ "a" "b.c" "0" ]
  parse = path:
    let
      step = st: c:
        if st.quoted then
          if c == "\"" then st // { quoted = false; }
          else st // { cur = st.cur + c; }
        else if c == "\"" then st // { quoted = true; any = true; }
        else if c == "." then { out = st.out ++ [ st.cur ]; cur = ""; quoted = false; any = false; }
        else st // { cur = st.cur + c; any = true; };
      end = lib.foldl' step { out = [ ]; cur = ""; quoted = false; any = false; } (lib.stringToCharacters path);
    in
    if end.quoted then fail "attribute path '${path}': missing closing quote"
    else if end.any then end.out ++ [ end.cur ]
    else end.out;

  isLambda = v: isFunction v;
  allDefaults = f: lib.all (n: (functionArgs f).${n}) (attrNames (functionArgs f));
  # Only functions with a pattern are called, because `x: ...` could expect anything. The two differ only in their
  # XML form.
  hasPattern = f: match ".*<attrspat.*" (oneLine (toXML f)) != null;
  hasEllipsis = f: match ".*<attrspat [^>]*ellipsis=.*" (oneLine (toXML f)) != null;
  oneLine = builtins.replaceStrings [ "\n" ] [ " " ];

  required = f: filter (n: !(functionArgs f).${n}) (attrNames (functionArgs f));

  autoCall = where: at: v:
    if isAttrs v && v ? __functor then autoCall where at (v.__functor v)
    else if !isLambda v || !hasPattern v then v
    else if allDefaults v then autoCall where at (v { })
    else fail "${where}: ${at} is a function that needs the argument '${head (required v)}', which has no default";

  typeName = import ./type-name.nix;

  position = done: if done == [ ] then "its top level" else "'${show done}'";

  known = v:
    let
      names = attrNames v;
      shown = lib.take 20 names;
    in
    if names == [ ] then "it is empty there"
    else "there are: ${concatStringsSep ", " (map (n: show [ n ]) shown)}${if length names > 20 then ", ..." else ""}";

  walk = where: path: done: rest: v0:
    let
      v = autoCall where (position done) v0;
      name = head rest;
      n = length v;
      index = fromJSON (head (match "0*([0-9]+)" name));
      isIndex = match "[0-9]+" name != null;
      # A path of one name is in the message already.
      looking = if done == [ ] && tail rest == [ ] then "" else " (looking for '${path}')";
      failHere = text: fail "${where}: ${position done} ${text}${looking}";
    in
    if rest == [ ] then v0
    else if isAttrs v then
      if v ? ${name} then walk where path (done ++ [ name ]) (tail rest) v.${name}
      else fail "${where}: no attribute '${name}' at ${position done}${looking}; ${known v}"
    else if isList v then
      if !isIndex then failHere "is a list, so '${name}' must be an index"
      else if index >= n then failHere "is a list of ${toString n}, it has no element ${name}"
      else walk where path (done ++ [ name ]) (tail rest) (elemAt v index)
    else failHere "is ${typeName v}, so it has no attribute '${name}'";

  select = where: path: value:
    let
      top = autoCall where "its top level" value;
      names = parse path;
    in
    if isAttrs top && top ? ${path} then checkContainer where path [ path ] top.${path}
    else if elem "" names then fail "attribute path '${path}': empty attribute name"
    else if names == [ ] then value
    else checkContainer where path names (walk where path [ ] names value);

  # The name of a container was given with -A.
  checkContainer = where: path: names: v:
    if head names != "containers" || length names > 2 || !isAttrs v || v ? containers || v ? imports then v
    else
      fail ("${where}: attribute '${path}' is not a definition; containers are selected by their names after the "
        + "definition${lib.concatMapStrings (n: ", here '${n}'") (tail names)}");

  # The module system passes a module more arguments than a closed pattern ({ pkgs ? import <nixpkgs> { } }: ...)
  # accepts, so only those are passed that the pattern names. Names that the module system does not know keep their
  # default.
  openPattern = offered: f:
    let
      formals = functionArgs f;
      wanted = lib.filterAttrs (n: hasDefault: !hasDefault || elem n offered) formals;
    in
    if !hasPattern f || hasEllipsis f then f
    else lib.setFunctionArgs (args: f (intersectAttrs wanted args)) wanted;

  # Makes a module of the value of a definition.
  toModule = where: offered: v:
    if isLambda v then openPattern offered v
    else if isAttrs v then
      if v ? type && v.type == "derivation" then
        fail ("${where}: this is a derivation, not a definition of containers; build it and give its store path, "
          + "or select another attribute")
      else v
    else if builtins.typeOf v == "path" then v
    else if builtins.isString v && substring 0 1 v == "/" then v
    else fail "${where}: a definition must be a module (an attribute set or a function), but this is ${typeName v}";
in
{ inherit select toModule; }
