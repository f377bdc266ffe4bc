# A stand-in for nixpkgs: the same interfaces, a handful of programs.
{
  system ? localSystem.system or (if builtins.isString localSystem then localSystem else builtins.currentSystem),
  localSystem ? { system = args.system or builtins.currentSystem; },
  crossSystem ? null,
  config ? { },
  overlays ? [ ],
  ...
}@args:
let
  lib = import ./lib;
  base = final: import ./pkgs { inherit lib config overlays; pkgs = final; system = if crossSystem == null then system else crossSystem.system or crossSystem; };
  build =
    overlays:
    lib.fix (lib.extends (lib.composeManyExtensions overlays) (final: base final // {
      extend = overlay: build (overlays ++ [ overlay ]);
      appendOverlays = more: if more == [ ] then final else build (overlays ++ more);
    }));
in
build overlays
