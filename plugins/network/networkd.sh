# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   networkd.sh up NAME
#   networkd.sh down NAME
#
# systemd-networkd has its own file for the containers' interfaces on the host: it
# adds other addresses, masquerades, and may remove the addresses that the
# container's unit has set. `up` makes it leave the interface of this container alone.
set -u
export LC_ALL=C
umask 022

action=$1 name=$2
dir=/run/systemd/network
# Sorts before networkd's 80-container-ve.network, and after most files of an administrator.
file=$dir/79-extra-container-$name.network

warn() {
        echo "systemd-networkd: $*" >&2
}

reload() {
        busctl --quiet --timeout=5 "$@" call org.freedesktop.network1 /org/freedesktop/network1 \
                org.freedesktop.network1.Manager Reload 2>&1
}

# If networkd does not run, it is not started; it reads the files when it starts.
tell() {
        [ -e /run/systemd/netif/state ] || return 0
        problem=$(reload --auto-start=no) && return 0
        case $(systemctl is-active systemd-networkd.service 2> /dev/null) in
        active | activating | reloading)
                # It has read the files, but does not have its bus name yet; this call waits for the name.
                problem=$(reload) || warn "cannot reload its files: $problem" ;;
        esac
}

case $name in '' | *[!a-zA-Z0-9-]*) warn "'$name' is not a container name"; exit 1 ;; esac

case $action in
up)
        [ -d "$dir" ] || mkdir -p "$dir" || exit 1
        # A name that is too long for an interface is an alternative name of it, which also matches.
        printf '%s\n' "# Made by extra-container; removed when container '$name' stops." \
                '[Match]' "Name=ve-$name" '' '[Link]' Unmanaged=yes > "$file" || exit 1
        tell
        ;;
down)
        [ -e "$file" ] || exit 0
        # If systemd-nspawn was killed, the interface may still exist, and networkd would manage it.
        ip link del dev "ve-$name" 2> /dev/null
        rm -f "$file" || exit 1
        tell
        ;;
*) warn "unknown action '$action'"; exit 1 ;;
esac
exit 0
