# shellcheck shell=bash
# Sourced after containers.sh by the tests of cssh.

keys=/run/extra-container/ssh
# network FILE [TEXT [SYSTEM]]: writes the definition of the container of these sessions
network() {
        def "$1" <<END
{ containers.demo = { privateNetwork = true; hostAddress = "10.250.0.1"; localAddress = "10.250.0.2"; ${2-}
  config = { lib, ... }: { system.stateVersion = "26.05"; ${3-} }; }; }
END
}
# in_session CMDLINE: runs it in the shell of a session with --ssh, and keeps the container for the next one
in_session() {
        run extra-container shell d.nix --ssh -n --run bash -c "$1"
}
# Prints the open connections.
masters() {
        pgrep -xa ssh || :
}
# closed NAME: no connection is open; waits a moment for one that is closing.
closed() {
        wait_until 60 masters_gone
        is "$1" "$(masters)" ""
}
masters_gone() {
        ! pgrep -xa ssh
}
