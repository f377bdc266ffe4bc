# SPDX-License-Identifier: MIT
# Runs the script of a NixOS test on this throwaway host: `machine` is the host itself, and its reboot only stops and
# starts the units that machines.target wants. `outside` only needs to exist.
# Usage: vm-driver.py SCRIPT
import contextlib
import subprocess
import sys
import time


def run(command):
    done = subprocess.run(["bash", "-c", "set -euo pipefail; " + command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=120, text=True)
    return done.returncode, done.stdout


class Machine:
    def succeed(self, *commands):
        out = ""
        for command in commands:
            status, text = run(command)
            assert status == 0, f"{command}: status {status}, {text}"
            out += text
        return out

    def fail(self, command):
        status, text = run(command)
        assert status != 0, f"{command}: succeeded, {text}"
        return text

    def wait_until_succeeds(self, command, timeout=60):
        end = time.monotonic() + timeout
        while run(command)[0] != 0:
            assert time.monotonic() < end, f"{command}: not in {timeout} seconds"
            time.sleep(0.1)  # polling, because there is no event when the result changes

    def wait_for_unit(self, unit):
        self.wait_until_succeeds(f"systemctl is-active {unit}")

    def shutdown(self):
        self.succeed("systemctl stop machines.target 'container@*.service'")

    def start(self):
        self.succeed("systemctl start machines.target")


@contextlib.contextmanager
def subtest(name):
    print(f"# {name}", file=sys.stderr)
    yield


machine = outside = Machine()
with open(sys.argv[1]) as script:
    exec(compile(script.read(), sys.argv[1], "exec"),
         {"machine": machine, "outside": outside, "subtest": subtest, "start_all": lambda: None})
