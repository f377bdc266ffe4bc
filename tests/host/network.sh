# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced after containers.sh by tests of networks: hosts around the throwaway host, each a
# network namespace, and traffic between them.

[[ -e "$(dirname -- "${BASH_SOURCE[0]}")/../../plugins/network/network.c" ]] || skip_all "this tree has no plugin network"

# neighbour NAME NUMBER: a host at 203.0.NUMBER.2 and 2001:db8:NUMBER::2 next to ours
neighbour() {
        ip netns add "$1" &&
                ip link add "up-$1" type veth peer name eth0 netns "$1" &&
                ip addr add "203.0.$2.1/24" dev "up-$1" &&
                ip -6 addr add "2001:db8:$2::1/64" dev "up-$1" nodad &&
                ip link set "up-$1" up &&
                ip -n "$1" addr add "203.0.$2.2/24" dev eth0 &&
                ip -n "$1" -6 addr add "2001:db8:$2::2/64" dev eth0 nodad &&
                ip -n "$1" link set lo up && ip -n "$1" link set eth0 up
}

# listen WHERE...: port 80 there returns the client's address; WHERE is a command prefix
listen() {
        "$@" socat TCP4-LISTEN:80,fork,reuseaddr SYSTEM:'echo from $SOCAT_PEERADDR' &
        "$@" socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only SYSTEM:'echo from $SOCAT_PEERADDR' &
        wait_until 60 has_ports "$@"
}
has_ports() {
        [[ $("$@" ss -Hltn 'sport = 80' | wc -l) == 2 ]]
}

# hears TCP4:ADDRESS:PORT WHERE...: prints what the service returns, nothing if it cannot be reached
hears() {
        local to=$1 line=
        shift
        case $to in
        # The input must not end before the reply arrives.
        UDP*) read -r -t "${patience:-3}" line < <({ echo ask; sleep 5; } 2>/dev/null | "$@" socat - "$to" 2>/dev/null) && echo "$line" ;;
        *) "$@" socat -T3 - "$to,connect-timeout=${patience:-3}" </dev/null 2>/dev/null ;;
        esac
}

# none_hears TO... -- WHERE...: like hears, for addresses that should not reply; tries them in parallel and briefly
none_hears() {
        local to=() patience=1 t
        while [[ $1 != -- ]]; do to+=("$1") && shift; done
        shift
        local pids=()
        for t in "${to[@]}"; do
                hears "$t" "$@" >"$tap_dir/heard.${t//[^0-9a-zA-Z]/-}" &
                pids+=($!)
        done
        wait "${pids[@]}"
        cat "$tap_dir"/heard.*
        rm -f "$tap_dir"/heard.*
}

# within NAME CMD...: runs a program of the host in a container's network
within() {
        local name=$1
        shift
        nsenter -n -t "$(leader "$name")" "$@"
}

# Prints all rules of the host without counters and times, and without the names of containers that are only protected.
rules() {
        {
                nft list ruleset
                # Legacy iptables creates the tables that it lists, so ask only for existing ones.
                ! grep -q . /proc/net/ip_tables_names || iptables-legacy-save
                ! grep -q . /proc/net/ip6_tables_names || ip6tables-legacy-save
        } 2>/dev/null | sed -E '/set closed \{/,/^\t\}/d; /^$/d; /@closed/d; /ct direction reply/d; /^# (Generated|Completed)/d; s/\[[0-9]+:[0-9]+\]//; s/counter packets [0-9]+ bytes [0-9]+ ?//'
}

# settings LINE...: writes settings of the plugin
settings() {
        mkdir -p /etc/extra-container.d
        printf '%s\n' '[network]' "$@" >/etc/extra-container.d/network.ini
}
