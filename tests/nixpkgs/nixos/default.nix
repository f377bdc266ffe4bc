# A whole system: `nix-build nixos --arg configuration ./x.nix -A system`.
{ configuration ? <nixos-config>, system ? builtins.currentSystem }:
let
  evaluated = import ./lib/eval-config.nix {
    inherit system;
    modules = [ configuration ];
  };
in
{
  inherit (evaluated) pkgs config options;
  system = evaluated.config.system.build.toplevel;
}
