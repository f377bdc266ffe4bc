# SPDX-License-Identifier: MIT
# Checks the evaluated definition: an error, or warnings.
#
# chosen: names of the containers that are evaluated. unknownName: the error for names that the definition lacks.
# unread: paths of options below a container whose values are forced.
{ lib, config, options, unmatched, nixosNames, isOurs, chosen, unknownName, unread, kernelVersion, fail }:

let
  inherit (builtins) concatStringsSep filter head isAttrs isString match;

  stray = import ./stray.nix { inherit lib config options unmatched chosen nixosNames isOurs; };

  values = import ./container-checks.nix { inherit lib; containers = lib.genAttrs chosen (n: config.containers.${n}); };

  misspeltText = s:
    "${s.file}: option '${lib.showOption s.path}' does not exist"
    + (if s ? container then lib.optionalString (s.similar != [ ]) "; did you mean '${head s.similar}'?"
    else if match "[cC]onta.*" (head s.path) != null then "; did you mean 'containers'?"
    else "; a definition has 'containers.NAME' at its top level");

  ## Names

  unknown = filter (n: !(config.containers ? ${n})) chosen;
  validName = n: match "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?" n != null;
  badNames = filter (n: !validName n) chosen;

  kernelIsOld = kernelVersion != "" && builtins.compareVersions kernelVersion "5.8" <= 0;
  isLong = n: kernelIsOld && builtins.stringLength n > 11 && config.containers.${n}.privateNetwork or false;
  longNames = filter isLong chosen;

  ## Messages of modules

  trim = s: let m = match "[ \n]*(.*[^ \n])[ \n]*" s; in if m == null then s else head m;
  indentLines = s: builtins.replaceStrings [ "\n" ] [ "\n  " ] (trim s);

  # In one place, NixOS adds the message of a failed assertion as a string instead of a set.
  failedAssertions = lib.concatMap
    (a:
      if isString a then [ a ]
      else if !isAttrs a || !(a ? assertion) then
        fail "an element of 'assertions' is not a set with 'assertion' and 'message'"
      else lib.optional (!a.assertion) (a.message or "an assertion failed"))
    config.assertions;

  warnings = lib.unique (
    map
      (s: "${s.file}: '${lib.showOption s.path}' has no effect: "
        + (if s ? container then "it is not supported for the unit and the conf file of container '${s.container}'"
        else if s ? missing then "the definition has no container '${s.missing}'"
        else "only 'containers' is evaluated, not a host"))
      stray.ineffective
    ++ map trim config.warnings
    ++ values.warnings
  );
  warn = lib.foldl' (acc: w: x: builtins.trace "extra-container: warning: ${w}" (acc x)) (x: x) warnings;

  withFlake = filter (n: config.containers.${n}.extra.hasFlakeAndConfig) chosen;
  wrong =
    map (n: "container '${n}': config and flake are both set; remove one of them") withFlake ++ values.errors;

  # Before nixpkgs 20.09, the library checks a set when it is read, so their names are forced, too.
  force = v: if isAttrs v then lib.attrNames v else v;
  forced = lib.concatMap (n: map (path: force (lib.attrByPath path null config.containers.${n})) unread) chosen;
in
# Gives the value, unless there is an error.
value:
if stray.misspelt != [ ] then fail (misspeltText (head stray.misspelt))
else if config.containers == { } || unknown != [ ] then unknownName
else if badNames != [ ] then
  fail ("container name '${head badNames}' is not valid: a name has at most 63 letters, digits and '-', "
    + "with no '-' at either end")
else if longNames != [ ] then
  fail ("container name '${head longNames}' is too long: with privateNetwork, a name has at most 11 characters on "
    + "Linux ${kernelVersion}; longer names need a kernel newer than 5.8")
else if failedAssertions != [ ] then
  fail (concatStringsSep "\n" (map indentLines failedAssertions))
else if wrong != [ ] then fail (concatStringsSep "\n" wrong)
else builtins.deepSeq forced (warn value)
