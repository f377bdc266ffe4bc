# Helpers that NixOS modules get as `utils`.
{ lib, config ? { }, pkgs ? { }, ... }:
let
  inherit (lib)
    concatMapStrings concatStringsSep filter hasPrefix removePrefix splitString stringToCharacters;

  alnum = stringToCharacters "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
  hex = c: lib.fixedWidthString 2 "0" (lib.toLower (lib.toHexString (lib.strings.charCode c)));
in
rec {
  # Like systemd-escape --path.
  escapeSystemdPath =
    path:
    let
      parts = filter (p: p != "" && p != ".") (splitString "/" (toString path));
      text = concatStringsSep "/" parts;
      escapeChar = c: if c == "/" then "-" else if lib.elem c alnum then c else "\\x${hex c}";
      escaped = concatMapStrings escapeChar (stringToCharacters text);
    in
    if parts == [ ] then
      "-"
    else if hasPrefix "." escaped then
      "\\x2e" + removePrefix "." escaped
    else
      escaped;

  # An argument of a command line in a unit.
  escapeSystemdExecArg =
    arg:
    let
      text =
        if builtins.isString arg || builtins.isPath arg || lib.isDerivation arg then "${arg}"
        else if builtins.isInt arg || builtins.isFloat arg then toString arg
        else throw "escapeSystemdExecArg: a ${builtins.typeOf arg} cannot be an argument";
    in
    lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON text);
  escapeSystemdExecArgs = lib.concatMapStringsSep " " escapeSystemdExecArg;

  toShellPath = shell: if lib.isDerivation shell then "${shell}${shell.shellPath or "/bin/bash"}" else shell;
  removePackagesByName = packages: remove: filter (p: !lib.elem (lib.getName p) (map lib.getName remove)) packages;
  disablePackageByName = packages: name: filter (p: lib.getName p != name) packages;
  pathsNeededForBoot = [ "/" "/nix" "/nix/store" "/var" "/var/log" "/var/lib" "/var/lib/nixos" "/etc" "/usr" ];
  fsNeededForBoot = fs: fs.neededForBoot or false || lib.elem fs.mountPoint pathsNeededForBoot;
  systemdUtils = import ./systemd.nix { inherit lib; };
}
