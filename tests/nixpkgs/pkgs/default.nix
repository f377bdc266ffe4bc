# The package set. All programs are in one derivation, `base`, which all package
# names refer to.
{ lib, pkgs, system, config, overlays }:
let
  base = (import ./base.nix).${system} or (throw "the stand-in nixpkgs does not support the system ${system}");
  bash = "${base}/bin/bash";
  # A single copy of the file for all evaluations in this process.
  runner = (import ./base.nix).runner;

  named = name: base // {
    pname = name;
    meta = { mainProgram = name; description = "${name}, as the host's distribution built it"; };
  };

  derive =
    attrs:
    let
      drv = builtins.derivation ({ inherit system; builder = bash; PATH = "${base}/bin:${base}/sbin"; } // attrs);
    in
    drv;

  runCommandWith =
    { name, derivationArgs ? { }, stdenv ? null, runLocal ? false }:
    text:
    let
      given = builtins.removeAttrs derivationArgs [ "meta" "passthru" "nativeBuildInputs" "buildInputs" "preferLocalBuild" "allowSubstitutes" "passAsFile" ];
      inputs = derivationArgs.nativeBuildInputs or [ ] ++ derivationArgs.buildInputs or [ ];
      drv = derive (
        given
        // {
          name = lib.strings.sanitizeDerivationName name;
          args = [ "-eu" runner ];
          buildCommand = text;
          passAsFile = [ "buildCommand" ] ++ derivationArgs.passAsFile or [ ];
          preferLocalBuild = true;
          allowSubstitutes = false;
        }
        // lib.optionalAttrs (inputs != [ ]) { inputs = map toString inputs; }
      );
    in
    drv
    // {
      meta = derivationArgs.meta or { };
      overrideAttrs = f: runCommandWith { inherit name; derivationArgs = derivationArgs // (if lib.isFunction f then f derivationArgs else f); } text;
    }
    // derivationArgs.passthru or { };
