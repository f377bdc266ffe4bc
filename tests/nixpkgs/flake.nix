{
  description = "A stand-in for nixpkgs, for tests";

  outputs =
    { self }:
    let
      lib = import ./lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
    in
    {
      lib = lib // {
        nixosSystem =
          args:
          import ./nixos/lib/eval-config.nix (
            { inherit lib; system = null; } // builtins.removeAttrs args [ "system" ]
            // { modules = args.modules ++ lib.optional (args ? system) { nixpkgs.system = lib.mkDefault args.system; }; }
          );
      };
      legacyPackages = lib.genAttrs systems (system: import ./. { inherit system; });
    };
}
