{ lib }:
rec {
  inherit (builtins)
    map filter head tail length elem elemAt any all isList sort genList
    concatLists concatMap foldl' partition groupBy;

  singleton = x: [ x ];
  forEach = list: f: map f list;
  foldr =
    op: nul: list:
    let
      count = length list;
      go = i: if i == count then nul else op (elemAt list i) (go (i + 1));
    in
    go 0;
  fold = foldr;
  foldl =
    op: nul: list:
    let
      go = i: if i < 0 then nul else op (go (i - 1)) (elemAt list i);
    in
    go (length list - 1);
  imap0 = f: list: genList (i: f i (elemAt list i)) (length list);
  imap1 = f: list: genList (i: f (i + 1) (elemAt list i)) (length list);
  ifilter0 = pred: list: concatLists (imap0 (i: x: optional (pred i x) x) list);
  optional = cond: x: if cond then [ x ] else [ ];
  optionals = cond: list: if cond then list else [ ];
  toList = x: if isList x then x else [ x ];
  range = first: last: if first > last then [ ] else genList (i: first + i) (last - first + 1);
  replicate = n: x: genList (_: x) n;
  flatten = x: if isList x then concatMap flatten x else [ x ];
  remove = x: filter (y: y != x);
  count = pred: foldl' (n: x: if pred x then n + 1 else n) 0;
  findFirst =
    pred: fallback: list:
    let
      found = filter pred list;
    in
    if found == [ ] then fallback else head found;
  findFirstIndex =
    pred: fallback: list:
    let
      go = i: if i == length list then fallback else if pred (elemAt list i) then i else go (i + 1);
    in
    go 0;
  findSingle =
    pred: none: multiple: list:
    let
      found = filter pred list;
    in
    if found == [ ] then none else if length found == 1 then head found else multiple;
  reverseList =
    list:
    let
      last = length list - 1;
    in
    genList (i: elemAt list (last - i)) (length list);
  sublist =
    start: n: list:
    let
      avail = length list - start;
      size = if avail < 0 then 0 else if n < avail then n else avail;
    in
    genList (i: elemAt list (start + i)) size;
  take = n: sublist 0 n;
  takeEnd = n: list: drop (lib.max 0 (length list - n)) list;
  drop = n: list: sublist n (length list) list;
  dropEnd = n: list: take (lib.max 0 (length list - n)) list;
  last =
    list:
    if list == [ ] then throw "lists.last: the list is empty" else elemAt list (length list - 1);
  init =
    list:
    if list == [ ] then throw "lists.init: the list is empty" else take (length list - 1) list;
  takeWhile = pred: list: let i = findFirstIndex (x: !pred x) (length list) list; in take i list;
  dropWhile = pred: list: let i = findFirstIndex (x: !pred x) (length list) list; in drop i list;
  zipListsWith =
    f: a: b:
    genList (i: f (elemAt a i) (elemAt b i)) (lib.min (length a) (length b));
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });
  crossLists = f: foldl (fs: args: concatMap (g: map g args) fs) [ f ];
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  uniqueStrings = list: builtins.attrNames (builtins.groupBy (x: x) list);
  allUnique = list: length (unique list) == length list;
  intersectLists = keep: filter (x: elem x keep);
  subtractLists = drop: filter (x: !(elem x drop));
  mutuallyExclusive = a: b: !any (x: elem x a) b;
  hasPrefix = prefix: list: take (length prefix) list == prefix;
  removePrefix =
    prefix: list:
    if hasPrefix prefix list then drop (length prefix) list else throw "lists.removePrefix: not a prefix of the list";
  commonPrefix =
    a: b:
    let
      go = i: if i < length a && i < length b && elemAt a i == elemAt b i then go (i + 1) else i;
    in
    take (go 0) a;
  compareLists =
    cmp: a: b:
    if a == [ ] then (if b == [ ] then 0 else -1)
    else if b == [ ] then 1
    else let c = cmp (head a) (head b); in if c == 0 then compareLists cmp (tail a) (tail b) else c;
  sortOn = key: list: map (p: p.x) (sort (a: b: a.k < b.k) (map (x: { k = key x; inherit x; }) list));
  naturalSort = sort (a: b: builtins.compareVersions a b < 0);
  groupBy' = op: nul: pred: list: builtins.mapAttrs (_: foldl op nul) (groupBy pred list);
  sum = foldl' (a: b: a + b) 0;

  # Sorts items so that a is before b if `before a b` is true.
  toposort =
    before: list:
    let
      go =
        done: rest:
        if rest == [ ] then
          { result = done; }
        else
          let
            free = filter (x: !any (y: y != x && before y x) rest) rest;
          in
          if free == [ ] then
            { cycle = rest; loops = rest; }
          else
            go (done ++ [ (head free) ]) (filter (x: x != head free) rest);
    in
    go [ ] list;
}
