{ lib }:
let
  inherit (lib) foldl';
in
rec {
  inherit (builtins)
    attrNames attrValues listToAttrs hasAttr isAttrs getAttr removeAttrs
    intersectAttrs catAttrs mapAttrs zipAttrsWith;

  nameValuePair = name: value: { inherit name value; };
  attrByPath =
    path: fallback: set:
    if path == [ ] then
      set
    else if isAttrs set && set ? ${builtins.head path} then
      attrByPath (builtins.tail path) fallback set.${builtins.head path}
    else
      fallback;
  hasAttrByPath =
    path: set:
    path == [ ]
    || (isAttrs set && set ? ${builtins.head path} && hasAttrByPath (builtins.tail path) set.${builtins.head path});
  getAttrFromPath =
    path: attrByPath path (throw "cannot find attribute `${lib.concatStringsSep "." path}'");
  setAttrByPath = path: value: lib.foldr (name: acc: { ${name} = acc; }) value path;
  attrVals = names: set: map (n: set.${n}) names;
  getAttrs = names: set: lib.genAttrs names (n: set.${n});
  filterAttrs =
    pred: set: builtins.removeAttrs set (builtins.filter (n: !pred n set.${n}) (attrNames set));
  filterAttrsRecursive =
    pred: set:
    mapAttrs (_: v: if isAttrs v then filterAttrsRecursive pred v else v) (filterAttrs pred set);
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
  mapAttrsToList = f: set: map (n: f n set.${n}) (attrNames set);
  attrsToList = mapAttrsToList nameValuePair;
  concatMapAttrs = f: set: mergeAttrsList (attrValues (mapAttrs f set));
  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);
  mapAttrsRecursiveCond =
    cond: f: set:
    let
      go = path: mapAttrs (n: v: if isAttrs v && cond v then go (path ++ [ n ]) v else f (path ++ [ n ]) v);
    in
    go [ ] set;
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);
  mapAttrsToListRecursiveCond =
    cond: f: set:
    let
      go =
        path: value:
        if isAttrs value && cond path value then
          builtins.concatLists (mapAttrsToList (n: go (path ++ [ n ])) value)
        else
          [ (f path value) ];
    in
    go [ ] set;
  collect =
    pred: value:
    if pred value then [ value ]
    else if isAttrs value then builtins.concatMap (collect pred) (attrValues value)
    else [ ];
  genAttrs = names: f: genAttrs' names (n: nameValuePair n (f n));
  genAttrs' = names: f: listToAttrs (map f names);
  foldAttrs =
    op: nul: sets:
    zipAttrsWith (_: lib.foldr op nul) sets;
  foldlAttrs = f: init: set: foldl' (acc: n: f acc n set.${n}) init (attrNames set);
  isDerivation = value: value.type or null == "derivation";
  toDerivation =
    path:
    let
      storePath = builtins.storePath path;
    in
    {
      type = "derivation";
      name = builtins.unsafeDiscardStringContext (builtins.substring 33 (-1) (baseNameOf path));
      outPath = storePath;
      outputs = [ "out" ];
      outputName = "out";
    };
  optionalAttrs = cond: set: if cond then set else { };
  zipAttrs = zipAttrsWith (_: values: values);
  zipAttrsWithNames =
    names: f: sets:
    lib.genAttrs names (n: f n (catAttrs n sets));
  mergeAttrsList = foldl' (a: b: a // b) { };
  recursiveUpdateUntil =
    stop: left: right:
    let
      go =
        path:
        zipAttrsWith (
          n: values:
          let
            here = path ++ [ n ];
          in
          if builtins.length values == 1 || stop here (builtins.elemAt values 1) (builtins.head values) then
            builtins.head values
          else
            go here values
        );
    in
    go [ ] [ right left ];
  recursiveUpdate = recursiveUpdateUntil (_: left: right: !(isAttrs left && isAttrs right));
  updateManyAttrsByPath =
    updates: value:
    foldl' (
      acc: u:
      let
        go =
          path: v:
          if path == [ ] then
            u.update v
          else
            (if isAttrs v then v else { })
            // {
              ${builtins.head path} = go (builtins.tail path) (
                v.${builtins.head path} or (throw "updateManyAttrsByPath: no value at `${lib.concatStringsSep "." u.path}'")
              );
            };
      in
      go u.path acc
    ) value updates;
  updateAttrs = f: set: set // f set;
  cartesianProduct =
    sets:
    foldl' (acc: n: builtins.concatMap (a: map (v: a // { ${n} = v; }) sets.${n}) acc) [ { } ] (attrNames sets);
  cartesianProductOfSets = cartesianProduct;
  mapCartesianProduct = f: sets: map f (cartesianProduct sets);
  matchAttrs =
    pattern: set:
    builtins.all (
      n: set ? ${n} && (if isAttrs pattern.${n} then isAttrs set.${n} && matchAttrs pattern.${n} set.${n} else pattern.${n} == set.${n})
    ) (attrNames pattern);
  overrideExisting = old: new: mapAttrs (n: v: new.${n} or v) old;
  unionOfDisjoint =
    a: b:
    let
      both = builtins.attrNames (builtins.intersectAttrs a b);
    in
    if both == [ ] then a // b else throw "unionOfDisjoint: in both sets: ${lib.concatStringsSep ", " both}";
  recurseIntoAttrs = set: set // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = set: set // { recurseForDerivations = false; };
  showAttrPath =
    path: if path == [ ] then "<root attribute path>" else lib.concatMapStringsSep "." lib.strings.escapeNixIdentifier path;

  getOutput =
    output: pkg:
    if isAttrs pkg && !(pkg.outputSpecified or false) then pkg.${output} or pkg.out or pkg else pkg;
  getBin = getOutput "bin";
  getLib = getOutput "lib";
  getDev = getOutput "dev";
  getMan = getOutput "man";
  chooseDevOutputs = map getDev;
}
