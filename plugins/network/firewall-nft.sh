# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# The container's own table of nftables.

nft_works() {
        has nft && nft list tables > /dev/null 2>&1
}

# Translated connections get none of the ports below those that programs get: peers may send to services there.
find_ports() {
        read -r low _ < /proc/sys/net/ipv4/ip_local_port_range
        [ "$low" -ge 1024 ] || low=1024
        source_ports=$low-65535
}

nft_masquerade() { # MATCH
        for p in tcp udp sctp dccp; do echo "$1 meta l4proto $p masquerade to :$source_ports"; done
        echo "$1 masquerade"
}

nft_nat() {
        find_ports
        echo "chain prerouting {"
        # Before the kernel puts fragments together.
        echo "type filter hook prerouting priority -450; policy accept;"
        for a in $addresses4; do echo "$elsewhere ip saddr $a drop"; done
        for a in $addresses6; do echo "$elsewhere ip6 saddr $a drop"; done
        echo "}"
        echo "chain postrouting {"
        echo "type nat hook postrouting priority 100; policy accept;"
        echo "oifname \"ve-*\" accept"
        for a in $addresses4; do nft_masquerade "ip saddr $a"; done
        for a in $addresses6; do nft_masquerade "ip6 saddr $a"; done
        echo "}"
}

# Other containers and the host need places in the kernel's table of connections. Over the limit, packets are dropped
# for a moment without being counted, because some kernels keep what they count too long.
nft_limit() {
        echo "set over { type ifname; flags dynamic, timeout; timeout 20ms; }"
        echo "chain too_many {"
        echo "add @over { iifname }"
        echo "drop"
        echo "}"
        echo "chain connections {"
        echo "type filter hook prerouting priority -150; policy accept;"
        nft_sources | while read -r from; do
                echo "$from ct state new iifname @over drop"
                echo "$from ct state new ct count over $connections goto too_many"
        done
        echo "}"
}

# The known interfaces of the container, in a form for a set: also those of its extraVeths.
find_own() {
        own=${i:+"\"$i\","}
        [ "$link" != bridge ] || own=
        for own_link in $(links_of "$name"); do own="$own \"$own_link\","; done
}

# What comes from the container: by its interfaces, or in a bridge with its address.
nft_sources() {
        [ ! "$own" ] || echo "iifname {$own }"
        [ "$link" = bridge ] || return 0
        for a in $addresses4; do echo "ip saddr $a"; done
        for a in $addresses6; do echo "ip6 saddr $a"; done
}

nft_table() { # [limit]
        find_own
        echo "table inet $tag"
        echo "delete table inet $tag"
        echo "table inet $tag {"
        [ ! "${1-}" ] || nft_limit
        # The host would be a relay for connections of the container with itself.
        [ ! "$own" ] || cat << END
chain forward {
type filter hook forward priority -2; policy accept;
iifname {$own } oifname {$own } drop
}
END
        [ "$backend:$wan" != nftables:1 ] || nft_nat
        echo "}"
}

# One transaction, so that the table is never missing, doubled or incomplete.
nft_up() {
        if [ "$connections" != 0 ]; then
                ! nft_table limit | nft -f - 2> /dev/null || return 0
                warn "this host cannot limit the number of the container's connections (nftables: ct count)"
        fi
        nft_table | nft -f - || [ "$backend" != nftables ] || die "nft rejects the rules"
}

nft_down() {
        has nft && nft list table inet "$tag" > /dev/null 2>&1 || return 0
        nft delete table inet "$tag" || failed=1
}
