# SPDX-License-Identifier: MIT
# What a flake reference gives: a system that the flake has built by itself, or
# a definition of containers.
#
# Nix has fetched the flake and made its lock (`nix flake metadata`); here only
# the outputs are called. builtins.getFlake would refuse a flake whose lock file
# is missing or out of date, and nobody is to write one into a user's tree.
{
  # What `nix flake metadata --json` said.
  metadata
, # Attribute path behind the '#', or "".
  attr
, # What to call the reference in messages.
  where
, system
, fail
}:

let
  inherit (builtins) attrNames concatStringsSep elemAt filter foldl' head isAttrs isFunction isList
    isString length match removeAttrs substring tail typeOf;

  ## The flake and its inputs

  lock = metadata.locks;
  nodes =
    if lock.version or 0 >= 5 && lock.version <= 7 then lock.nodes
    else fail "${where}: the lock file of this flake has version ${toString (lock.version or 0)}, which is not known here";

  # An input is a node's name, or, as it follows another one, the path to that.
  nodeOf = spec: if isList spec then foldl' (node: input: nodeOf nodes.${node}.inputs.${input}) lock.root spec else spec;

  own = {
    type = "path";
    inherit (metadata) path;
  }
  // optional "lastModified" (metadata.lastModified or null)
  // optional "narHash" (metadata.locked.narHash or null)
  // optional "rev" (metadata.revision or null)
  // optional "revCount" (metadata.revCount or null);
  optional = name: value: if value == null then { } else { ${name} = value; };

  sourceOf = key: node:
    let
      parent = flakes.${nodeOf (node.parent or [ ])};
      relative = node.locked.type == "path" && substring 0 1 node.locked.path != "/";
    in
    if key == lock.root then
      builtins.fetchTree own
      // optional "dirtyRev" (metadata.locked.dirtyRev or null)
      // optional "dirtyShortRev" (metadata.locked.dirtyShortRev or null)
    else if relative then parent.sourceInfo // { outPath = parent.outPath + "/" + node.locked.path; }
    else builtins.fetchTree (node.info or { } // removeAttrs node.locked [ "dir" ]);

  # Nix before 2.14 left the directory out of it.
  withDir = builtins.compareVersions builtins.nixVersion "2.14" >= 0;

  flakes = builtins.mapAttrs
    (key: node:
      let
        dir = if key == lock.root then metadata.locked.dir or "" else node.locked.dir or "";
        sourceInfo = sourceOf key node;
        path = if dir == "" then sourceInfo.outPath else "${sourceInfo.outPath}/${dir}";
        flake = import "${path}/flake.nix";
        inputs = builtins.mapAttrs (_: spec: flakes.${nodeOf spec}) (node.inputs or { });
        outputs = flake.outputs (inputs // { self = result; });
        result = outputs // sourceInfo // {
          inherit inputs outputs sourceInfo;
          outPath = if withDir then path else sourceInfo.outPath;
          _type = "flake";
        };
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
    if found == null then fail "${where}: '${attr}' is no attribute path"
    else [ (head found) ] ++ (if rest == null then [ ] else parse rest);

  names = if attr == "" then [ ] else parse attr;

  has = path: v: path == [ ] || isAttrs v && v ? ${head path} && has (tail path) v.${head path};
  get = path: v: if path == [ ] then v else get (tail path) v.${head path};

  # As Nix looks for it, and where flakes have NixOS configurations and containers.
  places =
    if attr == "" then [ [ "packages" system "default" ] [ "defaultPackage" system ] [ "containers" ] ]
    else map (place: place ++ names) [ [ "packages" system ] [ "containers" ] [ "nixosConfigurations" ] [ "legacyPackages" system ] [ ] ];
  found = filter (path: has path outputs) places;

  offered =
    let
      list = what: path:
        if has path outputs && isAttrs (get path outputs) && get path outputs != { }
        then [ "${what}: ${concatStringsSep ", " (attrNames (get path outputs))}" ] else [ ];
      all = list "packages" [ "packages" system ] ++ list "containers" [ "containers" ] ++ list "NixOS configurations" [ "nixosConfigurations" ];
    in
    if all == [ ] then "it has neither packages for ${system} nor containers nor NixOS configurations"
    else "it has ${concatStringsSep "; " all}";

  place =
    if found != [ ] then head found
    else if attr == "" then fail "${where}: this flake has no default; ${offered}"
    else fail "${where}: this flake has no '${attr}'; ${offered}";
  value = get place outputs;

  kinds = { list = "a list"; lambda = "a function"; string = "a string"; null = "null"; int = "a number"; float = "a number"; bool = "a boolean"; };
  what = if isAttrs value then "a set" else kinds.${typeOf value} or "something else";

  ## What it is

  nixpkgs = self.inputs.nixpkgs or (fail "${where}: this flake has no input 'nixpkgs' to build the containers with; give it with --nixpkgs-path");

  inContainers = head place == "containers";
  isNixos = value ? config.system.build.toplevel;
  isModule = isFunction value || typeOf value == "path" || isString value && substring 0 1 value == "/"
    || isAttrs value && (value ? containers || value ? imports || value ? config);
in
if inContainers && length place == 1 then { definition = { containers = value; }; inherit nixpkgs; }
else if inContainers && length place == 2 then { definition = { containers.${elemAt place 1} = value; }; inherit nixpkgs; }
else if value.type or null == "derivation" then { built = value; }
else if isNixos then { built = value.config.system.build.etc or value.config.system.build.toplevel; }
else if isModule then { definition = value; inherit nixpkgs; }
else fail "${where}: '${concatStringsSep "." place}' of this flake is ${what}: neither a package, a NixOS configuration nor a definition of containers"
