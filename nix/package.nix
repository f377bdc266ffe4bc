# SPDX-License-Identifier: MIT
# The program: pkgs.callPackage ./nix/package.nix { }
{ lib
, stdenv
, pkg-config
, systemd
, inih
, jansson
, libseccomp
, cmocka
, openssh
, iproute2
, # Names of the plugins to build, or null for all in plugins/.
  plugins ? null
, # Packages with more plugins, in lib/extra-container/plugins.
  sitePlugins ? [ ]
}@args:

let
  inherit (builtins) attrNames elem filter pathExists readDir;

  source = ./..;
  known = filter (n: pathExists (source + "/plugins/${n}/README.md")) (attrNames (readDir (source + "/plugins")));
  unknown = filter (n: !elem n known) plugins;
  chosen =
    if plugins == null then known
    else if unknown == [ ] then plugins
    else
      throw "extra-container: there is no plugin '${lib.head unknown}'; there are ${lib.concatStringsSep ", " known}";

  versionOf = line: let m = builtins.match "VERSION := (.*)" line; in if m == null then [ ] else m;
  makefile = builtins.readFile (source + "/Makefile");
  version = lib.head (lib.concatMap versionOf (lib.splitString "\n" makefile));

  # Top-level files that the build does not need.
  ignored = [ ".git" "build" "flake.nix" "flake.lock" "examples" ];
  isIgnored = path: elem (baseNameOf path) ignored && dirOf path == toString source;
  isSource = path: type: lib.cleanSourceFilter path type && !isIgnored path;

  # Man pages are made from the tables of the program, which the build runs for that.
  canRun = stdenv.buildPlatform.system == stdenv.hostPlatform.system;

  self = stdenv.mkDerivation {
    pname = "extra-container";
    inherit version;

    src = lib.cleanSourceWith { src = source; filter = isSource; name = "extra-container"; };

    nativeBuildInputs = [ pkg-config ];
    buildInputs = [ systemd libseccomp inih jansson ];
    checkInputs = [ cmocka ];

    # In the environment, because the value has blanks, which makeFlags would split.
    PLUGINS = lib.concatStringsSep " " chosen;
    makeFlags = [
      "PREFIX=$(out)"
      "SYSCONFDIR=/etc"
      "INIDIR=$(out)/etc"
      "EXTRAPATH=${lib.makeBinPath [ openssh iproute2 ]}"
      "CC=${stdenv.cc.targetPrefix or ""}cc"
    ] ++ lib.optional (!canRun) "MAN=";
    enableParallelBuilding = true;

    # The tests that work in a sandbox: others need root, look at the owner of / or use programs in /usr/bin.
    doCheck = canRun;
    checkTarget = "check-loader check-abi check-layers";
    preCheck = "patchShebangs tests";

    # Links the plugins of the other packages as if they had been installed here.
    postInstall = lib.concatMapStrings
      (p: ''
        if ! [ -d ${p}/lib/extra-container/plugins ]; then
          echo "${p} has no plugins of extra-container, in lib/extra-container/plugins" >&2
          exit 1
        fi
        ln -s ${p}/lib/extra-container/plugins/* $out/lib/extra-container/plugins/
      '')
      sitePlugins;

    passthru = {
      plugins = chosen;
      # withPlugins [ package ... ]: the program with the plugins of these packages.
      withPlugins = more:
        lib.makeOverridable (import ./package.nix) (args // { inherit plugins; sitePlugins = sitePlugins ++ more; });
    };

    meta = {
      description = "Declarative NixOS containers without a rebuild of the host";
      mainProgram = "extra-container";
      license = lib.licenses.mit or { spdxId = "MIT"; };
      platforms = lib.platforms.linux or [ "x86_64-linux" "aarch64-linux" ];
    };
  };
in
self
