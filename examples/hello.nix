# A container with its own network and one service.
{
  containers.hello = {
    extra.addressPrefix = "10.250.0"; # the host is .1, the container .2
    config = { pkgs, ... }: {
      system.stateVersion = "26.05";
      systemd.services.hello = {
        wantedBy = [ "multi-user.target" ];
        script = "while true; do echo hello | ${pkgs.netcat}/bin/nc -lN 50; done";
      };
      networking.firewall.allowedTCPPorts = [ 50 ];
    };
  };
}
