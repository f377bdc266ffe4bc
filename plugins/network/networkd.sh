# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
#   networkd.sh up NAME
#   networkd.sh down NAME
#
# systemd-networkd has a file of its own for the host's ends of containers' links:
# it gives them other addresses, masquerades, and may remove those that the
# container's unit has set. `up` tells it to leave that of this container alone.
set -u
export LC_ALL=C
umask 022

action=$1 name=$2
dir=/run/systemd/network
# In front of networkd's 80-container-ve.network, behind what an administrator has for it.
file=$dir/79-extra-container-$name.network

warn() {
        echo "systemd-networkd: $*" >&2
}

reload() {
        busctl --quiet --timeout=5 "$@" call org.freedesktop.network1 /org/freedesktop/network1 \
                org.freedesktop.network1.Manager Reload 2>&1
}

# Where it does not run, it is not started, and reads the files when it is.
tell() {
        [ -e /run/systemd/netif/state ] || return 0
        problem=$(reload --auto-start=no) && return 0
        case $(systemctl is-active systemd-networkd.service 2> /dev/null) in
        active | activating | reloading)
                # It is about to take its name, having read the files: the bus waits for that.
                problem=$(reload) || warn "it does not read its files again: $problem" ;;
        esac
}

case $name in '' | *[!a-zA-Z0-9-]*) warn "'$name' is no container's name"; exit 1 ;; esac

case $action in
up)
        [ -d "$dir" ] || mkdir -p "$dir" || exit 1
        # Names that are too long for an interface are a second one of it, which matches as well.
        printf '%s\n' "# Made by extra-container, as long as container '$name' runs." \
                '[Match]' "Name=ve-$name" '' '[Link]' Unmanaged=yes > "$file" || exit 1
        tell
        ;;
down)
        [ -e "$file" ] || exit 0
        # That of a systemd-nspawn that was killed may still be there, and would be taken over.
        ip link del dev "ve-$name" 2> /dev/null
        rm -f "$file" || exit 1
        tell
        ;;
*) warn "unknown action '$action'"; exit 1 ;;
esac
exit 0
