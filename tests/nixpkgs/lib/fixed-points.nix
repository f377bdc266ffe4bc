# Recursion and overlays.
rec {
  fix =
    f:
    let
      self = f self;
    in
    self;

  extends =
    overlay: base: final:
    let
      prev = base final;
    in
    prev // overlay final prev;

  composeExtensions =
    first: second: final: prev:
    let
      added = first final prev;
    in
    added // second final (prev // added);

  composeManyExtensions = builtins.foldl' composeExtensions (_: _: { });

  makeExtensible =
    base:
    fix (
      self:
      base self
      // {
        extend = overlay: makeExtensible (extends overlay base);
      }
    );
}
