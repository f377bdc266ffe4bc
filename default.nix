# SPDX-License-Identifier: MIT
# The package for those who do not use flakes: nix-build, nix-env -f . -i, or pkgs.callPackage ./. { }
{ pkgs ? import <nixpkgs> { }
, # The same as in nix/package.nix; here, too, so that `override` accepts them after callPackage.
  plugins ? null
, sitePlugins ? [ ]
, # Ignored. The default.nix of the shell program has it; here the source is next to this file.
  pkgSrc ? null
}:

pkgs.callPackage ./nix/package.nix { inherit plugins sitePlugins; }
