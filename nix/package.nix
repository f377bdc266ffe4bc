# SPDX-License-Identifier: MIT
# The program: pkgs.callPackage ./nix/package.nix { }
{ lib
, stdenv
, pkg-config
, systemd
, inih
, jansson
, cmocka
, openssh
, iproute2
, # Which of those in plugins/; null is all of them.
  plugins ? null
, # Packages with plugins of a site, in lib/extra-container/plugins.
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
    else throw "extra-container: there is no plugin '${lib.head unknown}'; there are ${lib.concatStringsSep ", " known}";

  version = lib.head (lib.concatMap
    (line: let m = builtins.match "VERSION := (.*)" line; in if m == null then [ ] else m)
    (lib.splitString "\n" (builtins.readFile (source + "/Makefile"))));

  # What a checkout has beside the sources.
  left = [ ".git" "build" "flake.nix" "flake.lock" "examples" ];
  isSource = path: type: lib.cleanSourceFilter path type && !(elem (baseNameOf path) left && dirOf path == toString source);

  # It reports of the tables of the program that it has just built.
  canRun = stdenv.buildPlatform.system == stdenv.hostPlatform.system;

  self = stdenv.mkDerivation {
    pname = "extra-container";
    inherit version;

    src = lib.cleanSourceWith { src = source; filter = isSource; name = "extra-container"; };

    nativeBuildInputs = [ pkg-config ];
    buildInputs = [ systemd inih jansson ];
    checkInputs = [ cmocka ];

    # In the environment, as it has blanks in it.
    PLUGINS = lib.concatStringsSep " " chosen;
    makeFlags = [
      "PREFIX=$(out)"
      "SYSCONFDIR=/etc"
      "INIDIR=$(out)/etc"
      "EXTRAPATH=${lib.makeBinPath [ openssh iproute2 ]}"
      "CC=${stdenv.cc.targetPrefix or ""}cc"
    ] ++ lib.optional (!canRun) "MAN=";
    enableParallelBuilding = true;

    # The kinds that are the same in a sandbox, by whoever builds: others look at who owns / and at programs in /usr/bin, or need root.
    doCheck = canRun;
    checkTarget = "check-loader check-abi check-layers";
    preCheck = "patchShebangs tests";

    # Each of them as if it had been installed by this.
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
      # withPlugins [ sitePlugin ]: they are linked beside ours.
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
