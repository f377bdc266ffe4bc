# SPDX-License-Identifier: MIT
# Definitions of the user that have no effect: misspelt options, options of a host, and what is not supported in the
# units and files of containers.
#
# config, options: of the evaluation. chosen: the containers that are evaluated. nixosNames: { services, etc }, names of
# NixOS's options of a service and of a file. isOurs: file -> whether its definitions are not the user's.
{ lib, config, options, unmatched, chosen, nixosNames, isOurs }:

let
  inherit (builtins) attrNames attrValues elem filter head isAttrs match;

  # The contents of a definition's properties, as far as their conditions hold.
  discharge = v:
    if !isAttrs v then [ v ]
    else if v._type or null == "merge" then lib.concatMap discharge v.contents
    else if v._type or null == "if" then (if v.condition then discharge v.content else [ ])
    else if elem (v._type or null) [ "override" "order" ] then discharge v.content
    else [ v ];

  # Option paths of a value, no deeper than is useful in a message. Nothing else needs the value, so its
  # evaluation may fail.
  pathsOf = depth: prefix: value:
    let
      try = builtins.tryEval (discharge value);
      isLeaf = v: depth == 0 || !isAttrs v || v ? _type || v.type or null == "derivation" || v == { };
      below = v: lib.concatMap (n: pathsOf (depth - 1) (prefix ++ [ n ]) v.${n}) (attrNames v);
    in
    if !try.success then [ prefix ]
    else lib.concatMap (v: if isLeaf v then [ prefix ] else below v) try.value;

  # [ { file, path } ]
  located = d: if d ? path then [ d ] else map (path: { inherit (d) file; inherit path; }) (pathsOf 2 [ ] d.value);
  firstName = d: if d ? path then head d.path else head (attrNames d.value);
  byUser = filter (d: !isOurs d.file);
  collected = unmatched.of config;

  # Units and files that do not belong to a container.
  strayNames = path: keep:
    let
      o = lib.getAttrFromPath path options;
      definitions = lib.zipListsWith (file: value: { inherit file value; }) o.files (o.definitions or [ ]);
    in
    lib.concatMap
      (d: map (n: { inherit (d) file; path = path ++ [ n ]; }) (filter (n: !keep n) (attrNames d.value)))
      (byUser definitions);

  isKnown = m: m != null && config.containers ? ${head m};
  isUnit = n: isKnown (match "container@(.*)" n);
  withMissing = s:
    let
      m = match "container@(.*)" (lib.last s.path);
    in
    s // lib.optionalAttrs (m != null) { missing = head m; };
  isConf = n: isKnown (match "(.*)[.]conf" (baseNameOf n));

  # What the user defines in the unit and the conf file of a container, and is not an option here:
  # { container, file, path, isNixos, similar }.
  undeclared = set:
    lib.unique (map (d: { inherit (d) file; name = head d.path; }) (lib.concatMap located (byUser (unmatched.of set))));
  within = container: path: known: set:
    map
      (d: {
        inherit container;
        inherit (d) file;
        path = path ++ [ d.name ];
        isNixos = elem d.name known;
        similar = filter (n: lib.hasPrefix d.name n || lib.hasPrefix n d.name) known;
      })
      (undeclared set);
  inUnit = n:
    let
      unit = "container@${n}";
    in
    within n [ "systemd" "services" unit ] nixosNames.services (config.systemd.services.${unit} or { });
  inFiles = n:
    lib.concatMap
      (f: within n [ "environment" "etc" f ] nixosNames.etc config.environment.etc.${f})
      (filter (f: isConf f && baseNameOf f == "${n}.conf") (attrNames config.environment.etc));
  inContainers = lib.concatMap (n: inUnit n ++ inFiles n) chosen;

  # Is this a container that is not below `containers`?
  containerOptions = attrNames (options.containers.type.getSubOptions [ ]);
  isContainer = v: isAttrs v && lib.all (n: elem n containerOptions) (attrNames v);
  isMisplaced = d:
    let
      try = builtins.tryEval (lib.any isContainer (discharge (head (attrValues d.value))));
    in
    !(d ? value) || try.success && try.value;

  # Top-level names of NixOS options.
  namespaces = attrNames options ++ map firstName (filter (d: isOurs d.file) collected) ++ [
    "console" "documentation" "fileSystems" "fonts" "hardware" "i18n" "location" "networking" "nix" "nixpkgs" "oci"
    "power" "powerManagement" "programs" "security" "services" "swapDevices" "system" "time" "users" "virtualisation"
    "xdg" "zramSwap"
  ];

  # Definitions at the top level. Modules of others, like agenix, have names that are not known here.
  isHost = d:
    elem (firstName d) namespaces || match "[cC]onta.*" (firstName d) == null && !isMisplaced d;
  top = byUser collected;
in
{
  # { file, path } and, in a container's unit or conf file, `container` and `similar`; in the unit of a container that
  # the definition lacks, its name: `missing`.
  misspelt = lib.concatMap located (filter (d: !isHost d) top) ++ filter (s: !s.isNixos) inContainers;
  ineffective = lib.concatMap located (filter isHost top)
    ++ map withMissing (strayNames [ "systemd" "services" ] isUnit)
    ++ strayNames [ "environment" "etc" ] isConf
    ++ filter (s: s.isNixos) inContainers;
}
