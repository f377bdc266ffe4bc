# SPDX-License-Identifier: MIT
# The containers of a whole NixOS configuration: the unit and the conf file of each, as NixOS makes them for that host.
# Its `system.build.etc` has these, too, but also everything else of the host.
{ configuration, where, fail }:

let
  inherit (builtins) attrNames filter head;
  inherit (configuration) config;
  inherit (config.environment) etc;
  inherit (config.systemd) units;

  pkgs = configuration.pkgs or configuration._module.args.pkgs;
  inherit (pkgs) lib;

  unitName = name: "container@${name}.service";
in
{
  inherit lib pkgs;

  # With boot.enableContainers = false there are definitions without units.
  names = filter (name: units ? ${unitName name} && units.${unitName name}.enable or true)
    (attrNames (config.containers or { }));

  # name -> [ { dir, name, target } ], below etc/.
  files = name:
    let
      unit = units.${unitName name};
      confDirs = filter (d: etc ? "${d}/${name}.conf") [ "nixos-containers" "containers" ];
      confDir =
        if confDirs == [ ] then fail "${where}: this NixOS configuration makes no conf file for container '${name}'"
        else head confDirs;
      unitLink = dir: { inherit dir; name = unitName name; target = "${unit.unit}/${unitName name}"; };
      targetLinks = suffix: targets: map (t: unitLink "systemd/system/${t}.${suffix}") (lib.unique targets);
    in
    [
      { dir = confDir; name = "${name}.conf"; target = "${etc."${confDir}/${name}.conf".source}"; }
      (unitLink "systemd/system")
    ]
    ++ targetLinks "wants" (unit.wantedBy or [ ])
    ++ targetLinks "requires" (unit.requiredBy or [ ]);
}
