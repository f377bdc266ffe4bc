# Platform descriptions, limited to what packages and modules use.
{ lib }:
rec {
  elaborate =
    platform:
    let
      system = if builtins.isString platform then platform else platform.system or platform.config;
      parts = lib.splitString "-" system;
      cpu = builtins.head parts;
      kernel = lib.last parts;
    in
    {
      inherit system;
      config = "${cpu}-unknown-${kernel}-gnu";
      linuxArch = if cpu == "aarch64" then "arm64" else cpu;
      isLinux = kernel == "linux";
      isDarwin = false;
      isx86_64 = cpu == "x86_64";
      isx86_32 = cpu == "i686";
      isx86 = cpu == "x86_64" || cpu == "i686";
      isAarch64 = cpu == "aarch64";
      isAarch32 = false;
      isAarch = cpu == "aarch64";
      is64bit = cpu != "i686";
      is32bit = cpu == "i686";
      isStatic = false;
      isMusl = false;
      isGnu = true;
      isUnix = true;
      parsed = {
        cpu.name = cpu;
        kernel.name = kernel;
      };
      canExecute = other: (elaborate other).system == system;
    };
  equals = a: b: a.system == b.system;
  flakeExposed = [ "x86_64-linux" "aarch64-linux" ];
  doubles.all = flakeExposed;
  doubles.linux = flakeExposed;
}
