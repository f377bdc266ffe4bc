# A container to try things out in: extra-container shell session.nix
{
  containers.session = {
    extra = {
      addressPrefix = "10.251.0";
      enableWAN = true; # reaches every network that the host reaches
      enableSSH = true; # enables cssh
    };
    config = { pkgs, ... }: {
      system.stateVersion = "26.05";
      environment.systemPackages = [ pkgs.hello ];
    };
  };
}
