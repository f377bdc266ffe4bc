# SPDX-License-Identifier: MIT
# A whole NixOS host of the same nixpkgs, with NixOS's defaults. What a module reads of a host and we do not answer
# ourselves, it answers, because each release reads something else. Its modules are loaded, but nothing of it is
# evaluated before that, or built. It has neither the definition nor containers.
#
# known: names of arguments that our own evaluation passes to each module.
{ lib, nixos, pkgs, system, known }:

let
  inherit (builtins) attrNames elem isAttrs mapAttrs;

  evalConfig = nixos + "/lib/eval-config.nix";
  # A directory with little more than the module may not have it.
  host =
    if builtins.pathExists evalConfig
    then import evalConfig { inherit system pkgs; modules = [ { _module.check = false; } ]; }
    else { config = { }; options = { }; };

  isSet = tree: name: tree ? ${name} && isAttrs tree.${name} && !lib.isOption tree.${name};

  # `ours` over `theirs`; sets of options, as in the trees of both, are merged.
  over = tree: theirTree: theirs: ours:
    theirs // mapAttrs
      (name: value:
        if isSet tree name && isSet theirTree name && theirs ? ${name}
        then over tree.${name} theirTree.${name} theirs.${name} value
        else value)
      ours;

  namesBelow = option: attrNames ((option.type.getSubOptions or (_: { })) [ ]);

  args = host.options._module.args.value or { };
in
{
  config = { config, options, ... }: over options host.options host.config config;
  options = { options, ... }: over options host.options host.options options;

  # The arguments that `module` takes, with those of the host that we do not have.
  arguments = module: ours:
    mapAttrs
      (name: _:
        if elem name known || ours.config._module.args ? ${name} then ours.${name}
        else args.${name} or ours.${name})
      (lib.functionArgs module);

  # Names of the options of a service and of a file in /etc.
  nixosNames = {
    services = namesBelow (host.options.systemd.services or { type = { }; });
    etc = namesBelow (host.options.environment.etc or { type = { }; });
  };

  # The files that declare the option `containers`.
  containerModules = host.options.containers.declarations or [ ];
}
