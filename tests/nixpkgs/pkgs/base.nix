# The derivation with all programs, by system. It is a value and not a function,
# so that Nix evaluates it once for all containers.
let
  copy =
    content: system:
    let
      drv = builtins.derivation {
        name = "debian-${content}";
        inherit content system;
        builder = "/bin/bash";
        args = [ "-eu" ./base.sh ];
        netcat = ./nc.sh;
        preferLocalBuild = true;
        allowSubstitutes = false;
      };
    in
    drv
    // {
      version = "1";
      shellPath = "/bin/bash";
      interfaceVersion = 2;
      override = _: drv;
    };
in
{
  x86_64-linux = copy "programs" "x86_64-linux";
  aarch64-linux = copy "programs" "aarch64-linux";
  nix = {
    x86_64-linux = copy "nix" "x86_64-linux";
    aarch64-linux = copy "nix" "aarch64-linux";
  };

  runner = ./runner.sh;
  stdenv = ./stdenv.sh;
  nixosContainer = ./nixos-container.sh;
}
