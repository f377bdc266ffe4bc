# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
#   link.sh [--guard COMMAND] {--link NAME [--address ADDRESS | --route ADDRESS | --master BRIDGE]...}...
#
# Sets up the host's ends of a container's links as soon as systemd-nspawn has made them, in the background. NixOS does
# so when the container has booted, but what boots may wait for the host. Whatever fails here is tried again, and
# reported, by the unit's postStart.
#
# guard: a command that protects other containers from this one, and must succeed before a link is up.
set -u
export LC_ALL=C

limit=60 # seconds; by then the start has failed, or systemd-nspawn waits for something else

# While another process is in the unit's cgroup, systemd-nspawn could not enable controllers for the container. Only
# the unified hierarchy has this rule.
leave_cgroup() {
        local cgroup
        [[ -e /sys/fs/cgroup/cgroup.controllers ]] || return 0
        cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
        mkdir -p "$cgroup/link" && echo $$ >"$cgroup/link/cgroup.procs"
}

exists() {
        ip link show dev "$1" >/dev/null 2>&1
}

all_exist() {
        local n
        for n in "${links[@]}"; do exists "$n" || return; done
}

# Waits for messages of the kernel about links. The limit of each wait is for those that were sent before `ip` listened.
wait_for_links() {
        local end=$((SECONDS + limit)) from pid _
        exec {from}< <(exec ip monitor link 2>/dev/null)
        pid=$!
        until all_exist; do
                ((SECONDS < end)) || break
                read -r -t 0.5 -u "$from" _ || (($? > 128)) || break
        done
        exec {from}<&-
        kill "$pid"
        all_exist
}

# As nix/eval does for every container before the host's ends are up.
refuse_routes() {
        local link file
        link=$(ip -o link show dev "$1") && link=${link#*: } && link=${link%%[@:]*} || return
        for file in /proc/sys/net/ipv6/conf/"$link"/{accept_ra,accept_redirects,autoconf} \
                /proc/sys/net/ipv4/conf/{all,"$link"}/accept_redirects; do
                [[ ! -e $file || "$(<"$file")" == 0 ]] || echo 0 >"$file" || return
        done
}

set_up() {
        local link='' value family
        while (($#)); do
                value=$2 family=-4
                [[ $value != *:* ]] || family=-6
                case $1$family in
                --link*) link=$value && refuse_routes "$link" && ip link set dev "$link" up ;;
                --master*) ip link set dev "$link" master "$value" ;;
                # Without duplicate address detection: the container is the only other machine on the link.
                --address-6) ip -6 addr replace "$value" dev "$link" nodad ;;
                --address*) ip addr replace "$value" dev "$link" ;;
                # Not `replace`: the route may be one to another container.
                --route*) ip $family route add "$value" dev "$link" ;;
                esac || return
                shift 2
        done
}

guard=
[[ ${1-} != --guard ]] || { guard=$2 && shift 2; }
links=()
for ((i = 1; i < $#; i += 2)); do
        [[ ${!i} != --link ]] || { n=$((i + 1)) && links+=("${!n}"); }
done

leave_cgroup || exit 0
{
        wait_for_links && { [[ ! $guard ]] || "$BASH" -c "$guard"; } && set_up "$@"
} >/dev/null 2>&1 &
