{
  description = "Containers in a flake";

  inputs = {
    # The containers' nixpkgs, and here the program's. This is the one of Nix's registry; use any other.
    nixpkgs.url = "nixpkgs";

    # In your own flake, add the program as an input, with the URL of its repository, and remove the `let` below:
    # extra-container.url = "...";
    # extra-container.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs = { self, nixpkgs }@inputs:
    let
      # The tree that this example is part of.
      extra-container = (import ../../flake.nix).outputs { inherit nixpkgs; self = extra-container; };
    in
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
