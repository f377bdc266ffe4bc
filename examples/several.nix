# Three similar containers, made by a function. Each gets a free address.
{ lib, ... }:

let
  node = role: {
    autoStart = true; # start at boot
    extra = {
      addressPrefix = "auto";
      firewallAllowHost = true; # the host can connect to every port
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
