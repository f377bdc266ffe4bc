# SPDX-License-Identifier: MIT
# SSH access to containers with a key of which the plugin passes the public half as ecArgs.sshKey.
{ config, lib, ecArgs, ... }:

let
  inherit (lib) mkIf mkOption types;

  byOption = (ecArgs.ssh or "") == "1";

  # From the program, or in a flake from the caller.
  publicKey = name: ecArgs.sshKey or ecArgs.settings.ssh.publicKey or (throw (
    "extra-container: container '${name}': ${cause name}: " + (
      ecArgs.sshProblem or ("this evaluation has no key; pass one to buildContainers as features.ssh.publicKey "
        + "(a flake cannot use the key of the host, which is not part of the flake)")
    )
  ));

  # What errors name: the option of the command or the one of the definition, whichever the user has set.
  cause = name: if byOption then "--ssh" else "containers.${name}.extra.enableSSH";

  enabled = lib.filter (name: config.containers.${name}.extra.enableSSH) (lib.attrNames config.containers);
  # Only feature network has the short way.
  short = c: lib.optionalString (c.extra ? networkProblems) "extra.addressPrefix = \"auto\", or ";
  howTo = c: others: "set ${short c}${others}";
  hasAddress = c: c.localAddress != null || (c.localAddress6 or null) != null;

  # Values with which sshd refuses a shell for root, whatever the key.
  rootLogin = openssh: openssh.settings.PermitRootLogin or openssh.permitRootLogin or "";
  refusesRoot = openssh: lib.elem (rootLogin openssh) [ "no" "forced-commands-only" ];

  system = name: { config, ... }: {
    _file = "extra-container: SSH";
    config = {
      warnings = lib.optional (refusesRoot config.services.openssh)
        ("${cause name}: root cannot log in, because the container's services.openssh.settings.PermitRootLogin is "
          + "\"${rootLogin config.services.openssh}\"; with \"prohibit-password\", keys are accepted");
      services.openssh.enable = true;
      users.users.root.openssh.authorizedKeys.keys = [ "${publicKey name} extra-container" ];
      # For `cssh`: the port, the key that this was built for, and the host keys.
      environment.etc."extra-container/ssh".text =
        "${toString (lib.head (config.services.openssh.ports ++ [ 22 ]))} ${publicKey name}\n"
        + lib.concatMapStrings (key: "HostKey ${key.path}\n") (config.services.openssh.hostKeys or [ ]);
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
          Whether root can log in to the container by SSH, with a key that extra-container generates once and keeps.
          In a session, the command `cssh` connects. Enables `services.openssh` in the container.

          Needs `privateNetwork` and an address: `localAddress` or `localAddress6`. Has no effect on a container that
          is defined by `path` or `flake`.
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
          message = "container '${name}': ${cause name} needs a private network: "
            + howTo c "privateNetwork, hostAddress and localAddress";
        }
        {
          assertion = !c.privateNetwork || hasAddress c;
          message = "container '${name}': ${cause name} needs an address: ${howTo c "localAddress or localAddress6"}";
        }
      ])
    enabled;
}
