# SPDX-License-Identifier: MIT
# A NixOS test: a virtual machine with the module. Its only network is one with another machine, and everything that
# the containers need is built before it starts.
#
#   nix build .#checks.x86_64-linux.vm-test
#
# A plugin adds to it with plugins/NAME/vm-test.nix, a function of { lib, pkgs, build } whose result has
#   container  settings of the container that the test creates
#   settings   settings of the program
#   outputs    what else its script needs
#   script     a function of { nodes }: Python that runs while the container does, in the scope of the test's script
{ pkgs, module, package }:

let
  inherit (builtins) attrNames elem filter fromJSON pathExists readDir readFile toJSON;
  inherit (pkgs) lib;

  plugins = ../plugins;
  pluginsWith = file: filter (n: pathExists (plugins + "/${n}/${file}")) (attrNames (readDir plugins));
  installed = pluginsWith "feature.json";
  commands = lib.concatMap (n: (fromJSON (readFile (plugins + "/${n}/feature.json"))).commands or [ ]) installed;

  parts = map (n: import (plugins + "/${n}/vm-test.nix") { inherit lib pkgs build; }) (pluginsWith "vm-test.nix");
  fromParts = name: filter (v: v != null) (map (part: part.${name} or null) parts);

  # The output of `extra-container build`: `etc` with the unit and the conf file of a container.
  features = import ./features.nix { inherit lib; features = null; };
  build = definition: (import ./eval/eval-config.nix {
    inherit pkgs definition;
    inherit (features) args disabled modules;
    inherit (pkgs.stdenv.hostPlatform) system;
    definitionName = "vm-test.nix";
  }).etc;

  # Answers each connection with one line.
  answer = text: {
    wantedBy = [ "multi-user.target" ];
    serviceConfig.ExecStart =
      "${pkgs.socat}/bin/socat -U TCP-LISTEN:80,fork,reuseaddr EXEC:'${pkgs.coreutils}/bin/echo ${text}'";
  };

  demo = text: build {
    containers.demo = lib.mkMerge ([
      {
        autoStart = true;
        privateNetwork = true;
        hostAddress = "10.250.0.1";
        localAddress = "10.250.0.2";
        config = {
          system.stateVersion = lib.trivial.release;
          systemd.services.answer = answer text;
          networking.firewall.allowedTCPPorts = [ 80 ];
        };
      }
    ] ++ fromParts "container");
  };
  first = demo "hello";
  second = demo "hello-again";

  runTest = pkgs.testers.runNixOSTest or pkgs.nixosTest;
in
runTest {
  name = "extra-container";

  nodes.machine = {
    imports = [ module ];
    programs.extra-container = {
      enable = true;
      package = lib.mkForce package;
      settings = lib.mkMerge ([ { plugins = lib.genAttrs installed (_: "required"); } ] ++ fromParts "settings");
    };
    virtualisation.additionalPaths = [ first second ] ++ lib.concatLists (fromParts "outputs");
    virtualisation.memorySize = 2048;
    # Everything is there, and no substituter can be reached.
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
        machine.succeed("extra-container plugins")
        for plugin in ${toJSON installed}:
            machine.succeed(f"grep -x '{plugin} = required' /etc/extra-container.ini")
  ''
  + lib.optionalString (elem "create" commands) (''

    with subtest("A container is created and started"):
        assert machine.succeed("extra-container list") == ""
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
  + lib.concatMapStrings (script: "\n" + script { inherit nodes; }) (fromParts "script")
  + ''

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
  '');
}
