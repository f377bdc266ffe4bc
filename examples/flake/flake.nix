{
  description = "Containers in a flake";

  inputs = {
    # In your own flake, use the URL of this program's repository.
    extra-container.url = "path:../..";
    # The containers' nixpkgs; the program may use a different one.
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    extra-container.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs = { self, nixpkgs, extra-container }@inputs:
    extra-container.lib.eachSupportedSystem (system: {
      packages.default = extra-container.lib.buildContainers {
        inherit system nixpkgs;

        # Extra arguments for all modules, including those of the containers.
        specialArgs = { inherit inputs; };

        config = {
          containers.demo = {
            extra.addressPrefix = "10.252.0";
            config = { inputs, pkgs, ... }: {
              system.stateVersion = "26.05";
              environment.systemPackages = [ pkgs.hello ];
              environment.etc.from.text = "nixpkgs ${toString (inputs.nixpkgs ? lib)}";
            };
          };
        };

        # Omit the program; build only the etc tree that is installed.
        # addRunner = false;
        # For hosts older than NixOS 22.05.
        # legacyInstallDirs = true;
      };
    });
}
