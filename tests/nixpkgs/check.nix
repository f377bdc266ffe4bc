# Tests of the library and the module system: an attribute set of tests, each with
# `expr` and `expected`, or with `throws`, a pattern that the error of `expr` must
# match (check.sh evaluates those one by one).
let
  lib = import ./lib;
  inherit (lib) mkOption mkIf mkMerge mkForce mkDefault mkBefore mkAfter mkOrder types;

  eval = modules: (lib.evalModules { inherit modules; });
  config = modules: (eval modules).config;
  # The value of an option `x` of this type with these definitions.
  value = type: defs: (config ([ { options.x = mkOption { inherit type; }; } ] ++ map (x: { inherit x; }) defs)).x;
  is = expr: expected: { inherit expr expected; };
  fails = throws: expr: { inherit throws expr; };
  named = file: m: lib.setDefaultModuleLocation file m;

  system = modules: import ./nixos/lib/eval-config.nix { system = "x86_64-linux"; modules = modules ++ [ { system.stateVersion = "26.05"; } ]; };
  host = containers: system [ (named "host.nix" { inherit containers; }) ];
  container = definition: (host { demo.config = named "demo.nix" definition; }).config.containers.demo.config;
  discard = builtins.unsafeDiscardStringContext;

  libTests = {
    "lists: unique" = is (lib.unique [ 1 2 1 3 2 ]) [ 1 2 3 ];
    "lists: flatten" = is (lib.flatten [ 1 [ 2 [ 3 ] ] [ ] ]) [ 1 2 3 ];
    "lists: imap1" = is (lib.imap1 (i: v: "${toString i}${v}") [ "a" "b" ]) [ "1a" "2b" ];
    "lists: foldr" = is (lib.foldr (a: b: a + b) "!" [ "a" "b" ]) "ab!";
    "lists: foldl'" = is (lib.foldl' (a: b: a - b) 10 [ 1 2 ]) 7;
    "lists: last, init, take, drop" = is [ (lib.last [ 1 2 ]) (lib.init [ 1 2 ]) (lib.take 5 [ 1 2 ]) (lib.drop 1 [ 1 2 3 ]) ] [ 2 [ 1 ] [ 1 2 ] [ 2 3 ] ];
    "lists: range, sublist" = is [ (lib.range 2 4) (lib.range 2 1) (lib.sublist 1 9 [ 1 2 3 ]) ] [ [ 2 3 4 ] [ ] [ 2 3 ] ];
    "lists: subtractLists, intersectLists" = is [ (lib.subtractLists [ 1 ] [ 1 2 ]) (lib.intersectLists [ 1 ] [ 1 2 ]) ] [ [ 2 ] [ 1 ] ];
    "lists: findFirst" = is (lib.findFirst (x: x > 1) null [ 1 2 3 ]) 2;
    "lists: toposort" = is (lib.toposort (a: b: a < b) [ 3 1 2 ]).result [ 1 2 3 ];
    "lists: zipListsWith" = is (lib.zipListsWith (a: b: a + b) [ 1 2 ] [ 10 20 30 ]) [ 11 22 ];
    "attrsets: mapAttrs'" = is (lib.mapAttrs' (n: v: lib.nameValuePair "${n}1" (v + 1)) { a = 1; }) { a1 = 2; };
    "attrsets: filterAttrs" = is (lib.filterAttrs (_: v: v > 1) { a = 1; b = 2; }) { b = 2; };
    "attrsets: recursiveUpdate" = is (lib.recursiveUpdate { a.b = 1; a.c = 2; d = 1; } { a.b = 3; d.e = 1; }) { a = { b = 3; c = 2; }; d.e = 1; };
    "attrsets: genAttrs" = is (lib.genAttrs [ "a" "b" ] (n: n + n)) { a = "aa"; b = "bb"; };
    "attrsets: paths" = is [ (lib.attrByPath [ "a" "b" ] 0 { a.b = 1; }) (lib.attrByPath [ "a" "c" ] 0 { a.b = 1; }) (lib.setAttrByPath [ "a" "b" ] 1) (lib.hasAttrByPath [ "a" "b" ] { a = 1; }) ] [ 1 0 { a.b = 1; } false ];
    "attrsets: concatMapAttrs" = is (lib.concatMapAttrs (n: v: { ${n} = v; "${n}x" = v; }) { a = 1; }) { a = 1; ax = 1; };
    "attrsets: collect" = is (lib.collect builtins.isInt { a = 1; b.c = 2; }) [ 1 2 ];
    "attrsets: foldlAttrs" = is (lib.foldlAttrs (acc: n: v: acc + n + v) "" { a = "1"; b = "2"; }) "a1b2";
    "attrsets: cartesianProduct" = is (lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 ]; }) [ { a = 1; b = 3; } { a = 2; b = 3; } ];
    "strings: splitString" = is [ (lib.splitString "." "a.b..c") (lib.splitString "/" "") ] [ [ "a" "b" "" "c" ] [ "" ] ];
    "strings: splitString keeps context" = is (builtins.hasContext (builtins.head (lib.splitString " " "${builtins.toFile "x" ""} b"))) true;
    "strings: prefixes" = is [ (lib.hasPrefix "a" "ab") (lib.hasSuffix "b" "ab") (lib.hasInfix "." "a.b") (lib.removePrefix "a" "ab") (lib.removeSuffix "b" "ab") (lib.removeSuffix "" "ab") ] [ true true true "b" "a" "ab" ];
    "strings: escapeShellArg" = is [ (lib.escapeShellArg "a b'c") (lib.escapeShellArg "plain/x") (lib.escapeShellArg "") (lib.escapeShellArgs [ "a" "b c" ]) ] [ "'a b'\\''c'" "plain/x" "''" "a 'b c'" ];
    "strings: concat" = is [ (lib.concatMapStringsSep "," toString [ 1 2 ]) (lib.concatStrings [ "a" "b" ]) (lib.concatLines [ "a" "b" ]) (lib.optionalString false "x") ] [ "1,2" "ab" "a\nb\n" "" ];
    "strings: versions" = is [ (lib.versionAtLeast "22.11" "22.05") (lib.versionOlder "21.11" "22.05") (lib.versionOlder "5.10" "5.8") ] [ true true false ];
    "strings: toInt" = is [ (lib.toInt "42") (lib.toInt "-7") (lib.toInt " 0 ") ] [ 42 (-7) 0 ];
    "strings: toInt of text" = fails "cannot read" (lib.toInt "4x");
    "strings: case" = is [ (lib.toUpper "aé1") (lib.toLower "AB") ] [ "Aé1" "ab" ];
    "strings: trim" = is (lib.trim "  a b \n") "a b";
    "strings: toShellVar" = is (lib.toShellVar "x" [ "a b" ]) "declare -a x=('a b')";
    "strings: levenshtein" = is [ (lib.strings.levenshtein "kitten" "sitting") (lib.strings.levenshtein "" "abc") (lib.strings.levenshtein "a" "a") ] [ 3 3 0 ];
    "strings: sanitizeDerivationName" = is (lib.strings.sanitizeDerivationName "..a@b c") "a-b-c";
    "strings: escapeNixString" = is (lib.strings.escapeNixString "a\${b}\"") "\"a\\\${b}\\\"\"";
    "strings: makeBinPath" = is (lib.makeBinPath [ "/a" "/b" ]) "/a/bin:/b/bin";
    "trivial: functionArgs of a functor" = is (lib.functionArgs (lib.setFunctionArgs (x: x) { a = true; })) { a = true; };
    "trivial: toHexString" = is (lib.toHexString 250) "FA";
    "generators: toJSON, toINI, toKeyValue" = is [ (lib.generators.toJSON { } { a = 1; }) (lib.generators.toINI { } { s.k = true; }) (lib.generators.toKeyValue { } { a = "b"; }) ] [ "{\"a\":1}" "[s]\nk=true\n" "a=b\n" ];
    "generators: toPretty" = is (lib.generators.toPretty { multiline = false; } { a = [ 1 "x" ]; f = x: x; }) "{ a = [ 1 \"x\" ]; f = <function>; }";
    "customisation: override" = is ((lib.makeOverridable ({ a, b ? 1 }: { sum = a + b; }) { a = 1; }).override { b = 5; }).sum 6;
    "customisation: callPackage" = is (lib.callPackageWith { a = 1; } ({ a, b ? 2 }: { s = a + b; }) { }).s 3;
    "customisation: callPackage without an argument" = fails "needs `q'" (lib.callPackageWith { } ({ q }: q) { });
    "fixed points: extend" = is ((lib.extend (final: prev: { twice = x: prev.add x x; })).twice 4) 8;
    "platforms" = is (lib.systems.elaborate "x86_64-linux").isx86_64 true;
  };

  typeTests = {
    "str" = is (value types.str [ "a" ]) "a";
    "str: wrong type" = fails "option `x' is not of type `string'" (value types.str [ 1 ]);
    "str: two equal definitions" = is (value types.str [ "a" "a" ]) "a";
    "str: conflict" = fails "option `x' has conflicting definition values" (value types.str [ "a" "b" ]);
    "lines" = is (value types.lines [ "a" "b" ]) "b\na";
    "int, bool" = is [ (value types.int [ 3 ]) (value types.bool [ false ]) ] [ 3 false ];
    "int: a string" = fails "not of type `signed integer'" (value types.int [ "3" ]);
    "port" = is (value types.port [ 65535 ]) 65535;
    "port: too large" = fails "not of type `16 bit unsigned integer" (value types.port [ 65536 ]);
    "ints.between" = fails "between 1 and 3" (value (types.ints.between 1 3) [ 4 ]);
    "ints.u32" = is (value types.ints.u32 [ 4294967295 ]) 4294967295;
    "path" = is (value types.path [ "/a" ]) "/a";
    "path: relative" = fails "not of type `absolute path'" (value types.path [ "a" ]);
    "package" = is (value types.package [ { type = "derivation"; name = "n"; } ]).name "n";
    "enum" = is (value (types.enum [ "a" "b" ]) [ "b" ]) "b";
    "enum: wrong value" = fails ''one of "a", "b"'' (value (types.enum [ "a" "b" ]) [ "c" ]);
    "nullOr" = is [ (value (types.nullOr types.int) [ null ]) (value (types.nullOr types.int) [ 1 ]) ] [ null 1 ];
    "nullOr: both" = fails "both null and not null" (value (types.nullOr types.int) [ null 1 ]);
    "listOf: order, later modules first" = is (value (types.listOf types.int) [ [ 1 ] [ 2 3 ] ]) [ 2 3 1 ];
    "listOf: conditions inside" = is (value (types.listOf types.int) [ [ (mkIf false 1) (mkIf true 2) ] ]) [ 2 ];
    "listOf: position in the error" = fails "definition 1-entry 2" (value (types.listOf types.int) [ [ 1 "b" ] ]);
    "listOf: mkBefore, mkAfter" = is (value (types.listOf types.int) [ (mkAfter [ 3 ]) [ 2 ] (mkBefore [ 1 ]) (mkOrder 2000 [ 4 ]) ]) [ 1 2 3 4 ];
    "nonEmptyListOf" = fails "non-empty" (value (types.nonEmptyListOf types.int) [ [ ] ]);
    "attrsOf" = is (value (types.attrsOf types.int) [ { a = 1; } { b = 2; c = mkIf false 3; } ]) { a = 1; b = 2; };
    "attrsOf: name in the error" = fails "option `x.a' is not of type" (value (types.attrsOf types.int) [ { a = "s"; } ]);
    "attrsOf: priorities of members" = is (value (types.attrsOf types.int) [ { a = mkForce 2; } { a = 1; } ]) { a = 2; };
    "lazyAttrsOf" = is (value (types.lazyAttrsOf types.int) [ { a = 1; b = throw "not needed"; } ]).a 1;
    "submodule" = is (value (types.submodule { options.a = mkOption { default = 1; }; options.b = mkOption { }; }) [ { b = 2; } ]) { a = 1; b = 2; };
    "submodule: name" = is (value (types.attrsOf (types.submodule ({ name, ... }: { options.n = mkOption { default = name; }; }))) [ { foo = { }; } ]) { foo.n = "foo"; };
    "submodule: its own config" = is (value (types.submodule ({ config, ... }: { options.a = mkOption { default = 1; }; options.b = mkOption { }; config.b = config.a + 1; })) [ { a = 5; } ]) { a = 5; b = 6; };
    "submodule: function as definition" = is (value (types.submodule { options.a = mkOption { default = 1; }; options.b = mkOption { }; }) [ ({ config, ... }: { b = config.a; }) ]) { a = 1; b = 1; };
    "submodule: unknown option" = fails "option `x.foo.typo' does not exist" (value (types.attrsOf (types.submodule { options.type = mkOption { }; })) [ { foo.typo = 1; } ]);
    "submodule: an option called config" = is (value (types.submodule { options.config = mkOption { }; }) [ { config = 7; } ]) { config = 7; };
    "submodule: check off" = is (value (types.submodule { config._module.check = false; options.a = mkOption { default = 1; }; }) [ { zzz = 1; } ]) { a = 1; };
    "submoduleWith specialArgs" = is (value (types.submoduleWith { specialArgs.extra = 4; modules = [ ({ extra, ... }: { options.a = mkOption { default = extra; }; }) ]; }) [ { } ]) { a = 4; };
    "freeformType" = is (value (types.submodule { freeformType = types.attrsOf types.int; options.a = mkOption { default = 1; }; }) [ { b = 2; } ]) { a = 1; b = 2; };
    "freeformType: checked" = fails "option `x.b' is not of type `signed integer'" (value (types.submodule { freeformType = types.attrsOf types.int; }) [ { b = "no"; } ]);
    "either" = is [ (value (types.either types.int types.str) [ "a" ]) (value (types.either types.int types.str) [ 1 ]) ] [ "a" 1 ];
    "oneOf" = fails "signed integer or string or boolean" (value (types.oneOf [ types.int types.str types.bool ]) [ [ ] ]);
    "coercedTo" = is (value (types.coercedTo types.int toString types.str) [ 5 ]) "5";
    "anything" = is (value types.anything [ { a.b = 1; } { a.c = [ 2 ]; } ]) { a = { b = 1; c = [ 2 ]; }; };
    "raw" = is (value types.raw [ { a = 1; } ]) { a = 1; };
    "raw: twice" = fails "defined multiple times" (value types.raw [ 1 2 ]);
    "functionTo" = is (value (types.functionTo (types.listOf types.int)) [ (x: [ x ]) (x: [ (x + 1) ]) ] 1) [ 2 1 ];
    "strMatching" = fails "matching the pattern" (value (types.strMatching "[a-z]+") [ "A" ]);
    "separatedString" = is (value (types.separatedString ":") [ "a" "b" ]) "b:a";
    "singleLineStr" = is (value types.singleLineStr [ "a\n" ]) "a";
    "nonEmptyStr" = fails "non-empty" (value types.nonEmptyStr [ " " ]);
    "addCheck" = fails "not of type" (value (types.addCheck types.int (x: x > 3)) [ 1 ]);
    "unspecified" = is (value types.unspecified [ [ 1 ] [ 2 ] ]) [ 2 1 ];
    "deferredModule" = is (config [ (value types.deferredModule [ { options.a = mkOption { default = 3; }; } ]) ]).a 3;
    "mkOptionType with its own merge" = is (value (lib.mkOptionType { name = "count"; merge = _: defs: builtins.length defs; }) [ 1 "b" { } ]) 3;
  };

  moduleTests = {
    "missing value" = fails "option `x' was accessed but has no value defined" (value types.str [ ]);
    "unknown option, with its file" = fails "option `a.b' does not exist.*In `my-file.nix'" (config [ { options.a.c = mkOption { }; } (named "my-file.nix" { a.b = 1; }) ]);
    "unknown option, with a hint" = fails "Did you mean `services.foo'" (config [ { options.services.foo = mkOption { default = 1; }; config.services.fo = 1; } ]);
    "unknown option under a false condition" = fails "does not exist" (config [ { zzz = mkIf false 1; } ]);
    "unknown option, unchecked" = is (config [ { _module.check = false; zzz = 1; } { options.a = mkOption { default = 2; }; } ]) { a = 2; };
    "conflict names both files" = fails "In `f2.nix': \"b\".*In `f1.nix': \"a\"" (config [ { options.x = mkOption { type = types.str; }; } (named "f1.nix" { x = "a"; }) (named "f2.nix" { x = "b"; }) ]).x;
    "mkDefault, mkForce" = is (value types.int [ (mkDefault 1) 2 ] + value types.int [ (mkForce 10) 2 ]) 12;
    "mkIf" = is (config [ ({ config, ... }: { options.on = mkOption { default = true; }; options.x = mkOption { default = 0; }; config = mkIf config.on { x = 5; }; }) ]) { on = true; x = 5; };
    "mkIf with a non-Boolean" = fails "not a Boolean" (value types.int [ (mkIf 1 2) ]);
    "mkMerge" = is (config [ { options.x = mkOption { type = types.attrsOf types.int; }; config = mkMerge [ { x.a = 1; } (mkIf true { x.b = 2; }) (mkIf false { x.c = 3; }) ]; } ]).x { a = 1; b = 2; };
    "mkOverride of a set reaches its members" = is (config [ { options.a.b = mkOption { }; } { a = mkForce { b = 2; }; } { a.b = 1; } ]).a.b 2;
    "default and apply" = is (config [ { options.x = mkOption { default = 2; apply = x: x * 10; }; } ]).x 20;
    "read-only" = fails "is read-only, but it's set multiple times" (config [ { options.x = mkOption { readOnly = true; default = 1; }; } { x = 2; } ]).x;
    "imports and _module.args" = is (config [ { imports = [ ({ given, ... }: { options.x = mkOption { default = given; }; }) ]; _module.args.given = 9; } ]).x 9;
    "missing module argument" = fails "attribute '?nope'? missing" (config [ ({ nope, ... }: { options.x = mkOption { default = nope; }; }) ]).x;
    "specialArgs in imports" = is (lib.evalModules { specialArgs.m = { options.x = mkOption { default = 1; }; }; modules = [ ({ m, ... }: { imports = [ m ]; }) ]; }).config { x = 1; };
    "the same key only once" = is (config [ { imports = [ { key = "k"; options.x = mkOption { default = 1; }; } { key = "k"; options.x = mkOption { default = 1; }; } ]; } ]) { x = 1; };
    "disabledModules" = is (config [ { key = "off"; options.y = mkOption { default = 1; }; } { disabledModules = [ { key = "off"; } ]; options.x = mkOption { default = 1; }; } ]) { x = 1; };
    "stray attribute next to config" = fails "unsupported attribute `foo'" (config [ { config = { }; foo = 1; } ]);
    "not a module" = fails "does not look like a module|is a int" (config [ 5 ]);
    "declared twice" = fails "`x' in `b.nix' is already declared in `a.nix'|`x' in `a.nix' is already declared in `b.nix'" (config [ (named "a.nix" { options.x = mkOption { type = types.int; default = 1; }; }) (named "b.nix" { options.x = mkOption { type = types.int; default = 1; }; }) ]).x;
    "submodule types of two declarations merge" = is (config [ { options.s = mkOption { type = types.attrsOf (types.submodule { options.a = mkOption { default = 1; }; }); default = { }; }; } { options.s = mkOption { type = types.attrsOf (types.submodule ({ config, ... }: { options.b = mkOption { default = config.a + 1; }; })); }; config.s.one = { }; } ]) { s.one = { a = 1; b = 2; }; };
    "types that do not merge" = fails "already declared" (config [ { options.s = mkOption { type = types.int; }; } { options.s = mkOption { type = types.str; }; } ]).s;
    "prefix of another option" = fails "is a prefix of options" (config [ { options.a = mkOption { }; } { options.a.b = mkOption { }; } ]).a;
    "renamed option" = is (config [ (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = mkOption { type = types.int; }; options.warnings = mkOption { type = types.listOf types.str; default = [ ]; }; config.old = 3; } ]).new 3;
    "renamed option warns" = is (builtins.length (config [ (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = mkOption { type = types.int; }; options.warnings = mkOption { type = types.listOf types.str; default = [ ]; }; config.old = 3; } ]).warnings) 1;
    "removed option" = is (builtins.head (config [ (lib.mkRemovedOptionModule [ "gone" ] "Use better.") { options.assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; }; config.gone = 3; } ]).assertions).assertion false;
    "options.isDefined, files" = is (let o = (eval [ { options.x = mkOption { type = types.int; }; } (named "def.nix" { x = 1; }) ]).options.x; in [ o.isDefined o.files o.value ]) [ true [ "def.nix" ] 1 ];
    "prefix" = fails "option `containers.demo.zzz' does not exist" (lib.evalModules { prefix = [ "containers" "demo" ]; modules = [ { zzz = 1; } ]; }).config;
    "extendModules" = is ((eval [ { options.x = mkOption { default = 1; }; } ]).extendModules { modules = [ { x = 5; } ]; }).config.x 5;
    "values are lazy" = is (config [ { options.a = mkOption { }; options.b = mkOption { }; config.a = 1; config.b = throw "not needed"; } ]).a 1;
  };

  nixosTests = {
    "a container has a system" = is (lib.hasPrefix builtins.storeDir (discard (host { demo.config = { }; }).config.containers.demo.path)) true;
    "unknown option of a container" = fails "option `containers.demo.foo' does not exist.*In `host.nix'" (host { demo.foo = 1; }).config.containers.demo.path;
    "unknown option of a container's system" = fails "option `containers.demo.services.nope' does not exist.*demo.nix" (container { services.nope = 1; }).system.build.toplevel;
    "unknown option of the host" = fails "option `container' does not exist.*Did you mean `containers'" (system [ { container.demo = { }; } ]).config.containers;
    "removed option pkgs" = fails "containers.demo.pkgs' in .* no longer has any effect" (host { demo.pkgs = 1; demo.config = { }; }).config.containers.demo.path;
    "an assertion stops the build" = fails "Failed assertions:\n- no way" (container { assertions = [ { assertion = false; message = "no way"; } ]; }).system.build.toplevel;
    "underscore in a name" = fails "underscore" (host { a_b.config = { }; }).config.containers.a_b.path;
    "sysctl: the highest limit" = is (system [ { boot.kernel.sysctl."fs.inotify.max_user_watches" = 5; } { boot.kernel.sysctl."fs.inotify.max_user_watches" = 9; } ]).config.boot.kernel.sysctl."fs.inotify.max_user_watches" 9;
    "sysctl: two definitions" = fails "kernel.sysctl.\"?kernel.x" (system [ { boot.kernel.sysctl."kernel.x" = 1; } { boot.kernel.sysctl."kernel.x" = 1; } ]).config.boot.kernel.sysctl;
    "unit paths" = is (system [ { boot.extraSystemdUnitPaths = [ "/a" "/b" ]; } ]).config.environment.etc."systemd/system.conf".text "[Manager]\nManagerEnvironment=SYSTEMD_UNIT_PATH='/a:/b:'\n";
    "networkd" = is (system [ { systemd.network = { enable = true; networks.a.matchConfig.Name = "x"; }; } ]).config.environment.etc."systemd/network/a.network".text "[Match]\nName=x\n\n";
    "filterForward needs nftables" = fails "filterForward only works" (system [ { networking.firewall.filterForward = true; } ]).config.system.build.toplevel;
    "host name and stateVersion" = is [ (container { }).networking.hostName (container { }).boot.isContainer ] [ "demo" true ];
    "conf" = is (discard (host {
      demo = {
        path = "/nix/store/x";
        privateNetwork = true;
        hostAddress = "10.0.0.1";
        localAddress = "10.0.0.2/24";
        localAddress6 = "fd00::2";
        forwardPorts = [ { hostPort = 80; } { protocol = "udp"; hostPort = 1; containerPort = 2; } ];
        interfaces = [ "eth1" "eth2" ];
        bindMounts."/b" = { hostPath = "/a"; isReadOnly = false; };
        bindMounts."/c" = { };
        extraFlags = [ "--foo" "--bar" ];
        autoStart = true;
      };
    }).config.environment.etc."nixos-containers/demo.conf".text) ''
      SYSTEM_PATH=/nix/store/x
      COPY_RESOLV_CONF=1
      PRIVATE_NETWORK=1
      HOST_PORT=tcp:80:80,udp:1:2
      HOST_ADDRESS=10.0.0.1
      LOCAL_ADDRESS=10.0.0.2/24
      LOCAL_ADDRESS6=fd00::2
      PRIVATE_USERS=no
      INTERFACES="eth1 eth2"
      MACVLANS=""
      AUTO_START=1
      EXTRA_NSPAWN_FLAGS=" --bind=/a:/b --bind-ro=/c --foo --bar"
    '';
    "older hosts have other directories" = is (builtins.attrNames (lib.filterAttrs (n: _: lib.hasInfix "containers/" n) (import ./nixos/lib/eval-config.nix { system = "x86_64-linux"; modules = [ { system.stateVersion = "21.11"; containers.demo.path = "/x"; } ]; }).config.environment.etc)) [ "containers/demo.conf" ];
    "unit" = is (
      let
        text = discard (host { demo = { path = "/x"; autoStart = true; enableTun = true; interfaces = [ "en-0" ]; }; }).config.systemd.units."container@demo.service".text;
        lines = lib.splitString "\n" text;
      in
      map (l: builtins.elem l lines) [
        "Description=Container '%i'" "DeviceAllow=/dev/net/tun rwm" "KillSignal=TERM" "Environment=\"INSTANCE=%i\""
        "WantedBy=machines.target" "Wants=network.target sys-subsystem-net-devices-en\\x2d0.device" "RestartForceExitStatus=133"
      ]
    ) [ true true true true true true true ];
    "nested evaluation takes specialArgs" = is ((host { demo = { specialArgs.foo = 5; config = { foo, ... }: { networking.hostName = "h${toString foo}"; }; }; }).config.containers.demo.config.networking.hostName) "h5";
    "several definitions of a config" = is (
      let c = (system [ { containers.demo.config.environment.variables.A = "1"; } { containers.demo.config.environment.variables.B = "2"; } ]).config.containers.demo.config.environment.variables; in [ c.A c.B ]
    ) [ "1" "2" ];
    "ports of the ssh server are open" = is (container { services.openssh.enable = true; networking.firewall.allowedTCPPorts = [ 80 22 ]; }).networking.firewall.allowedTCPPorts [ 22 80 ];
    "iptables commands with nftables" = fails "extraCommands is incompatible" (container { networking.nftables.enable = true; networking.firewall.extraCommands = "x"; }).system.build.toplevel;
    "addresses of an interface" = is (builtins.attrNames (lib.filterAttrs (n: _: lib.hasPrefix "network-" n) (container { networking = { interfaces.eth0.ipv4.addresses = [ { address = "10.0.0.2"; prefixLength = 24; } ]; defaultGateway = "10.0.0.1"; }; }).systemd.services)) [ "network-addresses-eth0" "network-setup" ];
    "length of a prefix" = fails "prefixLength" (discard (container { networking.interfaces.eth0.ipv4.addresses = [ { address = "10.0.0.2"; prefixLength = 33; } ]; }).systemd.units."network-addresses-eth0.service".text);
    "overlays" = is (container ({ pkgs, ... }: { nixpkgs.overlays = [ (final: prev: { answer = "42"; }) ]; networking.hostName = pkgs.answer; })).networking.hostName "42";
    "escapeSystemdPath" = is (map (import ./nixos/lib/utils.nix { inherit lib; }).escapeSystemdPath [ "/" "/foo//bar-baz/" ".x" "eth0" ]) [ "-" "foo-bar\\x2dbaz" "\\x2ex" "eth0" ];
    "a service with both script and ExecStart" = fails "both a script and" (discard (container { systemd.services.x = { script = "a"; serviceConfig.ExecStart = "b"; }; }).systemd.units."x.service".text);
  };

  tests = lib.concatMapAttrs (group: lib.mapAttrs' (n: lib.nameValuePair "${group}: ${n}")) {
    lib = libTests;
    types = typeTests;
    modules = moduleTests;
    nixos = nixosTests;
  };
  show = lib.generators.toPretty { multiline = false; };
in
{
  names = lib.attrNames tests;
  # All tests that must not throw, evaluated together: the differences.
  plain = lib.mapAttrs (
    _: t: if t.expr == t.expected then "" else "expected ${show t.expected}\ngot ${show t.expr}"
  ) (lib.filterAttrs (_: t: t ? expected) tests);
  throwing = lib.mapAttrs (_: t: t.throws) (lib.filterAttrs (_: t: t ? throws) tests);
  run = lib.mapAttrs (_: t: builtins.deepSeq t.expr t.expr) (lib.filterAttrs (_: t: t ? throws) tests);
}
