{ lib }:
rec {
  splitVersion = builtins.splitVersion;
  major = v: builtins.elemAt (splitVersion v) 0;
  minor = v: builtins.elemAt (splitVersion v) 1;
  patch = v: builtins.elemAt (splitVersion v) 2;
  majorMinor = v: "${major v}.${minor v}";
  pad = n: v: let parts = splitVersion v; in lib.concatStringsSep "." (lib.take n (parts ++ lib.replicate n "0"));
}
