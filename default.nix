# SPDX-License-Identifier: MIT
# The package, without flakes: nix-build, or nix-env -f . -i
{ pkgs ? import <nixpkgs> { } }:

pkgs.callPackage ./nix/package.nix { }
