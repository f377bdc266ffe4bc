# SPDX-License-Identifier: MIT
# The features whose plugins have a Nix module, for evaluations without the program: arguments of eval-config.nix.
#
# features: null enables all of them; a list enables those that it names; a set maps names to true, false or the
# settings of the feature, and leaves other features enabled.
{ lib, features }:

let
  inherit (builtins) attrNames concatStringsSep elem filter fromJSON head isAttrs isBool isList listToAttrs pathExists
    readDir readFile;
  inherit (lib) concatMap;

  fail = msg: throw "extra-container: ${msg}";
  dir = ../plugins;
  known = filter (n: pathExists (dir + "/${n}/module.nix")) (attrNames (readDir dir));

  asked =
    if features == null then { }
    else if isAttrs features then features
    else if isList features then listToAttrs (map (n: { name = n; value = elem n features; }) (known ++ features))
    else fail "features must be a list of names or a set";
  unknown = filter (n: !elem n known) (attrNames asked);
  wrong = filter (n: !isBool asked.${n} && !isAttrs asked.${n}) (attrNames asked);

  on = filter (n: (asked.${n} or true) != false) known;
  off = filter (n: !elem n on) known;
  # nixOptions: its options below containers.NAME. nixSettings: settings that can be given here.
  info = n: if pathExists (dir + "/${n}/feature.json") then fromJSON (readFile (dir + "/${n}/feature.json")) else { };
  settingsOf = n: (info n).nixSettings or [ ];
  # [ { name, key } ]
  unknownSettings = concatMap
    (name: map (key: { inherit name key; }) (filter (key: !elem key (settingsOf name)) (attrNames asked.${name})))
    (filter (n: isAttrs asked.${n}) (attrNames asked));
  unknownSetting = { name, key }:
    "plugin '${name}' has no setting '${key}' here; "
    + (if settingsOf name == [ ] then "it has none" else "it has ${concatStringsSep ", " (settingsOf name)}");
in
if unknown != [ ]
then fail "no plugin '${head unknown}' has Nix options; these have: ${concatStringsSep ", " known}"
else if wrong != [ ] then fail "plugin '${head wrong}' must be true, false or a set of its settings"
else if unknownSettings != [ ] then fail (unknownSetting (head unknownSettings))
else {
  modules = map (n: dir + "/${n}/module.nix") on;
  # A module has its settings as ecArgs.settings.NAME.
  args.settings = lib.filterAttrs (_: isAttrs) asked;
  disabled = listToAttrs (concatMap (n: map (name: { inherit name; value = n; }) (info n).nixOptions or [ ]) off);
}
