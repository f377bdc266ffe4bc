# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# The container's own table of nftables.

nft_works() {
        has nft && nft list tables > /dev/null 2>&1
}

# One transaction, so that the table is never missing, doubled or incomplete.
nft_up() {
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
                for a in $addresses4; do echo "ip saddr $a masquerade"; done
                for a in $addresses6; do echo "ip6 saddr $a masquerade"; done
                echo "}"
                echo "}"
        } | nft -f - || die "nft rejects the rules"
}

nft_down() {
        has nft && nft list table inet "$tag" > /dev/null 2>&1 || return 0
        nft delete table inet "$tag" || failed=1
}
