# SPDX-License-Identifier: MIT
# The store files of the containers, and the `etc` that links to them. Plain
# derivations on bash and coreutils: nothing of stdenv is started for them.
{ lib, pkgs }:

let
  shell = pkgs.runtimeShell or pkgs.stdenv.shell;

  make = name: script: attrs: derivation ({
    inherit name;
    system = (pkgs.stdenv.buildPlatform or pkgs.stdenv.hostPlatform or pkgs.stdenv).system;
    builder = shell;
    args = [ "-eu" script ];
    PATH = "${pkgs.coreutils}/bin";
    preferLocalBuild = true;
    allowSubstitutes = false;
  } // attrs);
in
{
  # The unit and its scripts in one output, so that a container costs two builds.
  unit = name: render:
    let
      rendered = render { inherit name; out = builtins.placeholder "out"; };
      keys = lib.attrNames rendered.scripts;
    in
    make "unit-container-${name}" ./make-unit.sh ({
      passAsFile = [ "unit" ] ++ keys;
      unit = rendered.text;
      unitName = "container@${name}.service";
      # No names with blanks or colons get here.
      scripts = map (k: "${k}:${rendered.scripts.${k}.name}") keys;
    } // lib.mapAttrs (_: s: s.text) rendered.scripts);

  conf = name: text:
    make "container-${name}.conf" ./make-conf.sh {
      passAsFile = [ "text" ];
      inherit text;
    };

  # links: list of { dir, name, target }, below etc/.
  etc = links:
    make "etc" ./make-etc.sh {
      passAsFile = [ "links" ];
      links = lib.concatMapStrings (l: "${l.dir} ${l.name} ${l.target}\n") links;
    };
}
