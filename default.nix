# SPDX-License-Identifier: MIT
# The package, without flakes: nix-build, nix-env -f . -i, or pkgs.callPackage ./. { }
{ pkgs ? import <nixpkgs> { }
, # As in nix/package.nix; here, too, so that `override` takes them behind callPackage.
  plugins ? null
, sitePlugins ? [ ]
, # What callers of the shell program's default.nix gave. The source is where this file is.
  pkgSrc ? null
}:

pkgs.callPackage ./nix/package.nix { inherit plugins sitePlugins; }
