# SPDX-License-Identifier: MIT
# The links that install a container: its conf file, its unit, and the targets that want the unit.
{ lib, config, units, outputs, fail }:

let
  inherit (builtins) filter head;
  inherit (config.environment) etc;
in
# name -> [ { dir, name, target } ], below etc/.
name:
let
  service = config.systemd.services."container@${name}"
    or (fail "this nixpkgs makes no unit for container '${name}'");

  confDirs = filter (d: etc ? "${d}/${name}.conf") [ "nixos-containers" "containers" ];
  confDir =
    if confDirs == [ ] then fail "this nixpkgs makes no conf file for container '${name}'"
    else head confDirs;
  entry = etc."${confDir}/${name}.conf";
  # A failed assertion of the container's system does not name the container.
  inside = builtins.addErrorContext or (_: v: v) "while evaluating container '${name}'";
  conf = if entry.source != null then entry.source else outputs.conf name (inside entry.text);

  unitName = "container@${name}.service";
  unitFile = "${outputs.unit name (args: units.render args service)}/${unitName}";
  unitLink = dir: { inherit dir; name = unitName; target = unitFile; };
  targetLinks = suffix: targets: map (t: unitLink "systemd/system/${t}.${suffix}") (lib.unique targets);
in
[
  { dir = confDir; name = "${name}.conf"; target = "${conf}"; }
  (unitLink "systemd/system")
]
++ targetLinks "wants" service.wantedBy
++ targetLinks "requires" service.requiredBy
