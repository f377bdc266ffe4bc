# Several containers with much in common, made by a function. Each picks an address for itself.
{ lib, ... }:

let
  node = role: {
    autoStart = true; # they start with the host
    extra = {
      addressPrefix = "auto";
      firewallAllowHost = true; # the host reaches every port of theirs
    };
    config = {
      system.stateVersion = "26.05";
      environment.etc.role.text = role;
    };
  };
in
{
  containers = lib.genAttrs [ "web" "db" "cache" ] node;
}
