# SPDX-License-Identifier: MIT
# A NixOS test: a host with the module, in a virtual machine without a network but to
# another one. What the containers need was built before.
#
#   nix build .#checks.x86_64-linux.vm-test
{ pkgs, module, package }:

let
  inherit (pkgs) lib;

  network = ../plugins/network/module.nix;

  # As extra-container builds it: `etc` with the unit and the settings of a container.
  build = definition: (import ./eval/eval-config.nix {
    inherit pkgs definition;
    definitionName = "vm-test.nix";
    inherit (pkgs.stdenv.hostPlatform) system;
    modules = lib.optional (builtins.pathExists network) network;
  }).etc;

  # Answers each connection with one line.
  answer = text: {
    wantedBy = [ "multi-user.target" ];
    serviceConfig.ExecStart = "${pkgs.socat}/bin/socat -U TCP-LISTEN:80,fork,reuseaddr EXEC:'${pkgs.coreutils}/bin/echo ${text}'";
  };

  demo = text: build {
    containers.demo = {
      autoStart = true;
      privateNetwork = true;
      hostAddress = "10.250.0.1";
      localAddress = "10.250.0.2";
      config = {
        system.stateVersion = lib.trivial.release;
        systemd.services.answer = answer text;
        networking.firewall.allowedTCPPorts = [ 80 ];
      };
    } // lib.optionalAttrs (builtins.pathExists network) { extra.enableWAN = true; };
  };
  first = demo "hello";
  second = demo "hello-again";
  session = build { containers.scratch.config.system.stateVersion = lib.trivial.release; };

  runTest = pkgs.testers.runNixOSTest or pkgs.nixosTest;
in
runTest {
  name = "extra-container";

  nodes.machine = {
    imports = [ module ];
    programs.extra-container = {
      enable = true;
      package = lib.mkForce package;
      settings.plugins.gc = "required";
      settings.network.wait = "20s";
    };
    virtualisation.additionalPaths = [ first second session ];
    virtualisation.memorySize = 2048;
    # Nothing is to be asked for what is there.
    nix.settings.substituters = lib.mkForce [ ];
    system.stateVersion = lib.trivial.release;
  };

  nodes.outside = {
    systemd.services.answer = answer "outside";
    networking.firewall.allowedTCPPorts = [ 80 ];
    system.stateVersion = lib.trivial.release;
  };

  testScript = { nodes, ... }: ''
    ask = "${pkgs.socat}/bin/socat -T 5 -u"


    def answers(text: str) -> None:
        machine.wait_until_succeeds(f"test \"$({ask} TCP:10.250.0.2:80 -)\" = {text}", timeout=60)


    def leader() -> str:
        return machine.succeed("machinectl show --property Leader --value demo").strip()


    start_all()
    machine.wait_for_unit("multi-user.target")
    outside.wait_for_unit("answer.service")

    with subtest("The host is prepared, without a declarative container"):
        machine.succeed("systemctl show --property UnitPath --value | grep -w /etc/systemd-mutable/system")
        machine.succeed("systemctl is-active machines.target")
        machine.succeed("grep -x 'gc = required' /etc/extra-container.ini")
        assert "create" in machine.succeed("extra-container plugins")
        machine.succeed("test -z \"$(extra-container list)\"")

    with subtest("A container is created and started"):
        out = machine.succeed("extra-container create --start ${first}")
        assert out == "Installing containers:\ndemo\nStarting containers:\ndemo\n", out
        answers("hello")
        assert machine.succeed("extra-container list") == "demo\n"

    with subtest("It is updated in place"):
        before = leader()
        out = machine.succeed("extra-container create --start ${second}")
        assert out == "Installing containers:\ndemo\nUpdating containers:\ndemo\n", out
        answers("hello-again")
        assert leader() == before
        out = machine.succeed("extra-container create --start ${second}")
        assert out == "Installing containers:\ndemo (unchanged, skipped)\n", out
  ''
  + lib.optionalString (builtins.pathExists network) ''

    with subtest("It reaches other networks, also after the settings of the kernel were applied again"):
        command = f"extra-container run demo -- {ask} TCP:${nodes.outside.networking.primaryIPAddress}:80 -"
        assert "outside" in machine.succeed(command)
        machine.succeed("systemctl restart systemd-sysctl.service")
        assert "outside" in machine.succeed(command)
  ''
  + ''

    with subtest("A session has a container of its own"):
        assert machine.succeed("extra-container shell ${session} --run c cat /proc/sys/kernel/hostname") == "scratch\n"
        assert machine.succeed("extra-container list") == "demo\n"

    with subtest("It starts with the host"):
        machine.shutdown()
        machine.start()
        machine.wait_for_unit("container@demo.service")
        answers("hello-again")

    with subtest("It is destroyed"):
        machine.succeed("extra-container destroy demo")
        machine.fail("machinectl show demo")
        machine.succeed("test -z \"$(extra-container list)\"")
        machine.succeed("test ! -e /var/lib/nixos-containers/demo -a ! -e /etc/nixos-containers/demo.conf")
  '';
}
