# SPDX-License-Identifier: MIT
# Definitions of the user that have no effect, because they are not about containers: misspelt options, and options
# of a host.
#
# config, options: of the evaluation. hasFreeform: unmatched definitions are in config._unmatched.
# isOurs: file -> whether its definitions are not the user's.
{ lib, config, options, hasFreeform, isOurs }:

let
  inherit (builtins) attrNames elem filter head isAttrs match;

  isOption = v: isAttrs v && v._type or null == "option";

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

  # Before nixpkgs 20.09, the library gives the names of definitions, but not their values.
  unmatchedOld = prefix: set:
    if !isAttrs set || isOption set then [ ]
    else
      lib.concatMap
        (m: map (n: { inherit (m) file; path = prefix ++ [ n ]; }) (filter (n: !(set ? ${n})) m.names))
        (set._definedNames or [ ])
      ++ lib.concatMap
        (n: unmatchedOld (prefix ++ [ n ]) set.${n})
        (filter (n: n != "_definedNames" && n != "_module") (attrNames set));

  unmatched = if hasFreeform then config._unmatched or [ ] else unmatchedOld [ ] options;
  firstName = d: if hasFreeform then head (attrNames d.value) else head d.path;
  located = d:
    if hasFreeform then map (path: { inherit (d) file; inherit path; }) (pathsOf 2 [ ] d.value)
    else [ d ];
  byUser = filter (d: !isOurs d.file);

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
  isConf = n: isKnown (match "(.*)[.]conf" (baseNameOf n));

  # { file, path }
  stray = lib.concatMap located (byUser unmatched)
    ++ strayNames [ "systemd" "services" ] isUnit
    ++ strayNames [ "environment" "etc" ] isConf;

  # Top-level names of NixOS options; any other name is a spelling mistake.
  namespaces = attrNames options ++ map firstName (filter (d: isOurs d.file) unmatched) ++ [
    "console" "documentation" "fileSystems" "fonts" "hardware" "i18n" "location" "networking" "nix" "nixpkgs" "oci"
    "power" "powerManagement" "programs" "security" "services" "swapDevices" "system" "time" "users" "virtualisation"
    "xdg" "zramSwap"
  ];
in
{
  misspelt = filter (s: !elem (head s.path) namespaces) stray;
  ineffective = filter (s: elem (head s.path) namespaces) stray;
}
