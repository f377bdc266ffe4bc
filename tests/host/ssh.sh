# shellcheck shell=bash
# What the tests of cssh share: sourced behind containers.sh.

keys=/tmp/extra-container-ssh
# network FILE [TEXT [SYSTEM]]: the container of all sessions here
network() {
        def "$1" <<END
{ containers.demo = { privateNetwork = true; hostAddress = "10.250.0.1"; localAddress = "10.250.0.2"; ${2-}
  config = { lib, ... }: { system.stateVersion = "26.05"; ${3-} }; }; }
END
}
# in_session CMDLINE: in a shell of a session with --ssh; the container stays for the next
in_session() {
        run extra-container shell d.nix --ssh -n --run bash -c "$1"
}
# Connections that are open, on this side.
masters() {
        pgrep -xa ssh || :
}
# closed NAME: none is open any more; one that was told to go needs a moment.
closed() {
        wait_until 60 masters_gone
        is "$1" "$(masters)" ""
}
masters_gone() {
        ! pgrep -xa ssh
}
