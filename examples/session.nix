# A container to try things in: extra-container shell session.nix
{
  containers.session = {
    extra = {
      addressPrefix = "10.251.0";
      enableWAN = true; # it reaches what the host reaches
      enableSSH = true; # cssh
    };
    config = { pkgs, ... }: {
      system.stateVersion = "26.05";
      environment.systemPackages = [ pkgs.hello ];
    };
  };
}
