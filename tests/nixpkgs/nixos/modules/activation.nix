# The user's commands that run when a system is activated.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  scripts = config.system.activationScripts;

  # Sorts the scripts so that each comes after its dependencies.
  ordered =
    let
      visit =
        path: acc: name:
        if lib.elem name acc.done then acc
        else if lib.elem name path then throw "system.activationScripts: `${name}' depends on itself"
        else if !(scripts ? ${name}) then throw "system.activationScripts: `${lib.last path}' depends on `${name}', which does not exist"
        else
          let
            after = lib.foldl' (visit (path ++ [ name ])) acc scripts.${name}.deps;
          in
          { done = after.done ++ [ name ]; };
    in
    (lib.foldl' (visit [ ]) { done = [ ]; } (lib.attrNames scripts)).done;
in
{
  options.system.activationScripts = mkOption {
    default = { };
    type = types.attrsOf (
      types.coercedTo types.str (text: { inherit text; deps = [ ]; }) (
        types.submodule {
          options = {
            text = mkOption { type = types.lines; default = ""; };
            deps = mkOption { type = types.listOf types.str; default = [ ]; };
            supportsDryActivation = mkOption { type = types.bool; default = false; };
          };
        }
      )
    );
  };
  config.system.activationScripts = lib.genAttrs [ "etc" "users" "groups" "specialfs" "var" "stdio" "binsh" ] (_: "");
  config.system.build.activationCommands = lib.concatMapStrings (
    name: lib.optionalString (scripts.${name}.text != "") "(\n${scripts.${name}.text}\n) || failed ${lib.escapeShellArg name}\n"
  ) ordered;
}
