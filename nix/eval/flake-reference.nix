# SPDX-License-Identifier: MIT
# What a flake reference names: something that Nix builds from the flake, a NixOS configuration, or a definition of
# containers.
#
# `nix flake metadata` has fetched the flake and made its lock; here only the outputs are called. builtins.getFlake
# would reject a flake whose lock file is missing or out of date, and the program never writes to a user's flake.
{
  # The output of `nix flake metadata --json`.
  metadata
, # Attribute path after the '#', or "".
  attr
, # What messages call the reference.
  where
, system
, fail
}:

let
  inherit (builtins) attrNames concatStringsSep elemAt filter foldl' head isAttrs isFunction isList
    isString length match pathExists removeAttrs substring tail typeOf;

  ## The flake and its inputs

  lock = metadata.locks;
  nodes =
    if lock.version or 0 >= 5 && lock.version <= 7 then lock.nodes
    else fail "${where}: version ${toString (lock.version or 0)} of this flake's lock file is not supported";

  # An input is the name of a node or, if it follows another input, the path to that input.
  nodeOf = spec:
    if isList spec then foldl' (node: input: nodeOf nodes.${node}.inputs.${input}) lock.root spec
    else spec;

  optional = name: value: if value == null then { } else { ${name} = value; };

  # If the lock is not the one in the tree, Nix does not treat the tree as that of a revision.
  source = metadata.path;
  lockFile = dirPath source (metadata.locked.dir or "") + "/flake.lock";
  changed =
    if pathExists lockFile then builtins.fromJSON (builtins.readFile lockFile) != lock
    else lock.nodes.${lock.root} ? inputs;
  isGit = metadata.locked.type or null == "git";

  own =
    builtins.fetchTree ({ type = "path"; path = source; }
      // optional "lastModified" (metadata.lastModified or null)
      // optional "narHash" (metadata.locked.narHash or null)
      // optional "rev" (if changed then null else metadata.revision or null)
      // optional "revCount" (if changed then null else metadata.revCount or null))
    // optional "dirtyRev" (metadata.locked.dirtyRev or null)
    // optional "dirtyShortRev" (metadata.locked.dirtyShortRev or null)
    // optional "submodules" (if isGit then metadata.locked.submodules or false else null);

  # A path resolves "." and ".."; the empty substring keeps the string context of the store path.
  below = path: rest: substring 0 0 path + toString (/. + builtins.unsafeDiscardStringContext "${path}/${rest}");
  dirPath = path: dir: if dir == "" then path else "${path}/${dir}";

  sourceOf = key: node:
    let
      parent = located.${nodeOf (node.parent or [ ])};
      relative = node.locked.type == "path" && substring 0 1 node.locked.path != "/";
    in
    if key == lock.root then own
    else if relative then parent.sourceInfo // { outPath = below parent.outPath node.locked.path; }
    else builtins.fetchTree (node.info or { } // removeAttrs node.locked [ "dir" ]);

  # Before Nix 2.14, the outPath of a flake did not include its directory.
  withDir = builtins.compareVersions builtins.nixVersion "2.14" >= 0;

  # Without the outputs of flakes, because those of a parent may need an input that is relative to it.
  located = builtins.mapAttrs
    (key: node: rec {
      sourceInfo = sourceOf key node;
      path = dirPath sourceInfo.outPath (if key == lock.root then metadata.locked.dir or "" else node.locked.dir or "");
      outPath = if withDir && node.flake or true then path else sourceInfo.outPath;
    })
    nodes;

  flakes = builtins.mapAttrs
    (key: node:
      let
        inherit (located.${key}) sourceInfo path outPath;
        flake = import "${path}/flake.nix";
        inputs = builtins.mapAttrs (_: spec: flakes.${nodeOf spec}) (node.inputs or { });
        outputs = flake.outputs (inputs // { self = result; });
        result = outputs // sourceInfo // { inherit inputs outputs sourceInfo outPath; _type = "flake"; };
      in
      if node.flake or true then result else sourceInfo // { inherit sourceInfo; })
    nodes;

  self = flakes.${lock.root};
  inherit (self) outputs;

  ## The attribute

  # "a.\"b.c\".d" -> [ "a" "b.c" "d" ]
  parse = s:
    let
      quoted = match "\"([^\"]*)\"([.](.+))?" s;
      plain = match "([^.\"]+)([.](.+))?" s;
      found = if quoted != null then quoted else plain;
      rest = elemAt found 2;
    in
    if found == null then fail "${where}: '${attr}' is not an attribute path"
    else [ (head found) ] ++ (if rest == null then [ ] else parse rest);

  names = if attr == "" then [ ] else parse attr;

  has = path: v: path == [ ] || isAttrs v && v ? ${head path} && has (tail path) v.${head path};
  get = path: v: if path == [ ] then v else get (tail path) v.${head path};

  # Where Nix looks for it, and where flakes have NixOS configurations and containers.
  places =
    if attr == "" then [ [ "packages" system "default" ] [ "defaultPackage" system ] [ "containers" ] ]
    else map (place: place ++ names)
      [ [ "packages" system ] [ "containers" ] [ "nixosConfigurations" ] [ "legacyPackages" system ] [ ] ];
  found = filter (path: has path outputs) places;

  offered =
    let
      list = what: path:
        if has path outputs && isAttrs (get path outputs) && get path outputs != { }
        then [ "${what}: ${concatStringsSep ", " (attrNames (get path outputs))}" ] else [ ];
      all = list "packages" [ "packages" system ]
        ++ list "containers" [ "containers" ]
        ++ list "NixOS configurations" [ "nixosConfigurations" ];
    in
    if all == [ ] then "it has no packages for ${system}, no containers and no NixOS configurations"
    else "it has ${concatStringsSep "; " all}";

  place =
    if found != [ ] then head found
    else if attr == "" then fail "${where}: this flake has no default; ${offered}"
    else fail "${where}: this flake has no '${attr}'; ${offered}";
  value = get place outputs;

  ## What it is

  show = path: concatStringsSep "." (map (n: if match "[a-zA-Z0-9_-]+" n == null then ''"${n}"'' else n) path);

  nixpkgs = self.inputs.nixpkgs or (
    fail "${where}: this flake has no input 'nixpkgs' to build the containers with; give it with --nixpkgs-path"
  );
  define = definition: { inherit definition nixpkgs; };

  # The place decides where possible, without evaluating the value: Nix evaluates what it builds, in pure mode.
  isIn = set: n: head place == set && length place >= n;
  isPackage = isIn "packages" 3 || isIn "legacyPackages" 3 || isIn "defaultPackage" 2;
  isConfiguration = isIn "nixosConfigurations" 2 && length place == 2;
  isModule =
    isFunction value || typeOf value == "path" || isString value && substring 0 1 value == "/"
    || isAttrs value && (value ? containers || value ? imports || value ? config);
in
if isIn "containers" 1 && length place == 1 then define { containers = value; }
else if isIn "containers" 2 && length place == 2 then define { containers.${elemAt place 1} = value; }
else if isPackage then { build = show place; }
else if !isConfiguration && value.type or null == "derivation" then { build = show place; }
else if isConfiguration || value ? config.system.build.toplevel then
  { configuration = value; }
else if isModule then define value
else
  fail ("${where}: '${show place}' of this flake is ${import ./type-name.nix value}, not a package, a NixOS "
    + "configuration or a definition of containers")
