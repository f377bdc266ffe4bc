# SPDX-License-Identifier: MIT
# SSH access to containers, for the key that the plugin gives as ecArgs.sshKey:
# its public half, the private one is never seen here.
{ config, lib, ecArgs, ... }:

let
  inherit (lib) mkIf mkOption types;

  byOption = (ecArgs.ssh or "") == "1";

  # The program's, or in a flake that which it is told.
  publicKey = name:
    ecArgs.sshKey or ecArgs.settings.ssh.publicKey or (throw "extra-container: container '${name}': ${cause name}: ${
      ecArgs.sshProblem or "this evaluation has no key; give buildContainers one, as features.ssh.publicKey (in a flake there is no other way: the key of the host is not part of it)"}");

  # What to name in an error: who set the option need not have heard of the other.
  cause = name: if byOption then "--ssh" else "containers.${name}.extra.enableSSH";

  enabled = lib.filter (name: config.containers.${name}.extra.enableSSH) (lib.attrNames config.containers);
  hasAddress = c: c.localAddress != null || (c.localAddress6 or null) != null;

  system = name: { config, ... }: {
    _file = "extra-container: SSH";
    config = {
      services.openssh.enable = true;
      users.users.root.openssh.authorizedKeys.keys = [ "${publicKey name} extra-container" ];
      # Tells `cssh` how to get in, and for which key this was built.
      environment.etc."extra-container/ssh".text =
        "${toString (lib.head (config.services.openssh.ports ++ [ 22 ]))} ${publicKey name}\n";
    };
  };
in
{
  options.containers = mkOption {
    type = types.attrsOf (types.submodule ({ config, name, ... }: {
      options.extra.enableSSH = mkOption {
        type = types.bool;
        default = byOption;
        defaultText = "true if --ssh is given";
        description = ''
          Whether root can log in to the container by SSH, with a key that
          extra-container makes once and keeps. In a session, the command
          `cssh` does so. Enables `services.openssh` in the container.

          Needs `privateNetwork` and an address: `localAddress` or `localAddress6`.
          Has no effect on a container that is defined by `path` or `flake`.
        '';
      };
      config.extra.modules = mkIf config.extra.enableSSH [ (system name) ];
    }));
  };

  config.assertions = lib.concatMap
    (name:
      let
        c = config.containers.${name};
      in
      [
        {
          assertion = c.privateNetwork;
          message = "container '${name}': ${cause name} needs a network of its own: set containers.${name}.privateNetwork";
        }
        {
          assertion = !c.privateNetwork || hasAddress c;
          message = "container '${name}': ${cause name} needs an address: set containers.${name}.localAddress or localAddress6";
        }
      ])
    enabled;
}
