# SPDX-License-Identifier: MIT
# Sessions, in nix/vm-test.nix.
{ lib, pkgs, build }:

let
  session = build { containers.scratch.config.system.stateVersion = lib.trivial.release; };
in
{
  outputs = [ session ];
  script = { nodes }: ''
    with subtest("A session has its own container"):
        command = "extra-container shell ${session} --run c cat /proc/sys/kernel/hostname"
        assert machine.succeed(command) == "scratch\n"
        machine.fail("machinectl show scratch")
  '';
}
