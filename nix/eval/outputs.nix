# SPDX-License-Identifier: MIT
# The store files of the containers, and the `etc` that links to them. Their derivations need only bash and
# coreutils; stdenv would take much longer to start.
{ lib, pkgs }:

let
  shell = pkgs.runtimeShell or pkgs.stdenv.shell;

  make = name: script: attrs: derivation ({
    inherit name;
    system = (pkgs.stdenv.buildPlatform or pkgs.stdenv.hostPlatform or pkgs.stdenv).system;
    builder = shell;
    # Nix kills a builder that closes its output before it exits, as coreutils do. bash would exec the last command
    # of the script, so that command must be `exit`.
    args = [ "-euc" "${script}exit 0\n" ];
    PATH = "${pkgs.coreutils}/bin";
    preferLocalBuild = true;
    allowSubstitutes = false;
  } // attrs);

  buildUnit = ''
    mkdir -p "$out/bin"
    cp -- "$unitPath" "$out/$unitName"
    for script in $scripts; do
            path=''${script%%:*}Path
            cp -- "''${!path}" "$out/bin/''${script#*:}"
            chmod 0755 "$out/bin/''${script#*:}"
    done
  '';

  # Uses bash only, because there is one of these for every container.
  buildConf = ''
    mapfile -d "" -t text <"$textPath"
    printf %s "''${text[0]}" >"$out"
  '';

  # Runs one ln for up to 500 links in a directory that have the names of their targets; one for each link would be
  # thousands of processes for many containers.
  buildEtc = ''
    mkdir "$out"
    mkdir "$out/etc"
    last=
    targets=()
    flush() {
            [[ ''${#targets[@]} == 0 ]] || ln -s -t "$out/etc/$last" -- "''${targets[@]}"
            targets=()
    }
    while read -r dir name target; do
            if [[ $dir != "$last" ]]; then
                    flush
                    mkdir -p "$out/etc/$dir"
                    last=$dir
            fi
            if [[ ''${target##*/} == "$name" ]]; then
                    targets+=("$target")
                    [[ ''${#targets[@]} -lt 500 ]] || flush
            else
                    ln -s -- "$target" "$out/etc/$dir/$name"
            fi
    done <"$linksPath"
    flush
  '';

  buildRunner = ''
    mkdir "$out/bin"
    printf '#!%s\nEXTRA_CONTAINER_ETC=%s exec %s "$@"\n' ${shell} "$out" "$runner" >"$out/bin/container"
    chmod 0755 "$out/bin/container"
  '';
in
{
  # The unit and its scripts are one output, so that each container takes only two builds.
  unit = name: render:
    let
      rendered = render { inherit name; out = builtins.placeholder "out"; };
      keys = lib.attrNames rendered.scripts;
    in
    make "unit-container-${name}" buildUnit ({
      passAsFile = [ "unit" ] ++ keys;
      unit = rendered.text;
      unitName = "container@${name}.service";
      # Names have no blanks or colons.
      scripts = map (k: "${k}:${rendered.scripts.${k}.name}") keys;
    } // lib.mapAttrs (_: s: s.text) rendered.scripts);

  conf = name: text:
    make "container-${name}.conf" buildConf {
      passAsFile = [ "text" ];
      inherit text;
    };

  # links: [ { dir, name, target } ], below etc/.
  etc = { links, runner ? null }:
    make (if runner == null then "etc" else "container") (buildEtc + lib.optionalString (runner != null) buildRunner) ({
      passAsFile = [ "links" ];
      links = lib.concatMapStrings (l: "${l.dir} ${l.name} ${l.target}\n") links;
    } // lib.optionalAttrs (runner != null) { inherit runner; });
}
