{
  description = "Declarative NixOS containers without a rebuild of the host";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      eachSystem = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      package = pkgs: pkgs.callPackage ./nix/package.nix { };
    in
    {
      packages = eachSystem (pkgs: {
        default = package pkgs;
        extra-container = package pkgs;
      });

      overlays.default = final: prev: { extra-container = package final; };

      nixosModules.default = {
        # With a key it is used once, even if it is imported several times.
        key = "extra-container#nixosModules.default";
        imports = [
          ./nix/module.nix
          ({ pkgs, lib, ... }: { programs.extra-container.package = lib.mkDefault (package pkgs); })
        ];
      };

      lib = import ./nix/lib.nix {
        inherit nixpkgs systems;
        packageFor = system: self.packages.${system}.default;
      };

      checks = eachSystem (pkgs:
        let
          inherit (pkgs.stdenv.hostPlatform) system;
          host = (nixpkgs.lib.nixosSystem {
            inherit system;
            modules = [
              self.nixosModules.default
              {
                programs.extra-container = {
                  enable = true;
                  settings.plugins = nixpkgs.lib.genAttrs (package pkgs).plugins (_: "required");
                };
                # It has no disks to mount and nothing to boot from.
                boot.isContainer = true;
                system.stateVersion = nixpkgs.lib.trivial.release;
              }
            ];
          }).config;
        in
        {
          package = package pkgs;
          # With only one plugin.
          minimal = (package pkgs).override { plugins = [ (builtins.head (package pkgs).plugins) ]; };
          # Evaluates the whole host, with its assertions, but builds only the INI.
          module = builtins.seq host.system.build.toplevel.drvPath host.environment.etc."extra-container.ini".source;
          containers = self.lib.buildContainers {
            inherit system;
            config.containers.web.config.system.stateVersion = nixpkgs.lib.trivial.release;
          };
          vm-test = import ./nix/vm-test.nix {
            inherit pkgs;
            module = self.nixosModules.default;
            package = package pkgs;
          };
        });

      devShells = eachSystem (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (package pkgs) ];
          packages = [ pkgs.cmocka ];
        };
      });
    };
}