in
rec {
  _type = "pkgs";
  inherit lib system config overlays;
  inherit pkgs base;
  path = ../.;
  hostPlatform = stdenv.hostPlatform;
  buildPlatform = stdenv.hostPlatform;
  targetPlatform = stdenv.hostPlatform;
  callPackage = lib.callPackageWith pkgs;
  callPackages = lib.callPackagesWith pkgs;
  newScope = extra: lib.callPackageWith (pkgs // extra);
  pkgsi686Linux = throw "the stand-in nixpkgs has no 32-bit packages";
  nixos = configuration: import ../nixos/lib/eval-config.nix { inherit lib; system = null; modules = lib.toList configuration ++ [ { nixpkgs.pkgs = lib.mkDefault pkgs; } ]; };

  stdenv = rec {
    hostPlatform = lib.systems.elaborate system;
    buildPlatform = hostPlatform;
    targetPlatform = hostPlatform;
    inherit system;
    isLinux = true;
    isDarwin = false;
    is64bit = hostPlatform.is64bit;
    shell = bash;
    cc = base // { targetPrefix = ""; };

    inherit mkDerivation;
  };
  stdenvNoCC = stdenv;

  # Runs the phases of the real mkDerivation. The compiler, make and libraries are those of the machine, so C programs
  # need that machine's libraries to run.
  mkDerivation =
    f:
    let
      attrs = if lib.isFunction f then lib.fix (self: f (self // { finalPackage = drv; })) else f;
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      list = n: lib.optionals (attrs ? ${n}) attrs.${n};
      given = builtins.removeAttrs attrs ([ "name" "buildCommand" "outputs" "checkInputs" "nativeCheckInputs" ] ++ phaseNames);
      drv = runCommandWith {
        inherit name;
        derivationArgs = given // {
          nativeBuildInputs = list "nativeBuildInputs" ++ lib.optionals (attrs.doCheck or false) (list "checkInputs" ++ list "nativeCheckInputs");
          phases = lib.concatMapStrings (n: "${n}() {\n:\n${attrs.${n}}\n}\n") (lib.filter (n: attrs ? ${n}) phaseNames);
          passAsFile = [ "phases" ] ++ list "passAsFile";
        };
      } (attrs.buildCommand or ". ${(import ./base.nix).stdenv}");
    in
    drv // {
      pname = attrs.pname or (lib.getName drv);
      version = attrs.version or "";
      overrideAttrs = g: mkDerivation (attrs // (if lib.isFunction g then g attrs else g));
    };
  phaseNames = lib.concatMap (n: [ "${n}Phase" "pre${n}" "post${n}" "pre${capital n}" "post${capital n}" ])
    [ "unpack" "patch" "configure" "build" "check" "install" "fixup" "installCheck" ];
  capital = s: lib.toUpper (lib.substring 0 1 s) + lib.substring 1 (-1) s;
  mkShell = args: mkDerivation ({ name = "shell"; buildCommand = "export > $out"; } // builtins.removeAttrs args [ "inputsFrom" "packages" ]);

  inherit runCommandWith;
  runCommand = name: env: runCommandWith { inherit name; derivationArgs = env; };
  runCommandLocal = runCommand;
  runCommandNoCC = runCommand;
  runCommandCC = runCommand;

  writeTextFile =
    { name, text, executable ? false, destination ? "", checkPhase ? "", meta ? { }, derivationArgs ? { }, passthru ? { }, ... }:
    runCommandWith {
      inherit name;
      derivationArgs = {
        inherit text;
        passAsFile = [ "text" ];
        meta = lib.optionalAttrs (executable && lib.hasPrefix "/bin/" destination) { mainProgram = lib.removePrefix "/bin/" destination; } // meta;
        inherit passthru;
      } // derivationArgs;
    } ''
      target=$out${lib.escapeShellArg destination}
      ${lib.optionalString (destination != "") ''mkdir -p "''${target%/*}"''}
      cp "$textPath" "$target"
      ${lib.optionalString executable ''chmod +x "$target"''}
      ${checkPhase}
    '';
  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir = path: text: writeTextFile { name = baseNameOf path; destination = "/${path}"; inherit text; };
  writeScript = name: text: writeTextFile { inherit name text; executable = true; };
  writeScriptBin = name: text: writeTextFile { inherit name text; executable = true; destination = "/bin/${name}"; };
  writeShellScript = name: text: writeScript name "#!${runtimeShell}\n${text}\n";
  writeShellScriptBin = name: text: writeScriptBin name "#!${runtimeShell}\n${text}\n";
  writeShellApplication =
    { name, text, runtimeInputs ? [ ], runtimeEnv ? { }, bashOptions ? [ "errexit" "nounset" "pipefail" ], ... }:
    writeScriptBin name (
      "#!${runtimeShell}\n"
      + lib.concatMapStrings (o: "set -o ${o}\n") bashOptions
      + lib.concatMapStrings (n: "export ${lib.toShellVar n runtimeEnv.${n}}\n") (lib.attrNames runtimeEnv)
      + lib.optionalString (runtimeInputs != [ ]) "export PATH=\"${lib.makeBinPath runtimeInputs}:$PATH\"\n"
      + "\n${text}\n"
    );
  writeReferencesToFile = pkg: runCommand "runtime-deps" { exportReferencesGraph = [ "graph" pkg ]; } "sort -u graph | grep '^${builtins.storeDir}' > $out";
  concatTextFile = { name, files, ... }: runCommand name { } "cat ${lib.escapeShellArgs files} > $out";
  concatText = name: files: concatTextFile { inherit name files; };

  buildEnv =
    { name, paths, pathsToLink ? [ "/" ], postBuild ? "", ignoreCollisions ? false, ... }:
    runCommand name { } ''
      # Links the files of a package into the joined directory; the first package wins.
      join() {
          local from=$1 to=$2 entry
          for entry in "$from"/*; do
              local target=$to/''${entry##*/}
              if [[ -d $entry && -d $target && ! -L $target ]]; then
                  join "$entry" "$target"
              elif [[ -d $entry && -d $target ]]; then
                  # A second package also has this directory: replace the link with links to its files.
                  local linked; linked=$(readlink -f "$target")
                  rm "$target"; mkdir "$target"
                  join "$linked" "$target"; join "$entry" "$target"
              elif [[ ! -e $target && ! -L $target ]]; then
                  ln -s "$(readlink -f "$entry")" "$target"
              fi
          done
      }
      shopt -s nullglob dotglob
      mkdir -p $out
      for package in ${lib.escapeShellArgs (lib.unique (map toString paths))}; do
          ${lib.concatMapStrings (sub:
            if sub == "/" then ''
              join "$package" $out
            '' else ''
              if [[ -d $package${sub} ]]; then mkdir -p $out${sub}; join "$package${sub}" $out${sub}; fi
            '') pathsToLink}
      done
      ${postBuild}
    '';
  symlinkJoin = args: buildEnv (args // { name = args.name or "${args.pname}-${args.version}"; pathsToLink = [ "/" ]; });
  linkFarm =
    name: entries:
    let
      list = if builtins.isAttrs entries then lib.mapAttrsToList (name: path: { inherit name path; }) entries else entries;
    in
    runCommand name { } ''
      mkdir -p $out
      ${lib.concatMapStrings (e: ''
        mkdir -p "$out/$(dirname ${lib.escapeShellArg e.name})"
        ln -s ${lib.escapeShellArg "${e.path}"} "$out/"${lib.escapeShellArg e.name}
      '') list}
    '';
  linkFarmFromDrvs = name: drvs: linkFarm name (map (d: { inherit (d) name; path = d; }) drvs);
  # A derivation, so that it can be listed, but its build fails.
  testers.runNixOSTest = test: runCommand "vm-test-run-${test.name}" { } "echo 'the stand-in nixpkgs has no virtual machines' >&2; exit 1";
  emptyFile = runCommand "empty-file" { } "touch $out";
  emptyDirectory = runCommand "empty-directory" { } "mkdir $out";
  replaceVars = file: vars: runCommand (baseNameOf file) { } ''
    text=$(< ${file})
    ${lib.concatMapStrings (n: "text=\${text//@${n}@/${lib.escapeShellArg vars.${n}}}\n") (lib.attrNames vars)}
    printf '%s\n' "$text" > $out
  '';
  substituteAll = args: replaceVars args.src (builtins.removeAttrs args [ "src" "name" "isExecutable" ]);

  runtimeShell = bash;
  runtimeShellPackage = pkgs.bash;

  nixos-container = lib.makeOverridable (
    { stateDirectory ? "/var/lib/nixos-containers", configurationDirectory ? "/etc/nixos-containers" }:
    runCommand "nixos-container" { meta.mainProgram = "nixos-container"; } ''
      mkdir -p $out/bin
      {
          printf '%s\n' '#!${bash}' 'PATH=${base}/bin:${base}/sbin' \
              ${lib.escapeShellArg "state_dir=${stateDirectory}"} ${lib.escapeShellArg "conf_dir=${configurationDirectory}"}
          cat ${(import ./base.nix).nixosContainer}
      } > $out/bin/nixos-container
      chmod +x $out/bin/nixos-container
    ''
  ) { };

  nix = (import ./base.nix).nix.${system} // { pname = "nix"; meta.mainProgram = "nix"; };
  hello = writeShellScriptBin "hello" "echo 'Hello, world!'" // { pname = "hello"; version = "1"; };

  linuxPackages = {
    kernel = {
      # The running kernel's version; nothing is built from it.
      version = lib.head (lib.splitString "-" (if builtins.pathExists /proc/sys/kernel/osrelease then lib.fileContents /proc/sys/kernel/osrelease else "6.1"));
    };
  };
  linuxPackages_latest = linuxPackages;
  glibcLocales = emptyDirectory;
  tzdata = emptyDirectory;
  cacert = emptyDirectory;
}
// lib.genAttrs [
  "bash" "bashInteractive" "coreutils" "coreutils-full" "findutils" "gnugrep" "gnused" "gawk" "gnutar" "gzip" "diffutils"
  "iproute2" "iptables" "nftables" "conntrack-tools" "systemd" "systemdMinimal" "openssh" "socat" "netcat" "netcat-openbsd"
  "hostname" "hostname-debian" "nettools" "util-linux" "utillinux" "procps" "curl" "dbus" "less"
  "su"
  # From the building machine, like the compiler.
  "pkg-config" "inih" "jansson" "libseccomp" "cmocka"
] named
