# shellcheck shell=sh disable=SC2034,SC2154 # variables of firewall.sh, which sources this file
# SPDX-License-Identifier: MIT
# The rules that protect containers from each other, in one table of nftables.

# Forwarding is a switch of the whole host. If it is on because of us, packets from and to other containers are
# dropped: those do not send through the host, and other machines cannot connect to any container. Containers without
# addresses have no route, or systemd-networkd manages their network.
add_interface() { # CONTAINER INTERFACE [ADDRESS...]
        case "$opened$closed" in *" \"$2\","*) return ;; esac
        if grep -qsx wan=1 "$state/$1"; then
                opened="$opened \"$2\","
                return
        fi
        closed="$closed \"$2\","
        # It only replies, and only in connections to itself, whose packets it cannot mix with those of others. The
        # addresses of a link are not known; what the kernel calls related may belong to another container.
        reply="iifname \"$2\" ct direction reply"
        shift 2
        [ $# != 0 ] || replies="$replies$reply ct state established accept
"
        for a; do
                case $a in *:*) f=ip6 ;; *) f=ip ;; esac
                replies="$replies$reply ct reply $f saddr $a accept
"
        done
}

# Those of a container's interface ve-NAME, or one that no connection has.
addresses_in() { # CONF
        sed -n 's|^LOCAL_ADDRESS6\{0,1\}=\([0-9a-fA-F.:][0-9a-fA-F.:]*\).*|\1|p' "$1" | grep . || echo 0.0.0.0
}

# Packets of opened containers to others keep their address, as they do to interfaces ve-*; otherwise they would seem
# to come from the host. The kernel then does not masquerade them.
kept_rules() {
        for file in "$state"/[!.]*; do
                grep -qsx wan=1 "$file" || continue
                # shellcheck disable=SC2013 # addresses have no blanks
                for a in $(sed -n 's/^address=//p' "$file"); do
                        case $a in *:*) f=ip6 to=$bridged6 ;; *) f=ip to=$bridged4 ;; esac
                        [ ! "$links" ] || echo "$f saddr $a oifname {$links } snat $f to $a"
                        [ ! "$to" ] || echo "$f saddr $a $f daddr {$to } snat $f to $a"
                done
        done
}

# No packet with an address to which no route leads by this interface, as in a connection of another container. Of
# bridges only those in which the host has an address: what only crosses a bridge may come this way, too.
sources() {
        from="fib saddr . iif oif missing fib daddr type { unicast, local } drop"
        [ ! "$opened" ] || echo "iifname @opened $from"
        [ ! "$closed" ] || echo "iifname @closed $from"
        for b in $bridges $opened_bridges; do
                for f in inet:ipv4 inet6:ipv6; do
                        ip -o addr show dev "$b" scope global 2> /dev/null | grep -q " ${f%:*} " || continue
                        echo "iifname \"$b\" meta nfproto ${f#*:} $from"
                done
        done
}

# The address of an opened container in a bridge does not come by links of others.
bridge_addresses() {
        [ "$opened$closed" ] || return 0
        [ ! "$opened4" ] || echo "iifname {$opened$closed } ip saddr {$opened4 } drop"
        [ ! "$opened6" ] || echo "iifname {$opened$closed } ip6 saddr {$opened6 } drop"
}

# The host relays nothing within a bridge: packets that only cross it are not sent to the host's hardware address. A
# bridge without an opened container is not connected to other networks either.
bridge_rules() {
        for b in $bridges $opened_bridges; do
                mac=$(cat "/sys/class/net/$b/address" 2> /dev/null) || continue
                echo "iifname \"$b\" oifname \"$b\" ether daddr $mac drop"
        done
        for b in $bridges; do
                case "$opened_bridges " in *" $b "*) continue ;; esac
                grep -qsF "/$b/forwarding" "$state"/.forwarding[46] && continue
                echo "iifname \"$b\" oifname != \"$b\" drop"
                echo "oifname \"$b\" iifname != \"$b\" drop"
        done
}

