{ lib }:
rec {
  pathType = path: (builtins.readDir (dirOf path)).${baseNameOf path};
  pathIsDirectory = path: builtins.pathExists path && pathType path == "directory";
  pathIsRegularFile = path: builtins.pathExists path && pathType path == "regular";
  cleanSourceFilter =
    path: type:
    let
      name = baseNameOf (toString path);
    in
    !(builtins.elem name [ ".git" ".svn" ".hg" "CVS" ] && type == "directory" || lib.hasSuffix "~" name || lib.hasPrefix "result" name && type == "symlink");
  cleanSourceWith =
    { src, filter ? _: _: true, name ? "source" }:
    builtins.path { path = src; inherit filter name; };
  cleanSource = src: cleanSourceWith { inherit src; filter = cleanSourceFilter; };
  sourceByRegex =
    src: patterns:
    cleanSourceWith {
      inherit src;
      filter = path: _: let rel = lib.removePrefix (toString src + "/") (toString path); in builtins.any (p: builtins.match p rel != null) patterns;
    };
  sourceFilesBySuffices =
    src: suffixes:
    cleanSourceWith { inherit src; filter = path: type: type == "directory" || builtins.any (s: lib.hasSuffix s path) suffixes; };
  canCleanSource = src: builtins.isPath src;
}
