# The function library: one attribute set, with each part also under its own
# name (lib.strings, lib.lists ...). It extends itself with `lib.extend`.
let
  fixedPoints = import ./fixed-points.nix;

  library = fixedPoints.makeExtensible (
    self:
    let
      load = file: import file { lib = self; };
      parts = {
        inherit fixedPoints;
        trivial = load ./trivial.nix;
        lists = load ./lists.nix;
        attrsets = load ./attrsets.nix;
        strings = load ./strings.nix;
        options = load ./options.nix;
        modules = load ./modules.nix;
        generators = load ./generators.nix;
        customisation = load ./customisation.nix;
        meta = load ./meta.nix;
        asserts = load ./asserts.nix;
        sources = load ./sources.nix;
        versions = load ./versions.nix;
      };
    in
    parts.trivial
    // parts.lists
    // parts.attrsets
    // parts.strings
    // parts.options
    // parts.modules
    // parts.customisation
    // parts.meta
    // parts.asserts
    // parts.sources
    // {
      inherit (fixedPoints) fix extends composeExtensions composeManyExtensions makeExtensible;
    }
    // parts
    // {
      types = load ./types.nix;
      inherit (self.types) mkOptionType isType setType isOptionType;
      inherit (self.strings) isStringLike isStorePath;
      systems = load ./systems.nix;
      licenses = { };
      maintainers = { };
      teams = { };
      platforms = {
        all = [ "x86_64-linux" "aarch64-linux" ];
        linux = [ "x86_64-linux" "aarch64-linux" ];
        unix = [ "x86_64-linux" "aarch64-linux" ];
      };
    }
  );
in
library
