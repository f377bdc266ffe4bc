# SPDX-License-Identifier: MIT
# Where nixpkgs and NixOS are, and what they provide: the library, the packages and the module for containers.
# declaring: files of NixOS that declare the option `containers`.
{ nixpkgsPath, nixosPath, pkgs, system, flake, declaring, fail }:

let
  inherit (builtins) functionArgs intersectAttrs isAttrs isFunction isString pathExists substring typeOf;

  # Strings and paths are kept as they are: appending to a path copies nothing.
  source = what: p:
    if typeOf p == "path" || isAttrs p && p ? outPath then p
    else if isString p then
      if substring 0 1 p == "/" then p
      else fail "${what} '${p}' is not an absolute path"
    else fail "${what} is ${typeOf p}, not a path";

  nixosSource = source "the NixOS path" nixosPath;
  parent = p: if typeOf p == "path" then p + "/.." else dirOf (toString p);

  nixpkgs =
    if nixpkgsPath != null then source "the nixpkgs path" nixpkgsPath
    else if nixosPath != null then parent nixosSource
    else if pkgs != null then pkgs.path
    else if flake != null then source "the flake's input 'nixpkgs'" flake.nixpkgs
    else
      let
        found = builtins.tryEval <nixpkgs>;
      in
      if found.success then found.value
      else fail ("nixpkgs was not found on the Nix path (NIX_PATH); subscribe to a channel ('nix-channel --add "
        + "https://nixos.org/channels/nixos-26.05 nixpkgs', then 'nix-channel --update'), give it with "
        + "--nixpkgs-path, or use a flake");
  nixos = if nixosPath != null then nixosSource else nixpkgs + "/nixos";

  importFrom = what: base: sub:
    let
      p = base + sub;
      hint =
        if nixosPath != null && nixpkgsPath == null
        then "; it is the parent directory of the NixOS path; if nixpkgs is somewhere else, give the nixpkgs path, too"
        else "";
    in
    if pathExists p then import p
    else fail "${what} '${toString base}' has no '${substring 1 999 sub}'${hint}";

  allPkgs =
    if pkgs != null then pkgs
    else
      let
        f = importFrom "nixpkgs path" nixpkgs "/default.nix";
        wanted = { inherit system; config = { }; overlays = [ ]; };
        formals = functionArgs f;
      in
      if !isFunction f then f
      else if formals == { } then f wanted
      else f (intersectAttrs formals wanted);
in
{
  inherit nixos;
  pkgs = allPkgs;
  lib =
    let
      found = importFrom "nixpkgs path" nixpkgs "/lib/default.nix";
    in
    if found ? hasInfix && found ? setFunctionArgs then found
    else fail "nixpkgs in '${toString nixpkgs}' is older than NixOS 19.03, the oldest supported release";

  # Default of containers.*.nixpkgs, or null.
  containerNixpkgs = if nixosPath != null then toString (parent nixosSource) else null;

  # nixos/lib/utils.nix, a function.
  utils = importFrom "NixOS path" nixos "/lib/utils.nix";

  # The modules that turn `containers` into units.
  nixosModules =
    let
      usual = "/modules/virtualisation/nixos-containers.nix";
    in
    # Before NixOS 20.09 it had the name that podman's module has now.
    if pathExists (nixos + usual) then [ (nixos + usual) ]
    else if declaring != [ ] then declaring
    else fail "NixOS path '${toString nixos}' has no ${substring 1 999 usual}, and no other module for containers";
}
