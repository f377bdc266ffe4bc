# The one derivation that holds all programs, by system. A value, not a
# function: Nix then makes it once, however many containers use it.
let
  # The store path changes when one of these Debian packages is upgraded.
  # With pure evaluation the machine may not be looked at.
  sources = [
    "bash" "coreutils" "curl" "dbus-daemon" "iproute2" "iptables" "libc6:amd64" "libc6:arm64" "nftables" "nix-bin"
    "openssh-server" "socat" "systemd" "systemd-container" "util-linux"
  ];
  fingerprint =
    if builtins ? currentSystem then
      builtins.hashString "sha256" (
        builtins.concatStringsSep "\n" (
          map (
            p:
            let
              file = /var/lib/dpkg/info + "/${p}.md5sums";
            in
            if builtins.pathExists file then builtins.hashFile "sha256" file else p
          ) sources
        )
      )
    else
      "";

  copy =
    content: system:
    let
      drv = builtins.derivation {
        name = "debian-${content}";
        inherit content system fingerprint;
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
