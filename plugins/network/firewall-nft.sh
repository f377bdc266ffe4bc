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

# One transaction, so that the table is never missing, doubled or incomplete.
nft_up() {
        find_ports
        {
                echo "table inet $tag"
                echo "delete table inet $tag"
                echo "table inet $tag {"
                echo "chain prerouting {"
                echo "type filter hook prerouting priority -300; policy accept;"
                for a in $addresses4; do echo "$elsewhere ip saddr $a drop"; done
                for a in $addresses6; do echo "$elsewhere ip6 saddr $a drop"; done
                echo "}"
                echo "chain postrouting {"
                echo "type nat hook postrouting priority 100; policy accept;"
                echo "oifname \"ve-*\" accept"
                for a in $addresses4; do nft_masquerade "ip saddr $a"; done
                for a in $addresses6; do nft_masquerade "ip6 saddr $a"; done
                echo "}"
                echo "}"
        } | nft -f - || die "nft rejects the rules"
}

nft_down() {
        has nft && nft list table inet "$tag" > /dev/null 2>&1 || return 0
        nft delete table inet "$tag" || failed=1
}
