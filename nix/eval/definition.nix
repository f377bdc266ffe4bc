# SPDX-License-Identifier: MIT
# Reads the definition and makes it a module.
{ definitionFile, definition, definitionName, flake, attr, specialArgs, lib, fail }:

let
  inherit (builtins) attrNames isString pathExists substring;

  select = import ./select.nix { inherit lib fail; };

  # Without the context of a string, which a path cannot have.
  path = /. + builtins.unsafeDiscardStringContext definitionFile;
  file =
    if !isString definitionFile || substring 0 1 definitionFile != "/" then
      fail "the definition's path must be absolute"
    else if !pathExists path then fail "no such file: ${definitionFile}"
    else if pathExists (path + "/default.nix") then path + "/default.nix"
    else if (builtins.readDir (dirOf path)).${baseNameOf definitionFile} or "" == "directory" then
      fail "directory '${definitionFile}' has no default.nix"
    else path;

  value =
    if definitionFile != null && definition != null then fail "two definitions were given"
    else if flake != null then flake.definition
    else if definitionFile != null then import file
    else if definition != null then definition
    else fail "no definition was given";

  # The arguments that a module can ask for.
  offered = [ "config" "lib" "modulesPath" "options" "pkgs" "specialArgs" "utils" "ecArgs" ] ++ attrNames specialArgs;
in
rec {
  # What messages call it.
  where =
    if definitionName != null then definitionName
    else if definitionFile != null then toString file
    else "the definition";

  module =
    let
      selected = if attr == null || attr == "" then value else select.select where attr value;
    in
    { _file = where; imports = [ (select.toModule where offered selected) ]; };
}
