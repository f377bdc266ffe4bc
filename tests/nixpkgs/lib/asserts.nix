{ lib }:
rec {
  assertMsg = cond: message: cond || throw message;
  assertOneOf =
    what: value: valid:
    assertMsg (builtins.elem value valid) "${what} must be one of ${lib.generators.toPretty { multiline = false; } valid}, but is ${lib.generators.toPretty { } value}";
  assertEachOneOf = what: values: valid: builtins.all (v: assertOneOf what v valid) values;
  traceVal = x: builtins.trace x x;
  traceValFn = f: x: builtins.trace (f x) x;
  traceValSeq = x: builtins.trace (builtins.deepSeq x x) x;
  traceIf = cond: message: x: if cond then builtins.trace message x else x;
  traceSeq = x: y: builtins.trace (builtins.deepSeq x x) y;
  traceSeqN = _: x: y: builtins.trace (lib.generators.toPretty { } x) y;
  runTests =
    tests:
    builtins.concatMap (
      name: let t = tests.${name}; in lib.optional (t.expr != t.expected) { inherit name; inherit (t) expected; result = t.expr; }
    ) (builtins.attrNames tests);
}
