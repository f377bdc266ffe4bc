# SPDX-License-Identifier: MIT
# The features that plugins bring as Nix modules, for evaluations without the
# program: those that stand in plugins/. What of them is asked for goes to
# eval-config.nix.
#
# features: null is all; or a list of names; or a set, name -> true, false or
# the feature's settings. A set leaves what it does not name as it is.
{ lib, features }:

let
  inherit (builtins) attrNames elem filter fromJSON isAttrs isBool isList listToAttrs pathExists readDir readFile;

  fail = msg: throw "extra-container: ${msg}";
  dir = ../plugins;
  known = filter (n: pathExists (dir + "/${n}/module.nix")) (attrNames (readDir dir));

  asked =
    if features == null then { }
    else if isAttrs features then features
    else if isList features then listToAttrs (map (n: { name = n; value = elem n features; }) (known ++ features))
    else fail "features is neither a list of names nor a set";
  unknown = filter (n: !elem n known) (attrNames asked);
  wrong = filter (n: !isBool asked.${n} && !isAttrs asked.${n}) (attrNames asked);

  on = filter (n: (asked.${n} or true) != false) known;
  off = filter (n: !elem n on) known;
  # nixOptions: below containers.NAME, for where it is off. nixSettings: what it may be told here.
  info = n: if pathExists (dir + "/${n}/feature.json") then fromJSON (readFile (dir + "/${n}/feature.json")) else { };
  strange = lib.concatMap
    (n: map (key: { inherit key n; }) (filter (key: !elem key ((info n).nixSettings or [ ])) (attrNames asked.${n})))
    (filter (n: isAttrs asked.${n}) (attrNames asked));
in
if unknown != [ ] then fail "there is no feature '${lib.head unknown}'; there are ${lib.concatStringsSep ", " known}"
else if wrong != [ ] then fail "feature '${lib.head wrong}' must be true, false or a set of its settings"
else if strange != [ ] then fail "feature '${(lib.head strange).n}' has no setting '${(lib.head strange).key}' here; it has ${
  lib.concatStringsSep ", " ((info (lib.head strange).n).nixSettings or [ "none" ])}"
else {
  modules = map (n: dir + "/${n}/module.nix") on;
  # Modules have their settings as ecArgs.settings.NAME.
  args.settings = lib.filterAttrs (_: isAttrs) asked;
  disabled = listToAttrs (lib.concatMap (n: map (name: { inherit name; value = n; }) (info n).nixOptions or [ ]) off);
}
