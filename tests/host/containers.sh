# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced after lib.sh by tests of containers, in a throwaway host.

export LC_ALL=C
cd /root || exit 1

# The directories of this host.
if [[ ${EC_HOST_FLAVOUR-} == nixos ]]; then units=/etc/systemd-mutable/system; else units=/etc/systemd/system; fi
confs=/etc/nixos-containers
states=/var/lib/nixos-containers

# has_plugin NAME: uses the last list of plugins if the program has been removed.
has_plugin() {
        ! command -v extra-container >/dev/null || plugins_here=$(extra-container plugins | cut -f 1)
        grep -qx -- "$1" <<<"${plugins_here-}"
}
# Printed at each installation; only the tests of the plugin check it.
has_plugin gc || usual="warning: no plugin protects installed containers from Nix's garbage collector, .*"

# def FILE: writes stdin to a definition file.
def() {
        cat >"$1"
}

# simple FILE NAME [TEXT]: writes a definition of one small container; another TEXT gives another system.
simple() {
        def "$1" <<END
{ containers.$2.config = { environment.etc.mark.text = "${3-1}"; system.stateVersion = "26.05"; }; }
END
}

active() {
        systemctl is-active "container@$1.service"
}

leader() {
        machinectl show -p Leader --value "$1"
}

# Prints a file of a running container.
inside() {
        chroot "/proc/$(leader "$1")/root" /run/current-system/sw/bin/cat "$2"
}

# Prints what remains of a container anywhere on the host; must be empty after destroy.
left_of() {
        local name=$1 f roots=()
        ! has_plugin gc || roots=("/nix/var/nix/gcroots/auto/extra-container-$name"{,.conf})
        for f in "$units/container@$name.service" "/usr/lib/systemd/system/container@$name.service" \
                {"$units",/usr/lib/systemd/system}/machines.target.wants/"container@$name.service" \
                {/etc/nixos-containers,/etc/containers}/"$name.conf" {/var/lib/nixos-containers,/var/lib/containers,/run/nixos-containers}/{,.#}"$name"{,.lck} \
                "/nix/var/nix/profiles/per-container/$name" "/nix/var/nix/gcroots/per-container/$name" "${roots[@]}" \
                "/run/extra-container/pending/$name" "/run/systemd/machines/$name" "/sys/class/net/ve-$name" \
                "/run/systemd/network/79-extra-container-$name.network"; do
                [[ ! -e $f && ! -L $f ]] || printf '%s\n' "$f"
        done
        for f in /var/log/journal/*; do
                [[ ! -L $f || $(readlink "$f") != */"$name"/* ]] || printf '%s\n' "$f"
        done
        systemctl list-units --all --plain --no-legend "container@$name.service"
        iptables-save 2>/dev/null | grep -F -e "$name" || :
        nft list ruleset 2>/dev/null | grep -F -e "$name" || :
}

# Prints every link, file and unit of containers, to check that nothing has changed.
container_files() {
        find "$units" "$confs" /etc/containers /etc/systemd/system /usr/lib/systemd/system/container@* /nix/var/nix/gcroots/auto /run/extra-container/pending \
                \( -name 'container@*' -o -name '*.conf' -o -name 'extra-container-*' -o -name 'machines.target' -o -path '*pending/*' \) \
                -printf '%p -> %l %T@\n' 2>/dev/null | sort
}
