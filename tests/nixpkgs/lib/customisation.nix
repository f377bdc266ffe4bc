{ lib }:
rec {
  # Adds `.override` to the result of a function, which calls it again.
  makeOverridable =
    f:
    lib.mirrorFunctionArgs f (
      args:
      let
        result = f args;
        override = new: makeOverridable f (args // (if lib.isFunction new then new args else new));
      in
      if builtins.isAttrs result then
        result
        // {
          inherit override;
          overrideDerivation = g: makeOverridable (_: lib.overrideDerivation result g) args;
        }
      else if lib.isFunction result then
        lib.setFunctionArgs result (lib.functionArgs result) // { inherit override; }
      else
        result
    );
  overrideDerivation = drv: f: drv.overrideAttrs (old: f old);
  callPackageWith =
    scope: fn: args:
    let
      f = if lib.isFunction fn then fn else import fn;
      wanted = lib.functionArgs f;
      found = builtins.intersectAttrs wanted scope // args;
      missing = builtins.filter (n: !wanted.${n} && !(found ? ${n})) (builtins.attrNames wanted);
    in
    if missing == [ ] then
      makeOverridable f found
    else
      throw "callPackage: the function needs `${lib.concatStringsSep "', `" missing}', and no package or argument has that name";
  callPackagesWith = scope: fn: args: (builtins.removeAttrs (callPackageWith scope fn args) [ "override" "overrideDerivation" ]);
  addPassthru = drv: passthru: drv // passthru;
  extendDerivation = cond: passthru: drv: assert cond; drv // passthru;
  hydraJob = drv: drv;
}
