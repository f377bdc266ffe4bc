# SPDX-License-Identifier: MIT
# Internet access, in nix/vm-test.nix.
{ lib, pkgs, build }:

{
  container.extra.enableWAN = true;
  settings.network.wait = "20s";
  script = { nodes }: ''
    with subtest("The container reaches other networks, even after the kernel's settings are applied again"):
        command = f"extra-container run demo -- {ask} TCP:${nodes.outside.networking.primaryIPAddress}:80 -"
        assert "outside" in machine.succeed(command)
        machine.succeed("systemctl restart systemd-sysctl.service")
        assert "outside" in machine.succeed(command)
  '';
}
