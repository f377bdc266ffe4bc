# SPDX-License-Identifier: MIT
# Checks options of containers that NixOS takes as they are, but whose values the start cannot use, or ignores.
#
# containers: name -> options. The result: { errors, warnings }, lists of texts that name the container.
{ lib, containers }:

let
  inherit (builtins) attrNames filter match replaceStrings;
  inherit (lib) concatLists concatMap mapAttrsToList optional;

  addresses = import ./container-addresses.nix { inherit lib containers; };

  # Texts may be long, on which `match` and `hasInfix` need much memory.
  has = list: s: replaceStrings list (map (_: "") list) s != s;
  hasBlank = has [ " " "\t" "\n" ];
  # The settings are a file for systemd, which removes an unescaped quote.
  hasQuote = s: has [ "\"" ] (replaceStrings [ "\\\\" "\\\"" ] [ "" "" ] s);
  isBroken = s: hasBlank s || hasQuote s;
  broken = s: "'${s}' has a ${if hasBlank s then "blank" else "quote"}, which NixOS's start script cannot pass on";

  ## systemd-nspawn's arguments

  bindMounts = mapAttrsToList
    (name: m:
      map
        (p: "${lib.showOption [ "bindMounts" name ]}: ${broken p}; use another path (hostPath can be a symbolic link)")
        (filter isBroken (lib.unique ([ m.mountPoint ] ++ optional (m.hostPath != null) m.hostPath))));

  # Some arguments of options may be elements, or words, of their own: [ "--bind" "/a" "-M x" ]. What is neither an
  # option nor follows one is the command that would run in the container.
  words = s: filter (w: w != "") (lib.splitString " " (replaceStrings [ "\t" "\n" ] [ " " " " ] s));
  isOption = lib.hasPrefix "-";
  takesNext = w: isOption w && !has [ "=" ] w;
  extraFlags = flags:
    let
      all = concatMap (flag: map (word: { inherit flag word; }) (words flag)) flags;
      pairs = lib.zipListsWith (before: w: w // { before = before.word; }) ([ { word = ""; } ] ++ all) all;
      wrong = filter (p: !isOption p.word && !takesNext p.before) pairs;
    in
    map (flag: "extraFlags: ${broken flag}") (filter hasQuote flags)
    ++ map (p: "extraFlags: '${p.word}' in '${p.flag}' is neither an option of systemd-nspawn nor its argument; "
      + "NixOS's start script separates flags at blanks") wrong;

  # The shell reads these, so that quotes and backslashes have their meaning.
  tmpfs = p: "tmpfs: '${p}' has a blank, at which NixOS's start script separates arguments of systemd-nspawn";
  isSplit = p: hasBlank p && !has [ "\\" "'" "\"" ] p;

  capability = c: "additionalCapabilities: '${c}' is not the name of a capability, like CAP_NET_ADMIN";
  isCapability = c: match "[A-Za-z0-9_,]+" c != null;

  device = d:
    optional (hasBlank d.node && !has [ "\"" ] d.node)
      "allowedDevices: '${d.node}' has a blank, at which systemd separates the node from the modifier"
    ++ optional (match "[rwm]*" d.modifier == null)
      "allowedDevices: the modifier '${d.modifier}' of ${d.node} has other letters than r, w and m";

  interfaces = option: names:
    map (i: "${option}: '${i}' is not the name of an interface") (filter (i: !isInterface i) names);
  isInterface = i: match "[^ \t\n\"/]+" i != null;
  isNewInterface = i: isInterface i && builtins.stringLength i <= 15;

  arguments = c: concatLists (bindMounts (c.bindMounts or { }))
    ++ extraFlags (c.extraFlags or [ ])
    ++ map tmpfs (filter isSplit (c.tmpfs or [ ]))
    ++ map capability (filter (x: !isCapability x) (c.additionalCapabilities or [ ]))
    ++ concatMap device (c.allowedDevices or [ ])
    ++ interfaces "interfaces" (c.interfaces or [ ])
    ++ interfaces "macvlans" (c.macvlans or [ ])
    ++ interfaces "hostBridge" (filter (i: i != null && i != "") [ (c.hostBridge or null) ])
    ++ map
      (i: "${lib.showOption [ "extraVeths" i ]}: '${i}' cannot be the name of an interface (15 characters at most)")
      (filter (i: !isNewInterface i) (attrNames (c.extraVeths or { })));
in
{
  errors = concatMap (n: map (text: "container '${n}': ${text}") (arguments containers.${n})) (attrNames containers)
    ++ addresses.errors;
  inherit (addresses) warnings;
}
