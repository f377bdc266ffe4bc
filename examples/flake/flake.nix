{
  description = "Containers in a flake";

  inputs = {
    # In a flake of your own: where this program's repository is.
    extra-container.url = "path:../..";
    # The containers' nixpkgs. It can be another than the program's.
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    extra-container.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs = { self, nixpkgs, extra-container }@inputs:
    extra-container.lib.eachSupportedSystem (system: {
      packages.default = extra-container.lib.buildContainers {
        inherit system nixpkgs;

        # Arguments of all modules, those of the containers too.
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

        # Without: only what is to be installed is built, not the program.
        # addRunner = false;
        # For hosts with NixOS before 22.05.
        # legacyInstallDirs = true;
      };
    });
}