guard_rules() { # fib: with a check of where packets come from; nat: with kept_rules
        echo "table inet extra-container"
        echo "delete table inet extra-container"
        echo "table inet extra-container {"
        [ ! "$opened" ] || echo "set opened { type ifname; elements = {$opened } }"
        [ ! "$closed" ] || echo "set closed { type ifname; elements = {$closed } }"
        # Before the kernel puts fragments together, which may come by different interfaces.
        echo "chain prerouting {"
        echo "type filter hook prerouting priority -450; policy accept;"
        bridge_addresses
        ours
        case $1 in *fib*) sources ;; esac
        echo "}"
        case $1 in *nat*)
                echo "chain kept {"
                echo "type nat hook postrouting priority 90; policy accept;"
                kept_rules
                echo "}" ;;
        esac
        echo "chain forward {"
        echo "type filter hook forward priority -1; policy accept;"
        ours
        # Also what was allowed before the container was closed.
        printf '%s' "$replies"
        [ ! "$closed" ] || echo "iifname @closed drop"
        [ ! "$closed" ] || echo "oifname @closed ct direction reply drop"
        echo "ct state established,related accept"
        [ ! "$opened" ] || echo "iifname @opened accept"
        echo "ct status dnat accept"
        [ ! "$opened" ] || echo "oifname @opened drop"
        [ ! "$closed" ] || echo "oifname @closed drop"
        bridge_rules
        echo "}"
        echo "}"
}

# What the host forwards by itself is its own business.
ours() {
        for v in 4 6; do [ -e "$state/.forwarding$v" ] || echo "meta nfproto ipv$v accept"; done
}

# Its interface belongs to the bridge.
add_bridged() { # CONTAINER CONF
        b=$(sed -n 's/^HOST_BRIDGE=//p' "$2") set4='' set6=''
        for a in $(addresses_in "$2"); do
                case $a in *:*) set6="$set6 $a," ;; *) set4="$set4 $a," ;; esac
        done
        if grep -qsx wan=1 "$state/$1"; then
                opened_bridges="$opened_bridges $b" opened4=$opened4$set4 opened6=$opened6$set6
        else
                bridges="$bridges $b"
        fi
        # Only these have a route back through the host.
        ! grep -qE '^HOST_ADDRESS6?=.' "$2" || bridged4=$bridged4$set4 bridged6=$bridged6$set6
}

add_confs() {
        set -- /etc/nixos-containers/*.conf /etc/containers/*.conf
        in_bridges=$(grep -ls '^HOST_BRIDGE=.' "$@")
        # shellcheck disable=SC2013 # names of containers have no blanks
        for conf in $(grep -lsE '^(HOST_BRIDGE|(HOST|LOCAL)_ADDRESS6?)=.' "$@"); do
                n=${conf##*/} n=${n%.conf}
                case $in_bridges in *"$conf"*) add_bridged "$n" "$conf"; continue ;; esac
                find_interface "$n"
                # shellcheck disable=SC2046 # addresses have no blanks
                [ ! "$i" ] || add_interface "$n" "$i" $(addresses_in "$conf")
        done
}

# Those that run with addresses which their conf does not have any more.
add_running() {
        for file in /run/systemd/network/79-extra-container-*.network; do
                [ -e "$file" ] || continue
                n=${file##*/79-extra-container-} n=${n%.network}
                find_interface "$n"
                [ ! "$i" ] || add_interface "$n" "$i" 0.0.0.0
        done
}

add_links() {
        for file in "$state"/.links-*; do
                [ -e "$file" ] || continue
                n=${file##*/.links-}
                bridges="$bridges $(sed -n 's/^bridge://p' "$file" | tr '\n' ' ')"
                for i in $(links_of "$n"); do
                        add_interface "$n" "$i"
                        links="$links \"$i\","
                done
        done
}

guard() {
        opened='' closed='' replies='' links=''
        bridges='' opened_bridges='' bridged4='' bridged6='' opened4='' opened6=''
        add_confs
        add_running
        add_links
        # Some kernels lack the module for fib, or cannot translate in tables of both families.
        for parts in fib+nat nat fib; do
                ! guard_rules $parts | nft -f - 2> /dev/null || return 0
        done
        guard_rules none | nft -f - || die "nft rejects the rules that protect other containers"
}

guarded() {
        has nft && nft list table inet extra-container > /dev/null 2>&1
}
